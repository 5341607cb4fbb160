#include "config.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "src/base/rv.h"
#include "src/crypto/context.h"
#include "src/crypto/mask.h"
#include "src/object/attribute.h"
#include "src/object/session_object.h"
#include "src/object/template.h"
#include "src/operation/internal.h"
#include "src/operation/key.h"
#include "src/token/slot.h"

/* ---- generate ---- */

/* The bytes to make: fixed by the mechanism, or said in the template. */
static CK_RV generated_len(const struct mechanism *row, const struct store *attributes, size_t *len)
{
	CK_ULONG wanted = store_ulong(attributes, CKA_VALUE_LEN);
	bool fixed = row->min == row->max;

	*len = fixed ? row->min : wanted;
	if (!fixed && !wanted)
		return CKR_TEMPLATE_INCOMPLETE;
	if (!template_key_length(row->key_type, *len))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return CKR_OK;
}

/* PKCS#11, DES keys: every byte has an odd number of bits, the lowest sees to it. */
static void set_odd_parity(uint8_t *key, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned bits = 0;

		for (int bit = 1; bit < 8; bit++)
			bits += key[i] >> bit & 1u;
		key[i] = (uint8_t)((key[i] & 0xFE) | !(bits & 1));
	}
}

CK_RV key_generate(struct session *s, const CK_MECHANISM *m, const CK_ATTRIBUTE *template,
		   CK_ULONG count, CK_OBJECT_HANDLE *key)
{
	const struct mechanism *row = mechanism_find(m->mechanism);
	struct store attributes;
	uint8_t value[TEMPLATE_SECRET_MAX] = {0};
	size_t len = 0;
	CK_RV rv;

	if (!row || !(row->flags & CKF_GENERATE))
		return CKR_MECHANISM_INVALID;
	if (m->ulParameterLen)
		return CKR_MECHANISM_PARAM_INVALID;
	rv = template_build(TEMPLATE_GENERATE, CKO_SECRET_KEY, row->key_type, template, count,
			    &attributes);
	if (rv != CKR_OK)
		return rv;
	rv = generated_len(row, &attributes, &len);
	if (rv == CKR_OK && RAND_priv_bytes_ex(crypto_context(), value, len, 0) != 1)
		rv = CKR_FUNCTION_FAILED;
	if (row->key_type == CKK_DES2 || row->key_type == CKK_DES3)
		set_odd_parity(value, len);
	if (rv == CKR_OK)
		rv = template_set_secret(&attributes, value, len, true, row->type);
	OPENSSL_cleanse(value, sizeof value);
	if (rv != CKR_OK) {
		store_clear(&attributes);
		return rv;
	}
	return session_object_add(s, &attributes, key);
}

/* ---- wrap ---- */

static CK_RV may_wrap(const struct object *key)
{
	if (key->klass == CKO_PRIVATE_KEY) /* of the card: it never leaves it */
		return CKR_KEY_UNEXTRACTABLE;
	if (key->klass != CKO_SECRET_KEY)
		return CKR_KEY_NOT_WRAPPABLE;
	if (store_bool(key->attributes, CKA_WRAP_WITH_TRUSTED))
		return CKR_KEY_NOT_WRAPPABLE; /* no key here is trusted */
	return store_bool(key->attributes, CKA_EXTRACTABLE) ? CKR_OK : CKR_KEY_UNEXTRACTABLE;
}

/* What the wrapping key says of keys that it wraps (CKA_WRAP_TEMPLATE); handles are checked elsewhere. */
static CK_RV fits_wrapping(struct session *s, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE handle)
{
	struct token *t = &s->slot->token;
	const struct object *by, *key;
	bool fits;

	slot_lock(s->slot);
	by = token_object(t, wrapping);
	key = token_object(t, handle);
	fits = !by || !key || attribute_allows_wrapping(by, key);
	slot_unlock(s->slot);
	return fits ? CKR_OK : CKR_KEY_NOT_WRAPPABLE;
}

