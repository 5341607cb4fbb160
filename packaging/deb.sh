#!/bin/bash
#
# deb.sh - makes the Debian packages.
#
#   packaging/deb.sh [--once] [--no-lintian] BUILD-DIRECTORY OUT
#
# Builds them from what 'make dist' packs, in two folders of other names and
# times, and compares the bytes; lintian checks them. With --once they are
# built once. The results are in OUT. It needs no root, and installs nothing.
#
# Status: 0; 1 if something is wrong; 77 if a program is missing.

set -u
umask 022
top_srcdir=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source=common.sh
. "$top_srcdir/packaging/common.sh"

once=no lintian=yes
while [ $# -gt 0 ]; do
	case $1 in
	--once) once=yes ;;
	--no-lintian) lintian=no ;;
	-*) sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
[ $# -eq 2 ] || { sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
top_builddir=$(cd "$1" && pwd) || exit 1
mkdir -p "$2" && out=$(cd "$2" && pwd) || exit 1
need dpkg-buildpackage dpkg-dev dh debhelper
[ "$lintian" = no ] || need lintian lintian

# build FOLDER: the packages are beside the tree, in it.
build() {
	mkdir -p "$1" && cp -a "$source" "$1/" || exit 1
	# what is tested here is tested when it is installed (deb-test.sh)
	(cd "$1/$(basename "$source")" &&
	    DEB_BUILD_OPTIONS="nocheck parallel=$(getconf _NPROCESSORS_ONLN) ${DEB_BUILD_OPTIONS:-}" \
		dpkg-buildpackage --build=full --no-sign) >&2 </dev/null || die "dpkg-buildpackage fails"
	rm -rf "${1:?}/$(basename "$source")"
}

work_directory
source_tree
build "$work/one"
if [ "$once" = no ]; then
	build "$work/another/name"
	same "$work/one" "$work/another/name" '*.deb' '*.dsc' '*.tar.xz'
fi
[ "$lintian" = no ] || (cd "$work/one" && lintian --fail-on warning --allow-root ./*.changes) >&2 ||
    die "lintian complains"
cp "$work/one"/* "$out/" || exit 1
(cd "$work/one" && ls -- *.deb)
