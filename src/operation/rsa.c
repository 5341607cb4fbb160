/*
 * RSA: the card does the private half, OpenSSL the public one, with a key of
 * the card or of the session. Data wait in op->data, or in a digest where the
 * mechanism hashes.
 */
#include "config.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "src/base/rv.h"
#include "src/crypto/context.h"
#include "src/operation/internal.h"
#include "src/token/slot.h"

#define DATA_MAX 1024 /* bytes: the longest modulus of a session public key */

/* ---- beginning and feeding ---- */

static CK_RV take_public(struct rsa_state *rsa, const struct operation_key *key)
{
	rsa->public = rsa_public_key(crypto_context(), key->modulus.data, key->modulus.len,
				     key->exponent.data, key->exponent.len);
	rsa->key_len = rsa->public ? (size_t)EVP_PKEY_get_size(rsa->public) : 0;
	return rsa->public ? CKR_OK : CKR_FUNCTION_FAILED;
}

static CK_RV begin(struct operation *op, const struct operation_key *key,
		   const struct mechanism_params *params)
{
	struct rsa_state *rsa = &op->rsa;
	CK_RV rv = rv_of(buffer_append(&rsa->label, params->extra, params->extra_len));

	if (rv != CKR_OK)
		return rv;
	rsa->scheme = (struct rsa_scheme){
		.padding = op->mechanism->padding, .hash = params->hash, .mgf = params->mgf,
		.salt_len = params->salt_len, .label = rsa->label.data, .label_len = rsa->label.len};
	rsa->any_block = rsa->scheme.padding == RSA_PAD_NONE;
	rsa->key_len = RSA_BLOCK;
	if (!key->of_card)
		rv = take_public(rsa, key);
	/* a row with a hash takes the data themselves, one without takes the digest */
	if (rv != CKR_OK || !op->mechanism->hash)
		return rv;
	rsa->digest = EVP_MD_CTX_new();
	if (!rsa->digest)
		return CKR_HOST_MEMORY;
	return EVP_DigestInit_ex2(rsa->digest, rsa->scheme.hash, NULL) ? CKR_OK
								       : CKR_FUNCTION_FAILED;
}

static CK_RV begin_decrypting(struct operation *op, const struct operation_key *key,
			      const struct mechanism_params *params)
{
	CK_RV rv = begin(op, key, params);

	op->rsa.any_block = true; /* a ciphertext can be anything */
	return rv;
}

static CK_RV feed(struct operation *op, const CK_BYTE *in, CK_ULONG len)
{
	if (op->rsa.digest)
		return EVP_DigestUpdate(op->rsa.digest, in, len) ? CKR_OK : CKR_FUNCTION_FAILED;
	if (len > DATA_MAX || op->data.len > DATA_MAX - len)
		return CKR_DATA_LEN_RANGE;
	return operation_collect(op, in, len);
}

static CK_RV feed_ciphertext(struct operation *op, const CK_BYTE *in, CK_ULONG len)
{
	CK_RV rv = feed(op, in, len);

	return rv == CKR_DATA_LEN_RANGE ? CKR_ENCRYPTED_DATA_LEN_RANGE : rv;
}

/* After the last bytes: what is to be signed or verified is in op->data. */
static CK_RV gather(struct operation *op, const CK_BYTE *in, CK_ULONG len)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	CK_RV rv = feed(op, in, len);

	if (rv != CKR_OK || !op->rsa.digest)
		return rv;
	if (!EVP_DigestFinal_ex(op->rsa.digest, digest, &n))
		rv = CKR_FUNCTION_FAILED;
	else
		rv = rv_of(buffer_append(&op->data, digest, n));
	OPENSSL_cleanse(digest, sizeof digest);
	return rv;
}

static void end(struct operation *op)
{
	EVP_MD_CTX_free(op->rsa.digest);
	EVP_PKEY_free(op->rsa.public);
	buffer_clear(&op->rsa.label);
}

/* ---- the keys ---- */

/* The card's part. The key may have gone with the login since the Init. */
static CK_RV private_op(struct session *s, const struct operation *op, const uint8_t in[RSA_BLOCK],
			uint8_t out[RSA_BLOCK])
{
	return slot_private_op(s->slot, op->key, op->rsa.any_block, in, out);
}

