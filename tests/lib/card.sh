# shellcheck shell=bash
#
# card.sh - what the card tests share; source it first. The test then runs
# inside with-pcscd and has a work directory, a virtual card and pkcs11-tool.
#
# Set before sourcing, if wanted: pcscd_options, an array for with-pcscd.
#
#   make_card KIND [NAME]      image $work/NAME.card of the kind (see card_options)
#   start_card NAME            serves it in reader 0, returns when pcscd sees it
#   stop_card                  takes it away, returns when pcscd has noticed
#   card_control ARGS...       twcard-virtual's control commands: insert, fault, …
#   card_stat FIELD            a counter: commands, verifies, private_ops, …
#   reset_stats                all counters to zero
#   card_field NAME FIELD      what the image has: card_number, unblock_tries_left, …
#   tries_left NAME            the try counter in the image
#   start_raw_card ARGS...     a scripted card instead (raw-card.py)
#   p11 ARGS...                pkcs11-tool with the module; output in $work/p11.out
#                              (stdout) and p11.err, the module's log in p11.log
#   p11_fails_with REGEX ARGS...   it fails, does not crash, and says REGEX
#   use_keyset [KEY]           key set for second-generation cards: $master_key, or none
#   certificate_key WHICH      public key of sign-cert or encrypt-cert, a PEM file
#
# TWCARD_TEST_VALGRIND=1 runs pkcs11-tool under valgrind.
#
# shellcheck disable=SC2034  # the variables are for the test
# shellcheck disable=SC2154  # pcscd_options is the test's

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top_srcdir=$(cd "${top_srcdir:-$here/../..}" && pwd)
top_builddir=$(cd "${top_builddir:-$top_srcdir}" && pwd)
export top_srcdir top_builddir

# shellcheck source=tap.sh
. "$here/tap.sh"

if [ -z "${TWCARD_WITH_PCSCD:-}" ]; then
	command -v pkcs11-tool >/dev/null || skip_all "pkcs11-tool is not installed (package opensc)"
	command -v openssl >/dev/null || skip_all "openssl is not installed"
	command -v python3 >/dev/null || skip_all "python3 is not installed"
	exec "$here/with-pcscd" --tap ${pcscd_options[@]+"${pcscd_options[@]}"} -- "$BASH" "$0" "$@"
fi

module=$top_builddir/src/.libs/twcard-pkcs11.so
virtual=${TWCARD_VIRTUAL:-$top_builddir/tools/virtual-card/twcard-virtual}
pin=t7wz42 # not hex digits: a search for it in a log cannot hit by chance
wrong_pin=654321
master_key=404142434445464748494A4B4C4D4E4F # of the second-generation test cards
id_sign=5349474e
id_keyx=4b455958
id_sign02=5349474e3032
export TWCARD_CONF=/dev/null LC_ALL=C.UTF-8
unset TWCARD_DEBUG TWCARD_DEBUG_FILE LANGUAGE

[ -e "$module" ] || bail "the module is not built: $module"
[ -x "$virtual" ] || bail "the virtual card is not built: $virtual"

# Short, because a Unix socket's path is.
work=$(mktemp -d /tmp/twcard-test.XXXXXX) || bail "no work directory"
card_pid=
card_image=
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# shellcheck disable=SC2317  # called by a trap
cleanup() {
	[ -z "$card_pid" ] || kill "$card_pid" 2>/dev/null
	rm -rf "$work"
}

# Shown after a failed test.
# shellcheck disable=SC2317  # called by tap.sh
on_failure() {
	local file

	for file in p11.out p11.err p11.log card.log; do
		[ -s "$work/$file" ] || continue
		printf -- '---- end of %s\n' "$file"
		tail -n 25 "$work/$file"
	done
}

# ---- cards ----------------------------------------------------------------------

card_options() {
	case $1 in
	person) printf '%s\n' --generation 1 --ca moica --name 王小明 ;;
	person-other) printf '%s\n' --generation 1 --ca moica --name 李大華 ;;
	company) printf '%s\n' --generation 1 --ca moeaca --name 測試股份有限公司 --rank primary ;;
	company-attached) printf '%s\n' --generation 1 --ca moeaca --name 測試股份有限公司 --rank secondary ;;
	company-clerk) printf '%s\n' --generation 1 --ca moeaca --name 測試股份有限公司 --rank secondary ;;
	company-attached-gen2) printf '%s\n' --generation 2 --ca moeaca --name 測試股份有限公司 --rank secondary \
	    --master-key "$master_key" ;;
	company-other) printf '%s\n' --generation 1 --ca moeaca --name 別家股份有限公司 --rank primary --id 24681357 ;;
	person-gen2) printf '%s\n' --generation 2 --ca moica --name 王小明 --master-key "$master_key" ;;
	*) bail "no such kind of card: $1" ;;
	esac
}

# Images are made once for a build directory: RSA keys take their time.
make_card() {
	local kind=$1 name=${2:-$1} cache=$top_builddir/tests/tmp options

	mkdir -p "$cache" || bail "no directory $cache"
	mapfile -t options < <(card_options "$kind")
	(
		flock 8
		if ! [ -s "$cache/$kind.card" ] || [ "$virtual" -nt "$cache/$kind.card" ]; then
			"$virtual" create --force --out "$cache/$kind.card" --pin "$pin" "${options[@]}"
		fi
	) 8>"$cache/$kind.lock" >"$work/create.log" 2>&1 || bail "twcard-virtual create: $(cat "$work/create.log")"
	cp "$cache/$kind.card" "$work/$name.card"
}

