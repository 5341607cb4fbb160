# shellcheck shell=bash
#
# authority.sh - an authority of its own for tests; source it after tap.sh.
#
#   authority_make DIR       cards and TLS keys: ca.pem, primary.pem, clerk.pem, tls.pem, tls.key
#   authority_start DIR OPTION...   the server on DIR/db, any port; sets authority_url and authority_pid
#   authority_kill SIGNAL    ends it and waits; sets authority_status

authority=${top_builddir:?}/tools/authority/twcard-authority
authority_load=$top_builddir/tests/bench/authority_load
authority_pid=
authority_url=
authority_status=0

authority_make() {
	"$authority_load" make "$1" || return 1
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1/tls.key" -out "$1/tls.pem" -days 2 -subj /CN=authority \
	    -addext subjectAltName=IP:127.0.0.1 2>/dev/null && chmod 600 "$1/tls.key"
}

authority_start() {
	local dir=$1 i

	shift
	: >"$dir/ready"
	"$authority" serve --database "$dir/db" --trust "$dir/ca.pem" --listen 127.0.0.1:0 --tls-cert "$dir/tls.pem" \
	    --tls-key "$dir/tls.key" --name test "$@" >"$dir/ready" 2>>"$dir/log" &
	authority_pid=$!
	# it says when; a minute is for a machine under load
	for ((i = 0; i < 600; i++)); do
		authority_url=$(sed -n 's/^ready: //p' "$dir/ready")
		[ -z "$authority_url" ] || return 0
		kill -0 "$authority_pid" 2>/dev/null || break
		sleep 0.1
	done
	diag "the authority does not start: $(tail -n 5 "$dir/log")"
	return 1
}

authority_kill() {
	[ -n "$authority_pid" ] || return 0
	kill -"$1" "$authority_pid" 2>/dev/null
	authority_status=0
	wait "$authority_pid" 2>/dev/null || authority_status=$?
	authority_pid=
}
