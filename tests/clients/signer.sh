# shellcheck shell=bash
#
# signer.sh - the tests of libraries of other languages; source it after
# lib.sh. Each language has the same small program: MODULE FILE SIGNATURE, and
# the PIN is a line of standard input.
#
#   signer "GEN1 GEN2" COMMAND...   all tests of one; the numbers are everyday's
#
# shellcheck disable=SC2154  # home and so on are lib.sh's

sign() {
	rm -f "$home/message.sig"
	printf '%s\n' "$1" >"$home/pin"
	as_person sh -c '"$@" message.txt message.sig <pin' sh "${program[@]}" "$module"
}

verify() {
	openssl dgst -sha256 -verify "$home/sign.pub" -signature "$home/message.sig" "$home/message.txt"
}

signer() {
	program=("${@:2}")
	check "$kind: it signs" sign "$pin"
	check "$kind: and openssl verifies" verify
	everyday "sign a file" "$1" sign
	refuses_wrong_pin "it" 'CKR_PIN_INCORRECT|PinIncorrect|PIN is incorrect' sign
	refuses_no_card "it" 'no card is in a reader' sign
}
