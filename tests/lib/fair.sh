# shellcheck shell=bash
#
# fair.sh - several processes sign on one card at the same time; source it
# after card.sh.
#
#   start_slow_card NAME MS [--only INS]
#                                  start_card, but each command (with this instruction)
#                                  takes MS milliseconds
#   link_holds INS                 waits until a command is held back by --only
#   sign_together PROGRAMS COUNT   runs them; each leaves its times in
#                                  $work/times.N, what went wrong in $work/signer.N
#   turns                          for each process a line: signatures, longest and
#                                  median wait in ms, and how many signatures that were
#                                  asked for later were done first, at most
#
# shellcheck disable=SC2154  # work, module and pin are card.sh's

signer=$top_builddir/tests/card/many-signatures
[ -x "$signer" ] || bail "not built: $signer (make check builds it)"

start_slow_card() {
	local name=$1 ms=$2 i

	shift 2
	card_image=$work/$name.card
	card_socket=$work/$name.sock
	: >"$work/link.log"
	"$top_srcdir/tests/lib/slow-link.py" --delay "$ms" "$@" >"$work/link.log" 2>&1 </dev/null &
	link_pid=$!
	for ((i = 0; i < 600; i++)); do
		grep -q '^ready' "$work/link.log" && break
		kill -0 "$link_pid" 2>/dev/null || bail "no slow link: $(cat "$work/link.log")"
		sleep 0.05
	done
	serve "$virtual" run "$card_image" --control "$card_socket" --port 35970
}

link_holds() {
	local i

	for ((i = 0; i < 600; i++)); do
		grep -q "^holds $1" "$work/link.log" && return 0
		sleep 0.02
	done
	return 1
}

# all_ready PROGRAMS: each has logged in.
all_ready() {
	local i

	for ((i = 0; i < 600; i++)); do
		[ "$(cat "$work"/times.* | grep -c '^ready$')" -eq "$1" ] && return 0
		sleep 0.05
	done
	return 1
}

sign_together() {
	local programs=$1 count=$2 i failed=0
	local -a pids=()

	rm -f "$work"/times.* "$work/start"
	mkfifo "$work/start" || return 1
	for ((i = 0; i < programs; i++)); do
		env ${module_environment[@]+"${module_environment[@]}"} timeout --kill-after=5 300 \
		    "$signer" "$module" "$pin" SIGN "$count" times \
		    <"$work/start" >"$work/times.$i" 2>"$work/signer.$i" &
		pids[i]=$!
	done
	exec 7>"$work/start"
	all_ready "$programs" || failed=1
	exec 7>&-
	for ((i = 0; i < programs; i++)); do
		wait "${pids[i]}" && continue
		printf 'process %d:\n' "$i"
		cat "$work/signer.$i"
		failed=1
	done
	return "$failed"
}

turns() {
	python3 - "$work"/times.* <<'END'
import statistics, sys

processes = [[tuple(map(int, line.split())) for line in open(name) if line[0].isdigit()]
             for name in sys.argv[1:]]
for number, mine in enumerate(processes):
    others = [turn for n, turns in enumerate(processes) if n != number for turn in turns]
    overtaken = [sum(asked < a and d < done for a, d in others) for asked, done in mine]
    waits = sorted((done - asked) / 1000 for asked, done in mine)
    print(number, len(mine), round(waits[-1]), round(statistics.median(waits)), max(overtaken))
END
}
