/* C_FindObjects: from a template to handles. */
#ifndef TWCARD_SRC_FIND_H
#define TWCARD_SRC_FIND_H

#include "src/session/session.h"

/*
 * Collects the handles of all objects that match, in a stable order:
 * certificates (the holder's, then the CAs'), public keys, private keys, data
 * objects; within each as on the card. Reads only the directories in which a
 * match can be. On an error the session may be gone with its card.
 */
CK_RV find_start(struct session *s, const CK_ATTRIBUTE *template, CK_ULONG count);

#endif
