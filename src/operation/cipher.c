/*
 * The ciphers of session secret keys. What comes out goes straight into the
 * caller's memory, which may be where the input is.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "src/base/rv.h"
#include "src/crypto/context.h"
#include "src/crypto/mask.h"
#include "src/operation/internal.h"

#define CHUNK_MAX 0x40000000u /* EVP counts with int */

/* ---- beginning ---- */

/* "AES-128-CBC", "DES-EDE3-CBC", "DES-EDE-CBC" */
static void cipher_name(const struct mechanism *row, size_t key_len, char out[32])
{
	if (row->key_type == CKK_AES)
		snprintf(out, 32, "AES-%zu-%s", 8 * key_len, row->mode);
	else
		snprintf(out, 32, "DES-EDE%s-%s", key_len == 24 ? "3" : "", row->mode);
}

/* Additional data: of any length, so in pieces that an int can count. */
static bool authenticate(EVP_CIPHER_CTX *context, const CK_BYTE *data, CK_ULONG len)
{
	while (len) {
		CK_ULONG chunk = len < CHUNK_MAX ? len : CHUNK_MAX;
		int n = 0;

		if (!EVP_CipherUpdate(context, NULL, &n, data, (int)chunk))
			return false;
		data += chunk;
		len -= chunk;
	}
	return true;
}

static CK_RV begin(struct operation *op, const struct operation_key *key,
		   const struct mechanism_params *params, bool encrypts)
{
	const struct mechanism *row = op->mechanism;
	struct cipher_state *c = &op->cipher;
	EVP_CIPHER *cipher;
	CK_RV rv = CKR_FUNCTION_FAILED;
	char name[32];

	cipher_name(row, key->value.len, name);
	cipher = EVP_CIPHER_fetch(crypto_context(), name, NULL);
	c->context = EVP_CIPHER_CTX_new();
	c->encrypts = encrypts;
	c->pads = row->pads;
	c->tag = params->tag_len;
	c->most_bytes = params->most_bytes;
	if (!cipher || !c->context ||
	    !EVP_CipherInit_ex2(c->context, cipher, NULL, NULL, encrypts, NULL))
		goto out;
	if (c->tag && EVP_CIPHER_CTX_ctrl(c->context, EVP_CTRL_AEAD_SET_IVLEN, (int)params->iv_len,
					  NULL) <= 0)
		goto out;
	if (!EVP_CipherInit_ex2(c->context, NULL, key->value.data, params->iv, encrypts, NULL) ||
	    !EVP_CIPHER_CTX_set_padding(c->context, c->pads))
		goto out;
	c->block = (size_t)EVP_CIPHER_CTX_get_block_size(c->context);
	if (authenticate(c->context, params->extra, params->extra_len))
		rv = CKR_OK;
out:
	EVP_CIPHER_free(cipher);
	return rv;
}

CK_RV cipher_begin_encrypting(struct operation *op, const struct operation_key *key,
			      const struct mechanism_params *params)
{
	return begin(op, key, params, true);
}

CK_RV cipher_begin_decrypting(struct operation *op, const struct operation_key *key,
			      const struct mechanism_params *params)
{
	return begin(op, key, params, false);
}

/* ---- lengths ---- */

/* All bytes that have come out once `in` bytes went in, before the end. */
static uint64_t total_out(const struct cipher_state *c, uint64_t in)
{
	/* decrypting with padding holds the last whole block back: it may be padding */
	if (c->pads && !c->encrypts && in && in % c->block == 0)
		return in - c->block;
	return in - in % c->block;
}

size_t cipher_stream_len(const struct operation *op, CK_ULONG len)
{
	return (size_t)(total_out(&op->cipher, op->cipher.in_bytes + len) - op->cipher.out_bytes);
}

static size_t room(const struct operation *op, size_t len)
{
	const struct cipher_state *c = &op->cipher;
	uint64_t all = c->in_bytes + len, whole = all - all % c->block;

	if (c->pads && c->encrypts)
		whole += c->block;
	return (size_t)(whole - c->out_bytes);
}

