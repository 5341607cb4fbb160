#include "config.h"

#include "apdu/log.h"
#include "src/abi/call.h"
#include "src/crypto/context.h"

static void log_call(const struct call *call, CK_RV rv)
{
	struct timespec now;
	long ms;

	if (!log_wants(LOG_DEBUG))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (now.tv_sec - call->began.tv_sec) * 1000L +
	     (now.tv_nsec - call->began.tv_nsec) / 1000000L;
	log_line(LOG_DEBUG, "%s: %08lX, %ld ms", call->function, rv, ms);
}

CK_RV call_leave(struct call *call, CK_RV rv)
{
	if (rv != CKR_OK && call->session && module_lost_card(call->session))
		rv = CKR_DEVICE_REMOVED;
	crypto_errors_end();
	log_call(call, rv); /* while the call is inside: the log is there as long */
	if (call->session)
		module_leave_session(call->session);
	else if (call->slot)
		module_leave_slot(call->slot);
	else
		module_leave();
	return rv;
}

/* The doors leave nothing to leave when they refuse. */
static CK_RV refuse(const struct call *call, CK_RV rv)
{
	crypto_errors_end();
	log_call(call, rv);
	return rv;
}

static void begin(struct call *call, const char *function)
{
	*call = (struct call){.function = function};
	crypto_errors_begin();
	if (log_wants(LOG_DEBUG))
		clock_gettime(CLOCK_MONOTONIC, &call->began);
}

CK_RV call_enter(struct call *call, const char *function)
{
	CK_RV rv;

	begin(call, function);
	rv = module_enter();
	return rv == CKR_OK ? rv : refuse(call, rv);
}

CK_RV call_enter_slot(struct call *call, const char *function, CK_SLOT_ID id)
{
	CK_RV rv;

	begin(call, function);
	rv = module_enter_slot(id, &call->slot);
	return rv == CKR_OK ? rv : refuse(call, rv);
}

CK_RV call_enter_session(struct call *call, const char *function, CK_SESSION_HANDLE handle,
			 enum look look)
{
	CK_RV rv;

	begin(call, function);
	rv = module_enter_session(handle, look, &call->session);
	if (rv != CKR_OK)
		return refuse(call, rv);
	call->slot = call->session->slot;
	return CKR_OK;
}