# card_seen Yes|No [READER]: pcscd has noticed. Sends nothing to the card.
card_seen() {
	"$top_srcdir/tests/lib/reader-wait.py" "${2:-0}" "${1,,}"
}

serve() {
	local i

	: >"$work/card.log"
	"$@" >"$work/card.log" 2>&1 </dev/null &
	card_pid=$!
	for ((i = 0; i < 1200; i++)); do
		grep -q '^ready' "$work/card.log" && break
		kill -0 "$card_pid" 2>/dev/null || bail "the card did not start: $(cat "$work/card.log")"
		sleep 0.05
	done
	card_seen Yes || bail "pcscd does not see the card"
}

start_card() {
	card_image=$work/$1.card
	card_socket=$work/$1.sock
	serve "$virtual" run "$card_image" --control "$card_socket"
}

start_raw_card() {
	serve "$top_srcdir/tests/lib/raw-card.py" "$@"
}

stop_card() {
	[ -n "$card_pid" ] || return 0
	kill "$card_pid" 2>/dev/null
	wait "$card_pid" 2>/dev/null
	card_pid=
	card_seen No || bail "pcscd still sees the card"
}

card_control() {
	local command=$1

	shift
	"$virtual" "$command" --control "$card_socket" "$@"
}

# json_field FIELD: of the JSON object on standard input.
json_field() {
	python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

card_field() {
	"$virtual" show "$work/$1.card" --json | json_field "$2"
}

card_stat() {
	card_control stats --json | json_field "$1"
}

reset_stats() {
	card_control stats --reset >/dev/null || bail "twcard-virtual stats --reset failed"
}

tries_left() {
	python3 -c '
import json, sys
print(json.load(open(sys.argv[1], encoding="utf-8"))["tries-left"])' "$work/$1.card"
}

edit_card() {
	local name=$1

	shift
	"$top_srcdir/tests/lib/edit-card.py" "$work/$name.card" "$@" || bail "edit-card.py failed"
}

export_pem() {
	"$virtual" export "$card_image" --what "$1" --out "$work/$1.pem" ||
	    bail "twcard-virtual export --what $1 failed"
}

certificate_key() {
	export_pem "$1"
	openssl x509 -in "$work/$1.pem" -noout -pubkey >"$work/$1.key" || bail "openssl x509 failed"
	printf '%s\n' "$work/$1.key"
}

# use_keyset [MASTER-KEY]: a configuration with this key set; without one, with none.
use_keyset() {
	mkdir -p "$work/keysets"
	rm -f "$work/keysets/test.keyset"
	printf 'keyset-dir = %s\n' "$work/keysets" >"$work/twcard.conf"
	export TWCARD_CONF=$work/twcard.conf
	[ $# -gt 0 ] || return 0
	(umask 077 && printf 'profile = gppki\nmaster-key = %s\ndiversification-aid = %s\n' \
	    "$1" A000000283FF088692535389C00014 >"$work/keysets/test.keyset")
}

# ---- the module -------------------------------------------------------------------

# A module with the address sanitizer wants its runtime loaded first. Leaks
# are looked for by the unit tests and valgrind: pkcs11-tool has its own.
sanitizer_environment() {
	local runtime

	runtime=$(ldd "$module" | awk '/lib(asan|ubsan)\.so/ { print $3 }')
	[ -n "$runtime" ] || return 0
	printf '%s\n' "LD_PRELOAD=${runtime//$'\n'/:}" \
	    "ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:${ASAN_OPTIONS:-}" \
	    "UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1:${UBSAN_OPTIONS:-}"
}

mapfile -t module_environment < <(sanitizer_environment)
module_wrapper=()
if [ -n "${TWCARD_TEST_VALGRIND:-}" ]; then
	module_wrapper=(valgrind --quiet --error-exitcode=126 --leak-check=full
	    --errors-for-leak-kinds=none --keep-debuginfo=yes "--log-file=$work/valgrind.%p")
fi

# Any program that loads the module.
with_module() {
	: >"$work/p11.log"
	env TWCARD_DEBUG="${debug_level:-debug}" TWCARD_DEBUG_FILE="$work/p11.log" \
	    ${module_environment[@]+"${module_environment[@]}"} timeout --kill-after=5 "${p11_timeout:-60}" \
	    ${module_wrapper[@]+"${module_wrapper[@]}"} "$@" >"$work/p11.out" 2>"$work/p11.err" </dev/null
}

p11() {
	with_module pkcs11-tool --module "$module" "$@"
}

p11_fails_with() {
	local regex=$1 status=0

	shift
	p11 "$@" || status=$?
	if [ "$status" -eq 0 ] || [ "$status" -gt 123 ]; then
		printf 'status %d from pkcs11-tool\n' "$status"
		return 1
	fi
	cat "$work/p11.out" "$work/p11.err"
	grep -Eq -e "$regex" "$work/p11.out" "$work/p11.err"
}

# No signal, no sanitizer, no valgrind error, no time-out.
p11_survives() {
	local status=0

	p11 "$@" || status=$?
	[ "$status" -le 123 ] || { printf 'status %d from pkcs11-tool %s\n' "$status" "$*"; return 1; }
}

log_says() {
	grep -Eiq -e "$1" "$work/p11.log"
}

login=(--login --pin "$pin")
