/*
 * Questions about an authorization, at the terminal: what is to be authorized,
 * chosen from the authority's catalogue, and whether it is meant.
 */
#ifndef TWCARD_TOOLS_AUTHZ_ASK_H
#define TWCARD_TOOLS_AUTHZ_ASK_H

#include <json-c/json.h>

#include "authz/twcard-authz.h"
#include "tools/twcard/subcommand.h"

/* A yes or no; what is neither is no. Without a terminal EXIT_REFUSED, and `else_` (translated) says what to give. */
enum exit_code authz_ask_yes(const char *question, const char *else_);

/*
 * What is to be authorized, as authz_content.h has it. catalogue: the
 * authority's answer; before: what is on the card, to be changed; NULL: nothing.
 * *out is owned by the caller. EXIT_USAGE: there is no terminal, or no answer.
 */
enum exit_code authz_ask_grants(struct json_object *catalogue, struct json_object *before,
				struct json_object **out);
enum exit_code authz_ask_delegation(bool disabled, struct json_object **out);

#endif
