/* Which keys an operation may use, and what it takes of them. */
#include "config.h"

#include "src/base/rv.h"
#include "src/object/attribute.h"
#include "src/operation/internal.h"
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

bool key_use_fits(unsigned use, CK_FLAGS flags)
{
	return flags & uses[use].flag;
}

static CK_RV check_card_key(const struct object *key, const struct mechanism *row, unsigned use)
{
	if (row->family != MECHANISM_RSA)
		return CKR_KEY_TYPE_INCONSISTENT;
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

static bool is_key(const struct object *o)
{
	return o && (o->klass == CKO_PRIVATE_KEY || o->klass == CKO_PUBLIC_KEY ||
		     o->klass == CKO_SECRET_KEY);
}

static CK_RV check_key(const struct object *key, const struct mechanism *row, unsigned use)
{
	if (!is_key(key))
		return CKR_KEY_HANDLE_INVALID;
	if (!attribute_allows_mechanism(key, row->type))
		return CKR_MECHANISM_INVALID;
	return key->attributes ? check_session_key(key, row, use) : check_card_key(key, row, use);
}

/* Copies an attribute; what the object does not have stays empty. */
static enum result take_attribute(const struct object *key, CK_ATTRIBUTE_TYPE type,
				  struct buffer *out)
{
	const struct stored *value = store_get(key->attributes, type);

	return value ? buffer_append(out, value->data, value->len) : RESULT_OK;
}

static enum result take(const struct object *key, struct operation_key *out)
{
	enum result r;

	out->is_private = key->is_private;
	out->of_card = !key->attributes;
	if (out->of_card)
		return RESULT_OK;
	if (key->klass == CKO_SECRET_KEY)
		return take_attribute(key, CKA_VALUE, &out->value);
	r = take_attribute(key, CKA_MODULUS, &out->modulus);
	return r == RESULT_OK ? take_attribute(key, CKA_PUBLIC_EXPONENT, &out->exponent) : r;
}

CK_RV key_take(struct session *s, const struct mechanism *row, CK_OBJECT_HANDLE handle,
	       unsigned use, struct operation_key *out)
{
	const struct object *key;
	CK_RV rv;

	*out = (struct operation_key){0};
	slot_lock(s->slot);
	key = token_object(&s->slot->token, handle);
	rv = check_key(key, row, use);
	if (rv == CKR_OK)
		rv = rv_of(take(key, out));
	slot_unlock(s->slot);
	if (rv != CKR_OK)
		key_clear(out);
	return rv;
}

CK_RV key_take_value(struct session *s, CK_OBJECT_HANDLE handle,
		     CK_RV (*may)(const struct object *key), struct buffer *out)
{
	const struct object *key;
	CK_RV rv;

	slot_lock(s->slot);
	key = token_object(&s->slot->token, handle);
	rv = is_key(key) ? may(key) : CKR_KEY_HANDLE_INVALID;
	if (rv == CKR_OK)
		rv = rv_of(take_attribute(key, CKA_VALUE, out));
	slot_unlock(s->slot);
	return rv;
}

void key_clear(struct operation_key *key)
{
	buffer_clear(&key->value);
	buffer_clear(&key->modulus);
	buffer_clear(&key->exponent);
}
