/*
 * The Cryptoki calls that encrypt and decrypt, recover, do two things at
 * once, and make keys and random bytes.
 */
#include "config.h"

#include <openssl/rand.h>

#include "src/crypto/context.h"
#include "src/abi/abi.h"
#include "src/abi/compat.h"
#include "src/operation/key.h"
#include "src/operation/operation.h"

#define RANDOM_CHUNK (1u << 20)

CK_RV C_EncryptInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism ? operation_init(s, OPERATION_ENCRYPT, mechanism, key) : CKR_ARGUMENTS_BAD;
	return slot_exit(slot, __func__, rv);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len,
		unsigned char *encrypted, CK_ULONG *encrypted_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(data, len) && encrypted_len
		     ? crypt_single(s, OPERATION_ENCRYPT, data, len, encrypted, encrypted_len)
		     : abi_refuse(s, OPERATION_ENCRYPT);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len,
		      unsigned char *out, CK_ULONG *out_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(part, len) && out_len
		     ? crypt_update(s, OPERATION_ENCRYPT, part, len, out, out_len)
		     : abi_refuse(s, OPERATION_ENCRYPT);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE handle, unsigned char *out, CK_ULONG *out_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = out_len ? crypt_final(s, OPERATION_ENCRYPT, out, out_len) : abi_refuse(s, OPERATION_ENCRYPT);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism ? operation_init(s, OPERATION_DECRYPT, mechanism, key) : CKR_ARGUMENTS_BAD;
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
	rv = abi_is_bytes(encrypted, len) && data_len
		     ? crypt_single(s, OPERATION_DECRYPT, encrypted, len, data, data_len)
		     : abi_refuse(s, OPERATION_DECRYPT);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len,
		      unsigned char *out, CK_ULONG *out_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(part, len) && out_len
		     ? crypt_update(s, OPERATION_DECRYPT, part, len, out, out_len)
		     : abi_refuse(s, OPERATION_DECRYPT);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE handle, unsigned char *out, CK_ULONG *out_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = out_len ? crypt_final(s, OPERATION_DECRYPT, out, out_len) : abi_refuse(s, OPERATION_DECRYPT);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_SignRecoverInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
			CK_OBJECT_HANDLE key)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism ? operation_init(s, OPERATION_SIGN_RECOVER, mechanism, key)
		       : CKR_ARGUMENTS_BAD;
	return slot_exit(slot, __func__, rv);
}

CK_RV C_SignRecover(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len,
		    unsigned char *signature, CK_ULONG *signature_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(data, len) && signature_len
		     ? sign_single(s, OPERATION_SIGN_RECOVER, data, len, signature, signature_len)
		     : abi_refuse(s, OPERATION_SIGN_RECOVER);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
			  CK_OBJECT_HANDLE key)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism ? operation_init(s, OPERATION_VERIFY_RECOVER, mechanism, key)
		       : CKR_ARGUMENTS_BAD;
	return slot_exit(slot, __func__, rv);
}

CK_RV C_VerifyRecover(CK_SESSION_HANDLE handle, unsigned char *signature,
		      CK_ULONG signature_len, unsigned char *data, CK_ULONG *data_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = signature && data_len ? verify_recover(s, signature, signature_len, data, data_len)
				   : abi_refuse(s, OPERATION_VERIFY_RECOVER);
	return slot_exit(slot, __func__, rv);
}

/*
 * Two operations on the same bytes. What a call with too small a buffer, or
 * with none, would be asked again for must not be fed to either of them: the
 * one with output goes first.
 */
