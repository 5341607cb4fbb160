# shellcheck shell=bash
#
# tool.sh - for the tests of twcard itself; source it after card.sh, which has
# the cards.
#
#   tw ARGS...                    runs twcard; output in $work/tw.out and tw.err, its
#                                 exit code in $tw_status
#   tw_says NAME CODE REGEX ARGS... it ends with CODE, and standard output or
#                                 standard error match REGEX
#   hex TEXT                      its bytes, as a trace has them
#   tw_json NAME EXPRESSION ARGS... with --json it prints one JSON value, of which the
#                                 Python expression (the value is `v`) holds
#
# $pin goes to descriptor 5 of each: --pin-fd 5.
#
# shellcheck disable=SC2034,SC2154  # the variables are for the test, or card.sh's

twcard=$top_builddir/tools/twcard/twcard
[ -x "$twcard" ] || bail "twcard is not built: $twcard"

tw() {
	tw_status=0
	"$twcard" "$@" >"$work/tw.out" 2>"$work/tw.err" </dev/null 5< <(printf '%s\n' "${tw_pin:-$pin}") ||
	    tw_status=$?
	[ "$tw_status" -lt 126 ] || cat "$work/tw.err"
}

tw_says() {
	local name=$1 code=$2 regex=$3

	shift 3
	tw "$@"
	if [ "$tw_status" -eq "$code" ] && cat "$work/tw.out" "$work/tw.err" | grep -Eq -e "$regex"; then
		pass "$name"
	else
		fail "$name"
		diag "exit code $tw_status, expected $code and: $regex"
		head -n 20 "$work/tw.out" "$work/tw.err" | tap_diag_stream
	fi
}

hex() {
	printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F
}

tw_json() {
	local name=$1 expression=$2

	shift 2
	tw --json "$@"
	if python3 -c 'import json, sys; v = json.load(open(sys.argv[1])); sys.exit(not ('"$expression"'))' \
	    "$work/tw.out" 2>"$work/tw.json"; then
		pass "$name"
	else
		fail "$name"
		diag "does not hold: $expression"
		tail -n 3 "$work/tw.json" | tap_diag_stream
		head -n 40 "$work/tw.out" "$work/tw.err" | tap_diag_stream
	fi
}