static CK_RV length_error(const struct operation *op)
{
	return op->cipher.encrypts ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

/* Without padding the input must be whole blocks, with it a ciphertext must. */
static bool has_whole_blocks(const struct cipher_state *c, CK_ULONG more)
{
	uint64_t all = c->in_bytes + more;

	if (c->pads && c->encrypts)
		return true;
	return all % c->block == 0 && (!c->pads || all);
}

/* ---- at work ---- */

/*
 * OpenSSL works in place if what it writes has never overtaken what it reads:
 * same start, and nothing held from before. Other overlaps need a copy.
 */
static bool disturbs(const struct cipher_state *c, const CK_BYTE *in, CK_ULONG len,
		     const CK_BYTE *out, size_t out_len)
{
	uintptr_t from = (uintptr_t)in, to = (uintptr_t)out;

	if (from == to)
		return c->in_bytes != c->out_bytes;
	return from < to + out_len && to < from + len;
}

static CK_RV run(struct cipher_state *c, const CK_BYTE *in, CK_ULONG len, CK_BYTE *out)
{
	while (len) {
		CK_ULONG chunk = len < CHUNK_MAX ? len : CHUNK_MAX;
		int n = 0;

		if (!EVP_CipherUpdate(c->context, out, &n, in, (int)chunk))
			return CKR_FUNCTION_FAILED;
		c->in_bytes += chunk;
		c->out_bytes += (uint64_t)n;
		in += chunk;
		out += n;
		len -= chunk;
	}
	return CKR_OK;
}

CK_RV cipher_stream(struct operation *op, const CK_BYTE *in, CK_ULONG len, CK_BYTE *out)
{
	struct cipher_state *c = &op->cipher;
	struct buffer copy = BUFFER_INIT;
	CK_RV rv;

	if (len > c->most_bytes || c->in_bytes > c->most_bytes - len)
		return length_error(op);
	if (!disturbs(c, in, len, out, cipher_stream_len(op, len)))
		return run(c, in, len, out);
	rv = rv_of(buffer_append(&copy, in, len));
	if (rv == CKR_OK)
		rv = run(c, copy.data, len, out);
	buffer_clear(&copy);
	return rv;
}

CK_RV cipher_finish(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		    CK_BYTE *out, size_t *out_len)
{
	struct cipher_state *c = &op->cipher;
	size_t done = cipher_stream_len(op, len);
	CK_RV rv;
	int n = 0;

	(void)s;
	if (!has_whole_blocks(c, len))
		return length_error(op);
	rv = len ? cipher_stream(op, in, len, out) : CKR_OK;
	if (rv != CKR_OK)
		return rv;
	ERR_set_mark();
	if (!EVP_CipherFinal_ex(c->context, out + done, &n))
		rv = c->encrypts ? CKR_FUNCTION_FAILED : CKR_ENCRYPTED_DATA_INVALID;
	ERR_pop_to_mark();
	if (rv == CKR_OK)
		*out_len = done + (size_t)n;
	else if (done) /* a plaintext that is not one stays nowhere */
		OPENSSL_cleanse(out, done);
	return rv;
}

void cipher_end(struct operation *op)
{
	EVP_CIPHER_CTX_free(op->cipher.context);
}

const struct family cipher_encrypts = {
	.begin = cipher_begin_encrypting, .stream_len = cipher_stream_len, .stream = cipher_stream,
	.room = room, .exact = true, .finish = cipher_finish, .end = cipher_end,
};

/* With padding less may come out than there must be room for. */
const struct family cipher_decrypts = {
	.begin = cipher_begin_decrypting, .stream_len = cipher_stream_len, .stream = cipher_stream,
	.room = room, .finish = cipher_finish, .end = cipher_end,
};

/* ---- unwrapping: the padding is looked at here, in constant time ---- */

static CK_RV begin_unwrapping(struct operation *op, const struct operation_key *key,
			      const struct mechanism_params *params)
{
	CK_RV rv = begin(op, key, params, false);

	op->cipher.pads = false;
	if (rv == CKR_OK && !EVP_CIPHER_CTX_set_padding(op->cipher.context, 0))
		rv = CKR_FUNCTION_FAILED;
	return rv;
}

static CK_RV check_wrapped(const struct operation *op, CK_ULONG len)
{
	return len && len % op->cipher.block == 0 && len <= UNWRAPPED_MAX
		       ? CKR_OK
		       : CKR_WRAPPED_KEY_LEN_RANGE;
}

/* Each of the last `pad` bytes is `pad`, which is 1 to a block (PKCS#7). */
static CK_RV unwrap(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		    struct unwrapped *out)
{
	size_t block = op->cipher.block, n = 0, pad;
	CK_RV rv = cipher_finish(s, op, in, len, out->value, &n);

	if (rv != CKR_OK)
		return rv;
	pad = out->value[n - 1];
	out->bad = mask_zero(pad) | mask_less(block, pad);
	/* without the barrier gcc counts from pad, and each address is made with it */
	for (size_t i = 1; i <= block; i++)
		out->bad |= ~mask_less(mask_barrier(pad), i) & ~mask_equal(out->value[n - i], pad);
	out->len = n - mask_select(out->bad, 0, pad);
	return CKR_OK;
}

const struct family cipher_unwraps = {
	.begin = begin_unwrapping, .check_wrapped = check_wrapped, .unwrap = unwrap, .end = cipher_end,
};
