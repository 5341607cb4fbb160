/*
 * The module: the one global of the library, what C_Initialize sets up, and
 * how every Cryptoki call comes in and goes out.
 */
#ifndef TWCARD_SRC_MODULE_H
#define TWCARD_SRC_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#include "src/cryptoki.h"
#include "src/session/session.h"
#include "src/token/slot.h"

/* C_Initialize and C_Finalize without their argument rules. */
CK_RV module_initialize(void);
CK_RV module_finalize(void);

/* The PC/SC state of a reader now, without any APDU; 0 if it is away. */
uint32_t module_reader_state(const char *reader);

/*
 * Asks PC/SC for readers and adds slots for new ones. No service or reader is
 * no error. `report_new`: a new reader is an event that C_WaitForSlotEvent has
 * yet to tell.
 */
CK_RV module_rescan(bool report_new);

/* True once readers have been asked for. */
bool module_scanned(void);

/* How many slots there are; their ids are 1 to that. */
size_t module_slot_count(void);

/* Copies the ids of all slots, or of those with a card, into ids (room for *count). */
CK_RV module_slot_ids(bool with_card, CK_SLOT_ID *ids, CK_ULONG *count);

/*
 * How calls come in. Each of the three checks that the module is initialised
 * in this process; on CKR_OK the matching leave function must be called.
 */
CK_RV module_enter(void);
CK_RV module_leave(const char *function, CK_RV rv);

/* Also finds and locks the slot. CKR_SLOT_ID_INVALID. */
CK_RV slot_enter(CK_SLOT_ID id, struct slot **out);

enum look {
	LOOK,      /* see first whether the card is still there */
	LOOK_AWAY  /* calls that come by the thousand, or that reach the card anyway */
};

/*
 * Also finds the session. CKR_SESSION_HANDLE_INVALID; CKR_DEVICE_REMOVED the
 * first time that the session's card is found to be gone.
 */
CK_RV session_enter(CK_SESSION_HANDLE handle, enum look look, struct session **out,
		    struct slot **slot);

/* Ends the card transaction, unlocks, logs; answers rv. */
CK_RV slot_exit(struct slot *slot, const char *function, CK_RV rv);

#endif
