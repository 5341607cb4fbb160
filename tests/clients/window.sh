# shellcheck shell=bash
#
# window.sh - for tests of programs with windows; source it after lib.sh. It has https.sh.
#
#   start_screen                 an X server with a window manager, for the person
#   window REGEX                 the id of a window with such a title
#   see REGEX / see_gone REGEX   waits until there is one, or none
#   on_screen COMMAND...         xdotool and the like, as the person
#   type_pin REGEX PIN           types it into that window, when its field waits for letters
#   accept_dialog                waits for a dialog that dims the page, and presses its blue button
#   screenshot NAME              the screen as $screenshots/NAME.png
#   picture NAME                 the same, of a page in a browser, as soon as it is drawn
#
# shellcheck disable=SC2034,SC2154  # the variables are for the test, or lib.sh's

# shellcheck source=https.sh
. "$(dirname "${BASH_SOURCE[0]}")/https.sh"

screenshots=$top_builddir/tests/clients/screenshots
display_taken=

needs Xvfb xvfb
needs openbox openbox
needs xdotool xdotool
needs import imagemagick

# ---- the screen --------------------------------------------------------------------

# A number that no other has: the lock of an X server is of no use between process name spaces.
take_display() {
	local n

	for ((n = 200; n < 10000; n++)); do
		[ ! -e "/tmp/.X$n-lock" ] && [ ! -e "/tmp/.X11-unix/X$n" ] || continue
		mkdir "/tmp/twcard-display.$n" 2>/dev/null || continue
		display_taken=/tmp/twcard-display.$n
		DISPLAY=:$n
		return
	done
	bail "there is no free display"
}

start_screen() {
	[ -z "$display_taken" ] || return 0
	take_display
	start_program screen Xvfb "$DISPLAY" -screen 0 1100x800x24 -nolisten tcp -noreset
	seen on_screen xdotool getdisplaygeometry || bail "no X server: $(cat "$work/screen.log")"
	start_program manager openbox
	seen on_screen xdotool get_desktop || bail "no window manager: $(cat "$work/manager.log")"
	mkdir -p "$screenshots"
	export DISPLAY
}

on_screen() {
	limit=60 as_person env "DISPLAY=$DISPLAY" "$@"
}

window() {
	local id

	for id in $(on_screen xdotool search --onlyvisible --name "$1" 2>/dev/null); do
		printf '%s\n' "$id"
		return
	done
	return 1
}

no_window() {
	! window "$1"
}

see() {
	seen window "$1"
}

see_gone() {
	seen no_window "$1"
}

titles() {
	on_screen xdotool search --onlyvisible --name . getwindowname %@ 2>/dev/null
}

# The last ones are what failed, if something did.
screenshot() {
	on_screen import -window root png:- >"$screenshots/$1.png"
}

# A page's title is there before the page is. Letters are dark; what is outside of a window is black.
painted() {
	pixels root 25% | awk '
	    NR == 1 { width = $1; next }
	    (NR - 2) % width < 230 && (NR - 2) / width > 30 && (NR - 2) / width < 150 && $1 + $2 + $3 < 450 { n++ }
	    END { exit !(n > 10) }'
}

# picture NAME: a screenshot of a page.
picture() {
	seen painted
	screenshot "$1"
}

# pixels WINDOW SCALE: "red green blue" lines; the width first.
pixels() {
	on_screen import -window "$1" ppm:- 2>/dev/null | convert ppm:- -sample "$2" -depth 8 ppm:- 2>/dev/null |
	    python3 -c '
import sys
data = sys.stdin.buffer.read()
fields = data.split(None, 4)
width, height = int(fields[1]), int(fields[2])
pixels = data[-3 * width * height:]
print(width)
for i in range(0, len(pixels), 3):
    print(*pixels[i:i + 3])'
}

is_active() {
	[ "$(on_screen xdotool getactivewindow)" = "$1" ]
}

# Fields that wait for letters have a blue frame.
has_focus() {
	pixels "$1" 100% | awk 'NR > 1 && $3 > $1 + 100 { n++ } END { exit !(n > 200) }'
}

type_pin() {
	local id

	see "$1" || return 1
	id=$(window "$1") && on_screen xdotool windowactivate "$id" && seen is_active "$id" && seen has_focus "$id" &&
	    on_screen xdotool key ctrl+a && on_screen xdotool type --delay 60 -- "$2" &&
	    on_screen xdotool key Return &&
	    seen gone "$id"
}

gone() {
	! on_screen xdotool getwindowname "$1"
}

# Most of the page is a dark grey: something lies over it.
dimmed() {
	pixels root 25% | awk '
	    NR > 1 && $1 == $2 && $3 - $2 < 3 && $2 - $3 < 3 && $1 > 90 && $1 < 150 { n++ }
	    END { exit !(n > NR / 3) }'
}

not_dimmed() {
	! dimmed
}

# Where the blue button is: near the right end of the lowest rows that have as much blue.
button() {
	pixels root 25% | awk '
	    NR == 1 { width = $1; next }
	    $3 > $1 + 150 {
		y = int((NR - 2) / width)
		right[y] = (NR - 2) % width
		if (++n[y] > 10)
			last = y
	    }
	    END { if (last) printf "%d %d\n", 4 * (right[last - 3] - 3), 4 * (last - 3) }'
}

# Once more if it is still there after a while: new dialogs are deaf at first, against clicks by mistake.
press_button() {
	local x y

	read -r x y < <(button)
	[ -n "$x" ] && on_screen xdotool mousemove "$x" "$y" click 1 && patience=15 seen not_dimmed
}

accept_dialog() {
	seen dimmed && seen press_button
}

button_is_there() {
	[ -n "$(button)" ]
}
