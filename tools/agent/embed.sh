#!/bin/sh
#
# embed.sh FILE... - prints the files as the table of tools/agent/pages.h.

set -eu
LC_ALL=C
export LC_ALL

printf '/* Made by tools/agent/embed.sh. */\n#include "tools/agent/pages.h"\n\n'
number=0
for file in "$@"; do
	# A byte more, as C has no empty arrays.
	printf 'static const unsigned char data_%d[] = {\n' "$number"
	bytes=$(od -An -v -tu1 "$file")
	printf '%s\n' "$bytes" | sed 's/[0-9][0-9]*/&,/g'
	printf '0};\n'
	number=$((number + 1))
done
printf '\nconst struct page pages[] = {\n'
number=0
for file in "$@"; do
	printf '\t{"%s", data_%d, sizeof data_%d - 1},\n' "${file##*/}" "$number" "$number"
	number=$((number + 1))
done
printf '\t{NULL, NULL, 0},\n};\n'
