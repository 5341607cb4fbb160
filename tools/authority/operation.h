/* What a signed request may ask for: one row each. */
#ifndef TWCARD_AUTHORITY_OPERATION_H
#define TWCARD_AUTHORITY_OPERATION_H

#include <json-c/json.h>

#include "tools/authority/authority.h"
#include "tools/authority/signed.h"

/* One request, inside its transaction. */
struct operation_call {
	struct authority *a;
	struct store_tx *tx;
	const struct signed_message *message;
	struct json_object *fields;
	time_t now;
	/* what comes of it */
	struct json_object *answer; /* owned; of good requests */
	enum error_code error;
	enum authz_reason reason;
	char serial[128];           /* the audit's, of what was changed; "": nothing */
};

enum operation_signer {
	OPERATION_ANY_CARD, /* the function asks who it is */
	OPERATION_ATTACHED  /* an attached card */
};

struct operation {
	const char *name;
	enum operation_signer signer;
	/*
	 * STORE_OK: it was done, or `error` says why not, and then nothing was
	 * written. Anything else: the database failed, the transaction ends.
	 */
	enum store_result (*run)(struct operation_call *call);
};

/* NULL: no such operation. */
const struct operation *operation_find(const char *name);

/* For the functions: says no, and is STORE_OK. */
enum store_result operation_refuse(struct operation_call *call, enum error_code error, enum authz_reason reason);

/* The same for a reason of the library: a delegation's have codes of their own. */
enum store_result operation_refuse_reason(struct operation_call *call, enum authz_reason reason);

enum store_result operation_reserve(struct operation_call *call);
enum store_result operation_register(struct operation_call *call);
enum store_result operation_written(struct operation_call *call);
enum store_result operation_withdraw(struct operation_call *call);
enum store_result operation_history(struct operation_call *call);
enum store_result operation_get(struct operation_call *call);
enum store_result operation_activate(struct operation_call *call);
enum store_result operation_activated(struct operation_call *call);

#endif
