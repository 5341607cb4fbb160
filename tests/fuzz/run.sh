#!/bin/bash
#
# run.sh - fuzzes targets one after the other, and says what came of it.
#
#   run.sh [-e ENGINE] [-s SECONDS] [-o FOLDER] [TARGET...] [-- OPTIONS OF THE ENGINE...]
#
# ENGINE is libfuzzer (the default: Debian's clang and libclang-rt-dev) or afl
# (afl++); both with the address sanitizer and UBSan. SECONDS are each target's,
# 60 by default; without a TARGET all of them. What is new and interesting goes
# to FOLDER/TARGET (fuzz-work), findings to FOLDER/findings; the corpus in the
# source tree is only read. `make fuzz-merge` takes what is worth keeping into it.
# Needs a configured tree: $top_builddir, or the source tree itself. Status: 1 if
# a target found something or could not be run.

set -eu

usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

engine=libfuzzer seconds=60 work=$PWD/fuzz-work merge=no
while getopts e:s:o:m option; do
	case $option in
	e) engine=$OPTARG ;;
	s) seconds=$OPTARG ;;
	o) work=$(realpath -m "$OPTARG") ;;
	m) merge=yes ;; # only for `make fuzz-merge`: into the source tree's corpus
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
targets=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	targets+=("$1")
	shift
done
[ $# -eq 0 ] || shift # the rest is for the engine
options=("$@")

here=$(cd "$(dirname "$0")" && pwd)
top_srcdir=$(cd "$here/../.." && pwd)
top_builddir=$(cd "${top_builddir:-$top_srcdir}" && pwd)
export top_srcdir
[ -r "$top_builddir/config.h" ] || { echo "run.sh: no config.h in $top_builddir: run configure" >&2; exit 2; }
if [ ${#targets[@]} -eq 0 ]; then
	for file in "$here"/fuzz_*.c; do
		file=${file##*/fuzz_}
		targets+=("${file%.c}")
	done
fi
for target in "${targets[@]}"; do
	[ -r "$here/fuzz_$target.c" ] || { echo "run.sh: there is no target $target" >&2; exit 2; }
done

# What compiles, what the product's code is compiled with besides, and what makes a program of it.
case $engine in
libfuzzer)
	read -r -a compiler <<<"${CLANG:-clang}"
	watched=(-fsanitize=fuzzer-no-link)
	;;
afl)
	read -r -a compiler <<<"${AFL_COMPILER:-afl-clang-fast}"
	watched=()
	export AFL_QUIET=1 AFL_USE_ASAN=1 AFL_USE_UBSAN=1
	;;
*) usage ;;
esac
sanitizers=(-fsanitize=address,undefined -fno-sanitize-recover=all)
driver=(-fsanitize=fuzzer)
read -r -a flags <<<"$(pkg-config --cflags p11-kit-1 libcrypto libpcsclite inih json-c)"
flags+=(-std=gnu11 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer -DSYSCONFDIR="\"/nowhere\""
    -DLOCALEDIR="\"/nowhere\"" -DMODULE_PATH="\"/nowhere\"" -I"$top_srcdir" -I"$top_builddir"
    -I"$top_srcdir/tests/unit/support" -I"$top_srcdir/tools/virtual-card")
build=$work/build-$engine
mkdir -p "$build" "$work/findings" "$work/log"

# compile FLAG... - what is on standard input, one source a line, to objects in $build. An object
# that is younger than everything that it was made of stays.
compile() {
	local source object
	while read -r source; do
		object=$build/$(echo "${source#"$top_srcdir"/}" | tr / _).o
		if [ -e "$object" ] && [ "$top_builddir/config.h" -ot "$object" ] &&
		    ! find $(sed -e 's/^[^:]*://' -e 's/\\$//' "$object.d") -newer "$object" 2>&1 | grep -q .; then
			continue
		fi
		printf '%s\n%s\n' "$object" "$source"
	done | xargs -r -d '\n' -n 2 -P 2 sh -c 'object=$0; shift 0
		source=$1; set -- '"$(printf "'%s' " "${compiler[@]}" "${flags[@]}" "${sanitizers[@]}" "$@")"'
		exec "$@" -MD -MF "$object.d" -c "$source" -o "$object"'
}

# The product, and what card manager and agent do with traces and requests, as an archive, so
# that a target takes what it needs, and may have a function of its own in place of one of the
# product's. What stands in for cards and readers is not watched: its branches are no coverage.
build_product() {
	printf '%s\n' "$top_srcdir"/{apdu,authz,profiles,src/*}/*.c "$top_srcdir"/tools/twcard/{apdu,trace}_*.c \
	    "$top_srcdir"/tools/agent/work*.c "$top_srcdir"/tools/twcard/{cert_attributes,cert_info,explain*}.c \
	    "$top_srcdir"/tools/twcard/{arguments,cms_*,json_bytes,message,mime,progress,rsa_key,sign_cms,stream,text}.c | grep -v _windows | compile "${watched[@]}"
	printf '%s\n' "$top_srcdir"/tests/unit/support/{authz_world,fakepcsc,fakepcsc_control,steady_chance,stub_token}.c \
	    "$top_srcdir"/tools/virtual-card/{access,behaviour,card,command,fs,gen1,gen2,image,p15,personalise}.c \
	    "$top_srcdir"/tools/virtual-card/{pin,pki,scp03,trace,util,writing}.c | compile
	rm -f "$build/product.a"
	ar rc "$build/product.a" "$build"/{apdu,authz,profiles,src,tools,tests_unit}_*.o
}

# build_target TARGET
build_target() {
	local sources=("$here/fuzz_$1.c")

	grep -q '"hostile.h"' "$here/fuzz_$1.c" && sources+=("$here/hostile.c" "$here/user.c")
	AFL_QUIET=1 "${compiler[@]}" "${flags[@]}" "${sanitizers[@]}" "${driver[@]}" -o "$build/fuzz_$1" "${sources[@]}" \
	    "$build/product.a" -lcrypto -linih -ljson-c -lpcsclite -lpthread
}

# ---- a run, and its row: executions, executions a second, edges, corpus, findings ----

run_libfuzzer() {
	mkdir -p "$work/$1"
	"$build/fuzz_$1" -max_total_time="$seconds" -max_len=8192 -timeout=20 -print_final_stats=1 -use_value_profile=0 \
	    -artifact_prefix="$work/findings/$1-" "${options[@]}" "$work/$1" "$here/corpus/$1" >"$work/log/$1" 2>&1
}

row_libfuzzer() {
	awk '/^#/ {for (i = 1; i < NF; i++) {if ($i == "cov:") edges = $(i + 1); if ($i == "corp:") corpus = $(i + 1)}}
	    /^stat::number_of_executed_units/ {units = $2} /^stat::average_exec_per_sec/ {rate = $2}
	    END {sub(/\/.*/, "", corpus); printf "%s %s %s %s\n", units + 0, rate + 0, edges + 0, corpus + 0}' "$work/log/$1"
}

