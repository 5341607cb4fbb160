#!/bin/bash
#
# release.sh - what is published of a version (docs/RELEASING.md).
#
#   packaging/release.sh BUILD-DIRECTORY OUT
#
# After 'make distcheck', which `make release` does first. Into OUT: the source
# archive, its bill of materials (CycloneDX), the section of NEWS.md, and
# SHA256SUMS of them. Everything is there, or nothing.
#
# Status: 0; 1 if something is wrong; 77 if a program is missing.

set -u
umask 022
top_srcdir=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source=common.sh
. "$top_srcdir/packaging/common.sh"
[ $# -eq 2 ] || { sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
top_builddir=$(cd "$1" && pwd) || exit 1
out=$(realpath -m "$2")
need python3 python3 pkg-config pkgconf dpkg-parsechangelog dpkg-dev

# news: the section of the version, without its heading.
news() {
	awk -v version="$version" '/^## / { inside = $2 == version; next } inside' "$top_srcdir/NEWS.md"
}

work_directory
version=$(sed -n 's/^AC_INIT(\[twcard\], \[\([^]]*\)\].*/\1/p' "$top_srcdir/configure.ac")
archive=twcard-$version.tar.xz
[ -e "$top_builddir/$archive" ] || die "there is no $archive: make release"
time=$(dpkg-parsechangelog -l "$top_srcdir/debian/changelog" -S Timestamp) || exit 1
! grep -q "^## $version (unreleased)" "$top_srcdir/NEWS.md" || say "NEWS.md says that $version is unreleased: a rehearsal"

python3 -m venv "$work/venv" && "$work/venv/bin/pip" -q install -r "$top_srcdir/packaging/requirements.txt" >&2 ||
    die "pip cannot install packaging/requirements.txt (Debian: python3-venv)"
new=$work/release
mkdir "$new" && cp "$top_builddir/$archive" "$new/" || exit 1
"$work/venv/bin/python3" "$top_srcdir/packaging/sbom.py" "$new/$archive" "$version" "$time" >"$new/twcard-$version.cdx.json" ||
    die "sbom.py fails"
news >"$new/NEWS-$version.md"
[ -s "$new/NEWS-$version.md" ] || die "NEWS.md has nothing about $version"
(cd "$new" && sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .) || exit 1
rm -rf "$out" && mkdir -p "$(dirname "$out")" && cp -R "$new" "$out" || exit 1
cat "$out/SHA256SUMS"