/* Key handles of a wrapping are told apart from those of other operations. */
static CK_RV wrapping_error(CK_RV rv)
{
	switch (rv) {
	case CKR_KEY_HANDLE_INVALID:
		return CKR_WRAPPING_KEY_HANDLE_INVALID;
	case CKR_KEY_TYPE_INCONSISTENT:
		return CKR_WRAPPING_KEY_TYPE_INCONSISTENT;
	case CKR_KEY_SIZE_RANGE:
		return CKR_WRAPPING_KEY_SIZE_RANGE;
	case CKR_DATA_LEN_RANGE:
		return CKR_KEY_SIZE_RANGE;
	default:
		return rv;
	}
}

CK_RV key_wrap(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE wrapping,
	       CK_OBJECT_HANDLE handle, CK_BYTE *out, CK_ULONG *out_len)
{
	struct buffer value = BUFFER_INIT, wrapped = BUFFER_INIT;
	struct operation op = {0};
	CK_RV rv = key_take_value(s, handle, may_wrap, &value);

	if (rv != CKR_OK)
		return rv;
	rv = operation_begin(s, &op, USE_WRAP, m, wrapping);
	if (rv == CKR_OK)
		rv = fits_wrapping(s, wrapping, handle);
	if (rv == CKR_OK)
		rv = rv_of(buffer_reserve(&wrapped, op.family->room(&op, value.len)));
	if (rv == CKR_OK)
		rv = op.family->finish(s, &op, value.data, value.len, wrapped.data, &wrapped.len);
	rv = wrapping_error(rv);
	if (rv == CKR_OK)
		rv = output_deliver(&wrapped, out, out_len);
	operation_end(&op);
	buffer_clear(&wrapped);
	buffer_clear(&value);
	return rv;
}

/*
 * ---- unwrap ----
 *
 * Whoever can have the card decrypt what he likes and learns what is wrong
 * with the result can read other people's messages (Bleichenbacher, Manger,
 * Vaudenay). So all that can be told from the caller's own arguments is told
 * before anything is decrypted: the template, the length that the key must
 * have, the length of what is wrapped, the rights. After that there is one
 * error, CKR_WRAPPED_KEY_INVALID, for a wrong padding as for a wrong length,
 * and the way to it is the same: a stand-in of a plausible length goes through
 * all that the key would have gone through, and no branch is taken on which of
 * the two it is before the last one. What remains is the one bit "this is a
 * wrapped key of that length", without which nothing could be unwrapped;
 * CKA_VALUE_LEN in the template makes it a rare one.
 */

#define STAND_IN 32 /* bytes, where the key's type leaves the length open */

