# shellcheck shell=bash
#
# prepare.sh - for tests that need libraries from a package index: source it
# before lib.sh, which goes where there is no network.
#
#   wants PROGRAM PACKAGE         as lib.sh's needs
#   prepare LANGUAGE FETCH BUILD  copies tests/clients/LANGUAGE into the build directory and runs
#                                 both commands there; without what FETCH gets, all is skipped
#
# The index is the one that pip, go and cargo are set up with; versions are fixed.

set -u

top_srcdir=$(cd "${top_srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
top_builddir=$(cd "${top_builddir:-$top_srcdir}" && pwd)
export top_srcdir top_builddir
# shellcheck source=../lib/tap.sh
. "$top_srcdir/tests/lib/tap.sh"

wants() {
	command -v "$1" >/dev/null || skip_all "$1 is not installed (package $2)"
}

# shellcheck disable=SC2086  # commands of several words
prepare() {
	local folder=$top_builddir/tests/clients/$1 log=$top_builddir/tests/clients/$1.prepared status=0

	[ -z "${TWCARD_WITH_PCSCD:-}" ] || return 0
	mkdir -p "$folder"
	(
		flock 8
		cp -r "$top_srcdir/tests/clients/$1/." "$folder/" && chmod -R u+w "$folder" && cd "$folder" || exit 1
		$2 || exit 77
		$3
	) 8>"$folder.lock" >"$log" 2>&1 || status=$?
	[ "$status" -ne 77 ] || skip_all "the libraries cannot be had: $(tail -n 1 "$log")"
	[ "$status" -eq 0 ] || bail "it does not compile: $(tail -n 20 "$log")"
}
