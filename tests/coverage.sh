#!/bin/bash
# Line and branch coverage of apdu/ profiles/ src/ by the tests that run in a program of their own, without
# pcscd: unit tests, the sweeps' slices, and fuzz targets over their corpus. Builds with gcc's --coverage in a
# directory of its own, runs them, and prints a line a file, the least covered first, and the whole. A branch
# is covered when it was taken, and each && and || is one; error paths that nothing makes fail are counted,
# too. Fails below MINIMUM percent of the lines or BRANCHES percent of the branches.
#
# usage: coverage.sh SOURCE-DIRECTORY WORK-DIRECTORY [MINIMUM [BRANCHES]]

set -u
source=$(cd "$1" && pwd) || exit 1
work=$2
minimum=${3:-92}
branches=${4:-80}

mkdir -p "$work" && cd "$work" || exit 1
[ -e Makefile ] || "$source/configure" CC=gcc CFLAGS='-O0 -g --coverage -DTWCARD_COVERAGE' >configure.out || exit 1
find . -name '*.gcda' -delete
make -j "$(getconf _NPROCESSORS_ONLN)" >make.out 2>&1 || { tail make.out; exit 1; }
TWCARD_TEST_LIMIT=${TWCARD_TEST_LIMIT:-1800} make check-in-process >check.out 2>&1 || { grep -E '^(FAIL|ERROR)' check.out; exit 1; }

# gcov says "File 'NAME'", then "Lines executed:P% of N" and "Taken at least once:P% of N"
# (or "No branches"), last of calls; at the end all of it in one line, without a name. It knows headers and
# the system's files, too. Single files that another program compiles for itself are not the library's.
find apdu profiles src -name 'lib*.gcda' -exec gcov -n -b {} + 2>/dev/null |
    awk -v minimum="$minimum" -v least="$branches" -v root="$source/" '
	function percent_of(hit, total) { return total > 0 ? 100 * hit / total : 100 }
	/^File / {
		name = substr($0, 7, length($0) - 7)
		if (index(name, root) == 1)
			name = substr(name, length(root) + 1)
		while (sub(/^\.\.\//, "", name)) {}
		if (name !~ /^(apdu|profiles|src)\/.*\.c$/ || name in lines)
			name = ""
	}
	/^(Calls executed:|No calls)/ { name = "" }
	name != "" && /^Lines executed:/ { split($2, part, /[:%]/); lines[name] = $4; hit[name] = $4 * part[2] / 100 }
	name != "" && /^Taken at least once:/ { split($4, part, /[:%]/); ways[name] = $6; taken[name] = $6 * part[2] / 100 }
	END {
		for (name in lines) {
			printf "%6.1f %% of %4d lines, %6.1f %% of %4d branches  %s\n", percent_of(hit[name], lines[name]),
			    lines[name], percent_of(taken[name], ways[name]), ways[name], name | "sort -n"
			all += lines[name]; covered += hit[name]; all_ways += ways[name]; all_taken += taken[name]
		}
		close("sort -n")
		printf "%6.1f %% of %4d lines, %6.1f %% of %4d branches  in all\n", percent_of(covered, all), all,
		    percent_of(all_taken, all_ways), all_ways
		exit all == 0 || percent_of(covered, all) < minimum || percent_of(all_taken, all_ways) < least
	}'
