/* The delegation that an attached card has: the newest that was registered, and whether it counts. */
#ifndef TWCARD_AUTHORITY_DELEGATION_H
#define TWCARD_AUTHORITY_DELEGATION_H

#include "tools/authority/operation.h"

/* The newest of a card, enabled or not. STORE_NONE: it never had one. */
enum store_result delegation_newest(struct store_tx *tx, const char *holder, struct store_certificate *out);

/* Does it count now? AUTHZ_GOOD, AUTHZ_DELEGATION_…, AUTHZ_NO_MEMORY */
enum authz_reason delegation_judge(const struct operation_call *call, const struct store_certificate *delegation);

/*
 * Both: *reason says whether this card has one that counts (else
 * AUTHZ_DELEGATION_MISSING …); *out is to be cleared in any case.
 */
enum store_result delegation_ask(const struct operation_call *call, const char *holder,
				 struct store_certificate *out, enum authz_reason *reason);

/* Sets "primary" and "delegations" of an answer; NULL: there are none. */
void delegation_tell(struct json_object *answer, const struct store_certificate *delegation);

/* A certificate from the database. NULL: damaged, or out of memory. Owned by the caller. */
X509 *delegation_x509(const struct store_bytes *der);

#endif
