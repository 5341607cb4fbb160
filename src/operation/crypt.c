/*
 * Encrypting and decrypting: RSA (the card decrypts) and the ciphers of
 * session secret keys (OpenSSL does both).
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "src/crypto/context.h"
#include "src/operation/internal.h"
#include "src/base/rv.h"
#include "src/token/slot.h"

#define BLOCK_MAX 32 /* bytes: what a cipher can add to its input */
#define CHUNK_MAX 0x40000000u /* EVP counts with int */

static bool is_gcm(const struct operation *op)
{
	return op->mechanism->params == PARAMS_GCM;
}

/* GCM gives no plaintext out before the tag was right: it collects. */
static bool collects(const struct operation *op)
{
	return op->mechanism->family == MECHANISM_RSA || (is_gcm(op) && !op->encrypts);
}

/* ---- the cipher ---- */

/* "AES-128-CBC", "DES-EDE3-CBC", "DES-EDE-CBC" */
static void cipher_name(const struct mechanism *row, size_t key_len, char out[32])
{
	if (row->key_type == CKK_AES)
		snprintf(out, 32, "AES-%zu-%s", 8 * key_len, row->mode);
	else
		snprintf(out, 32, "DES-EDE%s-%s", key_len == 24 ? "3" : "", row->mode);
}

CK_RV crypt_begin_cipher(struct operation *op, const struct buffer *key, bool encrypts)
{
	const struct mechanism *row = op->mechanism;
	EVP_CIPHER *cipher;
	CK_RV rv = CKR_FUNCTION_FAILED;
	char name[32];
	int n = 0;

	cipher_name(row, key->len, name);
	cipher = EVP_CIPHER_fetch(crypto_context(), name, NULL);
	op->cipher = EVP_CIPHER_CTX_new();
	op->encrypts = encrypts;
	if (!cipher || !op->cipher || !EVP_CipherInit_ex2(op->cipher, cipher, NULL, NULL, encrypts, NULL))
		goto out;
	if (is_gcm(op) && EVP_CIPHER_CTX_ctrl(op->cipher, EVP_CTRL_AEAD_SET_IVLEN, (int)op->iv.len,
					      NULL) <= 0)
		goto out;
	if (!EVP_CipherInit_ex2(op->cipher, NULL, key->data, op->iv.data, encrypts, NULL) ||
	    !EVP_CIPHER_CTX_set_padding(op->cipher, row->pads))
		goto out;
	if (is_gcm(op) && op->label.len &&
	    !EVP_CipherUpdate(op->cipher, NULL, &n, op->label.data, (int)op->label.len))
		goto out;
	rv = CKR_OK;
out:
	EVP_CIPHER_free(cipher);
	return rv;
}

/* All bytes that have come out once `in` bytes went in, before the final call. */
static uint64_t total_out(const struct operation *op, uint64_t in)
{
	uint64_t block = (uint64_t)EVP_CIPHER_CTX_get_block_size(op->cipher);

	/* decrypting with padding holds the last whole block back: it may be padding */
	if (op->mechanism->pads && !op->encrypts && in && in % block == 0)
		return in - block;
	return in - in % block;
}

static size_t update_len(const struct operation *op, CK_ULONG len)
{
	return collects(op) ? 0 : (size_t)(total_out(op, op->in_bytes + len) - op->out_bytes);
}

static CK_RV run_cipher(struct operation *op, const CK_BYTE *data, CK_ULONG len, struct buffer *out)
{
	if (op->mechanism->params == PARAMS_CTR &&
	    (len > op->most_bytes || op->in_bytes > op->most_bytes - len))
		return CKR_DATA_LEN_RANGE;
	while (len) {
		CK_ULONG chunk = len < CHUNK_MAX ? len : CHUNK_MAX;
		int n = 0;

		if (buffer_reserve(out, chunk + BLOCK_MAX) != RESULT_OK)
			return CKR_HOST_MEMORY;
		if (!EVP_CipherUpdate(op->cipher, out->data + out->len, &n, data, (int)chunk))
			return CKR_FUNCTION_FAILED;
		out->len += (size_t)n;
		op->in_bytes += chunk;
		op->out_bytes += (uint64_t)n;
		data += chunk;
		len -= chunk;
	}
	return CKR_OK;
}

