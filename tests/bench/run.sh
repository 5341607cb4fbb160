#!/bin/bash
#
# run.sh - what one C_SignInit + C_Sign costs the host, in instructions.
#
# Runs bench_sign under callgrind. Counted is what happens inside its
# sign_once() and outside the PC/SC double (SCard*), in which the virtual card
# works: the module, OpenSSL for the module, the C library. The cost of a run
# of one signature is taken away from that of many, so start, login, and what
# the first signature reads do not count. Prints the total and the shares;
# then what bench_steps and bench_cipher say, where they are built.
#
#   tests/bench/run.sh [BENCH_SIGN]     (default: tests/bench/bench_sign)

set -u

bench=${1:-${top_builddir:-.}/tests/bench/bench_sign}
many=101

command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 77; }
[ -x "$bench" ] || { echo "bench_sign is not built: $bench"; exit 1; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# profile COUNT GENERATION: instructions by object, "OBJECT NUMBER" a line.
profile() {
	XDG_CACHE_HOME=/dev/null/none valgrind --quiet --tool=callgrind --collect-atstart=no \
	    --toggle-collect=sign_once --toggle-collect='SCard*' \
	    --callgrind-out-file="$work/out" "$bench" "$1" "$2" >"$work/log" 2>&1 ||
	    { cat "$work/log" >&2; return 1; }
	callgrind_annotate --auto=no --threshold=100 "$work/out" | awk '
	/^ *[0-9,]+ .*\[.*\]$/ {
		number = $1
		gsub(",", "", number)
		object = $NF
		sub(/^\[/, "", object)
		sub(/\]$/, "", object)
		sub(/^.*\//, "", object)
		sum[object] += number
	}
	END { for (object in sum) print object, sum[object] }'
}

report() {
	local generation=$1

	profile 1 "$generation" >"$work/one" && profile "$many" "$generation" >"$work/many" || return 1
	awk -v generation="$generation" -v times=$((many - 1)) '
	NR == FNR { one[$1] = $2; next }
	{ cost[$1] = ($2 - one[$1]) / times; total += cost[$1] }
	END {
		printf "generation %d: %d instructions for one C_Sign, without the card\n", generation, total
		for (object in cost)
			if (cost[object] >= 1)
				printf "  %5.1f %%  %9d  %s\n", 100 * cost[object] / total, cost[object], object
	}' "$work/one" "$work/many"
}

report 1 && report 2 || exit 1

# The same on the processor itself, and AES against OpenSSL.
for other in "bench_steps 1" "bench_steps 2" bench_cipher; do
	read -r -a command <<<"$other"
	program=${bench%/*}/${command[0]}
	[ -x "$program" ] || continue
	XDG_CACHE_HOME=/dev/null/none "$program" "${command[@]:1}" || exit 1
done
