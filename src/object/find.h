/* C_FindObjects: from a template to handles. */
#ifndef TWCARD_SRC_FIND_H
#define TWCARD_SRC_FIND_H

#include "src/session/session.h"

/*
 * Collects the handles of all objects that match, in a stable order:
 * certificates (the holder's, then the CAs'), public keys, private keys, data
 * objects, each as on the card; then session objects, oldest first. Reads only
 * the directories in which a match can be, and looks only at session objects
 * of classes that can match. Called without the slot's lock. On an error the
 * session may be gone with its card.
 */
CK_RV find_start(struct session *s, const CK_ATTRIBUTE *template, CK_ULONG count);

/* The next handles, without those of objects that went since. CKR_OPERATION_NOT_INITIALIZED. */
CK_RV find_next(struct session *s, CK_OBJECT_HANDLE *objects, CK_ULONG max, CK_ULONG *count);

#endif
