#!/bin/bash
#
# fair.sh - how long processes wait for their turn on one card, in the real pcscd.
#
#   tests/bench/fair.sh [PROCESSES [SIGNATURES]]     (default: 8 and 10)
#
# Prints for each process the longest and the median wait for a signature and
# how often it was overtaken at most; then the time of all, and the distribution
# of the waits. TWCARD_FAIR_QUEUE=no measures without the queue (no runtime
# directory), TWCARD_FAIR_KIND is the kind of card (person, person-gen2),
# TWCARD_FAIR_DELAY how many milliseconds a command takes (20).

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../lib/card.sh
. "$here/../lib/card.sh"
# shellcheck source=../lib/fair.sh
. "$here/../lib/fair.sh"

programs=${1:-8}
count=${2:-10}
kind=${TWCARD_FAIR_KIND:-person}

distribution() {
	awk '/^[0-9]/ { print ($2 - $1) / 1000 }' "$work"/times.* | sort -n | awk '
	{ wait[NR] = $1 }
	END {
		printf "wait in ms:"
		for (i = split("50 90 95 99 100", percent, " "); i > 0; i--)
			order[percent[i]] = wait[int((NR - 1) * percent[i] / 100) + 1]
		for (i = 1; i <= 5; i++)
			printf "  %d %%: %.0f", percent[i], order[percent[i]]
		print ""
	}'
}

use_keyset "$master_key"
make_card "$kind"
start_slow_card "$kind" "${TWCARD_FAIR_DELAY:-20}"
[ "${TWCARD_FAIR_QUEUE:-yes}" != no ] || unset XDG_RUNTIME_DIR
sign_together "$programs" "$count" || bail "not all signed"
echo "process  signatures  longest ms  median ms  overtaken at most"
turns | awk '{ printf "%7d  %10d  %10d  %9d  %17d\n", $1, $2, $3, $4, $5 }'
cat "$work"/times.* | awk -v n=$((programs * count)) '
/^[0-9]/ { if (!first || $1 < first) first = $1; if ($2 > last) last = $2 }
END { printf "%d signatures in %.2f s\n", n, (last - first) / 1000000 }'
distribution
