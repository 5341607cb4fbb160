/*
 * The Cryptoki calls that digest, sign and verify. Each checks its arguments
 * and goes to the operations.
 */
#include "config.h"

#include "src/abi/abi.h"
#include "src/abi/compat.h"
#include "src/operation/operation.h"

CK_RV C_DigestInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism ? operation_init(s, OPERATION_DIGEST, mechanism, CK_INVALID_HANDLE) : CKR_ARGUMENTS_BAD;
	return slot_exit(slot, __func__, rv);
}

CK_RV C_Digest(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len, unsigned char *digest,
	       CK_ULONG *digest_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(data, len) && digest_len ? digest_single(s, data, len, digest, digest_len)
					       : abi_refuse(s, OPERATION_DIGEST);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(part, len) ? digest_update(s, part, len) : abi_refuse(s, OPERATION_DIGEST);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE handle, unsigned char *digest, CK_ULONG *digest_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = digest_len ? digest_final(s, digest, digest_len) : abi_refuse(s, OPERATION_DIGEST);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_SignInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism ? operation_init(s, OPERATION_SIGN, mechanism, key) : CKR_ARGUMENTS_BAD;
	return slot_exit(slot, __func__, rv);
}

CK_RV C_Sign(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len, unsigned char *signature,
	     CK_ULONG *signature_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(data, len) && signature_len
		     ? sign_single(s, OPERATION_SIGN, data, len, signature, signature_len)
		     : abi_refuse(s, OPERATION_SIGN);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(part, len) ? sign_update(s, part, len) : abi_refuse(s, OPERATION_SIGN);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE handle, unsigned char *signature, CK_ULONG *signature_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = signature_len ? sign_final(s, signature, signature_len) : abi_refuse(s, OPERATION_SIGN);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_VerifyInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism ? operation_init(s, OPERATION_VERIFY, mechanism, key) : CKR_ARGUMENTS_BAD;
	return slot_exit(slot, __func__, rv);
}

CK_RV C_Verify(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len,
	       unsigned char *signature, CK_ULONG signature_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(data, len) && signature
		     ? verify_single(s, data, len, signature, signature_len)
		     : abi_refuse(s, OPERATION_VERIFY);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(part, len) ? verify_update(s, part, len) : abi_refuse(s, OPERATION_VERIFY);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE handle, unsigned char *signature, CK_ULONG signature_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = signature ? verify_final(s, signature, signature_len) : abi_refuse(s, OPERATION_VERIFY);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DigestKey(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE key)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	return rv == CKR_OK ? slot_exit(slot, __func__, digest_key(s, key)) : rv;
}
