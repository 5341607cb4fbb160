# shellcheck shell=bash
#
# wine.sh - wine for the tests of a build directory, which is in $windows_build. Source it after tap.sh.
#
#   lock_wine    waits until no other test of this build uses wine; until the script ends
#   start_wine   makes wine's folders, the first time; false: see $programs/wineboot.log
#
# $programs is the folder of what the tests build, and of wine's folders.

command -v wine >/dev/null || skip_all "wine is not installed (packages wine, wine64)"
programs=$windows_build/tests/windows
export WINEPREFIX=$programs/wine WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=;mshtml='

# One at a time: these folders have one server.
lock_wine() {
	exec 7>"$windows_build/wine.lock"
	flock 7
}

# They take a minute to make.
start_wine() {
	[ -e "$programs/wine.made" ] && return
	mkdir -p "$programs" && rm -rf "$WINEPREFIX"
	timeout 900 wine wineboot -i >"$programs/wineboot.log" 2>&1 </dev/null || return 1
	wineserver -w && : >"$programs/wine.made"
}
