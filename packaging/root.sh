# shellcheck shell=bash
#
# root.sh - folders with a Debian in them, made once and kept outside of the
# tree; source it after common.sh.
#
#   debian_root NAME ARCH MODE PACKAGES   a root in $root; MODE "run" (programs of it
#                                         are run) or "read" (only headers and libraries)
#
# They are kept in $TWCARD_ROOTS, ~/.cache/twcard/roots by default, and are of
# the release that this system is, from where apt gets it.

roots=${TWCARD_ROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/twcard/roots}

# debian_mirror: where apt gets this system's packages from.
debian_mirror() {
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' "Created-By: Packages" |
	    awk -v suite="$release" '$2 == suite { print $1; exit }'
}

debian_root() {
	local name=$1 arch=$2 mode=$3 packages=$4 mirror options=() deb

	root=$roots/$name
	[ ! -e "$root/.complete" ] || return 0
	need debootstrap debootstrap
	[ "$(id -u)" -eq 0 ] || { say "only root makes a root with debootstrap"; exit 77; }
	release=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
	mirror=$(debian_mirror)
	[ -n "$mirror" ] || die "apt-get does not know where $release comes from: apt-get update"
	rm -rf "$root" && mkdir -p "$roots" || exit 1
	[ "$mode" = run ] || options=(--foreign)
	[ -z "$packages" ] || options+=(--include="$packages")
	say "making $root"
	debootstrap --arch="$arch" --variant=minbase "${options[@]}" "$release" "$root" "$mirror" >&2 ||
	    die "debootstrap fails"
	# what was only brought is unpacked without being run
	if [ "$mode" = read ]; then
		for deb in "$root"/var/cache/apt/archives/*.deb; do
			dpkg-deb --fsys-tarfile "$deb" | tar -C "$root" -x --keep-directory-symlink ||
			    die "cannot unpack $deb"
		done
	fi
	rm -f "$root"/var/cache/apt/archives/*.deb
	: >"$root/.complete"
}
