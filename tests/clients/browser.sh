# shellcheck shell=bash
#
# browser.sh - what a person does with a browser; source it after window.sh.
#
# The test says how its browser looks:
#
#   browser                      its name in the table
#   prompt                       the title of its question for the PIN
#   suffix                       what follows the page's title in the window's
#   no_page                      titles of the window when there is no page
#   first_count, next_count      what the card gets for the first page and for a further one, for
#                                both generations, as counted has it: with one connection each
#   asks_again                   not empty: it asks for a certificate again after it got none
#   start_browser PAGE           with a profile of its own
#   between_programs, after_programs   if they are there: what is to be done between its two starts,
#                                and after the second
#
# shellcheck disable=SC2154  # the test's, or lib.sh's

spare="20/2" # a browser opens up to two connections more than it needs

stop_browser() {
	stop_program "$browser"
}

# Most of the page is a link. Nothing is typed: a busy browser loses letters of an address.
click_link() {
	local id

	id=$(window "$suffix\$") && on_screen xdotool windowactivate "$id" mousemove --window "$id" 500 550 click 1
}

load_again() {
	local id

	id=$(window "$suffix\$") && on_screen xdotool windowactivate "$id" key F5
}

# leads_to ACTION CONDITION...: a click or a key that was lost is tried again.
leads_to() {
	local action=$1 end=$((SECONDS + patience))

	shift
	while [ "$SECONDS" -lt "$end" ]; do
		"$action"
		! patience=30 seen "$@" || return 0
	done
	return 1
}

# shows VERSION PAGE
shows() {
	see "^王小明 TLSv$1 /$2$suffix" && said "^page 王小明 TLSv$1 /$2"
}

# shows_no_page PAGE: and the server has not given it.
shows_no_page() {
	see "($no_page)$suffix" && ! grep -q "^page.*/$1" "$work/https.log"
}

asks_which_certificate() {
	start_browser first && seen dimmed && seen button_is_there
}

first_page() {
	rm -rf "$home/.cache/twcard"
	reset_stats
	check "$kind: $browser asks which certificate" asks_which_certificate
	screenshot "$browser-$kind-certificate"
	check "$kind: the person takes the card's" accept_dialog
	check "$kind: $browser asks for the PIN" see "$prompt"
	screenshot "$browser-$kind-pin"
	check "$kind: the PIN is typed" type_pin "$prompt" "$pin"
	check "$kind: the page has the holder's name (TLS 1.3)" shows 1.3 first
	picture "$browser-$kind-page"
	counted "a page" "$first_count" "$spare"
}

next_page() {
	reset_stats
	check "$kind: another page" leads_to click_link window "/next$suffix"
	check "$kind: needs no PIN" shows 1.3 next
	counted "the next page" "$next_count" "$spare"
}

# It asks again, and does not say why.
wrong_pin_asks_again() {
	start_browser wrong && accept_dialog && type_pin "$prompt" "$wrong_pin" && see "$prompt"
}

wrong_pin() {
	is "$kind: all tries are there" "$(tries_left "$kind")" 3
	check "$kind: after a wrong PIN $browser asks again" wrong_pin_asks_again
	screenshot "$browser-$kind-wrong-pin"
	is "$kind: which cost one try" "$(tries_left "$kind")" 2
	check "$kind: the right one is typed" type_pin "$prompt" "$pin"
	check "$kind: and the page is there (TLS 1.2)" shows 1.2 wrong
	is "$kind: with all tries" "$(tries_left "$kind")" 3
}

asks_something() {
	window "$prompt" || { [ -n "${asks_again:-}" ] && dimmed; }
}

pulled_card() {
	stop_card
	check "$kind: a page without the card" leads_to click_link window "($no_page)$suffix"
	check "$kind: is none" shows_no_page next
	picture "$browser-$kind-no-card"
	start_card "$kind"
	check "$kind: the card is back, and the page is loaded again" leads_to load_again asks_something
	[ -z "${asks_again:-}" ] || check "$kind: asks which certificate again" accept_dialog
	check "$kind: asks for the PIN again" type_pin "$prompt" "$pin"
	check "$kind: and is shown" shows 1.2 next
}

use_browser() {
	start_screen
	make_server_chain
	start_https 1.3
	first_page
	next_page
	stop_browser
	stop_https
	! declare -F between_programs >/dev/null || between_programs
	start_https 1.2
	wrong_pin
	pulled_card
	stop_browser
	stop_https
	! declare -F after_programs >/dev/null || after_programs
}
