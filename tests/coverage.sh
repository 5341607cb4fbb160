#!/bin/bash
# Line coverage of apdu/ profiles/ src/ by the unit tests: builds with gcc's
# --coverage in a directory of its own, runs them, and prints a line a file,
# the least covered first, and the whole. Fails below MINIMUM percent.
#
# usage: coverage.sh SOURCE-DIRECTORY WORK-DIRECTORY [MINIMUM]

set -u
source=$(cd "$1" && pwd) || exit 1
work=$2
minimum=${3:-90}

mkdir -p "$work" && cd "$work" || exit 1
[ -e Makefile ] || "$source/configure" CC=gcc CFLAGS='-O0 -g --coverage' >configure.out || exit 1
find . -name '*.gcda' -delete
make -j "$(getconf _NPROCESSORS_ONLN)" >make.out 2>&1 || { tail make.out; exit 1; }
make check-unit >check.out 2>&1 || { grep -E '^(FAIL|ERROR)' check.out; exit 1; }

# gcov says "File 'NAME'" and then "Lines executed:P% of N".
find apdu profiles src -name '*.gcda' -exec gcov -n {} + 2>/dev/null | awk -v minimum="$minimum" '
	/^File / { file = $2; gsub(/\047/, "", file); sub(/.*\/(apdu|profiles|src)\//, "&", file) }
	/^Lines executed:/ && file ~ /(^|\/)(apdu|profiles|src)\/[^\/]*\.c$/ {
		split($2, part, /[:%]/); percent = part[2]; lines = $4
		n = split(file, dirs, "/")
		name = dirs[n - 1] "/" dirs[n]
		if (!(name in total)) { total[name] = lines; hit[name] = lines * percent / 100 }
		file = ""
	}
	END {
		for (name in total) {
			printf "%6.1f %% of %4d  %s\n", 100 * hit[name] / total[name], total[name], name | "sort -n"
			all += total[name]; covered += hit[name]
		}
		close("sort -n")
		printf "%6.1f %% of %4d  in all\n", 100 * covered / all, all
		exit 100 * covered / all < minimum
	}'
