/*
 * The Cryptoki calls that make, change and destroy objects, and those that
 * would change the card: these go through the profile's table, which knows
 * what was never proven.
 */
#include "config.h"

#include "src/abi/abi.h"
#include "src/abi/call.h"
#include "src/base/rv.h"
#include "src/object/record_object.h"
#include "src/object/session_object.h"
#include "src/object/template.h"
#include "src/operation/operation.h"

CK_RV C_CreateObject(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count,
		     CK_OBJECT_HANDLE *object)
{
	struct store attributes;
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	if (!object || !template || !abi_is_template(template, count))
		return call_leave(&call, CKR_ARGUMENTS_BAD);
	if (record_object_is_meant(template, count))
		return call_leave(&call, record_object_create(call.session, template, count, object));
	rv = template_build(TEMPLATE_CREATE, CK_UNAVAILABLE_INFORMATION, CK_UNAVAILABLE_INFORMATION,
			    template, count, &attributes);
	if (rv == CKR_OK)
		rv = session_object_add(call.session, &attributes, object);
	return call_leave(&call, rv);
}

CK_RV C_CopyObject(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
		   CK_ULONG count, CK_OBJECT_HANDLE *copy)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	if (!copy || !abi_is_template(template, count))
		rv = CKR_ARGUMENTS_BAD;
	else
		rv = session_object_copy(call.session, object, template, count, copy);
	return call_leave(&call, rv);
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	rv = record_object_is(call.session, object) ? record_object_destroy(call.session, object)
						    : session_object_destroy(call.session, object);
	return call_leave(&call, rv);
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ULONG *size)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK_AWAY);

	if (rv != CKR_OK)
		return rv;
	rv = size ? session_object_size(call.session, object, size) : CKR_ARGUMENTS_BAD;
	return call_leave(&call, rv);
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
			  CK_ATTRIBUTE *template, CK_ULONG count)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	if (!template || !abi_is_template(template, count))
		rv = CKR_ARGUMENTS_BAD;
	else if (record_object_is(call.session, object))
		rv = record_object_replace(call.session, object, template, count);
	else
		rv = session_object_change(call.session, object, template, count);
	return call_leave(&call, rv);
}

/* ---- what would change the card ---- */

/* What the card's profile says to an operation that it has no form for. */
static CK_RV ask_profile(struct slot *slot, enum card_op op)
{
	enum result r = slot_touch(slot);

	if (r == RESULT_OK)
		r = card_refuse(slot->token.card, op);
	return rv_of(slot_after_error(slot, r));
}

static CK_RV check_new_pin(struct slot *slot, CK_ULONG len)
{
	size_t min, max;

	slot_lock(slot);
	min = slot->token.pin_min;
	max = slot->token.pin_max;
	slot_unlock(slot);
	return max && (len < min || len > max) ? CKR_PIN_LEN_RANGE : CKR_OK;
}

CK_RV C_SetPIN(CK_SESSION_HANDLE handle, unsigned char *old_pin, CK_ULONG old_len,
	       unsigned char *new_pin, CK_ULONG new_len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	if (!(call.session->flags & CKF_RW_SESSION))
		rv = CKR_SESSION_READ_ONLY;
	else if (!old_pin || !new_pin)
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK)
		rv = check_new_pin(call.slot, old_len);
	if (rv == CKR_OK)
		rv = check_new_pin(call.slot, new_len);
	if (rv == CKR_OK)
		rv = slot_change_pin(call.slot, call.session, old_pin, old_len, new_pin, new_len);
	return call_leave(&call, rv);
}

/* Needs the security officer, whose secret stays with the CA. */
CK_RV C_InitPIN(CK_SESSION_HANDLE handle, unsigned char *pin, CK_ULONG len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	(void)len;
	if (rv != CKR_OK)
		return rv;
	if (!(call.session->flags & CKF_RW_SESSION))
		rv = CKR_SESSION_READ_ONLY;
	else
		rv = pin ? ask_profile(call.slot, OP_UNBLOCK_PIN) : CKR_ARGUMENTS_BAD;
	return call_leave(&call, rv);
}

static bool has_sessions(struct slot *slot)
{
	bool it_has;

	slot_lock(slot);
	it_has = slot->sessions.count;
	slot_unlock(slot);
	return it_has;
}

CK_RV C_InitToken(CK_SLOT_ID id, unsigned char *pin, CK_ULONG len, unsigned char *label)
{
	struct call call;
	CK_RV rv = call_enter_slot(&call, __func__, id);

	(void)len;
	if (rv != CKR_OK)
		return rv;
	if (!pin || !label)
		rv = CKR_ARGUMENTS_BAD;
	else if (!slot_look_for_card(call.slot))
		rv = CKR_TOKEN_NOT_PRESENT;
	else
		rv = has_sessions(call.slot) ? CKR_SESSION_EXISTS
					     : ask_profile(call.slot, OP_CREATE_FILE);
	return call_leave(&call, rv);
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
			CK_ATTRIBUTE *public_template, CK_ULONG public_count,
			CK_ATTRIBUTE *private_template, CK_ULONG private_count,
			CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	if (!mechanism || !public_key || !private_key ||
	    !abi_is_template(public_template, public_count) ||
	    !abi_is_template(private_template, private_count))
		rv = CKR_ARGUMENTS_BAD;
	else if (mechanism->mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN)
		rv = ask_profile(call.slot, OP_GENERATE_KEY);
	else
		rv = CKR_MECHANISM_INVALID;
	return call_leave(&call, rv);
}

/* No mechanism here derives keys. */
CK_RV C_DeriveKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
		  CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	(void)base_key;
	if (rv != CKR_OK)
		return rv;
	rv = mechanism && key && abi_is_template(template, count) ? CKR_MECHANISM_INVALID
								  : CKR_ARGUMENTS_BAD;
	return call_leave(&call, rv);
}

/* ---- operation state and parallel functions: there is none of either ---- */

CK_RV C_GetOperationState(CK_SESSION_HANDLE handle, unsigned char *state, CK_ULONG *len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	(void)state;
	if (rv != CKR_OK)
		return rv;
	rv = len ? CKR_OPERATION_NOT_INITIALIZED : CKR_ARGUMENTS_BAD;
	for (size_t i = 0; len && i < OPERATION_KINDS; i++)
		if (operation_active(call.session, i)) /* the card's half of it cannot be saved */
			rv = CKR_STATE_UNSAVEABLE;
	return call_leave(&call, rv);
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE handle, unsigned char *state, CK_ULONG len,
			  CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	(void)len;
	(void)encryption_key;
	(void)authentication_key;
	if (rv != CKR_OK)
		return rv;
	return call_leave(&call, state ? CKR_SAVED_STATE_INVALID : CKR_ARGUMENTS_BAD);
}

CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE handle)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK_AWAY);

	return rv == CKR_OK ? call_leave(&call, CKR_FUNCTION_NOT_PARALLEL) : rv;
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE handle)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK_AWAY);

	return rv == CKR_OK ? call_leave(&call, CKR_FUNCTION_NOT_PARALLEL) : rv;
}
