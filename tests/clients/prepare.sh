# shellcheck shell=bash
#
# prepare.sh - for tests that need libraries from a package index: source it
# before lib.sh, which goes where there is no network.
#
#   wants PROGRAM PACKAGE         as lib.sh's needs
#   prepare LANGUAGE FETCH BUILD  copies tests/clients/LANGUAGE into the build directory and runs
#                                 both commands there; without what FETCH gets, all is skipped
#
# The index is the one that pip, go and cargo are set up with; versions are fixed. It is
# asked three times, because a network may fail once; what it gave stays in the build directory.

set -u

top_srcdir=$(cd "${top_srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
top_builddir=$(cd "${top_builddir:-$top_srcdir}" && pwd)
export top_srcdir top_builddir
# shellcheck source=../lib/tap.sh
. "$top_srcdir/tests/lib/tap.sh"

wants() {
	command -v "$1" >/dev/null || skip_all "$1 is not installed (package $2)"
}

# fetch COMMAND...
fetch() {
	local try

	for try in 1 2 3; do
		timeout 120 "$@" && return
		printf 'try %d came to nothing\n' "$try"
		sleep 2
	done
	return 1
}

# What prepare depends on: the sources, and who compiles them.
sources() {
	(cd "$top_srcdir/tests/clients/$1" && find . -type f -exec cksum {} + | LC_ALL=C sort)
	shift
	printf '%s\n' "$@" "$PATH"
}

# shellcheck disable=SC2086  # commands of several words
prepare() {
	local folder=$top_builddir/tests/clients/$1 log=$top_builddir/tests/clients/$1.prepared status=0

	[ -z "${TWCARD_WITH_PCSCD:-}" ] || return 0
	mkdir -p "$folder"
	(
		flock 8
		sources "$@" | cmp -s - "$folder.made" && exit
		rm -f "$folder.made"
		cp -r "$top_srcdir/tests/clients/$1/." "$folder/" && chmod -R u+w "$folder" && cd "$folder" || exit 1
		fetch $2 || exit 77
		$3 && sources "$@" >"$folder.made"
	) 8>"$folder.lock" >"$log" 2>&1 || status=$?
	[ "$status" -ne 77 ] || skip_all "the libraries cannot be had: $(grep -v '^try ' "$log" | tail -n 1)"
	[ "$status" -eq 0 ] || bail "it does not compile: $(tail -n 20 "$log")"
}