static CK_RV card_public(struct session *s, const struct operation *op, EVP_PKEY **out)
{
	struct slot *slot = s->slot;
	CK_OBJECT_HANDLE handle = op->key;
	struct rsa_public key;
	enum result r;
	uint8_t e[4];
	bool known;

	slot_lock(slot);
	known = token_object(&slot->token, handle);
	slot_unlock(slot);
	if (!known)
		return CKR_KEY_HANDLE_INVALID;
	r = slot_public_key(slot, handle, &key);
	if (r != RESULT_OK)
		return rv_of(r);
	for (int i = 0; i < 4; i++)
		e[i] = (uint8_t)(key.exponent >> (24 - 8 * i));
	*out = rsa_public_key(crypto_context(), key.modulus, sizeof key.modulus, e, sizeof e);
	return *out ? CKR_OK : CKR_FUNCTION_FAILED;
}

/* The public half for OpenSSL; the caller frees it. */
static CK_RV public_key(struct session *s, const struct operation *op, EVP_PKEY **out)
{
	*out = op->rsa.public;
	if (!*out)
		return card_public(s, op, out);
	return EVP_PKEY_up_ref(*out) ? CKR_OK : CKR_FUNCTION_FAILED;
}

/* ---- signing and verifying ---- */

static size_t block_len(const struct operation *op, size_t len)
{
	(void)len;
	return op->rsa.key_len;
}

static CK_RV sign(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		  CK_BYTE *out, size_t *out_len)
{
	uint8_t block[RSA_BLOCK], signature[RSA_BLOCK];
	enum result r;
	CK_RV rv = gather(op, in, len);

	if (rv != CKR_OK)
		return rv;
	r = rsa_pad_for_signing(&op->rsa.scheme, op->data.data, op->data.len, block);
	rv = r == RESULT_ARGUMENT ? CKR_DATA_LEN_RANGE : rv_of(r);
	if (rv == CKR_OK)
		rv = private_op(s, op, block, signature);
	if (rv == CKR_OK) { /* and only then: an unchecked result can give a key away */
		memcpy(out, signature, RSA_BLOCK);
		*out_len = RSA_BLOCK;
	}
	OPENSSL_cleanse(block, sizeof block);
	OPENSSL_cleanse(signature, sizeof signature);
	return rv;
}

/* All of it here, only the public key comes from the card. */
static CK_RV verify(struct session *s, struct operation *op, const CK_BYTE *signature, CK_ULONG len)
{
	const struct rsa_scheme *scheme = &op->rsa.scheme;
	EVP_PKEY *key = NULL;
	enum result r;
	CK_RV rv;

	if (len != op->rsa.key_len)
		return CKR_SIGNATURE_LEN_RANGE;
	rv = gather(op, NULL, 0);
	if (rv == CKR_OK && scheme->hash && op->data.len != (size_t)EVP_MD_get_size(scheme->hash))
		rv = CKR_DATA_LEN_RANGE;
	if (rv == CKR_OK)
		rv = public_key(s, op, &key);
	if (rv != CKR_OK)
		return rv;
	r = rsa_verify(crypto_context(), key, scheme, op->data.data, op->data.len, signature, len);
	EVP_PKEY_free(key);
	return r == RESULT_BAD_SIGNATURE ? CKR_SIGNATURE_INVALID : rv_of(r);
}

/* The most that a block can carry. */
static size_t content_len(const struct operation *op, size_t len)
{
	(void)len;
	return rsa_max_plaintext(&op->rsa.scheme, op->rsa.key_len);
}

/* Hands out what came into a buffer of our own. */
static CK_RV give(struct buffer *from, CK_RV rv, CK_BYTE *out, size_t *out_len)
{
	if (rv == CKR_OK) {
		memcpy(out, from->data, from->len);
		*out_len = from->len;
	}
	buffer_clear(from);
	return rv;
}

