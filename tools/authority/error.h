/*
 * What the authority refuses with: one table of codes, HTTP statuses and texts
 * in both languages. Clients know the codes; docs/AUTHORITY.md lists them.
 */
#ifndef TWCARD_AUTHORITY_ERROR_H
#define TWCARD_AUTHORITY_ERROR_H

#include "authz/twcard-authz.h"

struct json_object;

enum error_code {
	ERROR_NONE,
	ERROR_TOO_LARGE,
	ERROR_TOO_MANY,
	ERROR_BAD_REQUEST,
	ERROR_BAD_SIGNATURE,
	ERROR_SIGNER_NOT_TRUSTED,
	ERROR_SIGNER_REVOKED,
	ERROR_REVOCATION_UNKNOWN,
	ERROR_WRONG_AUTHORITY,
	ERROR_WRONG_PROTOCOL,
	ERROR_REQUEST_REUSED,
	ERROR_TIME,
	ERROR_NONCE,
	ERROR_WRONG_CARD,
	ERROR_RULE,
	ERROR_NOT_IN_CATALOGUE,
	ERROR_NOT_AS_RESERVED,
	ERROR_DELEGATION_MISSING,
	ERROR_DELEGATION_NOT_VALID,
	ERROR_DELEGATION_EXPIRED,
	ERROR_UNKNOWN_SERIAL,
	ERROR_UNKNOWN_RESERVATION,
	ERROR_WRONG_STATE,
	ERROR_ALREADY_ACTIVATED,
	ERROR_USER_CODE,
	ERROR_NO_ACTIVATION_KEY,
	ERROR_TERMS,
	ERROR_NOT_FOUND,
	ERROR_METHOD,
	ERROR_DATABASE,
	ERROR_INTERNAL,
	ERROR_COUNT
};

/* One word: "bad-signature"; of ERROR_NONE: "ok". Never NULL. */
const char *error_name(enum error_code code);

int error_status(enum error_code code); /* of HTTP; ERROR_NONE: 200 */

/* Seconds after which the client may ask again; 0: never by itself. */
unsigned error_retry_after(enum error_code code);

/*
 * {"error":{"code","reason","text":{"en","zh_TW"}}}. reason: AUTHZ_UNDECIDED
 * says none; else its text follows that of the code. NULL: out of memory. Owned by the caller.
 */
struct json_object *error_json(enum error_code code, enum authz_reason reason);

#endif
