# shellcheck shell=bash
#
# https.sh - for tests of programs that visit a page which asks for a certificate; source it after lib.sh.
#
#   start_program NAME COMMAND... in the background, on the screen if there is one; output in $work/NAME.log
#   stop_program NAME            ends it, and returns when it has ended
#   make_server_chain            a CA and a server's certificate, as browsers want them
#   start_https VERSION          https-server.py, at $url; its lines are in $work/https.log
#   stop_https
#   said REGEX                   waits for a line of the server
#   make_nss_profile FOLDER      NSS's database with the server's CA
#   make_nss_database FOLDER     the same, and with the module
#
# Waiting is looking again until it is seen, for $patience seconds at most.
#
# shellcheck disable=SC2034,SC2154  # the variables are for the test, or lib.sh's

patience=${TWCARD_TEST_PATIENCE:-120}

needs ps procps

seen() {
	local end=$((SECONDS + patience))

	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# ---- programs --------------------------------------------------------------------

# A file for each, because what `check` runs is in a shell of its own.
start_program() {
	local name=$1

	shift
	: >"$work/$name.log" # now: what the last one said is not this one's
	limit=1800 as_person env ${DISPLAY:+"DISPLAY=$DISPLAY"} "$@" >"$work/$name.log" 2>&1 &
	printf '%s\n' "$!" >"$work/$name.pid"
}

# All that has come of a process, youngest first: time-outs and shells pass no signal on.
family() {
	local child

	for child in $(ps -o pid= --ppid "$1"); do
		family "$child"
	done
	printf '%s\n' "$1"
}

end_of() {
	local members

	mapfile -t members < <(family "$1")
	kill "${members[@]}" 2>/dev/null
	patience=20 seen no_more "${members[@]}" || kill -9 "${members[@]}" 2>/dev/null
	seen no_more "${members[@]}"
}

# A zombie is no more, too: who should fetch it may be gone.
no_more() {
	! ps -o stat= -p "$(IFS=,; printf '%s' "$*")" | grep -q '^[^Z]'
}

stop_program() {
	[ -e "$work/$1.pid" ] || return 0
	end_of "$(cat "$work/$1.pid")"
	rm -f "$work/$1.pid"
}

eval "clients_$(declare -f cleanup)"

# shellcheck disable=SC2317  # called by a trap
cleanup() {
	local file

	for file in "$work"/*.pid; do
		[ ! -e "$file" ] || stop_program "$(basename "$file" .pid)"
	done
	[ -z "${display_taken:-}" ] || rmdir "$display_taken"
	clients_cleanup
}

# ---- the page ----------------------------------------------------------------------------

make_server_chain() {
	as_person openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca-server.pem -days 2 \
	    -subj "/CN=A test's CA" 2>"$work/req.log" &&
	    as_person openssl req -x509 -newkey rsa:2048 -nodes -CA ca-server.pem -CAkey ca.key \
		-keyout server.key -out server.pem -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
		-addext extendedKeyUsage=serverAuth 2>"$work/req.log" || bail "openssl req: $(cat "$work/req.log")"
}

start_https() {
	start_program https "$clients/https-server.py" server.pem server.key issuers.pem "$1"
	said '^port' || bail "the server does not start: $(cat "$work/https.log")"
	url=https://localhost:$(sed -n 's/^port //p' "$work/https.log")
}

stop_https() {
	stop_program https
}

said() {
	seen grep -Eq -e "$1" "$work/https.log"
}

make_nss_profile() {
	as_person mkdir -p "$1" && as_person certutil -N -d "sql:$1" --empty-password &&
	    as_person certutil -A -d "sql:$1" -n server -t C,, -i ca-server.pem
}

make_nss_database() {
	local folder=$1

	make_nss_profile "$folder" &&
	    as_person modutil -force -dbdir "sql:$folder" -add twcard -libfile "$module"
}
