/*
 * What PKCS#11 3.0 adds: interfaces, C_LoginUser, C_SessionCancel, and the
 * message-based functions, which no mechanism here has.
 */
#include "config.h"

#include <string.h>

#include "src/abi/abi.h"
#include "src/abi/call.h"
#include "src/abi/function_list.h"

static const char standard_name[] = "PKCS 11";

/*
 * The one asked for by default comes first. Not constant, as Cryptoki's type
 * for it is not: OpenSC's pkcs11-spy puts its own table into what it gets.
 */
static CK_INTERFACE interfaces[] = {
	{(char *)standard_name, (void *)&function_list_3_0, 0},
	{(char *)standard_name, (void *)&function_list, 0},
};

#define INTERFACES (sizeof interfaces / sizeof *interfaces)

CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count)
{
	CK_ULONG room;

	if (!count)
		return CKR_ARGUMENTS_BAD;
	room = *count;
	*count = INTERFACES;
	if (!list)
		return CKR_OK;
	if (room < INTERFACES)
		return CKR_BUFFER_TOO_SMALL;
	memcpy(list, interfaces, sizeof interfaces);
	return CKR_OK;
}

static bool is_wanted(const CK_INTERFACE *i, const unsigned char *name, const CK_VERSION *version,
		      CK_FLAGS flags)
{
	const CK_VERSION *own = i->pFunctionList; /* every table starts with its version */

	if (name && strcmp((const char *)name, i->pInterfaceName) != 0)
		return false;
	if (version && (version->major != own->major || version->minor != own->minor))
		return false;
	return (flags & ~i->flags) == 0; /* none is fork-safe */
}

CK_RV C_GetInterface(unsigned char *name, CK_VERSION *version, CK_INTERFACE **out, CK_FLAGS flags)
{
	if (!out)
		return CKR_ARGUMENTS_BAD;
	for (size_t i = 0; i < INTERFACES; i++) {
		if (!is_wanted(&interfaces[i], name, version, flags))
			continue;
		*out = &interfaces[i];
		return CKR_OK;
	}
	*out = NULL;
	return CKR_ARGUMENTS_BAD;
}

CK_RV get_info_3_0(CK_INFO *info)
{
	CK_RV rv = C_GetInfo(info);

	if (rv == CKR_OK)
		info->cryptokiVersion = (CK_VERSION){3, 0};
	return rv;
}

/* The card knows one user, without a name. */
CK_RV C_LoginUser(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin,
		  CK_ULONG pin_len, unsigned char *name, CK_ULONG name_len)
{
	struct call call;
	CK_RV rv;

	(void)name;
	if (!name_len)
		return abi_login(__func__, session, user, pin, pin_len);
	rv = call_enter_session(&call, __func__, session, LOOK);
	return rv == CKR_OK ? call_leave(&call, CKR_ARGUMENTS_BAD) : rv;
}

CK_RV C_SessionCancel(CK_SESSION_HANDLE handle, CK_FLAGS flags)
{
	static const CK_FLAGS kinds[OPERATION_KINDS] = {
		[OPERATION_DIGEST] = CKF_DIGEST,
		[OPERATION_SIGN] = CKF_SIGN,
		[OPERATION_VERIFY] = CKF_VERIFY,
		[OPERATION_ENCRYPT] = CKF_ENCRYPT,
		[OPERATION_DECRYPT] = CKF_DECRYPT,
		[OPERATION_SIGN_RECOVER] = CKF_SIGN_RECOVER,
		[OPERATION_VERIFY_RECOVER] = CKF_VERIFY_RECOVER,
	};
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK_AWAY);

	if (rv != CKR_OK)
		return rv;
	for (size_t i = 0; i < OPERATION_KINDS; i++)
		if (flags & kinds[i])
			operation_end(&call.session->operations[i]);
	if (flags & CKF_FIND_OBJECTS)
		find_end(&call.session->find);
	return call_leave(&call, CKR_OK);
}

/* ---- message-based functions ---- */

#pragma GCC diagnostic ignored "-Wunused-parameter"

static CK_RV not_supported(const char *function)
{
	struct call call;
	CK_RV rv = call_enter(&call, function);

	return rv == CKR_OK ? call_leave(&call, CKR_FUNCTION_NOT_SUPPORTED) : rv;
}

CK_RV C_MessageEncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return not_supported(__func__);
}

CK_RV C_EncryptMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len,
		       unsigned char *associated, CK_ULONG associated_len, unsigned char *in,
		       CK_ULONG in_len, unsigned char *out, CK_ULONG *out_len)
{
	return not_supported(__func__);
}

CK_RV C_EncryptMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len,
			    unsigned char *associated, CK_ULONG associated_len)
{
	return not_supported(__func__);
}

CK_RV C_EncryptMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len,
			   unsigned char *in, CK_ULONG in_len, unsigned char *out,
			   CK_ULONG *out_len, CK_FLAGS flags)
{
	return not_supported(__func__);
}

CK_RV C_MessageEncryptFinal(CK_SESSION_HANDLE session)
{
	return not_supported(__func__);
}

CK_RV C_MessageDecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return not_supported(__func__);
}

CK_RV C_DecryptMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len,
		       unsigned char *associated, CK_ULONG associated_len, unsigned char *in,
		       CK_ULONG in_len, unsigned char *out, CK_ULONG *out_len)
{
	return not_supported(__func__);
}

CK_RV C_DecryptMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len,
			    unsigned char *associated, CK_ULONG associated_len)
{
	return not_supported(__func__);
}

CK_RV C_DecryptMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len,
			   unsigned char *in, CK_ULONG in_len, unsigned char *out,
			   CK_ULONG *out_len, CK_FLAGS flags)
{
	return not_supported(__func__);
}

CK_RV C_MessageDecryptFinal(CK_SESSION_HANDLE session)
{
	return not_supported(__func__);
}

CK_RV C_MessageSignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return not_supported(__func__);
}

CK_RV C_SignMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len,
		    unsigned char *data, CK_ULONG data_len, unsigned char *signature,
		    CK_ULONG *signature_len)
{
	return not_supported(__func__);
}

CK_RV C_SignMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len)
{
	return not_supported(__func__);
}

CK_RV C_SignMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len,
			unsigned char *data, CK_ULONG data_len, unsigned char *signature,
			CK_ULONG *signature_len)
{
	return not_supported(__func__);
}

CK_RV C_MessageSignFinal(CK_SESSION_HANDLE session)
{
	return not_supported(__func__);
}

CK_RV C_MessageVerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return not_supported(__func__);
}

CK_RV C_VerifyMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len,
		      unsigned char *data, CK_ULONG data_len, unsigned char *signature,
		      CK_ULONG signature_len)
{
	return not_supported(__func__);
}

CK_RV C_VerifyMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len)
{
	return not_supported(__func__);
}

CK_RV C_VerifyMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len,
			  unsigned char *data, CK_ULONG data_len, unsigned char *signature,
			  CK_ULONG signature_len)
{
	return not_supported(__func__);
}

CK_RV C_MessageVerifyFinal(CK_SESSION_HANDLE session)
{
	return not_supported(__func__);
}
