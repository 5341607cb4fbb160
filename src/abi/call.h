/*
 * How every Cryptoki call comes in and goes out: the only place that knows of
 * the module's doors (module.h), that logs what a caller got, and that leaves
 * no errors of ours in the caller's queue of OpenSSL's.
 */
#ifndef TWCARD_SRC_ABI_CALL_H
#define TWCARD_SRC_ABI_CALL_H

#include <time.h>

#include "src/module/module.h"

struct call {
	const char *function;    /* its name in the standard: "C_Sign" */
	struct slot *slot;       /* NULL: it concerns none */
	struct session *session; /* NULL: the same */
	struct timespec began;
};

/*
 * On CKR_OK the call is in, and must go out through call_leave(). Anything
 * else is what the caller gets: it is logged, and there is nothing to leave.
 */
CK_RV call_enter(struct call *call, const char *function);

/* Also finds the slot. CKR_SLOT_ID_INVALID. */
CK_RV call_enter_slot(struct call *call, const char *function, CK_SLOT_ID id);

/* Also finds the session. CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_REMOVED (module.h). */
CK_RV call_enter_session(struct call *call, const char *function, CK_SESSION_HANDLE handle,
			 enum look look);

/*
 * Lets go of all that entering took, logs name, code and time; answers rv, or
 * for an error in a session whose card has gone meanwhile CKR_DEVICE_REMOVED.
 */
CK_RV call_leave(struct call *call, CK_RV rv);

#endif
