#!/bin/bash
#
# station.sh - signatures a second by a signing station (docs/STATION.md).
#
#   tests/bench/station.sh [MS [SIGNATURES]]    (default: 0 and 20)
#
# Eight cards at one computer, programs at another, a cable between them. Each of
# the two commands of a private operation takes a card MS milliseconds: with 0
# what is measured is all but the cards; with 230 a signature takes as long as
# the real cards' is modelled (twcard-virtual stats). Prints for one program beside the card, and for 1, 8 and
# 32 elsewhere: seconds until all are logged in, signatures a second, the median
# and the longest time for a signature, and the ratio to the first row. Then what
# one connection costs the card that it wants and one that it does not.

pcscd_options=(--readers 8)
# shellcheck source=../clients/lib.sh
. "$(dirname "$0")/../clients/lib.sh"
# shellcheck source=../station/station.sh
. "$top_srcdir/tests/station/station.sh"

delay=${1:-0}
count=${2:-20}
[ "$delay" != 0 ] || delay=
mapfile -t names < <(printf 'client%d\n' {1..32})

# row TEXT NAME...: they are started, and this is told of them.
row() {
	local text=$1 began=$EPOCHREALTIME ready name

	shift
	ready_there "$@" || bail "not all are logged in"
	ready=$EPOCHREALTIME
	go_on
	for name; do
		ended_there "$name" || bail "$name: $(cat "$work/signer.$name")"
	done
	python3 - "$text" "$began" "$ready" "${local_rate:-0}" "${@/#/$work/times.}" <<-'END'
	import statistics, sys
	text, began, ready, local = sys.argv[1], *map(float, sys.argv[2:5])
	turns = [tuple(map(int, line.split())) for name in sys.argv[5:] for line in open(name) if line[0].isdigit()]
	rate = len(turns) / (max(done for _, done in turns) - min(asked for asked, _ in turns)) * 1e6
	waits = sorted((done - asked) / 1000 for asked, done in turns)
	print(f"{text:14} {ready - began:9.1f} {rate:12.1f} {statistics.median(waits):10.0f} {waits[-1]:11.0f}"
	      f" {rate / (local or rate):8.2f}")
	END
}

make_station "$delay"
for name in "${names[@]}"; do
	make_client "$name" $(((${name#client} - 1) % 8 + 1)) || bail "no client $name"
done
printf '%-14s %9s %12s %10s %11s %8s\n' programs "login, s" "signatures/s" "median, ms" "longest, ms" ratio
sign_here here "$count"
row "1, no cable" here >"$work/row" # no subshell: the programs are this one's
cat "$work/row"
local_rate=$(awk '{ print $5 }' "$work/row")
for n in 1 8 32; do
	for name in "${names[@]:0:n}"; do
		sign_there "$name" "$count"
	done
	row "$n" "${names[@]:0:n}"
done
on_card 1 reset_stats
on_card 2 reset_stats
sign_there client1 1
ready_there client1 || bail "client1 is not logged in"
printf 'a connection with its login: %d commands for its card, %d for each other one\n' \
    "$(on_card 1 card_stat commands)" "$(on_card 2 card_stat commands)"
go_on
ended_there client1 || bail "client1: $(cat "$work/signer.client1")"
