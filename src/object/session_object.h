/*
 * Session objects: keys, certificates, data that a program makes, for as long
 * as its session lasts. They share the handles of the card's objects. All
 * functions take the slot's lock themselves and never touch the card.
 */
#ifndef TWCARD_SRC_SESSION_OBJECT_H
#define TWCARD_SRC_SESSION_OBJECT_H

#include "src/session/session.h"
#include "src/token/token.h"

/*
 * What speaks against an object of these attributes, before anybody works for
 * it. CKR_TOKEN_WRITE_PROTECTED: it would be one of the card, whatever the
 * session; CKR_USER_NOT_LOGGED_IN: a private one; CKR_DEVICE_MEMORY: there are
 * too many.
 */
CK_RV session_object_allowed(const struct session *s, const struct store *attributes);

/*
 * template_build() for C_UnwrapKey: what the unwrapping key says of keys that
 * it unwraps (CKA_UNWRAP_TEMPLATE) is added. CKR_TEMPLATE_INCONSISTENT: the
 * template says otherwise. A handle of no key adds nothing.
 */
CK_RV session_object_build_unwrapped(struct session *s, CK_OBJECT_HANDLE unwrapping,
				     const CK_ATTRIBUTE *template, CK_ULONG count,
				     struct store *out);

/* Makes an object of the attributes, which are taken over (also on failure). As above. */
CK_RV session_object_add(struct session *s, struct store *attributes, CK_OBJECT_HANDLE *handle);

/*
 * Each CKR_OBJECT_HANDLE_INVALID, or CKR_ACTION_PROHIBITED for what is the
 * card's and where the object forbids it.
 */
CK_RV session_object_copy(struct session *s, CK_OBJECT_HANDLE from, const CK_ATTRIBUTE *template,
			  CK_ULONG count, CK_OBJECT_HANDLE *handle);
CK_RV session_object_change(struct session *s, CK_OBJECT_HANDLE handle,
			    const CK_ATTRIBUTE *template, CK_ULONG count);
CK_RV session_object_destroy(struct session *s, CK_OBJECT_HANDLE handle);

/* Bytes that an object takes, also one of the card, about. CKR_OBJECT_HANDLE_INVALID. */
CK_RV session_object_size(struct session *s, CK_OBJECT_HANDLE handle, CK_ULONG *size);

#endif
