/* The Cryptoki calls about library, slots, tokens and mechanisms. */
#include "config.h"

#include <string.h>

#include "src/module/events.h"
#include "src/module/slots.h"
#include "src/abi/call.h"
#include "src/abi/function_list.h"
#include "src/crypto/context.h"
#include "src/operation/mechanism.h"
#include "src/base/config_file.h"
#include "src/base/names.h"
#include "src/base/rv.h"
#include "src/base/text.h"

#define LIBRARY_MAJOR 0
#define LIBRARY_MINOR 1
#define SESSION_FLAGS (CKF_SERIAL_SESSION | CKF_RW_SESSION) /* all that there are */

/* Locking by callbacks alone is refused: PC/SC and OpenSSL lock with the system's threads. */
static CK_RV check_arguments(const CK_C_INITIALIZE_ARGS *args)
{
	int callbacks;

	if (!args)
		return CKR_OK;
	callbacks = !!args->CreateMutex + !!args->DestroyMutex + !!args->LockMutex +
		    !!args->UnlockMutex;
	if (args->pReserved || (callbacks != 0 && callbacks != 4))
		return CKR_ARGUMENTS_BAD;
	return callbacks && !(args->flags & CKF_OS_LOCKING_OK) ? CKR_CANT_LOCK : CKR_OK;
}

CK_RV C_Initialize(CK_VOID_PTR init_args)
{
	CK_RV rv = check_arguments(init_args);

	if (rv != CKR_OK)
		return rv;
	crypto_errors_begin();
	rv = module_initialize();
	crypto_errors_end();
	return rv;
}

CK_RV C_Finalize(CK_VOID_PTR reserved)
{
	CK_RV rv = CKR_ARGUMENTS_BAD;

	if (reserved)
		return rv;
	crypto_errors_begin();
	rv = module_finalize();
	crypto_errors_end();
	return rv;
}

CK_RV C_GetInfo(CK_INFO *info)
{
	struct call call;
	CK_RV rv = call_enter(&call, __func__);

	if (rv != CKR_OK)
		return rv;
	if (!info)
		return call_leave(&call, CKR_ARGUMENTS_BAD);
	memset(info, 0, sizeof *info);
	info->cryptokiVersion = (CK_VERSION){2, 40};
	info->libraryVersion = (CK_VERSION){LIBRARY_MAJOR, LIBRARY_MINOR};
	text_pad(info->manufacturerID, sizeof info->manufacturerID, "twcard");
	text_pad(info->libraryDescription, sizeof info->libraryDescription,
		 "Taiwan GPKI smart cards");
	return call_leave(&call, CKR_OK);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	if (!list)
		return CKR_ARGUMENTS_BAD;
	*list = (CK_FUNCTION_LIST *)&function_list;
	return CKR_OK;
}

CK_RV C_GetSlotList(unsigned char token_present, CK_SLOT_ID *slots, CK_ULONG *count)
{
	struct call call;
	CK_RV rv = call_enter(&call, __func__);

	if (rv != CKR_OK)
		return rv;
	if (!count)
		return call_leave(&call, CKR_ARGUMENTS_BAD);
	/* new readers are looked for when a program asks how many there are */
	if (!slots)
		rv = slots_rescan(false);
	if (rv == CKR_OK)
		rv = slots_ids(token_present, slots, count);
	return call_leave(&call, rv);
}

CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, CK_VOID_PTR reserved)
{
	struct call call;
	CK_RV rv = call_enter(&call, __func__);

	if (rv != CKR_OK)
		return rv;
	if (!slot || reserved)
		return call_leave(&call, CKR_ARGUMENTS_BAD);
	return call_leave(&call, events_wait(!(flags & CKF_DONT_BLOCK), slot));
}

CK_RV C_GetSlotInfo(CK_SLOT_ID id, CK_SLOT_INFO *info)
{
	struct call call;
	CK_RV rv = call_enter_slot(&call, __func__, id);

	if (rv != CKR_OK)
		return rv;
	if (!info)
		return call_leave(&call, CKR_ARGUMENTS_BAD);
	memset(info, 0, sizeof *info);
	text_pad(info->slotDescription, sizeof info->slotDescription, call.slot->reader);
	text_pad(info->manufacturerID, sizeof info->manufacturerID, "PC/SC");
	info->flags = CKF_REMOVABLE_DEVICE | CKF_HW_SLOT;
	if (slot_look_for_card(call.slot))
		info->flags |= CKF_TOKEN_PRESENT;
	return call_leave(&call, CKR_OK);
}

/* A card is there now (perhaps another one), and not found to be unknown. */
static CK_RV need_card(struct slot *slot)
{
	return rv_of(slot_check_card(slot));
}

