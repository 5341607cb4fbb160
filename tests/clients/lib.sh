# shellcheck shell=bash
#
# lib.sh - what the tests of other people's programs share; source it first.
# It has card.sh, and so a PC/SC daemon, a virtual card and a work directory.
#
# Set before sourcing, if wanted: sanitizer_ends=yes, the program ends with a
# sanitizer loaded first; stay_root=yes, only root can run the program.
#
# Each test has the same shape: what it needs, a function per generation's card
# that uses the program as docs/CLIENTS.md says, looks at the result with
# another program, and tries a wrong PIN and no card.
#
#   needs PROGRAM-OR-FILE PACKAGE  else all is skipped, and the package named
#   on_both_cards FUNCTION       calls it with a card of each generation in the reader;
#                                $kind says which, $serial is the token's
#   as_person COMMAND...         runs it in $home as the person of the test, no root where
#                                that can be had; ends it after $limit seconds
#   types PROMPT PIN COMMAND...  the same on a terminal, where the PIN is typed when the
#                                regular expression PROMPT was seen
#   succeeds NAME REGEX COMMAND... it ends well, and prints the REGEX
#   refuses NAME REGEX COMMAND... it fails, is no crash, and says the REGEX
#   refuses_wrong_pin NAME REGEX FUNCTION   FUNCTION PIN, with a wrong one: as refuses, and
#                                one try is used. The right PIN then gives the tries back
#   refuses_no_card NAME REGEX FUNCTION     FUNCTION PIN, without a card; it is back then
#   everyday ACTION "GEN1 GEN2" FUNCTION    FUNCTION PIN works, and the card gets no more
#                                commands than docs/CLIENTS.md says: each generation's number is
#                                FIRST/AGAIN/VERIFIES/OPERATIONS: without the disk cache, and
#                                with the certificates in it
#   counted ACTION "GEN1 GEN2" MORE   what the card got since reset_stats is no more than docs/BROWSERS.md
#                                says: COMMANDS/VERIFIES/OPERATIONS; or by MORE (COMMANDS/OPERATIONS) more
#   start_server NAME PORT-OR-SOCKET COMMAND...   in the background, returns when it listens
#   stop_server NAME
#   settle NAME...               waits until none of these programs runs any more: an agent's helper ends
#                                after the program that was used, and only then lets go of the card
#   wait_until COMMAND...        until it succeeds; at most $limit seconds
#   done_testing                 the plan, and as the last line how many passed, failed, were skipped
#
# Where the person is another user than the test, everything in $home is his.
#
# shellcheck disable=SC2034  # the variables are for the test
# shellcheck disable=SC2154  # and others come from card.sh

# shellcheck source=../lib/card.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/card.sh"

clients=$top_srcdir/tests/clients
home=$work/home
limit=300
servers=()

# What the caller's shell has for agents, proxies, screens and languages is not the person's.
keep_environment() {
	local name

	for name in $(compgen -e); do
		case $name in
		PATH | HOME | LC_ALL | LD_LIBRARY_PATH | TWCARD_* | top_srcdir | top_builddir | *SAN_OPTIONS) ;;
		*) unset -v "$name" ;;
		esac
	done
}

keep_environment

