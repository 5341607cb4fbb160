/*
 * Session objects: keys, certificates, data that a program makes, for as long
 * as its session lasts. They share the handles of the card's objects.
 */
#ifndef TWCARD_SRC_SESSION_OBJECT_H
#define TWCARD_SRC_SESSION_OBJECT_H

#include "src/session/session.h"
#include "src/token/token.h"

/* What session_object_add() would say to the attributes, without adding. Under the slot's lock. */
CK_RV session_object_allowed(const struct session *s, const struct store *attributes);

/*
 * Makes an object of the attributes, which are taken over (also on failure).
 * CKR_TOKEN_WRITE_PROTECTED or CKR_SESSION_READ_ONLY: it would be one of the
 * card; CKR_USER_NOT_LOGGED_IN: a private one.
 */
CK_RV session_object_add(struct session *s, struct store *attributes, CK_OBJECT_HANDLE *handle);

CK_RV session_object_copy(struct session *s, struct object *from, const CK_ATTRIBUTE *template,
			  CK_ULONG count, CK_OBJECT_HANDLE *handle);
CK_RV session_object_change(struct session *s, struct object *o, const CK_ATTRIBUTE *template,
			    CK_ULONG count);
CK_RV session_object_destroy(struct session *s, struct object *o);

/* Bytes that the object takes, about; never touches the card. */
CK_ULONG session_object_size(const struct object *o);

#endif
