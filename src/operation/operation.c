#include "config.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "src/crypto/context.h"
#include "src/operation/internal.h"
#include "src/base/rv.h"
#include "src/token/slot.h"

/* What each use asks of mechanism and key. */
static const struct {
	CK_FLAGS flag;
	bool is_private;           /* of an RSA pair: the card's half */
	unsigned p15;              /* the usage bits of a key of the card, any of which will do */
	CK_ATTRIBUTE_TYPE attribute; /* of a session key */
} uses[KEY_USES] = {
	[OPERATION_DIGEST] = {CKF_DIGEST, false, 0, 0},
	[OPERATION_SIGN] = {CKF_SIGN, true, P15_SIGN | P15_NON_REPUDIATION, CKA_SIGN},
	[OPERATION_VERIFY] = {CKF_VERIFY, false, P15_VERIFY, CKA_VERIFY},
	[OPERATION_ENCRYPT] = {CKF_ENCRYPT, false, P15_ENCRYPT, CKA_ENCRYPT},
	[OPERATION_DECRYPT] = {CKF_DECRYPT, true, P15_DECRYPT, CKA_DECRYPT},
	[OPERATION_SIGN_RECOVER] = {CKF_SIGN_RECOVER, true, P15_SIGN_RECOVER, CKA_SIGN_RECOVER},
	[OPERATION_VERIFY_RECOVER] = {CKF_VERIFY_RECOVER, false, P15_VERIFY_RECOVER,
				      CKA_VERIFY_RECOVER},
	[USE_WRAP] = {CKF_WRAP, false, P15_WRAP, CKA_WRAP},
	[USE_UNWRAP] = {CKF_UNWRAP, true, P15_UNWRAP, CKA_UNWRAP},
};

struct operation *operation_active(struct session *s, enum operation_kind kind)
{
	return s->operations[kind].mechanism ? &s->operations[kind] : NULL;
}

/* ---- keys ---- */

static CK_RV check_card_key(const struct object *key, unsigned use)
{
	if (key->klass != (uses[use].is_private ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY))
		return CKR_KEY_FUNCTION_NOT_PERMITTED;
	if (key->record->modulus_bits && key->record->modulus_bits != 8 * RSA_BLOCK)
		return CKR_KEY_SIZE_RANGE;
	return key->record->usage & uses[use].p15 ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

/* DES2 and DES3 keys do the same work; HMAC takes any secret key. */
static bool fits_type(const struct mechanism *row, CK_KEY_TYPE type)
{
	return row->family == MECHANISM_HMAC || row->key_type == type ||
	       (row->key_type == CKK_DES3 && type == CKK_DES2);
}

static CK_RV check_session_key(const struct object *key, const struct mechanism *row, unsigned use)
{
	bool wants_rsa = row->family == MECHANISM_RSA;

	if (wants_rsa != (key->klass == CKO_PUBLIC_KEY))
		return CKR_KEY_TYPE_INCONSISTENT;
	if (wants_rsa && uses[use].is_private)
		return CKR_KEY_FUNCTION_NOT_PERMITTED;
	if (!fits_type(row, store_ulong(key->attributes, CKA_KEY_TYPE)))
		return CKR_KEY_TYPE_INCONSISTENT;
	return store_bool(key->attributes, uses[use].attribute) ? CKR_OK
								: CKR_KEY_FUNCTION_NOT_PERMITTED;
}

/* A key that may be used like that, or why not. */
static CK_RV find_key(struct session *s, const struct mechanism *row, CK_OBJECT_HANDLE handle,
		      unsigned use, struct object **out)
{
	struct object *key = token_object(&s->slot->token, handle);

	*out = key;
	if (!key || (key->klass != CKO_PRIVATE_KEY && key->klass != CKO_PUBLIC_KEY &&
		     key->klass != CKO_SECRET_KEY))
		return CKR_KEY_HANDLE_INVALID;
	if (key->attributes)
		return check_session_key(key, row, use);
	return row->family == MECHANISM_RSA ? check_card_key(key, use) : CKR_KEY_TYPE_INCONSISTENT;
}

/* ---- beginning ---- */

static CK_RV begin_digest(struct operation *op)
{
	op->digest = EVP_MD_CTX_new();
	if (!op->digest)
		return CKR_HOST_MEMORY;
	return EVP_DigestInit_ex2(op->digest, op->hash, NULL) ? CKR_OK : CKR_FUNCTION_FAILED;
}

static CK_RV begin_hmac(struct operation *op, const struct buffer *key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
						 (char *)EVP_MD_get0_name(op->hash), 0),
		OSSL_PARAM_construct_end()};
	EVP_MAC *mac = EVP_MAC_fetch(crypto_context(), "HMAC", NULL);
	CK_RV rv = CKR_FUNCTION_FAILED;

	op->mac = mac ? EVP_MAC_CTX_new(mac) : NULL;
	if (op->mac && EVP_MAC_init(op->mac, key->data, key->len, params))
		rv = CKR_OK;
	EVP_MAC_free(mac);
	return rv;
}

