# shellcheck shell=bash
#
# authority-cases.sh - what holds for twcard-authority on each of its databases; source it after
# authority.sh. $authority_database says which one.
#
#   authority_needs         the programs are there, or skip_all with the reason
#   authority_prepare DIR   cards and keys in DIR, which is $work from here on
#   authority_case_network, authority_case_operator, authority_case_killed
#   authority_nothing_left  a check, after the operator's commands
#   authority_export FILE   its audit; bails out when there is none
#   authority_lines [INSTANCE]   how many requests were answered
#   authority_wait_for_lines COUNT [INSTANCE]   false: what makes them ($load_pid) has ended
#   authority_compare AUDIT [all]   what is wrong between that and $work/answered; all: no client has ended
#                           before it had its answers, so that there is nothing else in the audit

work=
load_pid=
authority_limits=(--signer-rate 0 --address-rate 0)

authority_needs() {
	local program

	[ -x "$authority" ] || skip_all "twcard-authority is not built (libmicrohttpd)"
	[ -x "$authority_load" ] || skip_all "authority_load is not built (cmocka)"
	for program in curl openssl python3; do
		command -v "$program" >/dev/null || skip_all "$program is not installed"
	done
	export LC_ALL=C
	unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
}

on_failure() {
	tail -n 20 "$work/log"
}

authority_prepare() {
	work=$1
	: >"$work/log"
	: >"$work/answered"
	authority_make "$work" || bail "no cards"
}

# ask PATH [CURL-OPTION...]: the answer and, in a line of its own, the status.
ask() {
	local path=$1

	shift
	curl -q -s --max-time 120 --cacert "$work/tls.pem" -w '\n%{http_code}\n' "$@" "$authority_url$path"
}

authority_case_network() {
	umask 022
	if authority_start "$work"; then
		pass "one command and an empty folder start it"
	else
		bail "the authority does not start"
	fi
	like "over TLS" "$authority_url" '^https://127\.0\.0\.1:[1-9][0-9]*$'
	like "it says its version" "$(ask /v1/version)" '^\{"protocol":1,'
	like "an address that there is not is told so" "$(ask /nothing | paste -sd ' ')" '"code":"not-found".* 404$'
	like "a body that is too large, too" \
	    "$(head -c 100000 /dev/zero | ask /v1/requests -H 'Content-Type: application/pkcs7-mime' --data-binary @- |
		paste -sd ' ')" '"code":"too-large".* 413$'
	like "what is no request is told so" \
	    "$(ask /v1/requests -H 'Content-Type: application/pkcs7-mime' --data-binary x | paste -sd ' ')" \
	    '"code":"bad-request".* 400$'
	check "plain HTTP is not spoken on that port" bash -c '! curl -q -s --max-time 120 "$1/v1/version"' - \
	    "${authority_url/https/http}"
	authority_kill TERM
	is "SIGTERM ends it, and it says so" "$authority_status" 0
}

authority_case_operator() {
	local command conf=(--config "$work/conf")

	printf 'database = %s\ntrust = %s\n' "$authority_database" "$work/ca.pem" >"$work/conf"
	echo '{"applications":[{"name":"公文交換測試平台","units":[{"name":"a》b","code":"1》2"}],"roles":["r"]}]}' >"$work/catalogue"
	check "a catalogue is imported" "$authority" catalogue import "$work/catalogue" "${conf[@]}"
	like "and shown" "$("$authority" catalogue show "${conf[@]}")" '公文交換測試平台'
	echo '{"applications":[{"name":""}]}' >"$work/wrong"
	check_fails "one that is wrong is not" "$authority" catalogue import "$work/wrong" "${conf[@]}"
	like "and the old one stays" "$("$authority" catalogue show "${conf[@]}")" '公文交換測試平台'
	check "a user code comes from standard input" bash -c 'echo "no digits" | "$@"' - "$authority" user-code set --card "$work/clerk.pem" \
	    "${conf[@]}"
	check_fails "none is no code" bash -c '"$@" </dev/null' - "$authority" user-code set --card "$work/clerk.pem" "${conf[@]}"
	check "it is removed" "$authority" user-code set --remove --card "$work/clerk.pem" "${conf[@]}"
	check "the audit is verified" "$authority" audit verify "${conf[@]}"
	like "and has what the operator did" "$("$authority" audit export - "${conf[@]}")" '"operation": ?"catalogue"'
	unlike "but no code" "$("$authority" audit export - "${conf[@]}")" 'no digits'
	check "it is exported" "$authority" audit export "$work/audit.json" "${conf[@]}"
	check_fails "a file that is there stays" "$authority" audit export "$work/audit.json" "${conf[@]}"
	check "unless --force" "$authority" audit export --force "$work/audit.json" "${conf[@]}"
	authority_nothing_left
}

