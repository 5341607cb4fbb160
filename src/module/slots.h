/* The slots: one for each reader that was ever seen since C_Initialize. */
#ifndef TWCARD_SRC_MODULE_SLOTS_H
#define TWCARD_SRC_MODULE_SLOTS_H

#include <stdbool.h>

#include "src/cryptoki.h"
#include "src/token/slot.h"

/*
 * Asks PC/SC for readers and adds slots for new ones. No service or reader is
 * no error. `report_new`: a new reader is an event that C_WaitForSlotEvent has
 * yet to tell.
 */
CK_RV slots_rescan(bool report_new);

/* NULL: there is none with this id (any more, if C_Finalize did not wait for the call). */
struct slot *slots_find(CK_SLOT_ID id);

/* How many there are; their ids are 0 to one less. */
size_t slots_count(void);

/* Copies the ids of all slots, or of those with a card, into ids (room for *count). */
CK_RV slots_ids(bool with_card, CK_SLOT_ID *ids, CK_ULONG *count);

#endif
