#!/bin/bash
#
# stable-names.sh - what users of twcard build on, a line each, sorted:
# settings, environment, exit codes, commands with their options, keys in JSON
# as the manual pages show them and the programs write them, with their types,
# functions, attributes, numbers of the library.
#
#   stable-names.sh [SOURCE-DIRECTORY]
#
# It reads sources and needs no build. docs/STABILITY.md says what the lines promise.

set -u -o pipefail
export LC_ALL=C
cd "${1:-$(dirname "$0")/../..}" || exit 1

# What a manual page prints as it is, and what its section JSON has in bold, are keys of JSON, or words that are values
# of them, if the programs write them; what heads a paragraph are options. A command's page may be split: its first
# word counts.
pages() {
	local page name

	for page in tools/twcard/man/*.1 tools/agent/twcard-agent.8; do
		name=$(basename "${page%.*}" | cut -d - -f 1,2)
		examples "$page" | keys | sed "s/^/json $name /"
		examples "$page" | types | sed "s/^/type $name /"
		sed 's/\\f\[[A-Z]*\]//g; s/\\f[A-Z]//g; s/\\-/-/g' "$page" |
		    awk '/^\.T[PQ]/ { head = 1; next } head { print; head = 0 }' |
		    grep -o -e '--[a-z0-9][a-z0-9-]*' | sed "s/^/option $name /"
	done
}

# examples PAGE: what it prints as it is, and all of its section JSON.
examples() {
	sed -n '/^\.nf/,/^\.fi/p; /^\.SH JSON/,/^\.SH [^J]/p' "$1" | sed 's/\\-/-/g'
}

# All words in quotes that the programs have.
literals() {
	grep -rohE --include='*.[ch]' '"[a-z][a-z0-9_-]*"' tools/twcard tools/agent apdu profiles | tr -d '"' | sort -u
}

keys() {
	awk '
	{ for (rest = $0; match(rest, /"[a-z][a-z0-9_-]*":/); rest = substr(rest, RSTART + RLENGTH)) print substr(rest, RSTART + 1, RLENGTH - 3) }
	# in bold: of .B every word, of .BR every other argument
	/^\.B / { for (i = 2; i <= NF; i++) print $i }
	/^\.BR / {
		rest = substr($0, 5)
		for (i = 0; rest != ""; i++) {
			if (match(rest, /^"[^"]*"/)) word = substr(rest, 2, RLENGTH - 2)
			else if (match(rest, /^[^ "]+/)) word = substr(rest, 1, RLENGTH)
			else break
			rest = substr(rest, RLENGTH + 1)
			sub(/^ +/, "", rest)
			if (i % 2 == 0) print word
		}
	}' | grep -xE '[a-z][a-z0-9_-]*' | grep -xF -e "$words"
}

# The type of a key's value, by how an example of it begins; where that may be null, by what follows.
types() {
	grep -oE '"[a-z][a-z0-9_-]*": (null,? [^"{[0-9]*)?([]["{0-9N]|true|false)' |
	    sed -E 's/^"([^"]*)": (null,? [^"{[0-9]*)?/\1 /; s/"$/text/; s/\{$/object/; s/\[$/list/; s/[0-9N]$/number/
		s/(true|false)$/boolean/'
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

words=$(literals)
names | sort -u
