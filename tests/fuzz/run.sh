#!/bin/bash
#
# run.sh - fuzzes one target with libFuzzer, the address sanitizer and UBSan.
#
#   run.sh TARGET SECONDS [LIBFUZZER OPTIONS...]
#
# TARGET is agent, area, cursor, directory, scp03, channel, trace or authz. Needs clang with its runtime
# (Debian: clang, libclang-rt-dev) and a configured tree: $top_builddir, or the
# source tree itself. What is new and interesting goes to fuzz-work/TARGET in
# the current directory, findings to fuzz-work/findings; the corpus in the
# source tree is only read. Status: libFuzzer's, not 0 if it found something.

set -eu

usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

# The product, and what card manager and agent do with traces and requests, as an archive, so
# that a target takes what it needs, and may have a function of its own in
# place of one of the product's.
build() {
	local flags

	read -r -a flags <<<"$(pkg-config --cflags p11-kit-1 libcrypto libpcsclite inih json-c)"
	flags+=(-std=gnu11 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
	    -DSYSCONFDIR="\"/nowhere\"" -DLOCALEDIR="\"/nowhere\"" -DMODULE_PATH="\"/nowhere\"" -I"$top_srcdir" -I"$top_builddir"
	    -I"$top_srcdir/tests/unit/support")
	rm -rf "$work/build-$target"
	mkdir "$work/build-$target"
	(
		cd "$work/build-$target"
		# shellcheck disable=SC2016  # for the inner shell
		printf '%s\n' "$top_srcdir"/{apdu,authz,profiles,src/*}/*.c "$top_srcdir"/tools/twcard/{apdu,trace}_*.c \
		    "$top_srcdir"/tools/agent/work*.c "$top_srcdir"/tools/twcard/{cert_attributes,cert_info,explain*}.c \
		    "$top_srcdir"/tools/twcard/{json_bytes,message,text}.c \
		    "$top_srcdir"/tests/unit/support/{authz_world,stub_token}.c |
		    xargs -P 2 -I{} sh -c 'out=$(echo "$1" | tr / _).o; shift; exec "$@" -o "$out"' - {} \
		        "${CLANG:-clang}" "${flags[@]}" -fsanitize=fuzzer-no-link,address,undefined -c {}
		ar rc product.a ./*.o
	)
	"${CLANG:-clang}" "${flags[@]}" -fsanitize=fuzzer,address,undefined -o "$work/fuzz_$target" \
	    "$top_srcdir/tests/fuzz/fuzz_$target.c" "$work/build-$target/product.a" -lcrypto -linih \
	    -ljson-c -lpcsclite -lpthread
}

[ $# -ge 2 ] || usage
target=$1 seconds=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
top_srcdir=$(cd "$here/../.." && pwd)
top_builddir=${top_builddir:-$top_srcdir}
[ -r "$here/fuzz_$target.c" ] || usage
[ -r "$top_builddir/config.h" ] || { echo "run.sh: no config.h in $top_builddir: run configure" >&2; exit 2; }

work=$PWD/fuzz-work
mkdir -p "$work/$target" "$work/findings"
build
exec "$work/fuzz_$target" -max_total_time="$seconds" -max_len=8192 -timeout=20 \
    -print_final_stats=1 -artifact_prefix="$work/findings/$target-" "$@" \
    "$work/$target" "$here/corpus/$target"
