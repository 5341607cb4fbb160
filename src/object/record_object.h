/*
 * Records of the data area that a program makes, replaces and deletes: data
 * objects and attribute certificates of the token. Both are private, and named
 * by the service number in their label ("SNO 7"). docs/CRYPTOKI.md has the
 * rules. All functions take the slot's lock themselves, and talk to the card.
 */
#ifndef TWCARD_SRC_RECORD_OBJECT_H
#define TWCARD_SRC_RECORD_OBJECT_H

#include "src/session/session.h"
#include "src/token/token.h"

/* True if it would be a record: of the token, and a data object or an attribute certificate. */
bool record_object_is_meant(const CK_ATTRIBUTE *template, CK_ULONG count);

/* True if it is one of the card's. */
bool record_object_is(struct session *s, CK_OBJECT_HANDLE handle);

/*
 * Writes a record with a number that is not there yet; of an attribute
 * certificate without a label it is RECORD_AUTHORIZATION.
 * CKR_TOKEN_WRITE_PROTECTED: writing is not allowed (whatever the session; this
 * comes first, and nothing is sent), or the area is not activated.
 * CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN. CKR_TEMPLATE_INCOMPLETE,
 * CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID,
 * CKR_ATTRIBUTE_VALUE_INVALID: the object would not say that of itself, or is
 * too large. CKR_FUNCTION_REJECTED: there is one with that number.
 * CKR_DEVICE_MEMORY: no space. After another error it is there, or it is not.
 */
CK_RV record_object_create(struct session *s, const CK_ATTRIBUTE *template, CK_ULONG count,
			   CK_OBJECT_HANDLE *handle);

#define RECORD_AUTHORIZATION 1 /* the service number of authorizations; assumed */

/* Deletes the record, and with it the other object of its number. As above. CKR_ACTION_PROHIBITED. */
CK_RV record_object_destroy(struct session *s, CK_OBJECT_HANDLE handle);

/*
 * A data object's CKA_VALUE, and nothing else of it: the old value or the new
 * one is on the card, whatever happens.
 * CKR_ATTRIBUTE_READ_ONLY, and as above.
 */
CK_RV record_object_replace(struct session *s, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *template,
			    CK_ULONG count);

#endif