/* What the length must be, as far as that is known before; 0: any that the type can have. */
static CK_RV expected_len(const struct store *attributes, size_t *len)
{
	CK_KEY_TYPE type = store_ulong(attributes, CKA_KEY_TYPE);
	CK_ULONG said = store_ulong(attributes, CKA_VALUE_LEN);
	size_t fixed = type == CKK_DES2 ? 16 : type == CKK_DES3 ? 24 : 0;

	if (fixed && said && said != fixed)
		return CKR_TEMPLATE_INCONSISTENT;
	*len = fixed ? fixed : said;
	return template_key_length(type, *len ? *len : STAND_IN) ? CKR_OK
								  : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV begin_unwrap(struct session *s, struct operation *op, const CK_MECHANISM *m,
			  CK_OBJECT_HANDLE unwrapping, CK_ULONG wrapped_len)
{
	CK_RV rv = operation_begin(s, op, USE_UNWRAP, m, unwrapping);

	if (rv == CKR_OK)
		rv = op->family->check_wrapped(op, wrapped_len);
	switch (rv) {
	case CKR_KEY_HANDLE_INVALID:
		return CKR_UNWRAPPING_KEY_HANDLE_INVALID;
	case CKR_KEY_TYPE_INCONSISTENT:
		return CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT;
	case CKR_KEY_SIZE_RANGE:
		return CKR_UNWRAPPING_KEY_SIZE_RANGE;
	default:
		return rv;
	}
}

/* Ones unless a key of the type can have the length. No branch: the length is a secret yet. */
static size_t mask_bad_len(CK_KEY_TYPE type, size_t expected, size_t len)
{
	if (expected)
		return ~mask_equal(len, expected);
	if (type == CKK_AES)
		return ~(mask_equal(len, 16) | mask_equal(len, 24) | mask_equal(len, 32));
	return mask_zero(len) | mask_less(TEMPLATE_SECRET_MAX, len);
}

/* Puts the stand-in in the place of what is not a key. */
static void settle(struct unwrapped *u, CK_KEY_TYPE type, size_t expected,
		   const uint8_t stand_in[TEMPLATE_SECRET_MAX])
{
	u->bad |= mask_bad_len(type, expected, u->len);
	u->len = mask_select(u->bad, expected ? expected : STAND_IN, u->len);
	for (size_t i = 0; i < TEMPLATE_SECRET_MAX; i++)
		u->value[i] = (uint8_t)mask_select(u->bad, stand_in[i], u->value[i]);
}

/* Decrypts, and fills the attributes in any case; what was wrong is told last. */
static CK_RV unwrap_into(struct session *s, struct operation *op, const CK_BYTE *wrapped,
			 CK_ULONG len, size_t expected, struct store *attributes)
{
	CK_KEY_TYPE type = store_ulong(attributes, CKA_KEY_TYPE);
	uint8_t stand_in[TEMPLATE_SECRET_MAX] = {0};
	struct unwrapped u = {.bad = 0};
	CK_RV rv = CKR_FUNCTION_FAILED;

	if (RAND_priv_bytes_ex(crypto_context(), stand_in, expected ? expected : STAND_IN, 0) != 1)
		return rv;
	if (type == CKK_DES2 || type == CKK_DES3)
		set_odd_parity(stand_in, expected);
	rv = op->family->unwrap(s, op, wrapped, len, &u);
	if (rv == CKR_OK) {
		settle(&u, type, expected, stand_in);
		rv = template_set_secret(attributes, u.value, u.len, false,
					 CK_UNAVAILABLE_INFORMATION);
		if (rv == CKR_ATTRIBUTE_VALUE_INVALID || u.bad)
			rv = CKR_WRAPPED_KEY_INVALID;
	} else if (rv == CKR_ENCRYPTED_DATA_INVALID) {
		/* not below the modulus: anyone can see it */
		rv = CKR_WRAPPED_KEY_INVALID;
	}
	OPENSSL_cleanse(&u, sizeof u);
	OPENSSL_cleanse(stand_in, sizeof stand_in);
	return rv;
}

CK_RV key_unwrap(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE unwrapping,
		 const CK_BYTE *wrapped, CK_ULONG len, const CK_ATTRIBUTE *template,
		 CK_ULONG count, CK_OBJECT_HANDLE *key)
{
	struct operation op = {0};
	struct store attributes;
	size_t expected = 0;
	CK_RV rv;

	rv = session_object_build_unwrapped(s, unwrapping, template, count, &attributes);
	if (rv != CKR_OK)
		return rv;
	rv = session_object_allowed(s, &attributes);
	if (rv == CKR_OK)
		rv = expected_len(&attributes, &expected);
	if (rv == CKR_OK)
		rv = begin_unwrap(s, &op, m, unwrapping, len);
	if (rv == CKR_OK)
		rv = unwrap_into(s, &op, wrapped, len, expected, &attributes);
	operation_end(&op);
	if (rv == CKR_OK)
		return session_object_add(s, &attributes, key);
	store_clear(&attributes);
	return rv;
}
