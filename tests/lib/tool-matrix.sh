# shellcheck shell=bash
#
# tool-matrix.sh - every command of twcard in a state that readers and cards
# can be in; source it after tool.sh.
#
#   matrix_prepare              the files that the commands work on
#   matrix STATE CODES...       runs each command of matrix_commands and compares its
#                               exit code with the one at its place; none may crash,
#                               hang, or leave a verified card or a half-written file
#   matrix_print                the table, as diagnostics
#
# shellcheck disable=SC2154  # card.sh's and tool.sh's variables

# NAME|ARGUMENTS, with $work for the work directory.
matrix_commands=(
	'status|status'
	'cert list|cert list'
	'cert show|cert show 1'
	'cert export|cert export 1 --out $work/m.pem'
	'cert check|cert check SIGN'
	'cert register|cert register --ssh --module /dev/null --dry-run'
	'name set|name set trial'
	'pin verify|pin verify --pin-fd 5'
	'pin change|pin change --pin-fd 5'
	'pin unblock|pin unblock --pin-fd 5'
	'sign|sign $work/m.txt --pin-fd 5'
	'verify|verify $work/good.p7s $work/good.txt --no-chain'
	'encrypt|encrypt --to-card $work/m.txt --out $work/m.p7m'
	'decrypt|decrypt $work/good.p7m --pin-fd 5 --out $work/m.out'
	'doctor|doctor'
	'trace record|trace record --out $work/m.trace'
	'profile show|profile show'
	'apdu|apdu 80A40000023F00'
	'explain|explain 0xA0'
	'authz activate|authz activate --pin-fd 5 --server http://127.0.0.1:9'
)
matrix_states=()
declare -A matrix_codes

# good.txt with a signature, and a message for a key that no card here has.
matrix_prepare() {
	printf 'some data\n' >"$work/m.txt"
	cp "$work/m.txt" "$work/good.txt"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/m.key" -out "$work/m.crt" \
	    -subj /CN=somebody -days 30 >/dev/null 2>&1 || bail "openssl req failed"
	openssl cms -sign -binary -in "$work/good.txt" -signer "$work/m.crt" -inkey "$work/m.key" \
	    -outform DER -out "$work/good.p7s" || bail "openssl cms -sign failed"
	[ -e "$work/good.p7m" ] || openssl cms -encrypt -binary -in "$work/good.txt" -outform DER \
	    -out "$work/good.p7m" "$work/m.crt" || bail "openssl cms -encrypt failed"
}

matrix() {
	local state=$1 row name wanted words

	shift
	matrix_states+=("$state")
	for row in "${matrix_commands[@]}"; do
		name=${row%%|*} wanted=$1
		shift
		rm -f "$work"/m.pem "$work"/m.txt.p7s "$work"/m.p7m "$work"/m.out "$work"/m.trace
		eval "words=(${row#*|})"
		tw "${words[@]}"
		matrix_codes[$state/$name]=$tw_status
		if [ "$tw_status" = "$wanted" ] && [ -s "$work/tw.out" -o -s "$work/tw.err" ]; then
			pass "$state: $name ends with $wanted, and says something"
		else
			fail "$state: $name"
			diag "exit code $tw_status, expected $wanted"
			head -n 20 "$work/tw.out" "$work/tw.err" | tap_diag_stream
		fi
	done
	is "$state: no half-written file is left" \
	    "$(find "$work" -maxdepth 1 -name '.*' -type f -o -maxdepth 1 -name '*.new' -o -maxdepth 1 -size 0 -name 'm.*')" ""
}

matrix_print() {
	local row state line

	for row in "${matrix_commands[@]}"; do
		line=$(printf '%-14s' "${row%%|*}")
		for state in "${matrix_states[@]}"; do
			line+=" $state=${matrix_codes[$state/${row%%|*}]}"
		done
		diag "$line"
	done
}
