#!/bin/bash
#
# ground.sh - builds and tests on other ground than the usual.
#
#   packaging/ground.sh musl | 32 | big-endian BUILD-DIRECTORY
#
# From what 'make dist' packs. Each builds everything and runs the unit tests:
#   musl        with musl's C library (musl-gcc), and its libraries built before
#   32          for i386, in a Debian of that kind
#   big-endian  for s390x, with a cross compiler and qemu
# What they need of Debian is kept outside of the tree (packaging/root.sh,
# sources.sh). It takes minutes to an hour. Only root can make the two roots.
#
# Status: 0; 1 if something is wrong; 77 if it cannot be tried here.

set -u
umask 022
top_srcdir=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source=common.sh
. "$top_srcdir/packaging/common.sh"
# shellcheck source=root.sh
. "$top_srcdir/packaging/root.sh"
# shellcheck source=sources.sh
. "$top_srcdir/packaging/sources.sh"
# shellcheck source=musl.sh
. "$top_srcdir/packaging/musl.sh"
[ $# -eq 2 ] || { sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
top_builddir=$(cd "$2" && pwd) || exit 1

libraries=libssl-dev,libpcsclite-dev,libp11-kit-dev,libinih-dev,libjson-c-dev,libcurl4-openssl-dev,uthash-dev
libraries+=,libsqlite3-dev,libmicrohttpd-dev,libcmocka-dev
jobs=$(getconf _NPROCESSORS_ONLN)

# count FOLDER: what the tests say, in one line; fails if one failed, or none ran.
count() {
	find "$1/tests" -name '*.trs' -exec cat {} + | awk -v name="$name" '
	/^:test-result: (PASS|XFAIL)/ { passed++ }
	/^:test-result: (FAIL|XPASS|ERROR)/ { failed++ }
	/^:test-result: SKIP/ { skipped++ }
	/^:global-test-result:/ { programs++ }
	END { printf "%s: %d programs: %d passed, %d failed, %d skipped\n", name, programs, passed, failed, skipped
		exit failed > 0 || passed == 0 }'
}

# Which tests failed, and what they said.
show_failed() {
	local trs

	grep -l '^:test-result: \(FAIL\|ERROR\)' "$1"/tests/*/*.trs | while IFS= read -r trs; do
		printf '%s\n' "$trs"
		grep -aE '^(not ok|# |Bail)|ERROR' "${trs%.trs}.log" | head -n 20
	done >&2
}

# configure_and_test CONFIGURE-ARGUMENTS...: in $build, which is made. check_with is an array: what runs
# make, check_arguments one for make.
configure_and_test() {
	local status=0

	mkdir -p "$build" && cd "$build" || exit 1
	"$source/configure" --without-postgresql "$@" >&2 || die "configure fails"
	make -j "$jobs" >&2 || die "make fails"
	"${check_with[@]}" make -k -j "$jobs" check-unit "${check_arguments[@]}" >&2 </dev/null || status=1
	count "$build" || { show_failed "$build"; exit 1; }
	[ "$status" -eq 0 ] || die "make check-unit fails"
}

# What s390x programs begin with, for the kernel: "who has these bytes is run by qemu".
# shellcheck disable=SC2016,SC1003 # for the kernel
s390x_magic='\x7fELF\x02\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x16'
s390x_magic+=':\xff\xff\xff\xff\xff\xff\xff\xfc\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff'

# with_qemu QEMU COMMAND...: the kernel starts qemu for s390x programs below COMMAND (Linux 6.7), in a
# user namespace of its own. So do programs that start themselves anew, which qemu alone does not.
with_qemu() {
	unshare --user --map-root-user --mount bash -c '
		mount -t binfmt_misc none /proc/sys/fs/binfmt_misc &&
		printf ":twcard:M::%s:%s:F" "$1" "$2" >/proc/sys/fs/binfmt_misc/register || exit 126
		shift 2
		exec "$@"' bash "$s390x_magic" "$@"
}

# Headers and libraries are another Debian's, programs are run by qemu.
big_endian() {
	need s390x-linux-gnu-gcc gcc-s390x-linux-gnu qemu-s390x-static qemu-user-static unshare util-linux
	local qemu

	qemu=$(command -v qemu-s390x-static)
	debian_root s390x s390x read "$libraries,libc6-dev,libgcc-12-dev"
	export PKG_CONFIG_SYSROOT_DIR=$root
	export PKG_CONFIG_LIBDIR=$root/usr/lib/s390x-linux-gnu/pkgconfig:$root/usr/share/pkgconfig
	export QEMU_LD_PREFIX=$root TWCARD_TEST_LIMIT=${TWCARD_TEST_LIMIT:-3600}
	if with_qemu "$qemu" true 2>/dev/null; then
		check_with=(with_qemu "$qemu")
	else
		say "this kernel starts no qemu for s390x programs: those that start themselves anew fail"
		check_arguments=(LOG_COMPILER="$qemu")
	fi
	configure_and_test --host=s390x-linux-gnu --build="$("$source/build-aux/config.guess")" \
	    CC="s390x-linux-gnu-gcc --sysroot=$root" EMULATOR="$qemu"
}

# The processor runs these programs itself: all of it happens in a root.
bits_32() {
	need unshare util-linux
	debian_root i386 i386 run "$libraries,gcc,libc6-dev,make,pkgconf,gettext,python3-minimal"
	mkdir -p "$build" && unshare --mount --pid --fork --kill-child bash -c '
		mount --bind "$1" "$1" && mkdir -p "$1/tree" && mount --bind "$2" "$1/tree" &&
		mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && mount -t tmpfs tmpfs "$1/tmp" &&
		exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/tmp \
		    jobs="$3" TWCARD_TEST_LIMIT="$5" sh -c "
			cd /tree/build && /tree/source/twcard-$4/configure --without-postgresql &&
			make -j \"\$jobs\" && make -k -j \"\$jobs\" check-unit"' \
	    bash "$root" "$work" "$jobs" "$version" "${TWCARD_TEST_LIMIT:-1800}" >&2 </dev/null || broken=yes
	count "$build" || { show_failed "$build"; exit 1; }
	[ "$broken" = no ] || die "the build fails"
}

# Debian has musl's C library and none of the libraries beside it: they are built first, those of the
# servers not. Programs find them by their paths: LD_LIBRARY_PATH would be the shell's, too.
musl() {
	local prefix=$roots/musl

	musl_libraries "$prefix"
	export PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig
	configure_and_test --disable-authority --disable-agent CC=musl-gcc CPPFLAGS="-isystem $prefix/include" \
	    LDFLAGS="-L$prefix/lib -Wl,-rpath,$prefix/lib"
}

work_directory
source_tree
name=$1 build=$work/build check_with=() check_arguments=() broken=no
case $1 in
musl) musl ;;
32) bits_32 ;;
big-endian) big_endian ;;
*) die "no such ground: $1" ;;
esac
