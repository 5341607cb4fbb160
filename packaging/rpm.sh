#!/bin/bash
#
# rpm.sh - makes the RPM packages, and lets rpmlint check them.
#
#   packaging/rpm.sh BUILD-DIRECTORY OUT
#
# From what 'make dist' packs. Where the system is none of RPM's, what the
# packages need to be built is not asked for by RPM: configure asks.
#
# Status: 0; 1 if something is wrong; 77 if a program is missing.

set -u
umask 022
top_srcdir=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source=common.sh
. "$top_srcdir/packaging/common.sh"
[ $# -eq 2 ] || { sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
top_builddir=$(cd "$1" && pwd) || exit 1
mkdir -p "$2" && out=$(cd "$2" && pwd) || exit 1
need rpmbuild rpm rpmlint rpmlint

work_directory
source_tree
mkdir -p "$work/SOURCES" && tar -C "$work/source" -cJf "$work/SOURCES/twcard-$version.tar.xz" "twcard-$version" || exit 1
options=()
rpm -q gcc >/dev/null 2>&1 || options=(--nodeps)
rpmbuild -ba "${options[@]}" --define "_topdir $work" --define "_smp_mflags -j$(getconf _NPROCESSORS_ONLN)" \
    "$top_srcdir/packaging/twcard.spec" >&2 </dev/null || die "rpmbuild fails"
mapfile -t made < <(find "$work/RPMS" "$work/SRPMS" -name '*.rpm' | LC_ALL=C sort)
rpmlint --config "$top_srcdir/packaging/rpmlint.toml" "$top_srcdir/packaging/twcard.spec" "${made[@]}" >&2 || die "rpmlint complains"
cp "${made[@]}" "$out/" || exit 1
printf '%s\n' "${made[@]##*/}"