static CK_RV length_error(const struct operation *op)
{
	return op->encrypts ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

/* Without padding the input must be whole blocks, with it a ciphertext must. */
static bool has_whole_blocks(const struct operation *op)
{
	uint64_t block = (uint64_t)EVP_CIPHER_CTX_get_block_size(op->cipher);

	if (op->mechanism->pads && op->encrypts)
		return true;
	return op->in_bytes % block == 0 && (!op->mechanism->pads || op->in_bytes);
}

static CK_RV end_cipher(struct operation *op, struct buffer *out)
{
	CK_RV rv = CKR_OK;
	int n = 0;

	if (!has_whole_blocks(op))
		return length_error(op);
	if (buffer_reserve(out, BLOCK_MAX) != RESULT_OK)
		return CKR_HOST_MEMORY;
	ERR_set_mark();
	if (EVP_CipherFinal_ex(op->cipher, out->data + out->len, &n))
		out->len += (size_t)n;
	else
		rv = op->encrypts ? CKR_FUNCTION_FAILED : CKR_ENCRYPTED_DATA_INVALID;
	ERR_pop_to_mark();
	if (rv == CKR_OK && is_gcm(op) && op->encrypts) {
		if (EVP_CIPHER_CTX_ctrl(op->cipher, EVP_CTRL_AEAD_GET_TAG, (int)op->tag_len,
					out->data + out->len) <= 0)
			return CKR_FUNCTION_FAILED;
		out->len += op->tag_len;
	}
	return rv;
}

static CK_RV open_gcm(struct operation *op, struct buffer *out)
{
	size_t len = op->data.len;
	CK_RV rv;

	if (len < op->tag_len)
		return CKR_ENCRYPTED_DATA_LEN_RANGE;
	if (EVP_CIPHER_CTX_ctrl(op->cipher, EVP_CTRL_AEAD_SET_TAG, (int)op->tag_len,
				op->data.data + len - op->tag_len) <= 0)
		return CKR_FUNCTION_FAILED;
	rv = run_cipher(op, op->data.data, len - op->tag_len, out);
	if (rv == CKR_OK)
		rv = end_cipher(op, out);
	if (rv != CKR_OK)
		buffer_reset(out);
	return rv;
}

/* ---- RSA ---- */

static CK_RV encrypt_rsa(struct session *s, struct operation *op, struct buffer *out)
{
	EVP_PKEY *key;
	enum result r;
	CK_RV rv = operation_public(s, op, &key);

	if (rv != CKR_OK)
		return rv;
	r = rsa_encrypt(crypto_context(), key, &op->scheme, op->data.data, op->data.len, out);
	EVP_PKEY_free(key);
	return r == RESULT_ARGUMENT ? CKR_DATA_LEN_RANGE : rv_of(r);
}

static CK_RV decrypt_rsa(struct session *s, struct operation *op, struct buffer *out)
{
	uint8_t block[RSA_BLOCK], plain[RSA_BLOCK];
	struct rsa_scheme scheme = op->scheme;
	size_t len = 0;
	CK_RV rv;

	if (op->data.len != RSA_BLOCK)
		return CKR_ENCRYPTED_DATA_LEN_RANGE;
	rv = operation_private(s, op, op->data.data, block);
	if (rv == CKR_DATA_INVALID)
		rv = CKR_ENCRYPTED_DATA_INVALID;
	/* one answer for every way in which the padding can be wrong */
	if (rv == CKR_OK && rsa_unpad_decrypted(&scheme, block, plain, &len) != RESULT_OK)
		rv = CKR_ENCRYPTED_DATA_INVALID;
	if (rv == CKR_OK)
		rv = rv_of(buffer_append(out, plain, len));
	OPENSSL_cleanse(block, sizeof block);
	OPENSSL_cleanse(plain, sizeof plain);
	return rv;
}

/* ---- both ---- */

CK_RV crypt_feed(struct operation *op, const CK_BYTE *data, CK_ULONG len, struct buffer *out)
{
	CK_RV rv = collects(op) ? operation_feed(op, data, len) : run_cipher(op, data, len, out);

	return rv == CKR_DATA_LEN_RANGE ? length_error(op) : rv;
}

CK_RV crypt_finish(struct session *s, struct operation *op, struct buffer *out)
{
	if (op->mechanism->family == MECHANISM_RSA)
		return op->encrypts ? encrypt_rsa(s, op, out) : decrypt_rsa(s, op, out);
	return collects(op) ? open_gcm(op, out) : end_cipher(op, out);
}

/* What a length question is answered with: exact when encrypting, the most when decrypting. */
static size_t single_len(const struct operation *op, size_t len)
{
	size_t block;

	if (op->mechanism->family == MECHANISM_RSA)
		return op->encrypts ? op->key_len : rsa_max_plaintext(&op->scheme, op->key_len);
	if (is_gcm(op) && !op->encrypts)
		return len > op->tag_len ? len - op->tag_len : 0;
	block = (size_t)EVP_CIPHER_CTX_get_block_size(op->cipher);
	if (op->mechanism->pads && op->encrypts)
		return (len / block + 1) * block;
	return len + op->tag_len;
}

/* Hands the result over, or keeps it while the caller's buffer is too small. */
static CK_RV deliver(struct operation *op, CK_BYTE *out, CK_ULONG *out_len)
{
	enum room room = operation_room(out, out_len, op->result.len);

	if (room != ROOM_ENOUGH)
		return operation_room_rv(room);
	if (op->result.len)
		memcpy(out, op->result.data, op->result.len);
	*out_len = op->result.len;
	operation_end(op);
	return CKR_OK;
}

/* Computes the result once; on any error the operation ends. */
static CK_RV compute(struct session *s, enum operation_kind kind, const CK_BYTE *data, CK_ULONG len)
{
	struct operation *op = operation_active(s, kind);
	struct buffer result = BUFFER_INIT;
	CK_RV rv = len ? crypt_feed(op, data, len, &result) : CKR_OK;

	if (rv == CKR_OK)
		rv = crypt_finish(s, op, &result);
	if (rv != CKR_OK) {
		buffer_clear(&result);
		return operation_finish(s, kind, rv);
	}
	buffer_move(&op->result, &result);
	op->has_result = true;
	return CKR_OK;
}

CK_RV crypt_single(struct session *s, enum operation_kind kind, const CK_BYTE *data, CK_ULONG len,
		   CK_BYTE *out, CK_ULONG *out_len)
{
	struct operation *op = operation_active(s, kind);
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (op->fed)
		return CKR_OPERATION_ACTIVE;
	if (!op->has_result && !out) {
		*out_len = single_len(op, len);
		return CKR_OK;
	}
	/* encrypting, the length is known: a buffer that is too small costs nothing */
	if (!op->has_result && op->encrypts && *out_len < single_len(op, len)) {
		*out_len = single_len(op, len);
		return CKR_BUFFER_TOO_SMALL;
	}
	rv = op->has_result ? CKR_OK : compute(s, kind, data, len);
	return rv == CKR_OK ? deliver(op, out, out_len) : rv;
}

CK_RV crypt_update(struct session *s, enum operation_kind kind, const CK_BYTE *data, CK_ULONG len,
		   CK_BYTE *out, CK_ULONG *out_len)
{
	struct operation *op = operation_active(s, kind);
	struct buffer part = BUFFER_INIT;
	enum room room;
	CK_RV rv;

	if (!op || op->has_result)
		return CKR_OPERATION_NOT_INITIALIZED;
	room = operation_room(out, out_len, update_len(op, len));
	if (room != ROOM_ENOUGH)
		return operation_room_rv(room);
	op->fed = true;
	rv = crypt_feed(op, data, len, &part);
	if (rv == CKR_OK && part.len)
		memcpy(out, part.data, part.len);
	*out_len = rv == CKR_OK ? part.len : 0;
	if (rv != CKR_OK)
		operation_end(op);
	buffer_clear(&part);
	return rv;
}

static size_t final_len(const struct operation *op)
{
	if (op->mechanism->family == MECHANISM_RSA || collects(op))
		return single_len(op, op->data.len);
	if (is_gcm(op))
		return op->tag_len;
	return op->mechanism->pads ? (size_t)EVP_CIPHER_CTX_get_block_size(op->cipher) : 0;
}

CK_RV crypt_final(struct session *s, enum operation_kind kind, CK_BYTE *out, CK_ULONG *out_len)
{
	struct operation *op = operation_active(s, kind);
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (!op->has_result && !out) {
		*out_len = final_len(op);
		return CKR_OK;
	}
	if (!op->has_result && op->encrypts && *out_len < final_len(op)) {
		*out_len = final_len(op);
		return CKR_BUFFER_TOO_SMALL;
	}
	rv = op->has_result ? CKR_OK : compute(s, kind, NULL, 0);
	return rv == CKR_OK ? deliver(op, out, out_len) : rv;
}
