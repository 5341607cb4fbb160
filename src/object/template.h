/*
 * What a session object may be made of: creating, generating, unwrapping,
 * copying and changing, all by the rules of the schema.
 */
#ifndef TWCARD_SRC_TEMPLATE_H
#define TWCARD_SRC_TEMPLATE_H

#include "src/token/store.h"

enum template_use {
	TEMPLATE_CREATE,   /* C_CreateObject: a key's value is in the template */
	TEMPLATE_GENERATE, /* C_GenerateKey: the length is, for key types that vary */
	TEMPLATE_UNWRAP,   /* C_UnwrapKey: neither has to be */
	TEMPLATE_PROFILE   /* one of the token's own profile objects */
};

/*
 * Builds the attributes of a new object: checked against the schema, defaults
 * filled in. `klass` and `key_type` are what the call implies, or
 * CK_UNAVAILABLE_INFORMATION to take them from the template. *out is empty on
 * error. CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT,
 * CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_ATTRIBUTE_READ_ONLY.
 * CKR_TOKEN_WRITE_PROTECTED: it was to be created on the card, in good form or not.
 */
CK_RV template_build(enum template_use use, CK_OBJECT_CLASS klass, CK_KEY_TYPE key_type,
		     const CK_ATTRIBUTE *template, CK_ULONG count, struct store *out);

/*
 * Changes attributes of an existing object, all or none. `copying` allows what
 * only copies may, and gives the copy a CKA_UNIQUE_ID of its own.
 */
CK_RV template_change(struct store *attributes, bool copying, const CK_ATTRIBUTE *template,
		      CK_ULONG count);

/*
 * Sets a new secret key's value and all that follows from it.
 * CKR_ATTRIBUTE_VALUE_INVALID: not a length for its type, the parity of a DES
 * key, or another CKA_CHECK_VALUE than the template said.
 */
CK_RV template_set_secret(struct store *attributes, const void *value, size_t len, bool local,
			  CK_MECHANISM_TYPE mechanism);

#define TEMPLATE_SECRET_MAX 4096 /* bytes of the longest secret key */

/* True if a secret key of the type can have this many bytes. */
bool template_key_length(CK_KEY_TYPE type, size_t len);

#endif
