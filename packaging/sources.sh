# shellcheck shell=bash
#
# sources.sh - archives of Debian's source packages, whose SHA-256 is known
# before; source it after common.sh.
#
#   source_unpack NAME ARCHIVE RELEASE SHA256   unpacks NAME_ARCHIVE into $work/NAME
#
# Archives are found in $TWCARD_SOURCES, ~/.cache/twcard/sources by default, or
# fetched into it with apt-get, without root and without touching the system's
# lists. RELEASE is the Debian that has them; wherever they come from, their sum
# must be that one.
#
# shellcheck disable=SC2154  # $work is the caller's

sources=${TWCARD_SOURCES:-${XDG_CACHE_HOME:-$HOME/.cache}/twcard/sources}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# source_mirror RELEASE: where apt gets this system's packages from, its updates for a -security.
source_mirror() {
	local suite

	suite=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
	case $1 in *-security) suite+=-security ;; esac
	# shellcheck disable=SC2016 # for apt-get
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' "Created-By: Packages" |
	    awk -v suite="$suite" '$2 == suite { print $1; exit }'
}

# source_fetch NAME RELEASE: its archive into $sources
source_fetch() {
	local name=$1 release=$2 apt=$sources/apt options mirror

	need apt-get apt
	mirror=$(source_mirror "$release")
	[ -n "$mirror" ] || die "apt-get does not know where $release comes from: apt-get update"
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" || exit 1
	printf 'deb-src [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$release" >"$apt/$release.list"
	options=(-q -o "Dir::Etc::SourceList=$apt/$release.list" -o Dir::Etc::SourceParts=-
	    -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache")
	(cd "$sources" && apt-get "${options[@]}" update && apt-get "${options[@]}" source --download-only \
	    --tar-only "$name") >"$sources/fetch-$name.log" 2>&1 ||
	    die "$name's source could not be fetched: $(tail -n 3 "$sources/fetch-$name.log")"
}

source_unpack() {
	local name=$1 archive=$sources/$1_$2 release=$3 sum=$4

	mkdir -p "$sources" || exit 1
	[ -s "$archive" ] || source_fetch "$name" "$release"
	[ -s "$archive" ] || die "$release has no ${archive##*/} any more: put ${archive##*/} into $sources"
	printf '%s  %s\n' "$sum" "$archive" | sha256sum --check --quiet >/dev/null ||
	    die "$archive is not the file that was pinned: remove it, and try again"
	rm -rf "${work:?}/$name"
	mkdir -p "$work/$name" && tar -xf "$archive" -C "$work/$name" --strip-components=1 ||
	    die "$archive cannot be unpacked"
}
