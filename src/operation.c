#include "config.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "src/attribute.h"
#include "src/mechanism.h"
#include "src/module.h"
#include "src/operation.h"
#include "src/rv.h"
#include "src/slot.h"

void operation_end(struct operation *op)
{
	if (!op->mechanism && !op->hash && !op->data.data)
		return;
	EVP_MD_CTX_free(op->digest);
	EVP_MD_free(op->hash);
	EVP_MD_free(op->mgf);
	buffer_clear(&op->data);
	buffer_clear(&op->label);
	memset(op, 0, sizeof *op);
}

/* ---- what all kinds share ---- */

/* A key of the card that may be used like that, or why not. */
static CK_RV find_key(struct session *s, CK_OBJECT_HANDLE handle, CK_OBJECT_CLASS klass,
		      unsigned usage, struct object **out)
{
	struct object *key = token_object(&s->slot->token, handle);

	*out = key;
	if (!key)
		return CKR_KEY_HANDLE_INVALID;
	if (key->klass != klass)
		return key->klass == CKO_PRIVATE_KEY || key->klass == CKO_PUBLIC_KEY
			       ? CKR_KEY_FUNCTION_NOT_PERMITTED
			       : CKR_KEY_HANDLE_INVALID;
	if (key->record->modulus_bits && key->record->modulus_bits != 8 * RSA_BLOCK)
		return CKR_KEY_SIZE_RANGE;
	return key->record->usage & usage ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

static CK_RV begin_digest(struct operation *op)
{
	op->digest = EVP_MD_CTX_new();
	if (!op->digest)
		return CKR_HOST_MEMORY;
	return EVP_DigestInit_ex2(op->digest, op->hash, NULL) ? CKR_OK : CKR_FUNCTION_FAILED;
}

/* Fills a fresh operation; leaves it inactive on any error. */
static CK_RV begin(struct operation *op, const CK_MECHANISM *m, CK_FLAGS use)
{
	const struct mechanism *row = mechanism_find(m->mechanism);
	CK_RV rv;

	if (op->mechanism)
		return CKR_OPERATION_ACTIVE;
	if (!row || !(row->flags & use))
		return CKR_MECHANISM_INVALID;
	rv = mechanism_prepare(row, m, module_libctx(), op);
	/* a row with a hash takes the data themselves, one without takes the digest */
	if (rv == CKR_OK && row->hash)
		rv = begin_digest(op);
	if (rv != CKR_OK) {
		op->mechanism = row; /* so that all is released */
		operation_end(op);
		return rv;
	}
	op->mechanism = row;
	return CKR_OK;
}

static CK_RV begin_with_key(struct session *s, enum operation_kind kind, const CK_MECHANISM *m,
			    CK_FLAGS use, CK_OBJECT_HANDLE handle, CK_OBJECT_CLASS klass,
			    unsigned usage)
{
	struct operation *op = &s->operations[kind];
	struct object *key;
	CK_RV rv = begin(op, m, use);

	if (rv != CKR_OK)
		return rv;
	rv = find_key(s, handle, klass, usage, &key);
	if (rv != CKR_OK)
		operation_end(op);
	op->key = rv == CKR_OK ? handle : CK_INVALID_HANDLE;
	return rv;
}

static CK_RV feed(struct operation *op, const CK_BYTE *data, CK_ULONG len, size_t most)
{
	if (op->digest)
		return EVP_DigestUpdate(op->digest, data, len) ? CKR_OK : CKR_FUNCTION_FAILED;
	if (len > most || op->data.len > most - len)
		return CKR_DATA_LEN_RANGE;
	return rv_of(buffer_append(&op->data, data, len));
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

enum room { ROOM_ENOUGH, ROOM_ASKED, ROOM_TOO_SMALL };

/* The rules of PKCS#11 5.2 for output that goes to the caller's buffer. */
static enum room check_room(const CK_BYTE *out, CK_ULONG *out_len, size_t need)
{
	CK_ULONG have = *out_len;

	if (out && have >= need)
		return ROOM_ENOUGH;
	*out_len = need;
	return out ? ROOM_TOO_SMALL : ROOM_ASKED;
}

static struct operation *active(struct session *s, enum operation_kind kind)
{
	struct operation *op = &s->operations[kind];

	return op->mechanism ? op : NULL;
}

/* An …Update that fails ends the operation (PKCS#11 5.2). */
static CK_RV update(struct session *s, enum operation_kind kind, const CK_BYTE *data, CK_ULONG len)
{
	struct operation *op = active(s, kind);
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	op->fed = true;
	rv = feed(op, data, len, RSA_BLOCK);
	if (rv != CKR_OK)
		operation_end(op);
	return rv;
}

/* ---- digest ---- */

CK_RV digest_init(struct session *s, const CK_MECHANISM *m)
{
	return begin(&s->operations[OPERATION_DIGEST], m, CKF_DIGEST);
}

CK_RV digest_update(struct session *s, const CK_BYTE *data, CK_ULONG len)
{
	return update(s, OPERATION_DIGEST, data, len);
}

CK_RV digest_final(struct session *s, CK_BYTE *out, CK_ULONG *out_len)
{
	struct operation *op = active(s, OPERATION_DIGEST);
	unsigned n = 0;
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	switch (check_room(out, out_len, (size_t)EVP_MD_get_size(op->hash))) {
	case ROOM_ASKED:
		return CKR_OK;
	case ROOM_TOO_SMALL:
		return CKR_BUFFER_TOO_SMALL;
	default:
		break;
	}
	rv = EVP_DigestFinal_ex(op->digest, out, &n) ? CKR_OK : CKR_FUNCTION_FAILED;
	*out_len = n;
	operation_end(op);
	return rv;
}

/* A single-part call is an update and a final; a question or a small buffer feeds nothing. */
CK_RV digest_single(struct session *s, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
		    CK_ULONG *out_len)
{
	struct operation *op = active(s, OPERATION_DIGEST);

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (op->fed)
		return CKR_OPERATION_ACTIVE;
	if (out && *out_len >= (CK_ULONG)EVP_MD_get_size(op->hash)) {
		CK_RV rv = digest_update(s, data, len);

		if (rv != CKR_OK)
			return rv;
	}
	return digest_final(s, out, out_len);
}

/* ---- sign ---- */

CK_RV sign_init(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	return begin_with_key(s, OPERATION_SIGN, m, CKF_SIGN, key, CKO_PRIVATE_KEY,
			      P15_SIGN | P15_NON_REPUDIATION);
}

CK_RV sign_update(struct session *s, const CK_BYTE *data, CK_ULONG len)
{
	return update(s, OPERATION_SIGN, data, len);
}

/* The card's part. The key may have gone with the login since the Init. */
static CK_RV private_op(struct session *s, const struct operation *op,
			const uint8_t in[RSA_BLOCK], uint8_t out[RSA_BLOCK])
{
	struct slot *slot = s->slot;
	struct object *key;
	enum result r = slot_touch(slot);

	if (r == RESULT_OK) {
		key = token_object(&slot->token, op->key);
		if (!key)
			return slot->token.logged_in ? CKR_KEY_HANDLE_INVALID : CKR_USER_NOT_LOGGED_IN;
		r = token_private_op(&slot->token, key, in, out);
	}
	return rv_of(slot_after_error(slot, r));
}

static CK_RV sign_now(struct session *s, struct operation *op, CK_BYTE *out)
{
	uint8_t block[RSA_BLOCK];
	enum result r;
	CK_RV rv = collect(op);

	if (rv != CKR_OK)
		return rv;
	r = rsa_pad_for_signing(&op->scheme, op->data.data, op->data.len, block);
	rv = r == RESULT_ARGUMENT ? CKR_DATA_LEN_RANGE : rv_of(r);
	if (rv == CKR_OK)
		rv = private_op(s, op, block, out);
	OPENSSL_cleanse(block, sizeof block);
	return rv;
}

/* The session may die with its card while the operation runs: touch op after that only if it lives. */
static CK_RV finish(struct slot *slot, CK_SESSION_HANDLE session, enum operation_kind kind, CK_RV rv)
{
	struct session *s = session_find(slot, session);

	if (s)
		operation_end(&s->operations[kind]);
	return rv;
}

CK_RV sign_final(struct session *s, CK_BYTE *out, CK_ULONG *out_len)
{
	struct operation *op = active(s, OPERATION_SIGN);
	struct slot *slot = s->slot;
	CK_SESSION_HANDLE handle = s->handle;
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	switch (check_room(out, out_len, RSA_BLOCK)) {
	case ROOM_ASKED:
		return CKR_OK;
	case ROOM_TOO_SMALL:
		return CKR_BUFFER_TOO_SMALL;
	default:
		break;
	}
	rv = sign_now(s, op, out);
	*out_len = rv == CKR_OK ? RSA_BLOCK : 0;
	return finish(slot, handle, OPERATION_SIGN, rv);
}

CK_RV sign_single(struct session *s, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
		  CK_ULONG *out_len)
{
	struct operation *op = active(s, OPERATION_SIGN);

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (op->fed)
		return CKR_OPERATION_ACTIVE;
	if (out && *out_len >= RSA_BLOCK) {
		CK_RV rv = sign_update(s, data, len);

		if (rv != CKR_OK)
			return rv;
	}
	return sign_final(s, out, out_len);
}

/* ---- verify: all of it here, only the public key comes from the card ---- */

CK_RV verify_init(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	return begin_with_key(s, OPERATION_VERIFY, m, CKF_VERIFY, key, CKO_PUBLIC_KEY, P15_VERIFY);
}

CK_RV verify_update(struct session *s, const CK_BYTE *data, CK_ULONG len)
{
	return update(s, OPERATION_VERIFY, data, len);
}

static CK_RV verify_now(struct session *s, struct operation *op, const CK_BYTE *signature)
{
	const struct rsa_public *key;
	struct object *object = token_object(&s->slot->token, op->key);
	enum result r = RESULT_OK;
	CK_RV rv = collect(op);

	if (rv != CKR_OK)
		return rv;
	if (!object)
		return CKR_KEY_HANDLE_INVALID;
	if (!token_has_public_key(&s->slot->token, object))
		r = slot_touch(s->slot);
	if (r == RESULT_OK)
		r = token_public_key(&s->slot->token, object, &key);
	if (r != RESULT_OK)
		return rv_of(slot_after_error(s->slot, r));
	if (op->scheme.hash && op->data.len != (size_t)EVP_MD_get_size(op->hash))
		return CKR_DATA_LEN_RANGE;
	r = rsa_verify(module_libctx(), key, &op->scheme, op->data.data, op->data.len, signature);
	return r == RESULT_BAD_SIGNATURE ? CKR_SIGNATURE_INVALID : rv_of(r);
}

CK_RV verify_final(struct session *s, const CK_BYTE *signature, CK_ULONG len)
{
	struct operation *op = active(s, OPERATION_VERIFY);
	struct slot *slot = s->slot;
	CK_SESSION_HANDLE handle = s->handle;
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	rv = len == RSA_BLOCK ? verify_now(s, op, signature) : CKR_SIGNATURE_LEN_RANGE;
	return finish(slot, handle, OPERATION_VERIFY, rv);
}

CK_RV verify_single(struct session *s, const CK_BYTE *data, CK_ULONG len,
		    const CK_BYTE *signature, CK_ULONG signature_len)
{
	struct operation *op = active(s, OPERATION_VERIFY);
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (op->fed)
		return CKR_OPERATION_ACTIVE;
	rv = verify_update(s, data, len);
	return rv == CKR_OK ? verify_final(s, signature, signature_len) : rv;
}

/* ---- decrypt ---- */

CK_RV decrypt_init(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	return begin_with_key(s, OPERATION_DECRYPT, m, CKF_DECRYPT, key, CKO_PRIVATE_KEY, P15_DECRYPT);
}

/* RSA has one block: nothing comes out before the end. */
CK_RV decrypt_update(struct session *s, const CK_BYTE *data, CK_ULONG len, CK_ULONG *out_len)
{
	CK_RV rv = update(s, OPERATION_DECRYPT, data, len);

	*out_len = 0;
	return rv == CKR_DATA_LEN_RANGE ? CKR_ENCRYPTED_DATA_LEN_RANGE : rv;
}

/*
 * *keep: the caller's buffer is too small and the operation stays, with the
 * ciphertext in op->data, for another call.
 */
static CK_RV decrypt_now(struct session *s, struct operation *op, CK_BYTE *out, CK_ULONG *out_len,
			 bool *keep)
{
	uint8_t block[RSA_BLOCK], plain[RSA_BLOCK];
	size_t len = 0;
	CK_RV rv;

	*keep = false;
	if (op->data.len != RSA_BLOCK)
		return CKR_ENCRYPTED_DATA_LEN_RANGE;
	rv = private_op(s, op, op->data.data, block);
	/* one answer for every way in which the padding can be wrong */
	if (rv == CKR_OK && rsa_unpad_decrypted(&op->scheme, block, plain, &len) != RESULT_OK)
		rv = CKR_ENCRYPTED_DATA_INVALID;
	if (rv == CKR_OK && len > *out_len) {
		rv = CKR_BUFFER_TOO_SMALL;
		*keep = true;
		*out_len = len;
	} else if (rv == CKR_OK) {
		memcpy(out, plain, len);
		*out_len = len;
	}
	OPENSSL_cleanse(block, sizeof block);
	OPENSSL_cleanse(plain, sizeof plain);
	return rv;
}

CK_RV decrypt_final(struct session *s, CK_BYTE *out, CK_ULONG *out_len)
{
	struct operation *op = active(s, OPERATION_DECRYPT);
	struct slot *slot = s->slot;
	CK_SESSION_HANDLE handle = s->handle;
	bool keep;
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (!out) { /* the length is only known after the card's work: the most it can be */
		*out_len = rsa_max_plaintext(&op->scheme);
		return CKR_OK;
	}
	rv = decrypt_now(s, op, out, out_len, &keep);
	return keep ? rv : finish(slot, handle, OPERATION_DECRYPT, rv);
}

CK_RV decrypt_single(struct session *s, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
		     CK_ULONG *out_len)
{
	struct operation *op = active(s, OPERATION_DECRYPT);
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (op->fed)
		return CKR_OPERATION_ACTIVE;
	if (out) {
		buffer_reset(&op->data); /* a try with a small buffer may have left it there */
		rv = feed(op, data, len, RSA_BLOCK);
		if (rv != CKR_OK) {
			operation_end(op);
			return rv == CKR_DATA_LEN_RANGE ? CKR_ENCRYPTED_DATA_LEN_RANGE : rv;
		}
	}
	return decrypt_final(s, out, out_len);
}
