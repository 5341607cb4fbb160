#include "config.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "src/crypto/context.h"
#include "src/operation/key.h"
#include "src/operation/internal.h"
#include "src/base/rv.h"
#include "src/object/session_object.h"
#include "src/token/slot.h"
#include "src/object/template.h"

#define GENERATED_MAX 4096 /* bytes */

/* ---- generate ---- */

/* The bytes to make: fixed by the mechanism, or said in the template. */
static CK_RV generated_len(const struct mechanism *row, const struct store *attributes, size_t *len)
{
	CK_ULONG wanted = store_ulong(attributes, CKA_VALUE_LEN);
	bool fixed = row->min == row->max;

	*len = fixed ? row->min : wanted;
	if (!fixed && !wanted)
		return CKR_TEMPLATE_INCOMPLETE;
	if (*len > GENERATED_MAX || !template_key_length(row->key_type, *len))
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
	uint8_t value[GENERATED_MAX] = {0};
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

static CK_RV wrappable(const struct object *key)
{
	if (!key)
		return CKR_KEY_HANDLE_INVALID;
	if (key->klass == CKO_PRIVATE_KEY) /* of the card: it never leaves it */
		return CKR_KEY_UNEXTRACTABLE;
	if (key->klass != CKO_SECRET_KEY)
		return CKR_KEY_NOT_WRAPPABLE;
	if (store_bool(key->attributes, CKA_WRAP_WITH_TRUSTED))
		return CKR_KEY_NOT_WRAPPABLE; /* no key here is trusted */
	return store_bool(key->attributes, CKA_EXTRACTABLE) ? CKR_OK : CKR_KEY_UNEXTRACTABLE;
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
	struct object *key = token_object(&s->slot->token, handle);
	struct buffer wrapped = BUFFER_INIT;
	struct operation op = {0};
	const struct buffer *value;
	CK_RV rv = wrappable(key);

	if (rv != CKR_OK)
		return rv;
	rv = operation_begin(s, &op, USE_WRAP, m, wrapping);
	if (rv == CKR_OK) {
		value = store_get(key->attributes, CKA_VALUE);
		rv = crypt_feed(&op, value->data, value->len, &wrapped);
		if (rv == CKR_OK)
			rv = crypt_finish(s, &op, &wrapped);
	}
	rv = wrapping_error(rv);
	if (rv == CKR_OK) {
		enum room room = operation_room(out, out_len, wrapped.len);

		rv = operation_room_rv(room);
		if (room == ROOM_ENOUGH) {
			memcpy(out, wrapped.data, wrapped.len);
			*out_len = wrapped.len;
		}
	}
	operation_end(&op);
	buffer_clear(&wrapped);
	return rv;
}

/* ---- unwrap ---- */

static CK_RV unwrapping_error(CK_RV rv)
{
	switch (rv) {
	case CKR_KEY_HANDLE_INVALID:
		return CKR_UNWRAPPING_KEY_HANDLE_INVALID;
	case CKR_KEY_TYPE_INCONSISTENT:
		return CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT;
	case CKR_KEY_SIZE_RANGE:
		return CKR_UNWRAPPING_KEY_SIZE_RANGE;
	case CKR_ENCRYPTED_DATA_INVALID:
		return CKR_WRAPPED_KEY_INVALID;
	case CKR_ENCRYPTED_DATA_LEN_RANGE:
		return CKR_WRAPPED_KEY_LEN_RANGE;
	default:
		return rv;
	}
}

/* A key's padding says nothing about its length: what came out must be a length for its type. */
static CK_RV set_unwrapped(struct store *attributes, const struct buffer *value)
{
	CK_RV rv;

	if (!template_key_length(store_ulong(attributes, CKA_KEY_TYPE), value->len))
		return CKR_WRAPPED_KEY_INVALID;
	rv = template_set_secret(attributes, value->data, value->len, false,
				 CK_UNAVAILABLE_INFORMATION);
	return rv == CKR_ATTRIBUTE_VALUE_INVALID ? CKR_WRAPPED_KEY_INVALID : rv;
}

CK_RV key_unwrap(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE unwrapping,
		 const CK_BYTE *wrapped, CK_ULONG len, const CK_ATTRIBUTE *template,
		 CK_ULONG count, CK_OBJECT_HANDLE *key)
{
	struct buffer value = BUFFER_INIT;
	struct store attributes;
	struct operation op = {0};
	CK_RV rv;

	rv = template_build(TEMPLATE_UNWRAP, CKO_SECRET_KEY, CK_UNAVAILABLE_INFORMATION, template,
			    count, &attributes);
	if (rv != CKR_OK)
		return rv;
	rv = operation_begin(s, &op, USE_UNWRAP, m, unwrapping);
	if (rv == CKR_OK)
		rv = crypt_feed(&op, wrapped, len, &value);
	if (rv == CKR_OK)
		rv = crypt_finish(s, &op, &value);
	rv = unwrapping_error(rv);
	if (rv == CKR_OK)
		rv = set_unwrapped(&attributes, &value);
	operation_end(&op);
	buffer_clear(&value);
	if (rv == CKR_OK)
		return session_object_add(s, &attributes, key);
	store_clear(&attributes);
	return rv;
}
