/* Why an authority did not do what it was asked for, and what to do about it. */
#ifndef TWCARD_TOOLS_AUTHZ_REFUSAL_H
#define TWCARD_TOOLS_AUTHZ_REFUSAL_H

#include <stdbool.h>

#include "tools/twcard/http.h"
#include "tools/twcard/subcommand.h"

struct json_object;

#define AUTHZ_REFUSAL_CODE 40 /* bytes of a code, with the NUL */

/*
 * Tells a failure of the way to the authority, or an answer that is no good,
 * with the next step; what: what was being done, translated. The code (with
 * --json, beside the text) is one of "network", "proxy", "tls", "timeout", "cut",
 * "bad-answer", "http", or the authority's own, and is copied to `code`.
 */
enum exit_code authz_refusal_tell(const char *what, const struct http_answer *answer,
				  struct json_object *body, char code[AUTHZ_REFUSAL_CODE]);

/* The answer is whole, but not what it should be: "bad-answer". Answers EXIT_FILE. */
enum exit_code authz_refusal_tell_bad(const char *detail);

/* May the same request do better a moment later? */
bool authz_refusal_is_passing(const struct http_answer *answer);

/* Every code that is known here, for tests; NULL at the end. */
const char *authz_refusal_code(unsigned i);

#endif
