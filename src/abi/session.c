/* The Cryptoki calls about sessions, login and objects. */
#include "config.h"

#include <string.h>

#include "apdu/log.h"
#include "src/base/config_file.h"
#include "src/abi/abi.h"
#include "src/abi/call.h"
#include "src/object/attribute.h"
#include "src/object/find.h"
#include "src/base/rv.h"

CK_RV C_CloseSession(CK_SESSION_HANDLE handle)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	slot_close_session(call.slot, call.session);
	return call_leave(&call, CKR_OK);
}

static CK_STATE session_state(const struct session *s)
{
	bool rw = s->flags & CKF_RW_SESSION;

	if (slot_logged_in(s->slot))
		return rw ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
	return rw ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	if (!info)
		return call_leave(&call, CKR_ARGUMENTS_BAD);
	memset(info, 0, sizeof *info);
	info->slotID = call.slot->id;
	info->state = session_state(call.session);
	info->flags = call.session->flags;
	return call_leave(&call, CKR_OK);
}

/* What can be refused before the card is asked. No PIN pad: facts, PIN protection. */
static CK_RV check_login(struct slot *slot, CK_USER_TYPE user, const unsigned char *pin)
{
	if (user == CKU_CONTEXT_SPECIFIC) /* no key here asks for it */
		return CKR_OPERATION_NOT_INITIALIZED;
	if (user == CKU_SO && slot_logged_in(slot))
		return CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
	if (user != CKU_USER) /* the security officer's secret stays with the CA */
		return CKR_USER_TYPE_INVALID;
	if (slot_logged_in(slot))
		return CKR_USER_ALREADY_LOGGED_IN;
	return pin ? CKR_OK : CKR_ARGUMENTS_BAD;
}

/* The vendor's module counts instead of saying CKR_PIN_INCORRECT (facts: official module). */
static CK_RV vendor_rv(int tries_left, CK_RV rv)
{
	if (rv != CKR_PIN_INCORRECT || !config_current()->vendor_compat)
		return rv;
	if (tries_left == 1)
		return CKR_VENDOR_DEFINED | 1;
	return tries_left == 2 ? CKR_VENDOR_DEFINED | 2 : rv;
}

/*
 * A length that the card cannot have is a wrong PIN: programs ask again on
 * CKR_PIN_INCORRECT only, and end with an error page on CKR_PIN_LEN_RANGE.
 * Nothing was sent, so no try is counted, in the vendor's way neither.
 */
static CK_RV log_in(struct call *call, const unsigned char *pin, CK_ULONG len)
{
	int tries_left;
	CK_RV rv = slot_login(call->slot, call->session, pin, len, &tries_left);

	if (rv == CKR_PIN_LEN_RANGE) {
		log_line(LOG_INFO, "a PIN of %lu bytes cannot be this card's: not sent", len);
		return CKR_PIN_INCORRECT;
	}
	return vendor_rv(tries_left, rv);
}

CK_RV abi_login(const char *function, CK_SESSION_HANDLE handle, CK_USER_TYPE user,
		const unsigned char *pin, CK_ULONG len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, function, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	rv = check_login(call.slot, user, pin);
	if (rv == CKR_OK)
		rv = log_in(&call, pin, len);
	return call_leave(&call, rv);
}

CK_RV C_Login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
	return abi_login(__func__, handle, user, pin, len);
}

CK_RV C_Logout(CK_SESSION_HANDLE handle)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	rv = slot_logout(call.slot);
	return call_leave(&call, rv);
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_template(template, count) ? find_start(call.session, template, count)
					      : CKR_ARGUMENTS_BAD;
	return call_leave(&call, rv);
}

CK_RV C_FindObjects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects, CK_ULONG max,
		    CK_ULONG *count)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	return call_leave(&call, find_next(call.session, objects, max, count));
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE handle)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK_AWAY);

	if (rv != CKR_OK)
		return rv;
	if (call.session->find.active)
		find_end(&call.session->find);
	else
		rv = CKR_OPERATION_NOT_INITIALIZED;
	return call_leave(&call, rv);
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
			  CK_ATTRIBUTE *template, CK_ULONG count)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	rv = template && count && abi_is_count(count, sizeof *template)
		     ? attributes_get(call.slot, object, template, count)
		     : CKR_ARGUMENTS_BAD;
	return call_leave(&call, rv);
}