# No temporary file of a command.
authority_nothing_left() {
	is "nothing else is left" "$(find "$work" -mindepth 1 -maxdepth 1 -name '*.??????' -newer "$work/conf" | grep -v '\.\(json\|ready\)$')" ""
}

authority_export() {
	"$authority" audit export --force "$1" --database "$authority_database" || bail "no audit"
}

authority_lines() {
	awk -v instance="${1:-}" 'instance == "" || $4 == instance { n++ } END { print n + 0 }' "$work/answered"
}

authority_wait_for_lines() {
	local i

	for ((i = 0; i < 3600; i++)); do
		[ "$(authority_lines "${2:-}")" -lt "$1" ] || return 0
		kill -0 "$load_pid" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

authority_compare() {
	python3 - "$work/answered" "$@" <<'PYTHON'
import json, sys

answered = [line.split() for line in open(sys.argv[1])]
audit = {}
for line in open(sys.argv[2]):
    row = json.loads(line)
    if row["request"] in audit and row["request"]:
        print("twice in the audit:", row["request"])
    audit[row["request"]] = row
for request, operation, number, _ in answered:
    row = audit.get(request)
    if not row or row["operation"] != operation or row["outcome"] != "ok":
        print("not in the audit:", request, operation, number)
for kind in ("reserve", "register"):
    numbers = [number for _, operation, number, _ in answered if operation == kind]
    if not numbers or len(numbers) != len(set(numbers)):
        print("given twice:", kind)
if sys.argv[3:] == ["all"]:
    known = {request for request, *_ in answered}
    print(*("not asked for: " + r for r, row in audit.items() if row["outcome"] == "ok" and r not in known), sep="\n")
    sequences = sorted(int(number) for _, operation, number, _ in answered if operation == "reserve")
    if sequences != list(range(1, len(sequences) + 1)):
        print("the one authorizer's numbers are not 1, 2, 3 ...:", sequences)
PYTHON
}

# Killed with SIGKILL while eight clients ask.
authority_case_killed() {
	local round before status

	for round in 1 2 3; do
		authority_start "$work" "${authority_limits[@]}" || bail "no authority"
		before=$(authority_lines)
		"$authority_load" run "$work" "$authority_url" 8 10000 "$work/answered" >"$work/load" 2>&1 &
		load_pid=$!
		check "round $round: requests are answered" authority_wait_for_lines $((before + 30 * round))
		authority_kill KILL
		status=0
		wait "$load_pid" || status=$?
		is "and the clients lose it" "$status" 1
	done
	authority_start "$work" "${authority_limits[@]}" || bail "no authority"
	check "afterwards it goes on" "$authority_load" run "$work" "$authority_url" 4 5 "$work/answered"
	authority_kill TERM
	unlike "the log names no trouble with the database, as there was none" "$(cat "$work/log")" 'database: '
	check "the audit is whole" "$authority" audit verify --database "$authority_database"
	authority_export "$work/all.json"
	is "every answered request is in it, with its outcome; no number was given twice" \
	    "$(authority_compare "$work/all.json")" ""
}
