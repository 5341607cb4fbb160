/*
 * AES-GCM: a cipher with a tag behind the ciphertext. Encrypting streams;
 * decrypting collects, because no plaintext comes out before the tag was right.
 */
#include "config.h"

#include <openssl/evp.h>

#include "src/operation/internal.h"

static size_t sealed_len(const struct operation *op, size_t len)
{
	return cipher_stream_len(op, len) + op->cipher.tag;
}

static CK_RV seal(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		  CK_BYTE *out, size_t *out_len)
{
	size_t tag = op->cipher.tag;
	CK_RV rv = cipher_finish(s, op, in, len, out, out_len);

	if (rv != CKR_OK)
		return rv;
	if (EVP_CIPHER_CTX_ctrl(op->cipher.context, EVP_CTRL_AEAD_GET_TAG, (int)tag,
				out + *out_len) <= 0)
		return CKR_FUNCTION_FAILED;
	*out_len += tag;
	return CKR_OK;
}

static size_t opened_len(const struct operation *op, size_t len)
{
	size_t all = op->data.len + len;

	return all > op->cipher.tag ? all - op->cipher.tag : 0;
}

static CK_RV open(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		  CK_BYTE *out, size_t *out_len)
{
	size_t tag = op->cipher.tag;

	if (op->fed) { /* in parts: all of it is here */
		in = op->data.data;
		len = op->data.len;
	}
	if (len < tag)
		return CKR_ENCRYPTED_DATA_LEN_RANGE;
	if (EVP_CIPHER_CTX_ctrl(op->cipher.context, EVP_CTRL_AEAD_SET_TAG, (int)tag,
				(void *)(in + len - tag)) <= 0)
		return CKR_FUNCTION_FAILED;
	return cipher_finish(s, op, in, len - tag, out, out_len);
}

const struct family gcm_encrypts = {
	.begin = cipher_begin_encrypting, .stream_len = cipher_stream_len, .stream = cipher_stream,
	.room = sealed_len, .exact = true, .finish = seal, .end = cipher_end,
};

const struct family gcm_decrypts = {
	.begin = cipher_begin_decrypting, .feed = operation_collect, .room = opened_len,
	.holds_back = true, .finish = open, .end = cipher_end,
};
