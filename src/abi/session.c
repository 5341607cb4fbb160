/* The Cryptoki calls about sessions, login and objects. */
#include "config.h"

#include <string.h>

#include "src/base/config_file.h"
#include "src/abi/abi.h"
#include "src/object/attribute.h"
#include "src/object/find.h"
#include "src/abi/compat.h"
#include "src/base/rv.h"

CK_RV C_CloseSession(CK_SESSION_HANDLE handle)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	slot_close_session(slot, s);
	return slot_exit(slot, __func__, CKR_OK);
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
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	if (!info)
		return slot_exit(slot, __func__, CKR_ARGUMENTS_BAD);
	memset(info, 0, sizeof *info);
	info->slotID = slot->id;
	info->state = session_state(s);
	info->flags = s->flags;
	return slot_exit(slot, __func__, CKR_OK);
}

/* What can be refused before the card is asked. No PIN pad: facts, PIN protection. */
static CK_RV check_login(struct slot *slot, CK_USER_TYPE user, const unsigned char *pin)
{
	if (user == CKU_CONTEXT_SPECIFIC) /* no key here asks for it */
		return CKR_OPERATION_NOT_INITIALIZED;
	if (user != CKU_USER) /* the security officer's secret stays with the CA */
		return CKR_USER_TYPE_INVALID;
	if (slot_logged_in(slot))
		return CKR_USER_ALREADY_LOGGED_IN;
	return pin ? CKR_OK : CKR_ARGUMENTS_BAD;
}

/* The vendor's module counts instead of saying CKR_PIN_INCORRECT (facts: official module). */
static CK_RV vendor_rv(int tries, CK_RV rv)
{
	if (rv != CKR_PIN_INCORRECT || !config_current()->vendor_compat)
		return rv;
	if (tries == 1)
		return CKR_VENDOR_DEFINED | 1;
	return tries == 2 ? CKR_VENDOR_DEFINED | 2 : rv;
}

CK_RV C_Login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
	struct session *s;
	struct slot *slot;
	int tries = -1;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = check_login(slot, user, pin);
	if (rv == CKR_OK)
		{
		rv = slot_login(slot, s, pin, len, &tries);
		rv = vendor_rv(tries, rv);
	}
	if (rv == CKR_PIN_LEN_RANGE)
		rv = CKR_PIN_INCORRECT;
	return slot_exit(slot, __func__, rv);
}

CK_RV C_Logout(CK_SESSION_HANDLE handle)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = slot_logout(slot);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_template(template, count) ? find_start(s, template, count) : CKR_ARGUMENTS_BAD;
	return slot_exit(slot, __func__, rv);
}

CK_RV C_FindObjects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects, CK_ULONG max,
		    CK_ULONG *count)
{
	struct find_state *find;
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	find = &s->find;
	if (!find->active)
		return slot_exit(slot, __func__, CKR_OPERATION_NOT_INITIALIZED);
	if (!count || (max && !objects))
		return slot_exit(slot, __func__, CKR_ARGUMENTS_BAD);
	for (*count = 0; *count < max && find->next < find->count; find->next++)
		if (token_object(&slot->token, find->handles[find->next])) /* not gone by a logout */
			objects[(*count)++] = find->handles[find->next];
	return slot_exit(slot, __func__, CKR_OK);
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE handle)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	if (s->find.active)
		find_end(&s->find);
	else
		rv = CKR_OPERATION_NOT_INITIALIZED;
	return slot_exit(slot, __func__, rv);
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
			  CK_ATTRIBUTE *template, CK_ULONG count)
{
	struct object *o;
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	slot_lock(slot);
	o = token_object(&slot->token, object);
	slot_unlock(slot);
	if (!template || !count)
		rv = CKR_ARGUMENTS_BAD;
	else if (!o)
		rv = CKR_OBJECT_HANDLE_INVALID;
	else
		rv = attributes_get(slot, o, template, count);
	return slot_exit(slot, __func__, rv);
}
