#!/bin/bash
#
# deb-test.sh - installs the Debian packages into a clean Debian and tries them.
#
#   packaging/deb-test.sh OUT [PREVIOUS]
#
# OUT is what deb.sh has filled. In a copy of a root that debootstrap made:
# install, run debian/tests/installed, upgrade, remove, purge, and compare what
# is there before and after. The upgrade is from the packages in the folder PREVIOUS, of an
# older version, to those in OUT; without it, from OUT to the same files with a higher number.
# As root only; nothing of this system is touched, all that runs is in
# namespaces and ends with them.
#
# Status: 0; 1 if something is wrong; 77 if it cannot be tried here.

set -u
umask 022
top_srcdir=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source=common.sh
. "$top_srcdir/packaging/common.sh"
# shellcheck source=root.sh
. "$top_srcdir/packaging/root.sh"
[ $# -eq 1 ] || [ $# -eq 2 ] || { sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
out=$(cd "$1" && pwd) && previous=${2:+$(cd "$2" && pwd)} || exit 1

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

# copy_debs FROM TO VERSION: those that are installed.
copy_debs() {
	local debs=("$1"/*_"$3"_*.deb) deb

	[ -e "${debs[0]}" ] || die "there are no packages of $3 in $1: packaging/deb.sh"
	for deb in "${debs[@]}"; do
		case $deb in *-dbgsym_*) continue ;; esac
		cp "$deb" "$2/" || exit 1
	done
}

# Two versions in packages/old and packages/new.
choose_packages() {
	local deb

	mkdir -p "$work/root/packages/old" "$work/root/packages/new" || exit 1
	if [ -n "$previous" ]; then
		old=$(dpkg-deb -f "$previous"/twcard_*.deb Version) && new=$version || die "which version is in $previous?"
		dpkg --compare-versions "$old" lt "$new" || die "$old is no older version than $new"
		copy_debs "$previous" "$work/root/packages/old" "$old"
		copy_debs "$out" "$work/root/packages/new" "$new"
	else
		old=$version new=$version+1
		copy_debs "$out" "$work/root/packages/old" "$old"
		for deb in "$work/root/packages/old"/*.deb; do
			newer "$deb" "$work/root/packages/new"
		done
	fi
	packages=$(cd "$work/root/packages" && printf '%s\n' */*.deb | sed 's/.*\///; s/_.*//' | sort -u)
}

prepare() {
	debian_root clean "$(dpkg --print-architecture)" run ca-certificates
	cp -a "$root" "$work/root" && mkdir "$work/root/tree" || exit 1
	cp -a "$top_srcdir/debian" "$top_srcdir/tests" "$work/root/tree/" || exit 1
	cp /etc/resolv.conf "$work/root/etc/" || exit 1
	choose_packages
	# nobody misses this root after a power failure, and nobody is asked about settings
	printf "force-unsafe-io\nforce-confold\n" >"$work/root/etc/dpkg/dpkg.cfg.d/fast" || exit 1
	# pcscd is not to be started when it is installed
	printf '#!/bin/sh\nexit 101\n' >"$work/root/usr/sbin/policy-rc.d" && chmod 755 "$work/root/usr/sbin/policy-rc.d"
}

# What ours depend on, and what the test needs, comes first, so that the lists show only what ours leave.
install_others() {
	local others

	apt update
	# a newer version that is the same needs the same
	in_root sh -c 'apt-get -s --no-install-recommends install /packages/old/*.deb &&
		{ [ -z "$1" ] || apt-get -s --no-install-recommends install /packages/new/*.deb; }' sh "$previous" \
	    >"$work/simulated" || die "the packages cannot be installed together"
	others=$(awk '/^Inst/ { print $2 }' "$work/simulated" | sort -u | grep -vxF -e "$packages")
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

# all_are VERSION FOLDER: every package in the folder is installed, in this version.
all_are() {
	local count

	count=$(find "$work/root/packages/$2" -name '*.deb' | wc -l)
	[ "$count" -gt 0 ] && [ "$(in_root dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' |
	    grep -c " $1 installed\$")" -eq "$count" ]
}

install_all() {
	# shellcheck disable=SC2046  # words
	apt install $(cd "$work/root" && printf '/%s ' "packages/$1"/*.deb)
}

# Every page of the packages, by its name and in its language.
pages_are_found() {
	# shellcheck disable=SC2016  # for the shell there
	in_root sh -c '
		for page in $(dpkg -L "$@" | grep "/man/.*[0-9]\.gz$" | sort -u); do
			name=${page##*/} section=${page%.gz} language=C.UTF-8
			case $page in */man/zh_TW/*) language=zh_TW.UTF-8 ;; esac
			found=$(man -w -L "$language" "${section##*.}" "${name%.*.gz}") && [ "$found" = "$page" ] ||
				{ echo "$page: $found"; exit 1; }
		done; [ -n "$page" ]' sh $packages >&2
}

# conffiles: the packages' settings, which a user may have changed.
conffiles() {
	# shellcheck disable=SC2086  # words
	in_root dpkg-query -W -f '${Conffiles}\n' $packages 2>/dev/null | awk 'NF >= 2 { print $1 }' | sort
}

change_conffiles() {
	local file files

	files=$(conffiles) && [ -n "$files" ] || return 1
	for file in $files; do
		echo "# the user's own" >>"$work/root/$file" || return 1
	done
}

conffiles_are_the_users() {
	local file

	for file in $(conffiles); do
		grep -qxF "# the user's own" "$work/root/$file" || return 1
	done
}

# What the services stored, and what systemd's helper keeps of them until they are purged, may
# stay, and settings.
only_data_is_left() {
	conffiles >"$work/conffiles"
	! list | diff "$work/before" - | grep '^[<>] [^d]' | grep -vE '/var/lib/.*twcard-(agent|authority)' |
	    grep -vF -f <(sed 's/^/ ./' "$work/conffiles") >&2
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
install_all old
try "all packages are installed, in version $old" all_are "$old" old
try "what is installed works" installed_test
sed -n '/^# the doctor/,$p' "$work/installed.log" >&2
try "every manual page is found" pages_are_found
change_conffiles || die "there is no conffile to change"
install_all new
try "all are upgraded to $new" all_are "$new" new
try "and work" installed_test
try "what a user has changed stays" conffiles_are_the_users
# what a service that ran would have left
mkdir -p "$work/root/var/lib/private/twcard-authority" && : >"$work/root/var/lib/private/twcard-authority/authority.db"
ln -s private/twcard-authority "$work/root/var/lib/twcard-authority"
# shellcheck disable=SC2086  # words, here and below
apt remove $packages
try "no file is left when they are removed, but data" only_data_is_left
try "settings are" conffiles_are_the_users
try "and what a service stored" test -e "$work/root/var/lib/private/twcard-authority/authority.db"
# apt no longer knows those that left nothing; dpkg passes over them
in_root dpkg --purge $packages >>"$work/apt.log" 2>&1 || die "dpkg --purge fails"
# systemd's own folder for such data
rmdir "$work/root/var/lib/private" 2>/dev/null
try "nothing is left when they are purged" as_before
printf '%d passed, 0 failed\n' "$passed"
