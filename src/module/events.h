/* C_WaitForSlotEvent: cards and readers that come and go. */
#ifndef TWCARD_SRC_EVENTS_H
#define TWCARD_SRC_EVENTS_H

#include <stdbool.h>

#include "src/cryptoki.h"

/*
 * The next slot in which something changed since it was last told of. Each
 * change is told once. CKR_NO_EVENT: not blocking, and nothing did.
 * CKR_CRYPTOKI_NOT_INITIALIZED: C_Finalize was called meanwhile.
 */
CK_RV events_wait(bool block, CK_SLOT_ID *slot);

/* Wakes every waiter. */
void events_cancel(void);

/* Frees the context, unless somebody still waits. */
void events_close(void);

/* After fork(): the context and the lock are the parent's, and are left alone. */
void events_abandon(void);

#endif
