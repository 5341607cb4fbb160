/*
 * The Cryptoki calls that sign, verify, decrypt, digest and make random
 * bytes. Each checks its arguments and goes to operation.c. An argument error
 * of a call that would have ended the operation ends it (PKCS#11 5.2).
 */
#include "config.h"

#include <openssl/rand.h>

#include "src/module.h"
#include "src/operation.h"

#define RANDOM_CHUNK (1u << 20)

static bool is_bytes(const void *data, CK_ULONG len)
{
	return data || !len;
}

CK_RV C_DigestInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism ? digest_init(s, mechanism) : CKR_ARGUMENTS_BAD;
	return slot_exit(slot, __func__, rv);
}

/* Arguments that are wrong end the operation of the kind; rv is what the call answers. */
static CK_RV refuse(struct session *s, enum operation_kind kind)
{
	if (!s->operations[kind].mechanism)
		return CKR_OPERATION_NOT_INITIALIZED;
	operation_end(&s->operations[kind]);
	return CKR_ARGUMENTS_BAD;
}

CK_RV C_Digest(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len, unsigned char *digest,
	       CK_ULONG *digest_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = is_bytes(data, len) && digest_len ? digest_single(s, data, len, digest, digest_len)
					       : refuse(s, OPERATION_DIGEST);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = is_bytes(part, len) ? digest_update(s, part, len) : refuse(s, OPERATION_DIGEST);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE handle, unsigned char *digest, CK_ULONG *digest_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = digest_len ? digest_final(s, digest, digest_len) : refuse(s, OPERATION_DIGEST);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_SignInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism ? sign_init(s, mechanism, key) : CKR_ARGUMENTS_BAD;
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
	rv = is_bytes(data, len) && signature_len
		     ? sign_single(s, data, len, signature, signature_len)
		     : refuse(s, OPERATION_SIGN);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = is_bytes(part, len) ? sign_update(s, part, len) : refuse(s, OPERATION_SIGN);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE handle, unsigned char *signature, CK_ULONG *signature_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = signature_len ? sign_final(s, signature, signature_len) : refuse(s, OPERATION_SIGN);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_VerifyInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism ? verify_init(s, mechanism, key) : CKR_ARGUMENTS_BAD;
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
	rv = is_bytes(data, len) && signature
		     ? verify_single(s, data, len, signature, signature_len)
		     : refuse(s, OPERATION_VERIFY);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = is_bytes(part, len) ? verify_update(s, part, len) : refuse(s, OPERATION_VERIFY);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE handle, unsigned char *signature, CK_ULONG signature_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = signature ? verify_final(s, signature, signature_len) : refuse(s, OPERATION_VERIFY);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism ? decrypt_init(s, mechanism, key) : CKR_ARGUMENTS_BAD;
	return slot_exit(slot, __func__, rv);
}

CK_RV C_Decrypt(CK_SESSION_HANDLE handle, unsigned char *encrypted, CK_ULONG len,
		unsigned char *data, CK_ULONG *data_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = is_bytes(encrypted, len) && data_len
		     ? decrypt_single(s, encrypted, len, data, data_len)
		     : refuse(s, OPERATION_DECRYPT);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE handle, unsigned char *encrypted, CK_ULONG len,
		      unsigned char *data, CK_ULONG *data_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	(void)data; /* nothing comes out before C_DecryptFinal */
	if (rv != CKR_OK)
		return rv;
	rv = is_bytes(encrypted, len) && data_len ? decrypt_update(s, encrypted, len, data_len)
						  : refuse(s, OPERATION_DECRYPT);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG *data_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = data_len ? decrypt_final(s, data, data_len) : refuse(s, OPERATION_DECRYPT);
	return slot_exit(slot, __func__, rv);
}

/* From OpenSSL: the card's own GET CHALLENGE was never observed (facts: gen 1). */
CK_RV C_GenerateRandom(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	if (!is_bytes(data, len))
		rv = CKR_ARGUMENTS_BAD;
	while (rv == CKR_OK && len) {
		CK_ULONG n = len < RANDOM_CHUNK ? len : RANDOM_CHUNK;

		if (RAND_bytes_ex(module_libctx(), data, n, 0) != 1)
			rv = CKR_FUNCTION_FAILED;
		data += n;
		len -= n;
	}
	return slot_exit(slot, __func__, rv);
}
