/*
 * An authorization certificate for people and programs: as text in the user's
 * language, as JSON, in files, and what could be found out about it.
 */
#ifndef TWCARD_TOOLS_AUTHZ_VIEW_H
#define TWCARD_TOOLS_AUTHZ_VIEW_H

#include <stdio.h>

#include <json-c/json.h>

#include "authz/twcard-authz.h"
#include "tools/twcard/subcommand.h"

/* A reason of the library in the user's language. */
const char *authz_view_reason(enum authz_reason reason);

/* Reads one. EXIT_CARD or EXIT_FILE (`otherwise`): it is none; the user has been told. Owned by the caller. */
enum exit_code authz_view_parse(const void *der, size_t len, enum exit_code otherwise,
				struct authz_cert **out);

/* In the user's language, line for line safe for a terminal. */
void authz_view_print(const struct authz_cert *cert, FILE *to);

/*
 * {"kind": "applications", "delegation" or "other", "serial", "sequence", "issuer",
 *  "holder": {"issuer", "serial"}, "not_before", "not_after", "algorithm", "weak_hash",
 *  "content": see authz_content.h, "authority_key", "other_attributes",
 *  "other_extensions", "signature", "certificate": base64}
 */
struct json_object *authz_view_json(const struct authz_cert *cert);

/* The layout of the manual of the service, in 繁體中文; lines end with CR LF, as its users' programs want. */
void authz_view_write_manual(const struct authz_cert *cert, FILE *to);

#endif
