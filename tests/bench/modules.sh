#!/bin/bash
#
# modules.sh - what PKCS#11 modules cost, with the same virtual cards (`make bench`).
#
#   tests/bench/modules.sh [--quick] [--docs FOLDER] [--json FILE] [MODULE...]
#
# Ours first, then every MODULE. Prints a table; --json keeps what it was made of, --docs renews the
# tables and plots of docs/PERFORMANCE.md. --quick leaves out callgrind and what grows but one number.
# Status 1 if a limit of ours does not hold (tests/bench/modules.py, STEPS), ours failed at all, or a
# cache costs more than it saves.

args=("$@")
# shellcheck source=../lib/card.sh
. "$(dirname "$0")/../lib/card.sh"

bench=$top_builddir/tests/bench/bench_module
[ -x "$bench" ] || bail "not built: $bench (make check TESTS= builds it)"
quick=no
docs=
json=$work/bench.json
modules=("$module")
set -- ${args[@]+"${args[@]}"}
while [ $# -gt 0 ]; do
	case $1 in
	--quick) quick=yes ;;
	--docs) docs=$2 && shift ;;
	--json) json=$2 && shift ;;
	-*) bail "no such option: $1" ;;
	*) modules+=("$1") ;;
	esac
	shift
done
[ -r "$module" ] || bail "no such module: $module" # another one that is not there is a line of the table
rm -f "$json"
printf '%s\n' "$pin" >"$work/pin"
use_keyset "$master_key"
more=(--parallel) count=()
numbers=(1 4 16 64)
[ "$quick" = no ] || more=() numbers=(16)
[ "$quick" = yes ] || ! command -v valgrind >/dev/null || count=(--instructions)

# A module with the address sanitizer wants its runtime first; so has bench_module.
measure() {
	local card=$1

	shift
	env PYTHONDONTWRITEBYTECODE=1 TWCARD_DEBUG=none ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}" \
	    "$top_srcdir/tests/bench/modules.py" --bench "$bench" --virtual "$virtual" --control "$card_socket" \
	    --image "$card_image" --pin-file "$work/pin" --card "$card" --cache "$work/cache" --out "$json" \
	    "$@" "${modules[@]}" || bail "modules.py failed"
}

# The card of a generation, with the CA's key.
make_issuer() {
	local options

	mapfile -t options < <(card_options "$1")
	"$virtual" create --out "$work/$2.card" --pin "$pin" --ca-key "$work/$2.ca" "${options[@]}" \
	    >"$work/create.log" 2>&1 || bail "twcard-virtual create: $(cat "$work/create.log")"
}

grow() {
	local number

	make_issuer "$1" "$2-issuer"
	for number in "${@:3}"; do
		PYTHONDONTWRITEBYTECODE=1 "$top_srcdir/tests/bench/more-certificates.py" "$work/$2-issuer.card" "$number" \
		    "$work/$2-$number.card" "$work/$2-issuer.ca" || bail "no card with $number certificates"
		start_card "$2-$number"
		measure "$2" --growth "$number" ${count[@]+"${count[@]}"}
		stop_card
	done
}

for card in "person gen1" "person-gen2 gen2"; do
	read -r kind name <<<"$card"
	make_card "$kind" "$name"
	start_card "$name"
	measure "$name" --steps ${more[@]+"${more[@]}"} ${count[@]+"${count[@]}"}
	stop_card
	[ "$quick $name" = "yes gen2" ] || grow "$kind" "$name" "${numbers[@]}"
done
PYTHONDONTWRITEBYTECODE=1 "$top_srcdir/tests/bench/performance.py" "$json" ${docs:+--docs "$docs"} \
    --ours "$(basename "$module")"
