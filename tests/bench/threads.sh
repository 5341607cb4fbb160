#!/bin/bash
#
# threads.sh - under 64 threads, does a call that needs no card wait for one?
#
# Runs bench_threads --check (see there what its figures mean) up to three
# times: a machine that is busy with something else may spoil a run, but a lock
# that is held too long spoils them all. Status 0 if one run is good.
#
#   tests/bench/threads.sh [SECONDS-A-ROUND [BENCH_THREADS]]

set -u

seconds=${1:-5}
bench=${2:-${top_builddir:-.}/tests/bench/bench_threads}

[ -x "$bench" ] || { echo "bench_threads is not built: $bench"; exit 1; }
export XDG_CACHE_HOME=/dev/null/none TWCARD_CONF=/dev/null
for run in 1 2 3; do
	echo "run $run, load $(cut -d ' ' -f 1 /proc/loadavg 2>/dev/null), $(getconf _NPROCESSORS_ONLN) processors"
	"$bench" --check "$seconds"
	status=$?
	[ "$status" -eq 1 ] || exit "$status"
done
exit 1