static CK_RV crypt_then(struct session *s, enum operation_kind kind, const CK_BYTE *in,
			CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len,
			CK_RV (*other)(struct session *, const CK_BYTE *, CK_ULONG))
{
	bool encrypting = kind == OPERATION_ENCRYPT;
	CK_RV rv = crypt_update(s, kind, in, len, out, out_len);

	if (rv != CKR_OK || !out)
		return rv;
	return encrypting ? other(s, in, len) : other(s, out, *out_len);
}

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len,
			    unsigned char *out, CK_ULONG *out_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	if (!s->operations[OPERATION_ENCRYPT].mechanism || !s->operations[OPERATION_DIGEST].mechanism)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else if (!abi_is_bytes(part, len) || !out_len)
		rv = CKR_ARGUMENTS_BAD;
	else
		rv = crypt_then(s, OPERATION_ENCRYPT, part, len, out, out_len, digest_update);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len,
			    unsigned char *out, CK_ULONG *out_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	if (!s->operations[OPERATION_DECRYPT].mechanism || !s->operations[OPERATION_DIGEST].mechanism)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else if (!abi_is_bytes(part, len) || !out_len)
		rv = CKR_ARGUMENTS_BAD;
	else
		rv = crypt_then(s, OPERATION_DECRYPT, part, len, out, out_len, digest_update);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len,
			    unsigned char *out, CK_ULONG *out_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	if (!s->operations[OPERATION_ENCRYPT].mechanism || !s->operations[OPERATION_SIGN].mechanism)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else if (!abi_is_bytes(part, len) || !out_len)
		rv = CKR_ARGUMENTS_BAD;
	else
		rv = crypt_then(s, OPERATION_ENCRYPT, part, len, out, out_len, sign_update);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len,
			    unsigned char *out, CK_ULONG *out_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	if (!s->operations[OPERATION_DECRYPT].mechanism || !s->operations[OPERATION_VERIFY].mechanism)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else if (!abi_is_bytes(part, len) || !out_len)
		rv = CKR_ARGUMENTS_BAD;
	else
		rv = crypt_then(s, OPERATION_DECRYPT, part, len, out, out_len, verify_update);
	return slot_exit(slot, __func__, rv);
}

CK_RV C_GenerateKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
		    CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism && key && abi_is_template(template, count)
		     ? key_generate(s, mechanism, template, count, key)
		     : CKR_ARGUMENTS_BAD;
	return slot_exit(slot, __func__, rv);
}

CK_RV C_WrapKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
		CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key,
		unsigned char *wrapped_key, CK_ULONG *wrapped_key_len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism && wrapped_key_len
		     ? key_wrap(s, mechanism, wrapping_key, key, wrapped_key, wrapped_key_len)
		     : CKR_ARGUMENTS_BAD;
	return slot_exit(slot, __func__, rv);
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
		  CK_OBJECT_HANDLE unwrapping_key, unsigned char *wrapped_key,
		  CK_ULONG wrapped_key_len, CK_ATTRIBUTE *template, CK_ULONG count,
		  CK_OBJECT_HANDLE *key)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism && wrapped_key && key && abi_is_template(template, count)
		     ? key_unwrap(s, mechanism, unwrapping_key, wrapped_key, wrapped_key_len,
				  template, count, key)
		     : CKR_ARGUMENTS_BAD;
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
	if (!abi_is_bytes(data, len))
		rv = CKR_ARGUMENTS_BAD;
	while (rv == CKR_OK && len) {
		CK_ULONG n = len < RANDOM_CHUNK ? len : RANDOM_CHUNK;

		if (RAND_bytes_ex(crypto_context(), data, n, 0) != 1)
			rv = CKR_FUNCTION_FAILED;
		data += n;
		len -= n;
	}
	return slot_exit(slot, __func__, rv);
}

/* OpenSSL seeds itself and takes what else there is as additional input. */
CK_RV C_SeedRandom(CK_SESSION_HANDLE handle, unsigned char *seed, CK_ULONG len)
{
	struct session *s;
	struct slot *slot;
	CK_RV rv = session_enter(handle, LOOK_AWAY, &s, &slot);

	if (rv != CKR_OK)
		return rv;
	if (!abi_is_bytes(seed, len))
		rv = CKR_ARGUMENTS_BAD;
	while (rv == CKR_OK && len) {
		CK_ULONG n = len < RANDOM_CHUNK ? len : RANDOM_CHUNK;

		RAND_add(seed, (int)n, 0);
		seed += n;
		len -= n;
	}
	return slot_exit(slot, __func__, rv);
}
