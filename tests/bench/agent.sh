#!/bin/bash
#
# agent.sh - what twcard-agent costs: how soon a window is there, how many
# status requests a second it answers and what the card gets for them, how two
# sites share a card, and what memory many requests take.
#
#   tests/bench/agent.sh [REQUESTS]     (default: 10000)
#
# A window's time is compared with that of a plain file from the same server, as
# machines differ. Two allowed sites sign at the same time, one with eight requests
# at once and one with one after the other; each command takes TWCARD_CARD_DELAY ms
# (17), so that a signature takes 50 and more.

bench=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../lib/card.sh
. "$bench/../lib/card.sh"
# shellcheck source=../lib/fair.sh
. "$bench/../lib/fair.sh"
agent=$top_builddir/tools/agent/twcard-agent
[ -x "$agent" ] || bail "not built: $agent"
export XDG_CACHE_HOME=$work/cache XDG_CONFIG_HOME=$work/config XDG_RUNTIME_DIR=$work/run
mkdir -p "$XDG_RUNTIME_DIR" && chmod 700 "$XDG_RUNTIME_DIR"
state=$XDG_RUNTIME_DIR/twcard/agent.json

# Each measured once and with a process of its own: begin_agent; end_agent
begin_agent() {
	local i

	"$agent" --port 0 --module "$module" >>"$work/agent.log" 2>&1 &
	agent_pid=$!
	for ((i = 0; i < 600; i++)); do
		[ ! -s "$state" ] || return 0
		kill -0 "$agent_pid" 2>/dev/null || break
		sleep 0.05
	done
	bail "the agent does not start: $(cat "$work/agent.log")"
}

end_agent() {
	kill "$agent_pid"
	wait "$agent_pid" 2>/dev/null
	rm -f "$state"
}

load() {
	python3 "$bench/agent_load.py" "$state" "$@" || bail "agent_load.py $1"
}

make_card person
# first of all: the port of the slow link may be taken by one of many connections later
start_slow_card person "${TWCARD_CARD_DELAY:-17}"
begin_agent
load share "$pin" 24
end_agent
stop_card

start_card person
for what in /waiting.gif /popupForm /waiting.gif /popupForm; do
	begin_agent
	load first "$what"
	end_agent
done
begin_agent
load windows 300
load status 1 1
reset_stats
load status 50 "${1:-10000}"
load status 50 "${1:-10000}" # the first has made all threads and buffers
echo "card commands for them: $(card_stat commands)"
end_agent
