# shellcheck shell=bash
#
# tap.sh - a small TAP producer for bash tests; source it.
#
#   check NAME COMMAND...        the command succeeds
#   check_fails NAME COMMAND...  the command fails with status 1 to 125: not a crash
#   is NAME GOT WANTED           two texts are equal
#   like NAME TEXT REGEX         the text has a match of the extended regex
#   unlike NAME TEXT REGEX       it has none
#   at_most NAME GOT LIMIT       a number is there and not above a limit
#   pass NAME / fail NAME
#   skip NAME REASON             one test that cannot run here
#   skip_all REASON              the whole program; exits
#   bail REASON                  nothing more makes sense; exits
#   diag TEXT...                 text for people
#   done_testing                 prints the plan; the last line of every test
#
# A test program that ends without done_testing has no plan: the driver reports
# an error. If a function `on_failure` exists, it runs after each failed test
# and its output becomes a diagnostic.

tap_count=0
tap_failed=0

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

tap_diag_stream() {
	sed 's/^/#   /'
}

pass() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$1"
}

fail() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$1"
	if declare -F on_failure >/dev/null; then
		on_failure 2>&1 | tap_diag_stream
	fi
}

skip() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

skip_all() {
	printf '1..0 # SKIP %s\n' "$1"
	exit 0
}

bail() {
	printf 'Bail out! %s\n' "$*"
	exit 1
}

done_testing() {
	printf '1..%d\n' "$tap_count"
	exit $((tap_failed > 0))
}

# Runs a command and keeps its status and output.
tap_run() {
	local output status=0

	output=$("$@" 2>&1) || status=$?
	tap_status=$status
	tap_output=$output
}

check() {
	local name=$1

	shift
	tap_run "$@"
	if [ "$tap_status" -eq 0 ]; then
		pass "$name"
	else
		fail "$name"
		diag "status $tap_status from: $*"
		printf '%s\n' "$tap_output" | tap_diag_stream
	fi
}

check_fails() {
	local name=$1

	shift
	tap_run "$@"
	if [ "$tap_status" -ge 1 ] && [ "$tap_status" -le 125 ]; then
		pass "$name"
	else
		fail "$name"
		diag "status $tap_status, wanted 1 to 125, from: $*"
		printf '%s\n' "$tap_output" | tap_diag_stream
	fi
}

is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1"
		diag "got:    $2"
		diag "wanted: $3"
	fi
}

like() {
	if grep -Eq -e "$3" <<<"$2"; then
		pass "$1"
	else
		fail "$1"
		diag "no match of: $3"
		printf '%s\n' "$2" | tap_diag_stream
	fi
}

unlike() {
	if grep -Eq -e "$3" <<<"$2"; then
		fail "$1"
		diag "unwanted match of: $3"
		printf '%s\n' "$2" | tap_diag_stream
	else
		pass "$1"
	fi
}

at_most() {
	if [[ $2 =~ ^[0-9]+$ ]] && [ "$2" -le "$3" ]; then
		pass "$1 ($2, limit $3)"
	else
		fail "$1"
		diag "got '$2', limit $3"
	fi
}
