/* The object identifiers of our attributes: docs/AUTHORIZATION.md has them too. */
#ifndef TWCARD_AUTHZ_OIDS_H
#define TWCARD_AUTHZ_OIDS_H

#include <openssl/asn1.h>

#include "authz/twcard-authz.h"

enum oids_attribute { OIDS_AUTHORIZATIONS, OIDS_DELEGATION, OIDS_BEARER_ID, OIDS_COUNT };

struct oids {
	ASN1_OBJECT *objects[OIDS_COUNT];
};

/*
 * From the dotted texts; from NULL, the defaults. AUTHZ_BAD_ARGUMENT: one is
 * none, or two are the same. *out is cleared by oids_clear(), also on failure.
 */
enum authz_reason oids_init(struct oids *out, const struct authz_oids *texts);
void oids_clear(struct oids *oids);

#endif
