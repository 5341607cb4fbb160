#!/bin/bash
#
# authority.sh - how many signed requests the authority answers in a second.
#
# Eight clients with software keys reserve and register certificates over TLS,
# each on one connection; each request asks for a nonce first, which is not
# counted. Clients and server share the machine, and a client signs more than
# the server verifies. Goal: 200 requests a second on two cores.
#
#   tests/bench/authority.sh [--database URL] [CLIENTS [ROUNDS]]     (a new SQLite file, 8, 250)

set -u
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
diag() {
	printf '%s\n' "$*" >&2
}
# shellcheck source=../lib/authority.sh
. "$top_srcdir/tests/lib/authority.sh"
[ -x "$authority" ] || { echo "twcard-authority is not built"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'authority_kill KILL; rm -rf "$work"' EXIT

authority_database=$work/db
if [ "${1:-}" = --database ]; then
	authority_database=${2:?"--database wants a URL"}
	shift 2
fi
authority_make "$work" && authority_start "$work" --signer-rate 0 --address-rate 0 || exit 1
"$authority_load" run "$work" "$authority_url" "${1:-8}" "${2:-250}" "$work/answered" || exit 1
authority_kill TERM
"$authority" audit verify --database "$authority_database"
