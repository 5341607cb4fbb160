#!/bin/bash
#
# table.sh - what `make clients` found, as a table.
#
#   table.sh FOLDER    the folder of the tests' logs
#
# For each program: tests passed, failed and skipped, and for each everyday
# action the card's commands with an empty disk cache, with a filled one, its
# VERIFYs and private operations, on a first- and a second-generation card; and
# which of these are not as docs/CLIENTS and docs/BROWSERS say (more is a failed test). The
# last line has the sums. Status 1 if a test failed or none passed.

set -u

# row FILE.log: program, passed, failed, skipped, and why all was skipped.
row() {
	awk -v name="$(basename "$1" .log)" '
	/^ok .*# SKIP/ { skipped++; next }
	/^1\.\.0 # SKIP/ { skipped++; reason = substr($0, 13); next }
	/^ok / { passed++ }
	/^not ok / { failed++ }
	/^(1\.\.[0-9]+)/ { plan = 1 }
	/^Bail out!/ { failed++; reason = $0; plan = 1 }
	/^# [0-9]+ passed, / { said = $2 + 0 " " $4 + 0 " " $6 + 0 }
	END {
		if (plan && said && said != passed + 0 " " failed + 0 " " skipped + 0) {
			failed++
			reason = "its last line does not add up"
		}
		if (!plan && !reason) { failed++; reason = "it has no end" }
		printf "%s\t%d\t%d\t%d\t%s\n", name, passed, failed, skipped, reason
	}' "$1"
}

mapfile -t logs < <(find "$1" -name '*.log' | LC_ALL=C sort)
rows=$(for log in "${logs[@]}"; do row "$log"; done)

printf '\n%-16s %6s %6s %7s\n' program passed failed skipped
printf '%s\n' "$rows" | awk -F '\t' '{ printf "%-16s %6d %6d %7d  %s\n", $1, $2, $3, $4, $5 }'

# measured: program|action|generation 1|generation 2
measured() {
	for log in "${logs[@]}"; do
		sed -n 's/^# count: //p' "$log"
	done | awk -F '|' '
	{ action = $1 "|" $2 }
	!(action in seen) { order[++n] = action; seen[action] = 1 }
	{ got[action, $3] = $4 }
	END {
		for (i = 1; i <= n; i++)
			print order[i] "|" got[order[i], "person"] "|" got[order[i], "person-gen2"]
	}'
}

# documented: the same, of the pages for users.
documented() {
	local docs

	docs=$(dirname "$0")/../../docs
	sed -n 's/^| \(.*[0-9]\/[0-9].*\) |$/\1/p' "$docs/CLIENTS.md" "$docs/BROWSERS.md" | sed 's/ | /|/g'
}

printf '\n%-16s %-32s %-22s %s\n' program "everyday action" "generation 1" "generation 2"
measured | awk -F '|' '{ printf "%-16s %-32s %-22s %s\n", $1, $2, $3, $4 }'
printf '(commands the first time / again / VERIFYs / private operations)\n'
measured | LC_ALL=C sort | LC_ALL=C comm -23 - <(documented | LC_ALL=C sort) |
    sed 's/^\([^|]*|[^|]*\).*/not as in docs: \1/'
printf '\n'

printf '%s\n' "$rows" | awk -F '\t' '
{ passed += $2; failed += $3; skipped += $4 }
END {
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed > 0 || passed == 0
}'
