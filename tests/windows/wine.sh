# shellcheck shell=bash
#
# wine.sh - wine for the tests of a build directory, which is in $windows_build. Source it after tap.sh.
#
#   alone COMMAND...   while no other test of this build does anything so
#   start_wine         folders of wine for this test alone, in $WINEPREFIX; false: see $programs/wineboot.log
#   end_wine           ends all of wine that this test started, and removes them
#
# $programs is the folder of what the tests build.
#
# A test has a wine of its own because its server makes all sockets: one that another test started has them in that
# test's network.

command -v wine >/dev/null || skip_all "wine is not installed (packages wine, wine64)"
programs=$windows_build/tests/windows
export WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=;mshtml='
unset WINEPREFIX

# What wine leaves running must not have the lock.
alone() {
	local status=0

	exec 7>"$windows_build/wine.lock"
	flock 7
	"$@" 7>&- || status=$?
	exec 7>&-
	return "$status"
}

# They take a minute to make, once.
make_wine() {
	[ -e "$programs/wine.made" ] && return
	mkdir -p "$programs" && rm -rf "$programs/wine"
	(
		export WINEPREFIX=$programs/wine
		timeout 900 wine wineboot -i >"$programs/wineboot.log" 2>&1 </dev/null || { wineserver -k; exit 1; }
		wineserver -w
	) && : >"$programs/wine.made"
}

# 700 MB, and no test changes any of it but the registry: links do.
copy_wine() {
	cp -al "$programs/wine/." "$1" 2>/dev/null || { rm -rf "$1"; cp -a "$programs/wine" "$1"; } || return 1
	cp -a --remove-destination "$programs"/wine/*.reg "$1"
}

start_wine() {
	local folders

	alone make_wine && folders=$(mktemp -d "$programs/wine.XXXXXX") && copy_wine "$folders" || return 1
	export WINEPREFIX=$folders
}

end_wine() {
	[ -n "${WINEPREFIX:-}" ] || return 0
	wineserver -k
	wineserver -w
	rm -rf "$WINEPREFIX"
}
