/*
 * The module's life: what C_Initialize sets up, how every Cryptoki call comes
 * in and goes out, and how it all ends.
 */
#ifndef TWCARD_SRC_MODULE_H
#define TWCARD_SRC_MODULE_H

#include <stdbool.h>

#include "src/cryptoki.h"
#include "src/session/session.h"
#include "src/token/slot.h"

/* C_Initialize and C_Finalize without their argument rules. */
CK_RV module_initialize(void);
CK_RV module_finalize(void);

/*
 * How calls come in. Each of the three checks that the module is initialised
 * in this process; on CKR_OK the matching leave function must be called.
 */
CK_RV module_enter(void);
void module_leave(void);

/* Also finds the slot; readers are looked for if it is not known. CKR_SLOT_ID_INVALID. */
CK_RV module_enter_slot(CK_SLOT_ID id, struct slot **out);
/* Gives the card's turn back, if the call took it. */
void module_leave_slot(struct slot *slot);

enum look {
	LOOK,      /* see first whether the card is still there */
	LOOK_AWAY  /* calls that come by the thousand, or that reach the card anyway */
};

/*
 * Also finds the session and takes its lock. CKR_SESSION_HANDLE_INVALID;
 * CKR_DEVICE_REMOVED the first time that the session's card is found to be
 * gone.
 */
CK_RV module_enter_session(CK_SESSION_HANDLE handle, enum look look, struct session **out);
void module_leave_session(struct session *session);

/*
 * Did the session's card go while the call was inside? Then whatever else went
 * wrong (a handle, a login that was there before) followed from that.
 */
bool module_lost_card(struct session *session);

#endif