run_afl() {
	rm -rf "$work/afl-$1"
	AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
	    afl-fuzz -V "$seconds" -G 8192 -t 20000 -m none "${options[@]}" -i "$here/corpus/$1" -o "$work/afl-$1" \
	    -- "$build/fuzz_$1" >"$work/log/$1" 2>&1 || return 1
	find "$work/afl-$1" -path '*/crashes/id:*' -o -path '*/hangs/id:*' | while read -r file; do
		cp "$file" "$work/findings/$1-${file##*/}"
	done
}

row_afl() {
	awk '$1 == "execs_done" {units = $3} $1 == "execs_per_sec" {rate = int($3)} $1 == "edges_found" {edges = $3}
	    $1 == "corpus_count" {corpus = $3} END {print units + 0, rate + 0, edges + 0, corpus + 0}' \
	    "$work/afl-$1/default/fuzzer_stats" 2>&1
}

# What reaches code that the corpus does not reach goes into it.
merge_target() {
	mkdir -p "$work/$1"
	"$build/fuzz_$1" -merge=1 -use_counters=0 -max_len=8192 -timeout=20 "${options[@]}" "$here/corpus/$1" "$work/$1" \
	    >"$work/log/$1-merge" 2>&1 || return 1
	echo "$1: $(find "$here/corpus/$1" -type f | wc -l) inputs"
}

# libFuzzer ends without a target's own tidying.
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
build_product
status=0
[ $merge = yes ] || printf '%-12s %12s %8s %8s %8s %9s\n' target executions exec/s edges corpus findings
for target in "${targets[@]}"; do
	build_target "$target"
	if [ $merge = yes ]; then
		merge_target "$target"
		continue
	fi
	ended=0
	run_$engine "$target" || ended=$?
	read -r executions rate edges corpus <<<"$(row_$engine "$target")"
	findings=$(find "$work/findings" -name "$target-*" | wc -l)
	printf '%-12s %12s %8s %8s %8s %9s\n' "$target" "$executions" "$rate" "$edges" "$corpus" "$findings"
	if [ "$ended" -ne 0 ] || [ "$findings" -ne 0 ]; then
		status=1
		echo "run.sh: $target ended with status $ended: see $work/log/$target" >&2
	fi
done
exit $status
