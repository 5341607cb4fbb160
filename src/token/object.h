/*
 * Objects and their handles. An object of the card is a directory record and
 * what has been read of its value so far; a session object is a set of
 * attributes. Handles are unique in a slot and
 * never come back: a private object gets a new one with each login.
 */
#ifndef TWCARD_SRC_OBJECT_H
#define TWCARD_SRC_OBJECT_H

#include <stdbool.h>

#include "apdu/buffer.h"
#include "profiles/pkcs15.h"
#include "src/cryptoki.h"
#include "src/base/hash.h"
#include "src/token/store.h"

struct object {
	CK_OBJECT_HANDLE handle;
	CK_OBJECT_CLASS klass;
	const struct p15_object *record; /* of the card: owned by the token's directory */
	struct store *attributes;        /* of a session: owned; NULL for the card's */
	CK_SESSION_HANDLE owner;         /* the session that it ends with; 0: the token keeps it */
	bool is_private;                 /* to be seen only after login */
	bool is_authority;               /* a certificate that issued another one on the card */
	bool is_attribute;               /* an attribute certificate, which has other attributes */
	uint32_t sno;                    /* of the record in the data area that it is; 0: it is none */
	bool may_change;                 /* of such a record: writing to the card is allowed */
	struct buffer value;             /* certificate or data bytes, once read */
	bool value_read;
	struct buffer draft;             /* certificate bytes, read to check others by; with the turn */
	UT_hash_handle hh;
	/* a session's: its places among those of its class, and of its session */
	struct object *class_prev, *class_next, *owner_prev, *owner_next;
};

/* ---- session objects: who owns them, and which there are of a class ---- */

/* Classes of which there can be session objects, and the token's profiles. */
#define SESSION_CLASSES 5
extern const CK_OBJECT_CLASS session_classes[SESSION_CLASSES];

/* Average bytes of an object's attributes within the limit on their number. */
#define SESSION_OBJECT_BYTES 4096

/* A session that has objects. */
struct object_owner {
	CK_SESSION_HANDLE session;
	struct object *objects; /* utlist, oldest first */
	UT_hash_handle hh;
};

struct session_objects {
	struct object *of_class[SESSION_CLASSES]; /* utlist, oldest first */
	struct object_owner *owners;              /* uthash */
	size_t count, bytes; /* that sessions own; what the setting session-objects limits */
};

/* CKO_… of a directory's records. */
CK_OBJECT_CLASS object_class(enum p15_class kind);

/* Frees what the object owns, not the object. */
void object_release(struct object *o);

#endif