static CK_RV begin_family(struct operation *op, const struct mechanism *row,
			  const struct object *key, unsigned use)
{
	const struct buffer *value =
		key && key->attributes ? store_get(key->attributes, CKA_VALUE) : NULL;

	switch (row->family) {
	case MECHANISM_HMAC:
		return begin_hmac(op, value);
	case MECHANISM_CIPHER:
		return crypt_begin_cipher(op, value, use == OPERATION_ENCRYPT || use == USE_WRAP);
	case MECHANISM_RSA:
		op->encrypts = !uses[use].is_private;
		/* a ciphertext, or data that are not padded, can be anything */
		op->takes_any_block = row->padding == RSA_PAD_NONE || use == OPERATION_DECRYPT ||
				      use == USE_UNWRAP;
		op->key_len = key->attributes ? (store_ulong(key->attributes, CKA_MODULUS_BITS) + 7) / 8
					      : RSA_BLOCK;
		break;
	default:
		break;
	}
	/* a row with a hash takes the data themselves, one without takes the digest */
	return row->hash ? begin_digest(op) : CKR_OK;
}

CK_RV operation_begin(struct session *s, struct operation *op, unsigned use, const CK_MECHANISM *m,
		      CK_OBJECT_HANDLE handle)
{
	const struct mechanism *row = mechanism_find(m->mechanism);
	struct object *key = NULL;
	CK_RV rv = CKR_OK;

	if (!row || !(row->flags & uses[use].flag))
		return CKR_MECHANISM_INVALID;
	if (use != OPERATION_DIGEST)
		rv = find_key(s, row, handle, use, &key);
	if (rv == CKR_OK)
		rv = mechanism_prepare(row, m, crypto_context(), op);
	op->mechanism = row;
	op->key = handle;
	op->needs_login = key && key->is_private;
	if (rv == CKR_OK)
		rv = begin_family(op, row, key, use);
	if (rv != CKR_OK)
		operation_end(op);
	return rv;
}

CK_RV operation_init(struct session *s, enum operation_kind kind, const CK_MECHANISM *m,
		     CK_OBJECT_HANDLE key)
{
	struct operation *op = &s->operations[kind];

	return op->mechanism ? CKR_OPERATION_ACTIVE : operation_begin(s, op, kind, m, key);
}

/* ---- what all kinds share ---- */

CK_RV operation_feed(struct operation *op, const CK_BYTE *data, CK_ULONG len)
{
	if (op->digest)
		return EVP_DigestUpdate(op->digest, data, len) ? CKR_OK : CKR_FUNCTION_FAILED;
	if (op->mac)
		return EVP_MAC_update(op->mac, data, len) ? CKR_OK : CKR_FUNCTION_FAILED;
	if (op->mechanism->family == MECHANISM_RSA &&
	    (len > RSA_DATA_MAX || op->data.len > RSA_DATA_MAX - len))
		return CKR_DATA_LEN_RANGE;
	return rv_of(buffer_append(&op->data, data, len));
}

CK_RV operation_finish(struct session *s, enum operation_kind kind, CK_RV rv)
{
	operation_end(&s->operations[kind]);
	return rv;
}

enum room operation_room(const CK_BYTE *out, CK_ULONG *out_len, size_t need)
{
	CK_ULONG have = *out_len;

	if (out && have >= need)
		return ROOM_ENOUGH;
	*out_len = need;
	return out ? ROOM_TOO_SMALL : ROOM_ASKED;
}

