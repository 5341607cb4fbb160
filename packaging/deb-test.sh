#!/bin/bash
#
# deb-test.sh - installs the Debian packages into a clean Debian and tries them.
#
#   packaging/deb-test.sh OUT
#
# OUT is what deb.sh has filled. In a copy of a root that debootstrap made:
# install, run debian/tests/installed, upgrade, remove, purge, and compare what
# is there before and after. As root only; nothing of this system is touched,
# all that runs is in namespaces and ends with them.
#
# Status: 0; 1 if something is wrong; 77 if it cannot be tried here.

set -u
umask 022
top_srcdir=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source=common.sh
. "$top_srcdir/packaging/common.sh"
# shellcheck source=root.sh
. "$top_srcdir/packaging/root.sh"
[ $# -eq 1 ] || { sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
out=$(cd "$1" && pwd) || exit 1

# in_root COMMAND...: in namespaces, but with this system's network, from where packages come.
in_root() {
	unshare --mount --pid --ipc --uts --fork --kill-child bash -c '
		root=$1 && shift &&
		mount --bind "$root" "$root" && mount -t proc proc "$root/proc" &&
		mount -t tmpfs tmpfs "$root/dev" && mkdir "$root/dev/shm" "$root/dev/pts" &&
		for device in null zero full random urandom tty; do
			: >"$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device" || exit 1
		done &&
		ln -s /proc/self/fd "$root/dev/fd" &&
		exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive "$@"' bash "$work/root" "$@" </dev/null
}

apt() {
	in_root apt-get -q -y --no-install-recommends "$@" >>"$work/apt.log" 2>&1 && return
	tail -n 30 "$work/apt.log" >&2
	die "apt-get $1 fails"
}

# list: everything in the root but apt's and dpkg's own books, and what changes by itself.
list() {
	(cd "$work/root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp -o -path ./run -o \
	    -path ./packages -o -path ./tree -o -path ./var/cache -o -path ./var/lib/apt -o -path ./var/log -o \
	    -path ./var/lib/dpkg -o -path ./root \) -prune -o -printf '%y %m %u %p\n') | LC_ALL=C sort
}

# newer DEB FOLDER: the same package with a higher version.
newer() {
	rm -rf "$work/deb" && dpkg-deb -R "$1" "$work/deb" &&
	    sed -i "s/^Version: .*/&+1/; s/(= $version)/(= $version+1)/" "$work/deb/DEBIAN/control" &&
	    dpkg-deb --root-owner-group -Zgzip -z1 -b "$work/deb" "$2" >/dev/null || die "cannot make a newer $1"
}

prepare() {
	local debs=("$out"/*_"$version"_*.deb) deb

	[ -e "${debs[0]}" ] || die "there are no packages of $version in $out: packaging/deb.sh"
	debian_root clean "$(dpkg --print-architecture)" run ca-certificates
	cp -a "$root" "$work/root" && mkdir -p "$work/root/packages/old" "$work/root/packages/new" "$work/root/tree" ||
	    exit 1
	cp -a "$top_srcdir/debian" "$top_srcdir/tests" "$work/root/tree/" || exit 1
	cp /etc/resolv.conf "$work/root/etc/" || exit 1
	for deb in "${debs[@]}"; do
		case $deb in *-dbgsym_*) continue ;; esac
		cp "$deb" "$work/root/packages/old/" && newer "$deb" "$work/root/packages/new" || exit 1
	done
	packages=$(cd "$work/root/packages/old" && printf '%s\n' *.deb | sed 's/_.*//')
	# nobody misses this root after a power failure
	echo force-unsafe-io >"$work/root/etc/dpkg/dpkg.cfg.d/fast" || exit 1
	# pcscd is not to be started when it is installed
	printf '#!/bin/sh\nexit 101\n' >"$work/root/usr/sbin/policy-rc.d" && chmod 755 "$work/root/usr/sbin/policy-rc.d"
}

# What ours depend on, and what the test needs, comes first, so that the lists show only what ours leave.
install_others() {
	local others

	apt update
	others=$(in_root sh -c 'apt-get -s --no-install-recommends install /packages/old/*.deb' |
	    awk '/^Inst/ { print $2 }' | grep -vxF -e "$packages")
	# shellcheck disable=SC2086  # words
	apt install $others man-db iproute2 opensc openssl p11-kit pcscd vsmartcard-vpcd
}

passed=0
# try NAME COMMAND...
try() {
	local name=$1

	shift
	"$@" || die "$name: no"
	passed=$((passed + 1))
	say "$name: yes"
}

installed_test() {
	in_root bash /tree/debian/tests/installed >"$work/installed.log" 2>&1 && return
	cat "$work/installed.log" >&2
	return 1
}

all_of() {
	in_root dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' | grep -c " $1 installed\$"
}

# What the services stored, and what systemd's helper keeps of them until they are purged, may stay.
only_data_is_left() {
	! list | diff "$work/before" - | grep '^[<>] [^d]' | grep -vE '/var/lib/.*twcard-(agent|authority)' >&2
}

as_before() {
	list >"$work/after" && diff "$work/before" "$work/after" >&2
}

work_directory
version=$(dpkg-parsechangelog -l "$top_srcdir/debian/changelog" -S Version) || exit 1
need dpkg-deb dpkg unshare util-linux
prepare
install_others
list >"$work/before"
count=$(wc -w <<<"$packages")
apt install $(printf '/packages/old/%s ' $(cd "$work/root/packages/old" && echo *.deb))
try "all $count packages are installed" test "$(all_of "$version")" = "$count"
try "what is installed works" installed_test
sed -n '/^# the doctor/,$p' "$work/installed.log" >&2
try "the manual pages are found" in_root sh -c 'man -w twcard && man -w -L zh_TW.UTF-8 twcard && man -w 3 twcard-authz' \
    >/dev/null
apt install $(printf '/packages/new/%s ' $(cd "$work/root/packages/new" && echo *.deb))
try "all are upgraded" test "$(all_of "$version+1")" = "$count"
try "and work" installed_test
# what a service that ran would have left
mkdir -p "$work/root/var/lib/private/twcard-authority" && : >"$work/root/var/lib/private/twcard-authority/authority.db"
ln -s private/twcard-authority "$work/root/var/lib/twcard-authority"
apt remove $packages
try "no file is left when they are removed, but data" only_data_is_left
try "which is" test -e "$work/root/var/lib/private/twcard-authority/authority.db"
# apt no longer knows those that left nothing; dpkg passes over them
in_root dpkg --purge $packages >>"$work/apt.log" 2>&1 || die "dpkg --purge fails"
# systemd's own folder for such data
rmdir "$work/root/var/lib/private" 2>/dev/null
try "nothing is left when they are purged" as_before
printf '%d passed, 0 failed\n' "$passed"
