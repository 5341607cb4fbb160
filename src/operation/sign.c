/* Signing, verifying, and both with recovery of the data. */
#include "config.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "src/crypto/context.h"
#include "src/operation/internal.h"
#include "src/base/rv.h"
#include "src/token/slot.h"

/* An …Update that fails ends the operation (PKCS#11 5.2). */
static CK_RV update(struct session *s, enum operation_kind kind, const CK_BYTE *data, CK_ULONG len)
{
	struct operation *op = operation_active(s, kind);
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	op->fed = true;
	rv = operation_feed(op, data, len);
	if (rv != CKR_OK)
		operation_end(op);
	return rv;
}

/* The bytes to sign or verify: the digest of all that was fed, or that itself. */
static CK_RV collect(struct operation *op)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!op->digest)
		return CKR_OK;
	if (!EVP_DigestFinal_ex(op->digest, digest, &n))
		return CKR_FUNCTION_FAILED;
	return rv_of(buffer_append(&op->data, digest, n));
}

static CK_RV compute_hmac(struct operation *op, uint8_t out[EVP_MAX_MD_SIZE])
{
	size_t n = 0;

	return EVP_MAC_final(op->mac, out, &n, EVP_MAX_MD_SIZE) ? CKR_OK : CKR_FUNCTION_FAILED;
}

/* ---- sign ---- */

static size_t signature_len(const struct operation *op)
{
	return op->mac ? op->mac_len : RSA_BLOCK;
}

static CK_RV sign_hmac(struct operation *op, CK_BYTE *out)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	CK_RV rv = compute_hmac(op, mac);

	for (size_t i = 0; rv == CKR_OK && i < op->mac_len; i++)
		out[i] = mac[i];
	OPENSSL_cleanse(mac, sizeof mac);
	return rv;
}

static CK_RV sign_rsa(struct session *s, struct operation *op, CK_BYTE *out)
{
	uint8_t block[RSA_BLOCK];
	enum result r;
	CK_RV rv = collect(op);

	if (rv != CKR_OK)
		return rv;
	r = rsa_pad_for_signing(&op->scheme, op->data.data, op->data.len, block);
	rv = r == RESULT_ARGUMENT ? CKR_DATA_LEN_RANGE : rv_of(r);
	if (rv == CKR_OK)
		rv = operation_private(s, op, block, out);
	OPENSSL_cleanse(block, sizeof block);
	return rv;
}

static CK_RV finish_sign(struct session *s, enum operation_kind kind, CK_BYTE *out,
			 CK_ULONG *out_len)
{
	struct operation *op = operation_active(s, kind);
	size_t len = signature_len(op);
	CK_RV rv = op->mac ? sign_hmac(op, out) : sign_rsa(s, op, out);

	*out_len = rv == CKR_OK ? len : 0;
	return operation_finish(s, kind, rv);
}

CK_RV sign_update(struct session *s, const CK_BYTE *data, CK_ULONG len)
{
	return update(s, OPERATION_SIGN, data, len);
}

CK_RV sign_final(struct session *s, CK_BYTE *out, CK_ULONG *out_len)
{
	struct operation *op = operation_active(s, OPERATION_SIGN);
	enum room room;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	room = operation_room(out, out_len, signature_len(op));
	return room == ROOM_ENOUGH ? finish_sign(s, OPERATION_SIGN, out, out_len)
				   : operation_room_rv(room);
}

CK_RV sign_single(struct session *s, enum operation_kind kind, const CK_BYTE *data, CK_ULONG len,
		  CK_BYTE *out, CK_ULONG *out_len)
{
	struct operation *op = operation_active(s, kind);
	enum room room;
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (op->fed)
		return CKR_OPERATION_ACTIVE;
	room = operation_room(out, out_len, signature_len(op));
	if (room != ROOM_ENOUGH)
		return operation_room_rv(room);
	rv = update(s, kind, data, len);
	return rv == CKR_OK ? finish_sign(s, kind, out, out_len) : rv;
}

