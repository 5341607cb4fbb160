# shellcheck shell=bash
#
# windows.sh - card.sh for the DLL: programs of Windows run under wine, on
# virtual cards through the test double winscard.dll. Source it first.
#
# The virtual card, pcscd and all else that card.sh has are those of a build for
# this system: $TWCARD_NATIVE_BUILD, else build/ beside the sources.
#
#   win PROGRAM ARGS...   in $work; $win_pin is its first line of input, output in
#                         $work/win.out and win.err, its exit code in $win_status
#   win_says NAME CODE REGEX PROGRAM ARGS...
#   win_json NAME EXPRESSION PROGRAM ARGS...   it prints one JSON value, of which the Python
#                         expression (the value is `v`) holds
#   use_windows_keyset    the configuration, with the test keys of second-generation cards
#   use_windows_conf [LINE...]   its configuration; the cache is off
#
# shellcheck disable=SC2034,SC2154  # the variables are for the test, or card.sh's

set -u
windows_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top_srcdir=$(cd "${top_srcdir:-$windows_here/../..}" && pwd)
export windows_build=${windows_build:-${top_builddir:-$top_srcdir/build-windows}}
export top_builddir=${TWCARD_NATIVE_BUILD:-$top_srcdir/build}

# shellcheck source=../lib/tap.sh
. "$top_srcdir/tests/lib/tap.sh"
# shellcheck source=wine.sh
. "$windows_here/wine.sh"
host=x86_64-w64-mingw32
command -v $host-gcc >/dev/null || skip_all "$host-gcc is not installed (package gcc-mingw-w64-x86-64)"
[ -x "$top_builddir/tools/virtual-card/twcard-virtual" ] ||
    skip_all "there is no build for this system in $top_builddir (set TWCARD_NATIVE_BUILD)"
for file in twcard-pkcs11.dll tools/twcard/twcard.exe; do
	[ -e "$windows_build/$file" ] || bail "it is not built: $windows_build/$file"
done

# shellcheck source=../lib/card.sh
. "$top_srcdir/tests/lib/card.sh"

WINEDLLOVERRIDES="winscard=n;$WINEDLLOVERRIDES"
win_limit=${TWCARD_TEST_WINE_LIMIT:-240}
win_pin=$pin

build_programs() {
	local include bridge_flags

	include=$(sed -n 's/^WINDOWS_LIBRARIES = //p' "$windows_build/Makefile")/include
	$host-gcc -std=gnu11 -O2 -Wall -Wextra -Werror -D_WIN32_WINNT=0x0A00 -DWINSCARDDATA= -shared -static-libgcc \
	    -o "$work/winscard.dll" "$windows_here/winscard.c" "$windows_here/winscard.def" -lws2_32 || return 1
	$host-gcc -std=gnu11 -O2 -Wall -Wextra -Werror "-I$include" -static-libgcc -o "$work/client.exe" \
	    "$windows_here/client.c" || return 1
	read -r -a bridge_flags <<<"$(pkg-config --cflags --libs libpcsclite)"
	cc -std=gnu11 -O2 -Wall -Wextra -D_GNU_SOURCE -o "$work/bridge" "$windows_here/bridge.c" \
	    "${bridge_flags[@]}" -pthread
}

start_bridge() {
	local i

	"$work/bridge" >"$work/bridge.port" 2>"$work/bridge.err" </dev/null &
	bridge_pid=$!
	for ((i = 0; i < 600; i++)); do
		[ -s "$work/bridge.port" ] && break
		sleep 0.05
	done
	TWCARD_BRIDGE=$(cat "$work/bridge.port")
	export TWCARD_BRIDGE
	[ -n "$TWCARD_BRIDGE" ]
}

use_windows_conf() {
	{
		printf 'cache = no\n'
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$work/windows.conf"
	export TWCARD_CONF="Z:$work/windows.conf"
}

win() {
	win_status=0
	(cd "$work" && printf '%s\n' "$win_pin" | timeout --kill-after=10 "$win_limit" wine "$@" >win.out 2>win.err) ||
	    win_status=$?
}

win_says() {
	local name=$1 code=$2 regex=$3

	shift 3
	win "$@"
	if [ "$win_status" -eq "$code" ] && [[ "$(cat "$work/win.out" "$work/win.err")" =~ $regex ]]; then
		pass "$name"
	else
		fail "$name"
		diag "exit code $win_status, expected $code and: $regex"
		head -n 20 "$work/win.out" "$work/win.err" | tap_diag_stream
	fi
}

win_json() {
	local name=$1 expression=$2

	shift 2
	win "$@"
	if python3 -c 'import json, sys; v = json.load(open(sys.argv[1])); sys.exit(not ('"$expression"'))' \
	    "$work/win.out" 2>"$work/win.json"; then
		pass "$name"
	else
		fail "$name"
		diag "does not hold: $expression"
		head -n 40 "$work/win.json" "$work/win.out" "$work/win.err" | tap_diag_stream
	fi
}

use_windows_keyset() {
	mkdir -p "$work/keysets"
	chmod 700 "$work/keysets"
	(umask 077 && printf 'profile = gppki\nmaster-key = %s\ndiversification-aid = %s\n' \
	    "$master_key" A000000283FF088692535389C00014 >"$work/keysets/test.keyset")
	use_windows_conf "keyset-dir = Z:$work/keysets" "$@"
}

build_programs >"$work/programs.log" 2>&1 || bail "the test programs do not build: $(tail -n 5 "$work/programs.log")"
trap 'end_wine; cleanup' EXIT
start_wine || bail "wine does not start: $(tail -n 3 "$programs/wineboot.log")"
cp "$windows_build/twcard-pkcs11.dll" "$windows_build/tools/twcard/twcard.exe" "$work/" || bail "cannot copy to $work"
start_bridge || bail "the bridge to pcscd did not start: $(cat "$work/bridge.err")"
use_windows_conf
client=(client.exe twcard-pkcs11.dll)
