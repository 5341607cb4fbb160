#!/bin/bash
# Is something read that nobody wrote? clang's MemorySanitizer knows only what is built with it: what OpenSSL
# or json-c wrote, it takes for unwritten. So this runs what asks them nothing: the fuzz targets of answers and
# of exchanges, over their corpus and mutations of it. valgrind (`./quickstart test --full`) sees all programs, and
# the libraries with them, but no origin of a value.
#
# usage: msan.sh SOURCE-DIRECTORY WORK-DIRECTORY [PROGRAM...]
#
# A line a program; its output in PROGRAM.msan. Status 1 if one does not end well.

set -u
source=$(cd "$1" && pwd) || exit 1
work=$2
shift 2
programs=("$@")
[ $# -gt 0 ] || programs=(
	tests/fuzz/fuzz_{channel,cursor}
)

mkdir -p "$work" && cd "$work" || exit 1
[ -e Makefile ] || "$source/configure" CC=clang CFLAGS='-O1 -g -fsanitize-memory-track-origins' \
    --enable-sanitize=memory >configure.out 2>&1 || { tail configure.out; exit 1; }
nice make -j "$(getconf _NPROCESSORS_ONLN)" "${programs[@]}" >make.out 2>&1 || { tail make.out; exit 1; }

export top_srcdir=$source top_builddir=$PWD CMOCKA_MESSAGE_OUTPUT=TAP TWCARD_CONF=/dev/null \
    XDG_CACHE_HOME=/dev/null/none XDG_CONFIG_HOME=/dev/null/none XDG_RUNTIME_DIR=/dev/null/none
status=0
for program in "${programs[@]}"; do
	if "$source/tests/lib/limit" --seconds 1800 -- "$program" >"$program.msan" 2>&1; then
		echo "ok - $program: $(grep -c '^ok' "$program.msan") tests"
	else
		echo "not ok - $program: $(grep -m 1 -E '^(SUMMARY|not ok|Bail out)' "$program.msan")"
		status=1
	fi
done
exit "$status"