/* ---- verify: all of it here, only the public key comes from the card ---- */

static CK_RV verify_hmac(struct operation *op, const CK_BYTE *signature, CK_ULONG len)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	CK_RV rv;

	if (len != op->mac_len)
		return CKR_SIGNATURE_LEN_RANGE;
	rv = compute_hmac(op, mac);
	if (rv == CKR_OK && CRYPTO_memcmp(mac, signature, len) != 0)
		rv = CKR_SIGNATURE_INVALID;
	OPENSSL_cleanse(mac, sizeof mac);
	return rv;
}

static CK_RV verify_rsa(struct session *s, struct operation *op, const CK_BYTE *signature,
			CK_ULONG len)
{
	EVP_PKEY *key = NULL;
	enum result r;
	CK_RV rv;

	if (len != op->key_len)
		return CKR_SIGNATURE_LEN_RANGE;
	rv = collect(op);
	if (rv == CKR_OK && op->scheme.hash && op->data.len != (size_t)EVP_MD_get_size(op->hash))
		rv = CKR_DATA_LEN_RANGE;
	if (rv == CKR_OK)
		rv = operation_public(s, op, &key);
	if (rv != CKR_OK)
		return rv;
	r = rsa_verify(crypto_context(), key, &op->scheme, op->data.data, op->data.len, signature,
		       len);
	EVP_PKEY_free(key);
	return r == RESULT_BAD_SIGNATURE ? CKR_SIGNATURE_INVALID : rv_of(r);
}

CK_RV verify_update(struct session *s, const CK_BYTE *data, CK_ULONG len)
{
	return update(s, OPERATION_VERIFY, data, len);
}

CK_RV verify_final(struct session *s, const CK_BYTE *signature, CK_ULONG len)
{
	struct operation *op = operation_active(s, OPERATION_VERIFY);
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	rv = op->mac ? verify_hmac(op, signature, len) : verify_rsa(s, op, signature, len);
	return operation_finish(s, OPERATION_VERIFY, rv);
}

CK_RV verify_single(struct session *s, const CK_BYTE *data, CK_ULONG len,
		    const CK_BYTE *signature, CK_ULONG signature_len_)
{
	struct operation *op = operation_active(s, OPERATION_VERIFY);
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (op->fed)
		return CKR_OPERATION_ACTIVE;
	rv = verify_update(s, data, len);
	return rv == CKR_OK ? verify_final(s, signature, signature_len_) : rv;
}

CK_RV verify_recover(struct session *s, const CK_BYTE *signature, CK_ULONG len, CK_BYTE *out,
		     CK_ULONG *out_len)
{
	struct operation *op = operation_active(s, OPERATION_VERIFY_RECOVER);
	struct buffer data = BUFFER_INIT;
	EVP_PKEY *key = NULL;
	enum room room = ROOM_ENOUGH;
	enum result r;
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (!out) { /* how long the data are only the signature tells: the most it can be */
		*out_len = rsa_max_plaintext(&op->scheme, op->key_len);
		return CKR_OK;
	}
	rv = len == op->key_len ? operation_public(s, op, &key) : CKR_SIGNATURE_LEN_RANGE;
	if (rv == CKR_OK) {
		r = rsa_recover(crypto_context(), key, &op->scheme, signature, len, &data);
		rv = r == RESULT_BAD_SIGNATURE ? CKR_SIGNATURE_INVALID : rv_of(r);
	}
	if (rv == CKR_OK) {
		room = operation_room(out, out_len, data.len);
		rv = operation_room_rv(room);
	}
	for (size_t i = 0; rv == CKR_OK && i < data.len; i++)
		out[i] = data.data[i];
	if (rv == CKR_OK)
		*out_len = data.len;
	buffer_clear(&data);
	EVP_PKEY_free(key);
	return room == ROOM_TOO_SMALL ? rv
				      : operation_finish(s, OPERATION_VERIFY_RECOVER, rv);
}
