/* What our attributes say: from ASN.1, to ASN.1, and whether it may be said. */
#ifndef TWCARD_AUTHZ_CONTENT_H
#define TWCARD_AUTHZ_CONTENT_H

#include <openssl/x509.h>

#include "authz/oids.h"
#include "authz/pool.h"
#include "authz/twcard-authz.h"

/*
 * Fills in the kind, the authorizations, the delegation, the bearer and the
 * number of other attributes; texts go into the pool. Reasons: AUTHZ_DUPLICATE,
 * AUTHZ_ATTRIBUTE_FORM, AUTHZ_TOO_MANY, AUTHZ_TEXT, AUTHZ_TWO_KINDS, AUTHZ_NO_MEMORY.
 */
enum authz_reason content_read(const STACK_OF(X509_ATTRIBUTE) *from, const struct oids *oids,
			       struct authz_info *info, struct pool *pool);

/*
 * Adds the attributes that a specification asks for. Reasons:
 * AUTHZ_BAD_ARGUMENT, AUTHZ_TOO_MANY, AUTHZ_TEXT, AUTHZ_NO_BEARER, AUTHZ_NO_MEMORY.
 */
enum authz_reason content_write(const struct authz_spec *spec, const struct oids *oids,
				STACK_OF(X509_ATTRIBUTE) *to);

/* Adds copies of the attributes that are not ours. False: out of memory. */
bool content_copy_others(const STACK_OF(X509_ATTRIBUTE) *from, const struct oids *oids,
			 STACK_OF(X509_ATTRIBUTE) *to);

/*
 * Is it complete, and does it fit together? Reasons: AUTHZ_NO_CONTENT,
 * AUTHZ_UNIT_LEVELS, and those of the id number.
 */
enum authz_reason content_check(const struct authz_info *info);

#endif
