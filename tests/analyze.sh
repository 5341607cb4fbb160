#!/bin/bash
# Static analysis of apdu/ profiles/ src/ authz/ tools/: gcc's analyzer, clang-tidy, scan-build, cppcheck.
#
# usage: analyze.sh SOURCE-DIRECTORY WORK-DIRECTORY [TOOL...]
#
# TOOL: gcc, clang-tidy, scan-build, cppcheck; default: those that are installed. Each finding is a line
# "TOOL FILE CHECK TEXT"; those that a line of tests/analyze-exceptions.txt accepts are left out.
# Status 1 if one remains. The first three are a build each, with the compiler's command as it is: some
# minutes each. An exception that a whole run of its tool does not need is told, and fails, too; so does a
# tool whose build does not end. ANALYZE_TARGETS says what is built (default: all that `make` builds; the
# module is src/libcore.la).

set -u

# As compiler of a build: looks at the source, then compiles it.
if [ "${1:-}" = --cc ]; then
	shift
	for word in "$@"; do
		case $word in
		conftest.c) ;;
		*.c) case " $* " in *" -c "*) clang-tidy --quiet --checks="$ANALYZE_CHECKS" "$word" -- "$@" 2>/dev/null >>"$ANALYZE_LOG.$$" ;; esac ;;
		esac
	done
	exec gcc "$@"
fi

export LC_ALL=C # what tools say is compared
script=$(cd "$(dirname "$0")" && pwd)/${0##*/}
source=$(cd "$1" && pwd) || exit 1
work=$2
shift 2
tools=("$@")
mkdir -p "$work" && cd "$work" || exit 1
work=$PWD
jobs=$(getconf _NPROCESSORS_ONLN)

# Groups that find faults; what is style is for tests/check. Of those that are left out: no C library of ours has
# Annex K (memcpy_s); calls that are not for threads are reviewed, not counted; the rest is taste. clang's
# analyzer runs in scan-build, not twice; sizeof-expression takes the count of an array of pointers for an error.
export ANALYZE_CHECKS='-*,bugprone-*,cert-*,-bugprone-assignment-in-if-condition,
-bugprone-easily-swappable-parameters,-bugprone-implicit-widening-of-multiplication-result,-bugprone-macro-parentheses,
-bugprone-narrowing-conversions,-bugprone-reserved-identifier,-bugprone-sizeof-expression,-cert-dcl37-c,-cert-dcl51-cpp,-cert-err33-c'
export ANALYZE_LOG=$work/clang-tidy.out
ANALYZE_TARGETS=${ANALYZE_TARGETS:-all}

# build NAME ARGUMENTS...: a build configured so in a folder of its own, its output in NAME.log.
build() {
	local name=$1

	shift
	rm -rf "${work:?}/$name"
	mkdir -p "$work/$name"
	(cd "$work/$name" && "$source/configure" "$@" && nice ${wrapper[@]+"${wrapper[@]}"} make -k -j "$jobs" $ANALYZE_TARGETS) \
	    >"$work/$name.log" 2>&1
}

run_gcc() {
	build gcc CC=gcc CFLAGS='-O1 -g -fanalyzer -fdiagnostics-path-format=none' || return 1
	cat "$work/gcc.log"
}

run_clang-tidy() {
	rm -f "$ANALYZE_LOG".*
	build clang-tidy CC="$script --cc" CFLAGS=-O0 || return 1
	cat "$ANALYZE_LOG".*
}

run_scan-build() {
	wrapper=(scan-build --use-cc=clang -o "$work/scan-build-report")
	build scan-build CC=clang || return 1
	wrapper=()
	cat "$work/scan-build.log"
}

run_cppcheck() {
	(cd "$source" && nice cppcheck --quiet -j "$jobs" --std=c11 --library=posix --enable=warning,portability \
	    --inline-suppr --suppress=missingInclude --suppress=unknownMacro --template='{file}:{line}:{column}: {severity}: {message} [{id}]' \
	    -D__x86_64__ -D__linux__ -D__GNUC__=12 -I. -Itools/virtual-card -i tools/windows -i apdu/platform_windows.c \
	    -i apdu/queue_windows.c apdu profiles src authz tools) 2>&1 | tee cppcheck.log
}

# findings TOOL: of what it says, our files' lines, once each, without the line's number: an edit above moves that.
findings() {
	sed -E "s|^(\.\./)+||; s|^$source/||" |
	    sed -nE "s/^((apdu|profiles|src|authz|tools)\/[^: ]+):[0-9]+:([0-9]+:)? (warning|error|portability): (.*) \[([^]]*)\]$/$1 \1 \6 \5/p" |
	    LC_ALL=C sort -u
}

if [ "${#tools[@]}" -eq 0 ]; then
	for tool in cppcheck gcc clang-tidy scan-build; do
		command -v "$tool" >/dev/null && tools+=("$tool") || echo "not installed: $tool"
	done
fi
wrapper=()
status=0
sed -n '/^[^#]/p' "$source/tests/analyze-exceptions.txt" >"$work/exceptions"
for tool in "${tools[@]}"; do
	"run_$tool" | findings "$tool" >"$work/$tool.findings"
	[ "${PIPESTATUS[0]}" -eq 0 ] || { echo "$tool: it did not run to its end: $work/$tool.log"; status=1; continue; }
	left=$(grep -vFf "$work/exceptions" "$work/$tool.findings")
	echo "$tool: $(wc -l <"$work/$tool.findings") findings, $(printf '%s' "$left" | grep -c .) without a reason"
	[ -z "$left" ] || { printf '%s\n' "$left"; status=1; }
	[ "$ANALYZE_TARGETS" = all ] || continue
	grep "^$tool " "$work/exceptions" | while IFS= read -r line; do
		grep -qF -e "$line" "$work/$tool.findings" || echo "not needed: $line"
	done >"$work/$tool.idle"
	[ ! -s "$work/$tool.idle" ] || { cat "$work/$tool.idle"; status=1; }
done
exit "$status"
