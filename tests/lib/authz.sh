# shellcheck shell=bash
#
# authz.sh - for the tests of twcard authz; source it after card.sh and tool.sh.
#
#   start_authority, stop_authority   fake-authority.py, on a free port
#   said                              what it has taken so far, a line each
#   fault OPERATION WHAT              for its next request of that operation
#   allow yes|no                      twcard.conf: allow-unproven
#   start_second NAME, stop_second    a card in reader 1
#   second_stat FIELD, card_stats_second_reset
#   certificate_of NAME               its CAs, PEM
#   waiting, forget_waiting           how many pending files there are
#   lines LINE...                     for tw_pin: a PIN for each question
#   issue                             options for what a script gives
#
# shellcheck disable=SC2034,SC2154  # the variables are for the test, or card.sh's

export XDG_CACHE_HOME=$work/cache XDG_CONFIG_HOME=$work/config XDG_STATE_HOME=$work/state
authority_pid=
second_pid=
# shellcheck disable=SC2064
trap 'kill $authority_pid $second_pid 2>/dev/null; cleanup' EXIT

cat >"$work/from.json" <<'JSON'
{"grants": [{"application": "公文交換", "unit_name": "總公司》資訊部", "unit_code": "005》788", "role": "承辦人"}],
 "bearer": {"kind": "national", "number": "A123456789"}}
JSON
cat >"$work/two.json" <<'JSON'
{"grants": [{"application": "公文交換"}, {"application": "e-invoice", "unit_name": null}],
 "bearer": {"kind": "other", "number": "AB123"}}
JSON
cat >"$work/delegation.json" <<'JSON'
{"scope": {"unit_name": "總公司", "role": "主管"}, "bearer": {"kind": "national", "number": "A123456789"}}
JSON
issue=(--from "$work/from.json" --accept-terms --pin-fd 5)

lines() { printf '%s\n' "$@"; }

# eventually COMMAND...: it holds, within some minutes.
eventually() {
	local i

	for ((i = 0; i < 3600; i++)); do
		"$@" && return 0
		sleep 0.05
	done
	return 1
}

start_authority() {
	rm -f "$work/port" "$work/log" "$work/fault"
	"$top_srcdir/tests/lib/fake-authority.py" "$work" >"$work/authority.log" 2>&1 </dev/null &
	authority_pid=$!
	eventually test -s "$work/port" || bail "the authority did not start: $(cat "$work/authority.log")"
	authority=http://127.0.0.1:$(cat "$work/port")
}

stop_authority() {
	kill "$authority_pid" 2>/dev/null
	wait "$authority_pid" 2>/dev/null
	authority_pid=
}

said() { cat "$work/log" 2>/dev/null; }
fault() { printf '%s %s\n' "$1" "$2" >"$work/fault"; }

allow() {
	printf 'allow-unproven = %s\nkeyset-dir = %s\nauthority = %s\n' "$1" "$work/keysets" "$authority" >"$TWCARD_CONF"
}

start_second() {
	second=$1
	"$virtual" run "$work/$1.card" --port 35964 --control "$work/$1.sock" >"$work/second.log" 2>&1 </dev/null &
	second_pid=$!
	card_seen Yes 1 || bail "the second card is not seen: $(cat "$work/second.log")"
}

stop_second() {
	kill "$second_pid" 2>/dev/null
	wait "$second_pid" 2>/dev/null
	second_pid=
	card_seen No 1 || bail "pcscd still sees the second card"
}

second_stat() { "$virtual" stats --control "$work/$second.sock" --json | json_field "$1"; }
card_stats_second_reset() { "$virtual" stats --control "$work/$second.sock" --reset >/dev/null; }

certificate_of() {
	"$virtual" export "$work/$1.card" --what ca
	"$virtual" export "$work/$1.card" --what root
}

waiting() { find "$work/state/twcard/authz" -type f ! -name '*.lock' 2>/dev/null | wc -l | tr -d ' '; }
forget_waiting() { rm -rf "$work/state/twcard/authz"; }
