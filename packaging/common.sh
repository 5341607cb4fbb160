# shellcheck shell=bash
#
# common.sh - what the scripts that make packages share; source it.
#
#   need PROGRAM PACKAGE...   ends with 77 where a program is missing, and names its package
#   die TEXT                  ends with 1
#   work_directory            a folder in $work that is removed at the end
#   source_tree               unpacks what 'make dist' would pack into $work/source/twcard-VERSION
#
# Set before: $top_srcdir, $top_builddir (configured).
#
# shellcheck disable=SC2154  # they are the caller's

say() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

die() {
	say "$*"
	exit 1
}

need() {
	while [ $# -gt 0 ]; do
		command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || {
			say "$1 is not installed (package $2)"
			exit 77
		}
		shift 2
	done
}

work_directory() {
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/twcard-package.XXXXXX") || exit 1
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

source_tree() {
	version=$(sed -n 's/^AC_INIT(\[twcard\], \[\([^]]*\)\].*/\1/p' "$top_srcdir/configure.ac")
	mkdir "$work/source" || exit 1
	make -C "$top_builddir" -s distdir distdir="$work/source/twcard-$version" >&2 || die "make distdir fails"
	source=$work/source/twcard-$version
}

# same FOLDER FOLDER PATTERN...: the files of these names have the same bytes in both.
same() {
	local one=$1 other=$2 file found=0

	shift 2
	for file; do
		for file in "$one"/$file; do
			[ -e "$file" ] || continue
			found=$((found + 1))
			cmp "$file" "$other/$(basename "$file")" || die "built twice, it is not the same"
		done
	done
	[ "$found" -gt 0 ] || die "nothing was built in $one"
	say "$found files built twice are the same"
}