static CK_RV recover(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		     CK_BYTE *out, size_t *out_len)
{
	struct buffer data = BUFFER_INIT;
	EVP_PKEY *key = NULL;
	enum result r;
	CK_RV rv;

	if (len != op->rsa.key_len)
		return CKR_SIGNATURE_LEN_RANGE;
	rv = public_key(s, op, &key);
	if (rv != CKR_OK)
		return rv;
	r = rsa_recover(crypto_context(), key, &op->rsa.scheme, in, len, &data);
	EVP_PKEY_free(key);
	return give(&data, r == RESULT_BAD_SIGNATURE ? CKR_SIGNATURE_INVALID : rv_of(r), out,
		    out_len);
}

/* ---- encrypting and decrypting ---- */

static CK_RV encrypt(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		     CK_BYTE *out, size_t *out_len)
{
	struct buffer data = BUFFER_INIT;
	EVP_PKEY *key = NULL;
	enum result r;
	CK_RV rv = feed(op, in, len);

	if (rv == CKR_OK)
		rv = public_key(s, op, &key);
	if (rv != CKR_OK)
		return rv;
	r = rsa_encrypt(crypto_context(), key, &op->rsa.scheme, op->data.data, op->data.len, &data);
	EVP_PKEY_free(key);
	return give(&data, r == RESULT_ARGUMENT ? CKR_DATA_LEN_RANGE : rv_of(r), out, out_len);
}

/* The card's block for a ciphertext. */
static CK_RV decrypt_block(struct session *s, struct operation *op, const CK_BYTE *in,
			   uint8_t block[RSA_BLOCK])
{
	CK_RV rv = private_op(s, op, in, block);

	return rv == CKR_DATA_INVALID ? CKR_ENCRYPTED_DATA_INVALID : rv;
}

static CK_RV decrypt(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		     CK_BYTE *out, size_t *out_len)
{
	uint8_t block[RSA_BLOCK], plain[RSA_BLOCK];
	CK_RV rv = feed_ciphertext(op, in, len);

	if (rv == CKR_OK && op->data.len != RSA_BLOCK)
		rv = CKR_ENCRYPTED_DATA_LEN_RANGE;
	if (rv == CKR_OK)
		rv = decrypt_block(s, op, op->data.data, block);
	if (rv != CKR_OK)
		return rv;
	/* one answer for every way in which the padding can be wrong */
	if (rsa_unpad_decrypted(&op->rsa.scheme, block, plain, out_len) == RESULT_OK)
		memcpy(out, plain, *out_len);
	else
		rv = CKR_ENCRYPTED_DATA_INVALID;
	OPENSSL_cleanse(block, sizeof block);
	OPENSSL_cleanse(plain, sizeof plain);
	return rv;
}

static CK_RV check_wrapped(const struct operation *op, CK_ULONG len)
{
	return len == op->rsa.key_len ? CKR_OK : CKR_WRAPPED_KEY_LEN_RANGE;
}

static CK_RV unwrap(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		    struct unwrapped *out)
{
	uint8_t block[RSA_BLOCK];
	CK_RV rv = decrypt_block(s, op, in, block);

	(void)len;
	if (rv == CKR_OK)
		out->bad = rsa_unpad_masked(&op->rsa.scheme, block, out->value, &out->len);
	OPENSSL_cleanse(block, sizeof block);
	return rv;
}

/* ---- the tables ---- */

const struct family rsa_signs = {
	.begin = begin, .feed = feed, .room = block_len, .exact = true, .finish = sign, .end = end,
};

const struct family rsa_verifies = {
	.begin = begin, .feed = feed, .verify = verify, .end = end,
};

const struct family rsa_recovers = {
	.begin = begin, .room = content_len, .finish = recover, .end = end,
};

const struct family rsa_encrypts = {
	.begin = begin, .feed = feed, .room = block_len, .exact = true, .finish = encrypt, .end = end,
};

const struct family rsa_decrypts = {
	.begin = begin_decrypting, .feed = feed_ciphertext, .room = content_len, .finish = decrypt,
	.end = end,
};

const struct family rsa_unwraps = {
	.begin = begin_decrypting, .check_wrapped = check_wrapped, .unwrap = unwrap, .end = end,
};