# A foreign program with a sanitizer loaded first does not always end: the exit
# handlers of libp11-kit wait for the sanitizer's, and it for theirs.
[ ${#module_environment[@]} -eq 0 ] || [ -n "${sanitizer_ends:-}" ] ||
    skip_all "other people's programs are tried with a module without a sanitizer"

needs() {
	[ -e "$1" ] || command -v "$1" >/dev/null || skip_all "$1 is not installed (package $2)"
}

# ---- the person ------------------------------------------------------------------

# A user of this name space only: ssh, git and gpg want one with a name.
make_user() {
	local uid=47114

	cp /etc/passwd "$work/passwd" || return 1
	printf 'twcard-test:x:%d:%d::%s:/bin/sh\n' "$uid" "$uid" "$home" >>"$work/passwd"
	mount --bind "$work/passwd" /etc/passwd 2>/dev/null || return 1
	person=(setpriv "--reuid=$uid" "--regid=$uid" --clear-groups --)
	"${person[@]}" test -r "$module" 2>/dev/null && chown "$uid:$uid" "$work" "$home" && return 0
	umount /etc/passwd
	return 1
}

# Where no other user can be had, the person is who runs the test.
become_person() {
	person=()
	mkdir -p "$home"
	[ "$(id -u)" -ne 0 ] || [ -n "${stay_root:-}" ] || make_user || person=()
	person_name=$(as_person id -un)
	[ "$(as_person id -u)" -ne 0 ] || diag "no other user can be had here: the programs run as root"
	as_person mkdir -p .config .cache run tmp && chmod 700 "$home" "$home/run"
}

person_environment() {
	printf '%s\n' "HOME=$home" "XDG_CONFIG_HOME=$home/.config" "XDG_CACHE_HOME=$home/.cache" \
	    "XDG_RUNTIME_DIR=$home/run" "TMPDIR=$home/tmp" "TWCARD_DEBUG=${debug_level:-debug}" "TWCARD_DEBUG_FILE=$home/p11.log" \
	    ${module_environment[@]+"${module_environment[@]}"}
}

as_person() {
	local environment

	mapfile -t environment < <(person_environment)
	(cd "$home" && env "${environment[@]}" timeout --kill-after=5 "$limit" "${person[@]}" "$@" </dev/null)
}

types() {
	local prompt=$1 answer=$2 environment

	shift 2
	mapfile -t environment < <(person_environment)
	(cd "$home" && env "${environment[@]}" "$clients/type-pin.py" "$prompt" "$answer" "${person[@]}" "$@")
}

# ---- results ----------------------------------------------------------------------

skipped=0

# Shown after a failed test.
# shellcheck disable=SC2317  # called by tap.sh
on_failure() {
	local file

	for file in "$home/p11.log" "$work/card.log" "$work"/*server*.log "$work"/*sshd.log; do
		[ -s "$file" ] || continue
		printf -- '---- end of %s\n' "${file##*/}"
		tail -n 25 "$file"
	done
}

skip() {
	skipped=$((skipped + 1))
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

done_testing() {
	printf '1..%d\n' "$tap_count"
	printf '# %d passed, %d failed, %d skipped\n' "$((tap_count - tap_failed - skipped))" "$tap_failed" "$skipped"
	exit $((tap_failed > 0))
}

prints() {
	local regex=$1

	shift
	tap_run "$@"
	printf '%s\n' "$tap_output"
	[ "$tap_status" -eq 0 ] && grep -Eq -e "$regex" <<<"$tap_output"
}

succeeds() {
	check "$kind: $1" prints "${@:2}"
}

# Of git and ssh, 128 and 255 are failures like any other.
plain_status() {
	local status=0

	"$@" || status=$?
	case $status in
	128 | 255) return 1 ;;
	124) return 126 ;; # it hung
	*) return "$status" ;;
	esac
}

refuses() {
	check_fails "$kind: $1" plain_status "${@:3}"
	like "$kind: and says why" "$tap_output" "$2"
}

refuses_wrong_pin() {
	is "$kind: all tries are there" "$(tries_left "$kind")" 3
	refuses "$1 does not take a wrong PIN" "$2" "$3" "$wrong_pin"
	is "$kind: which costs one try" "$(tries_left "$kind")" 2
	check "$kind: the right PIN gives it back" as_person pkcs11-tool --module "$module" --list-objects "${login[@]}"
	is "$kind: all tries are there again" "$(tries_left "$kind")" 3
}

refuses_no_card() {
	stop_card
	refuses "$1 without a card" "$2" "$3" "$pin"
	start_card "$kind"
}

# What the card was asked since reset_stats: commands/verifies/operations.
counts() {
	printf '%s/%s/%s' "$(card_stat commands)" "$(card_stat verifies)" "$(card_stat private_ops)"
}

# The cache is believed once a program has read all certificates; OpenSSH does.
fill_cache() {
	as_person ssh-keygen -D "$module" >/dev/null 2>&1
}

needs ssh-keygen openssh-client

