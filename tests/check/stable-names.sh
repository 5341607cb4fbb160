#!/bin/bash
#
# stable-names.sh - what users of twcard build on, a line each, sorted:
# settings, environment, exit codes, commands with their options, keys in JSON
# as the manual pages show them, functions, attributes, numbers of the library.
#
#   stable-names.sh [SOURCE-DIRECTORY]
#
# It reads sources and needs no build. docs/STABILITY.md says what the lines promise.

set -u -o pipefail
export LC_ALL=C
cd "${1:-$(dirname "$0")/../..}" || exit 1

# What a manual page prints as it is has keys; what heads a paragraph are options. A command's page
# may be split: its first word counts.
pages() {
	local page name

	for page in tools/twcard/man/*.1; do
		name=$(basename "$page" .1 | cut -d - -f 1,2)
		sed -n '/^\.nf/,/^\.fi/p' "$page" | grep -o '"[a-z][a-z0-9_-]*":' | tr -d '":' | sed "s/^/json $name /"
		sed 's/\\f\[[A-Z]*\]//g; s/\\f[A-Z]//g; s/\\-/-/g' "$page" |
		    awk '/^\.T[PQ]/ { head = 1; next } head { print; head = 0 }' |
		    grep -o -e '--[a-z0-9][a-z0-9-]*' | sed "s/^/option $name /"
	done
}

names() {
	sed 's/^/function /' tests/check/exports.txt
	grep -oE '\bauthz_[a-z0-9_]+\(' authz/twcard-authz.h | tr -d '(' | sed 's/^/function /'
	sed -n 's/^\t\(AUTHZ_[A-Z0-9_]* = [0-9][0-9]*\)\>.*/number \1/p' authz/twcard-authz.h
	sed -n 's/^\t{"\([a-z-]*\)", take_.*/setting twcard.conf \1/p' src/base/config_file.c
	sed -n 's/^\t{"\([a-z-]*\)", [^}]*true}.*/setting twcard-authority.conf \1/p' tools/authority/options.c
	sed -n 's/^\t\(EXIT_[A-Z_]* = [0-9]*\).*/exit \1/p' tools/twcard/subcommand.h
	sed -n 's/^\t{\(CKA_[A-Z0-9_]*\), *\(ON_[A-Z_]*\( | ON_[A-Z_]*\)*\),.*/attribute \1 \2/p' src/object/schema.c
	sed -n 's/^\t[A-Z_]*(\(CKM_[A-Z0-9_]*\),.*/mechanism \1/p' src/operation/mechanism.c
	grep -ohE '"TWCARD_(CONF|DEBUG|DEBUG_FILE)"' -r src apdu | tr -d '"' | sed 's/^/environment /'
	sed -n 's/^\t\.name = "\([a-z ]*\)",.*/command \1/p' tools/twcard/cmd_*.c
	pages
}

names | sort -u
