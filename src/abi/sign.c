/* The Cryptoki calls that digest, sign and verify, and those with recovery. */
#include "config.h"

#include "src/abi/abi.h"
#include "src/abi/call.h"
#include "src/abi/operate.h"

CK_RV C_DigestInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism)
{
	return operate_init(__func__, handle, OPERATION_DIGEST, mechanism, CK_INVALID_HANDLE);
}

CK_RV C_Digest(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len, unsigned char *digest,
	       CK_ULONG *digest_len)
{
	return operate_single(__func__, handle, OPERATION_DIGEST, data, len, digest, digest_len);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len)
{
	return operate_update(__func__, handle, OPERATION_DIGEST, part, len);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE handle, unsigned char *digest, CK_ULONG *digest_len)
{
	return operate_final(__func__, handle, OPERATION_DIGEST, digest, digest_len);
}

CK_RV C_DigestKey(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE key)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK_AWAY);

	return rv == CKR_OK ? call_leave(&call, digest_key(call.session, key)) : rv;
}

CK_RV C_SignInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return operate_init(__func__, handle, OPERATION_SIGN, mechanism, key);
}

CK_RV C_Sign(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len, unsigned char *signature,
	     CK_ULONG *signature_len)
{
	return operate_single(__func__, handle, OPERATION_SIGN, data, len, signature, signature_len);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len)
{
	return operate_update(__func__, handle, OPERATION_SIGN, part, len);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE handle, unsigned char *signature, CK_ULONG *signature_len)
{
	return operate_final(__func__, handle, OPERATION_SIGN, signature, signature_len);
}

CK_RV C_SignRecoverInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
			CK_OBJECT_HANDLE key)
{
	return operate_init(__func__, handle, OPERATION_SIGN_RECOVER, mechanism, key);
}

CK_RV C_SignRecover(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len,
		    unsigned char *signature, CK_ULONG *signature_len)
{
	return operate_single(__func__, handle, OPERATION_SIGN_RECOVER, data, len, signature,
			      signature_len);
}

CK_RV C_VerifyInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return operate_init(__func__, handle, OPERATION_VERIFY, mechanism, key);
}

CK_RV C_Verify(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len,
	       unsigned char *signature, CK_ULONG signature_len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK_AWAY);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(data, len) && signature
		     ? verify_single(call.session, data, len, signature, signature_len)
		     : abi_refuse(call.session, OPERATION_VERIFY);
	return call_leave(&call, rv);
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len)
{
	return operate_update(__func__, handle, OPERATION_VERIFY, part, len);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE handle, unsigned char *signature, CK_ULONG signature_len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK_AWAY);

	if (rv != CKR_OK)
		return rv;
	rv = signature ? verify_final(call.session, signature, signature_len)
		       : abi_refuse(call.session, OPERATION_VERIFY);
	return call_leave(&call, rv);
}

CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
			  CK_OBJECT_HANDLE key)
{
	return operate_init(__func__, handle, OPERATION_VERIFY_RECOVER, mechanism, key);
}

CK_RV C_VerifyRecover(CK_SESSION_HANDLE handle, unsigned char *signature,
		      CK_ULONG signature_len, unsigned char *data, CK_ULONG *data_len)
{
	return operate_single(__func__, handle, OPERATION_VERIFY_RECOVER, signature, signature_len,
			      data, data_len);
}