everyday() {
	local action=$1 wanted first again verifies operations got name=${0##*/}

	read -r -a wanted <<<"$2"
	[ "$kind" = person ] || wanted=("${wanted[1]}")
	IFS=/ read -r first again verifies operations <<<"${wanted[0]}"
	rm -rf "$home/.cache/twcard"
	reset_stats
	check "$kind: $action, the first time" "$3" "$pin"
	got=$(counts)
	at_most "$kind: commands" "${got%%/*}" "$first"
	first=${got%%/*}
	fill_cache
	reset_stats
	check "$kind: $action, again" "$3" "$pin"
	got=$(counts)
	at_most "$kind: commands" "${got%%/*}" "$again"
	diag "count: ${name%.test}|$action|$kind|$first/$got"
	is "$kind: private operations" "${got##*/}" "$operations"
	got=${got%/*}
	at_most "$kind: VERIFYs" "${got#*/}" "$verifies"
}

counted() {
	local wanted limits more got name=${0##*/}

	read -r -a wanted <<<"$2"
	[ "$kind" = person ] || wanted=("${wanted[1]}")
	IFS=/ read -r -a limits <<<"${wanted[0]}"
	IFS=/ read -r -a more <<<"$3"
	IFS=/ read -r -a got <<<"$(counts)"
	diag "count: ${name%.test}|$1|$kind|${got[0]}/${got[1]}/${got[2]}"
	at_most "$kind: commands of $1" "${got[0]}" $((limits[0] + more[0]))
	is "$kind: VERIFY" "${got[1]}" "${limits[1]}"
	at_most "$kind: private operations" "${got[2]}" $((limits[2] + more[1]))
}

# ---- servers ------------------------------------------------------------------------

wait_until() {
	local end=$((SECONDS + limit))

	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# State 0A is LISTEN.
listening() {
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
	    awk -v port=":$(printf %04X "$1")\$" '$2 ~ port && $4 == "0A" { found = 1 } END { exit !found }'
}

# listens_or_ended ADDRESS PID
listens_or_ended() {
	case $1 in
	/*) test -S "$1" ;;
	*) listening "$1" ;;
	esac || ! kill -0 "$2"
}

start_server() {
	local name=$1 address=$2 environment pid

	shift 2
	mapfile -t environment < <(person_environment)
	(cd "$home" && exec env "${environment[@]}" "$@" >"$work/$name.log" 2>&1 </dev/null) &
	pid=$!
	servers+=("$name=$pid")
	wait_until listens_or_ended "$address" "$pid" && kill -0 "$pid" 2>/dev/null ||
	    bail "$name does not listen: $(cat "$work/$name.log")"
}

stop_server() {
	local server kept=()

	for server in ${servers[@]+"${servers[@]}"}; do
		if [ "${server%%=*}" = "$1" ]; then
			kill "${server#*=}" 2>/dev/null
			wait "${server#*=}" 2>/dev/null
		else
			kept+=("$server")
		fi
	done
	servers=(${kept[@]+"${kept[@]}"})
}

# A zombie has let go of everything. The kernel knows the first 15 letters of a name.
runs() {
	local name

	for name; do
		sed -n 's/^[0-9]* (\(.*\)) \([A-Z]\) .*/\2 \1/p' /proc/[0-9]*/stat 2>/dev/null |
		    grep -q "^[^ZX] ${name:0:15}\$" && return 0
	done
	return 1
}

run_no_more() {
	! runs "$@"
}

settle() {
	wait_until run_no_more "$@" || diag "still there: $*"
}

eval "card_$(declare -f cleanup)"

# shellcheck disable=SC2317  # called by a trap
cleanup() {
	local server

	for server in ${servers[@]+"${servers[@]}"}; do
		kill "${server#*=}" 2>/dev/null
	done
	card_cleanup
}

# ---- what most tests have in $home -----------------------------------------------------

# Keys and certificates for a server on this machine, once.
make_server_keys() {
	as_person openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.pem -days 2 \
	    -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>"$work/req.log" ||
	    bail "openssl req: $(cat "$work/req.log")"
}

# The card's certificates, and their issuers', as PEM files.
export_certificates() {
	local what

	for what in root ca sign-cert encrypt-cert; do
		export_pem "$what"
		install -m 644 "$work/$what.pem" "$home/$what.pem"
	done
	cat "$home/root.pem" "$home/ca.pem" >"$home/issuers.pem"
	openssl x509 -in "$home/sign-cert.pem" -noout -pubkey >"$home/sign.pub"
}

on_both_cards() {
	use_keyset "$master_key"
	become_person
	chown -R --reference="$home" "$work/keysets"
	for kind in person person-gen2; do
		make_card "$kind"
		start_card "$kind"
		p11 --list-slots || bail "pkcs11-tool --list-slots: $(cat "$work/p11.err")"
		serial=$(sed -n 's/^ *serial num *: *//p' "$work/p11.out" | head -n 1)
		printf 'a message\n' >"$home/message.txt"
		export_certificates
		"$1"
		is "$kind: no try was lost" "$(tries_left "$kind")" 3
		stop_card
	done
}