CK_RV operation_room_rv(enum room room)
{
	return room == ROOM_TOO_SMALL ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

CK_RV operation_private(struct session *s, const struct operation *op, const uint8_t in[RSA_BLOCK],
			uint8_t out[RSA_BLOCK])
{
	return slot_private_op(s->slot, op->key, op->takes_any_block, in, out);
}

static CK_RV card_public(struct session *s, struct object *key, EVP_PKEY **out)
{
	struct slot *slot = s->slot;
	const struct rsa_public *rsa;
	enum result r = RESULT_OK;
	uint8_t e[4];

	if (!token_has_public_key(&slot->token, key))
		r = slot_touch(slot);
	if (r == RESULT_OK)
		r = token_public_key(&slot->token, key, &rsa);
	if (r != RESULT_OK)
		return rv_of(slot_after_error(slot, r));
	for (int i = 0; i < 4; i++)
		e[i] = (uint8_t)(rsa->exponent >> (24 - 8 * i));
	*out = rsa_public_key(crypto_context(), rsa->modulus, sizeof rsa->modulus, e, sizeof e);
	return *out ? CKR_OK : CKR_FUNCTION_FAILED;
}

CK_RV operation_public(struct session *s, const struct operation *op, EVP_PKEY **out)
{
	struct object *key = token_object(&s->slot->token, op->key);
	const struct buffer *n, *e;

	*out = NULL;
	if (!key)
		return CKR_KEY_HANDLE_INVALID;
	if (!key->attributes)
		return card_public(s, key, out);
	n = store_get(key->attributes, CKA_MODULUS);
	e = store_get(key->attributes, CKA_PUBLIC_EXPONENT);
	*out = rsa_public_key(crypto_context(), n->data, n->len, e->data, e->len);
	return *out ? CKR_OK : CKR_FUNCTION_FAILED;
}

/* ---- digest ---- */

CK_RV digest_update(struct session *s, const CK_BYTE *data, CK_ULONG len)
{
	struct operation *op = operation_active(s, OPERATION_DIGEST);
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	op->fed = true;
	rv = operation_feed(op, data, len);
	if (rv != CKR_OK)
		operation_end(op);
	return rv;
}

/* Of session keys whose value may be known; a card's key has none to give. */
CK_RV digest_key(struct session *s, CK_OBJECT_HANDLE handle)
{
	struct object *key = token_object(&s->slot->token, handle);
	const struct buffer *value;

	if (!operation_active(s, OPERATION_DIGEST))
		return CKR_OPERATION_NOT_INITIALIZED;
	if (!key)
		return CKR_KEY_HANDLE_INVALID;
	if (key->klass != CKO_SECRET_KEY || store_bool(key->attributes, CKA_SENSITIVE) ||
	    !store_bool(key->attributes, CKA_EXTRACTABLE))
		return CKR_KEY_INDIGESTIBLE;
	value = store_get(key->attributes, CKA_VALUE);
	return digest_update(s, value->data, value->len);
}

CK_RV digest_final(struct session *s, CK_BYTE *out, CK_ULONG *out_len)
{
	struct operation *op = operation_active(s, OPERATION_DIGEST);
	enum room room;
	unsigned n = 0;
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	room = operation_room(out, out_len, (size_t)EVP_MD_get_size(op->hash));
	if (room != ROOM_ENOUGH)
		return operation_room_rv(room);
	rv = EVP_DigestFinal_ex(op->digest, out, &n) ? CKR_OK : CKR_FUNCTION_FAILED;
	*out_len = n;
	operation_end(op);
	return rv;
}

/* A single-part call is an update and a final; a question or a small buffer feeds nothing. */
CK_RV digest_single(struct session *s, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
		    CK_ULONG *out_len)
{
	struct operation *op = operation_active(s, OPERATION_DIGEST);
	enum room room;
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (op->fed)
		return CKR_OPERATION_ACTIVE;
	room = operation_room(out, out_len, (size_t)EVP_MD_get_size(op->hash));
	if (room != ROOM_ENOUGH)
		return operation_room_rv(room);
	rv = digest_update(s, data, len);
	return rv == CKR_OK ? digest_final(s, out, out_len) : rv;
}
