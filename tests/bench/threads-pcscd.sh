#!/bin/bash
#
# threads-pcscd.sh - the same as threads.sh, but with the real pcscd.
#
#   tests/bench/threads-pcscd.sh [SECONDS-A-ROUND]     (default: 5)
#
# The module is the file that programs load. The figures are for reading: what
# a busy daemon takes for an answer is in them, too. TWCARD_THREADS_DELAY is how
# many milliseconds a command takes (17: with three commands 50 for a signature).

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../lib/card.sh
. "$here/../lib/card.sh"
# shellcheck source=../lib/fair.sh
. "$here/../lib/fair.sh"

bench=$top_builddir/tests/bench/bench_threads
[ -x "$bench" ] || bail "not built: $bench"

make_card person
start_slow_card person "${TWCARD_THREADS_DELAY:-17}"
"$bench" --module "$module" "$pin" "${1:-5}"