static CK_FLAGS pin_flags(const struct slot_token *token)
{
	CK_FLAGS flags = 0;

	if (token->tries_left >= 0 && token->tries_left < token->pin_tries)
		flags |= CKF_USER_PIN_COUNT_LOW;
	if (token->tries_left == 1)
		flags |= CKF_USER_PIN_FINAL_TRY;
	if (token->tries_left == 0)
		flags |= CKF_USER_PIN_LOCKED;
	return flags;
}

/* The card's, or (token-name) the one that the user gave this card. */
static void fill_label(const struct token_data *data, CK_TOKEN_INFO *info)
{
	char name[NAMES_SIZE];
	bool named = config_current()->token_name && names_get(data->serial, name);

	text_pad(info->label, sizeof info->label, named ? name : data->label);
}

static void fill_token_info(const struct slot_token *token, CK_TOKEN_INFO *info)
{
	memset(info, 0, sizeof *info);
	fill_label(&token->data, info);
	text_pad(info->manufacturerID, sizeof info->manufacturerID, token->data.manufacturer);
	text_pad(info->model, sizeof info->model, token->data.model);
	text_pad(info->serialNumber, sizeof info->serialNumber, token->data.serial);
	text_pad(info->utcTime, sizeof info->utcTime, "");
	info->flags = CKF_RNG | CKF_USER_PIN_INITIALIZED | CKF_DUAL_CRYPTO_OPERATIONS |
		      CKF_TOKEN_INITIALIZED | pin_flags(token);
	/* programs that are told of a login ask for a PIN: not for one that cannot work */
	if (token->can_login)
		info->flags |= CKF_LOGIN_REQUIRED;
	info->ulMaxSessionCount = SESSIONS_MAX;
	info->ulMaxRwSessionCount = SESSIONS_MAX;
	info->ulSessionCount = token->sessions;
	info->ulRwSessionCount = token->rw_sessions;
	info->ulMinPinLen = token->pin_min;
	info->ulMaxPinLen = token->pin_max;
	info->ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION;
	info->ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION;
	info->ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION;
	info->ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION;
}

CK_RV C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
	struct slot_token token;
	struct call call;
	CK_RV rv = call_enter_slot(&call, __func__, id);

	if (rv != CKR_OK)
		return rv;
	rv = info ? rv_of(slot_token_info(call.slot, &token)) : CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK)
		fill_token_info(&token, info);
	return call_leave(&call, rv);
}

CK_RV C_GetMechanismList(CK_SLOT_ID id, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
	const struct mechanism *rows;
	struct call call;
	size_t n;
	CK_RV rv = call_enter_slot(&call, __func__, id);

	if (rv != CKR_OK)
		return rv;
	if (!count)
		return call_leave(&call, CKR_ARGUMENTS_BAD);
	rv = need_card(call.slot);
	if (rv != CKR_OK)
		return call_leave(&call, rv);
	rows = mechanism_rows(&n);
	if (list && *count < n)
		rv = CKR_BUFFER_TOO_SMALL;
	for (size_t i = 0; list && rv == CKR_OK && i < n; i++)
		list[i] = rows[i].type;
	*count = n;
	return call_leave(&call, rv);
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
	const struct mechanism *row = mechanism_find(type);
	struct call call;
	CK_RV rv = call_enter_slot(&call, __func__, id);

	if (rv != CKR_OK)
		return rv;
	if (!info)
		return call_leave(&call, CKR_ARGUMENTS_BAD);
	rv = need_card(call.slot);
	if (rv == CKR_OK && !row)
		rv = CKR_MECHANISM_INVALID;
	if (rv == CKR_OK)
		*info = (CK_MECHANISM_INFO){row->min, row->max, row->flags};
	return call_leave(&call, rv);
}

CK_RV C_OpenSession(CK_SLOT_ID id, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify,
		    CK_SESSION_HANDLE *session)
{
	struct call call;
	CK_RV rv = call_enter_slot(&call, __func__, id);

	(void)application; /* no surrender callback is ever made */
	(void)notify;
	if (rv != CKR_OK)
		return rv;
	if (!session)
		return call_leave(&call, CKR_ARGUMENTS_BAD);
	if (!(flags & CKF_SERIAL_SESSION))
		return call_leave(&call, CKR_SESSION_PARALLEL_NOT_SUPPORTED);
	rv = slot_open_session(call.slot, flags & SESSION_FLAGS, session);
	return call_leave(&call, rv);
}

CK_RV C_CloseAllSessions(CK_SLOT_ID id)
{
	struct call call;
	CK_RV rv = call_enter_slot(&call, __func__, id);

	if (rv != CKR_OK)
		return rv;
	slot_close_all_sessions(call.slot);
	return call_leave(&call, CKR_OK);
}
