# shellcheck shell=bash
#
# authority.sh - an authority of its own for tests; source it after tap.sh.
#
#   authority_make DIR       cards and TLS keys: ca.pem, primary.pem, clerk.pem, tls.pem, tls.key
#   authority_start DIR OPTION...   the server on $authority_database, any port; sets authority_url and authority_pid
#   authority_launch DIR OPTION..., authority_await DIR   the same in two steps; sets authority_ready, which the
#                            second one reads, and authority_pid
#   authority_kill SIGNAL    ends it and waits; sets authority_status

authority=${top_builddir:?}/tools/authority/twcard-authority
authority_load=$top_builddir/tests/bench/authority_load
authority_database=
authority_pid=
authority_ready=
authority_url=
authority_status=0

authority_make() {
	"$authority_load" make "$1" || return 1
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1/tls.key" -out "$1/tls.pem" -days 2 -subj /CN=authority \
	    -addext subjectAltName=IP:127.0.0.1 2>/dev/null && chmod 600 "$1/tls.key"
}

authority_launch() {
	local dir=$1

	shift
	authority_ready=$(mktemp "$dir/XXXXXX.ready")
	"$authority" serve --database "$authority_database" --trust "$dir/ca.pem" --listen 127.0.0.1:0 \
	    --tls-cert "$dir/tls.pem" --tls-key "$dir/tls.key" --name test "$@" >"$authority_ready" 2>>"$dir/log" &
	authority_pid=$!
}

# it says when; three minutes are for a machine under load
authority_await() {
	local i

	for ((i = 0; i < 1800; i++)); do
		authority_url=$(sed -n 's/^ready: //p' "$authority_ready")
		[ -z "$authority_url" ] || return 0
		kill -0 "$authority_pid" 2>/dev/null || break
		sleep 0.1
	done
	diag "the authority does not start: $(tail -n 5 "$1/log")"
	return 1
}

authority_start() {
	authority_launch "$@"
	authority_await "$1"
}

authority_kill() {
	[ -n "$authority_pid" ] || return 0
	kill -"$1" "$authority_pid" 2>/dev/null
	authority_status=0
	wait "$authority_pid" 2>/dev/null || authority_status=$?
	authority_pid=
}
