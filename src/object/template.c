#include "config.h"

#include <string.h>

#include "src/base/rv.h"
#include "src/object/schema.h"
#include "src/object/template.h"

#define UNSET CK_UNAVAILABLE_INFORMATION
#define MODULUS_BITS_MIN 1024
#define MODULUS_BITS_MAX 8192

/* The classes that each use makes. Private keys, hardware features … are the card's or nobody's. */
static const unsigned makes[] = {
	[TEMPLATE_CREATE] = ON_ANY_CERT | ON_DATA | ON_PUBLIC | ON_SECRET,
	[TEMPLATE_GENERATE] = ON_SECRET,
	[TEMPLATE_UNWRAP] = ON_SECRET,
	[TEMPLATE_PROFILE] = ON_PROFILE,
};

/* ---- what a caller says ---- */

/* The class or key type: implied by the call, said in the template, or both and the same. */
static CK_RV settle(CK_ATTRIBUTE_TYPE type, CK_ULONG implied, const CK_ATTRIBUTE *template,
		    CK_ULONG count, CK_ULONG *out)
{
	const CK_ATTRIBUTE *a = value_in_template(template, count, type);

	*out = implied;
	if (!a)
		return implied == UNSET ? CKR_TEMPLATE_INCOMPLETE : CKR_OK;
	if (!value_has_form(FORM_ULONG, a))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	memcpy(out, a->pValue, sizeof *out);
	return implied == UNSET || implied == *out ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

/* Of certificates the type decides what they are made of. */
static CK_OBJECT_CLASS row_class(CK_OBJECT_CLASS klass, const CK_ATTRIBUTE *template, CK_ULONG count)
{
	const CK_ATTRIBUTE *a = value_in_template(template, count, CKA_CERTIFICATE_TYPE);
	CK_ULONG type = UNSET;

	if (a && value_has_form(FORM_ULONG, a))
		memcpy(&type, a->pValue, sizeof type);
	return schema_class(klass, type);
}

/* Something for the card: refused whatever it is, before anyone minds what is wrong with it. */
static bool is_for_card(const CK_ATTRIBUTE *template, CK_ULONG count)
{
	const CK_ATTRIBUTE *a = value_in_template(template, count, CKA_TOKEN);

	return a && value_has_form(FORM_BOOL, a) && *(const CK_BBOOL *)a->pValue;
}

static CK_RV check_value(const struct schema_row *row, const CK_ATTRIBUTE *a)
{
	if (!value_has_form(row->form, a))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (!a->ulValueLen && row->rules & RULE_NEEDED && !(row->rules & RULE_EMPTY))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (row->check && !row->check(a->pValue, a->ulValueLen))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return CKR_OK;
}

/*
 * To say what is so anyway does no harm. Of a key that is made here that is
 * not known yet: it will be local, and perhaps always sensitive.
 */
static bool is_so_anyway(enum template_use use, const struct schema_row *row, const CK_ATTRIBUTE *a)
{
	if (use == TEMPLATE_GENERATE && row->type != CKA_TRUSTED)
		return false;
	return row->form == FORM_BOOL && *(const CK_BBOOL *)a->pValue == row->value;
}

/* Keeps a checked value. Said twice in one template, it must be the same. */
static CK_RV keep(const struct schema_row *row, const CK_ATTRIBUTE *a, struct store *out,
		  const struct store *said)
{
	const struct stored *before = said ? store_get(said, a->type) : NULL;
	struct buffer packed = BUFFER_INIT;
	const void *value = a->pValue;
	size_t len = a->ulValueLen;
	enum result r = RESULT_OK;
	CK_RV rv;

	if (row->form == FORM_TEMPLATE) {
		r = value_of_template(a, &packed);
		value = packed.data;
		len = packed.len;
	}
	if (r == RESULT_OK && before)
		rv = before->len == len && (!len || memcmp(before->data, value, len) == 0)
			     ? CKR_OK
			     : CKR_TEMPLATE_INCONSISTENT;
	else
		rv = rv_of(r == RESULT_OK ? store_set(out, a->type, value, len) : r);
	buffer_clear(&packed);
	return rv;
}

static CK_RV take_given(enum template_use use, CK_OBJECT_CLASS klass, const CK_ATTRIBUTE *template,
			CK_ULONG count, struct store *out)
{
	CK_RV rv = CKR_OK;

	for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
		const CK_ATTRIBUTE *a = &template[i];
		const struct schema_row *row = schema_find(klass, a->type);

		if (!row)
			return CKR_ATTRIBUTE_TYPE_INVALID;
		rv = check_value(row, a);
		if (rv != CKR_OK)
			return rv;
		if (row->rules & RULE_FIXED && !is_so_anyway(use, row, a))
			return CKR_ATTRIBUTE_READ_ONLY;
		rv = keep(row, a, out, out);
	}
	return rv;
}

static CK_RV add_defaults(enum template_use use, CK_OBJECT_CLASS klass, struct store *out)
{
	const struct schema_row *row = NULL;
	enum result r = RESULT_OK;

	while (r == RESULT_OK && (row = schema_next(klass, row))) {
		if (store_get(out, row->type) || row->rules & RULE_FILLED)
			continue;
		if (row->rules & RULE_NEEDED && use == TEMPLATE_CREATE)
			return CKR_TEMPLATE_INCOMPLETE;
		if (row->form == FORM_BOOL)
			r = store_set_bool(out, row->type, row->value);
		else if (row->form == FORM_ULONG)
			r = store_set_ulong(out, row->type, row->value);
		else
			r = store_set(out, row->type, NULL, 0);
	}
	return rv_of(r);
}

/* ---- what follows from it ---- */

/* The value that must be there: given and the same, or set. Empty or not: `empty_is_given`. */
static CK_RV fill_in(struct store *s, CK_ATTRIBUTE_TYPE type, const void *value, size_t len,
		     bool empty_is_given)
{
	const struct stored *given = store_get(s, type);

	if (!given || (!given->len && !empty_is_given))
		return rv_of(store_set(s, type, value, len));
	if (!given->len)
		return CKR_OK;
	return given->len == len && memcmp(given->data, value, len) == 0
		       ? CKR_OK
		       : CKR_ATTRIBUTE_VALUE_INVALID;
}

/* PKCS#11 4.10.2: a given check value is compared; an empty one says to have none. */
static CK_RV fill_check_value(struct store *s, enum result r, const uint8_t check[VALUE_CHECK_SIZE])
{
	if (r != RESULT_OK)
		return rv_of(r);
	return fill_in(s, CKA_CHECK_VALUE, check, VALUE_CHECK_SIZE, true);
}

static CK_RV new_unique_id(struct store *s)
{
	char id[VALUE_UNIQUE_SIZE];
	enum result r = value_unique_random(id);

	return rv_of(r == RESULT_OK ? store_set(s, CKA_UNIQUE_ID, id, strlen(id)) : r);
}

bool template_key_length(CK_KEY_TYPE type, size_t len)
{
	switch (type) {
	case CKK_AES:
		return len == 16 || len == 24 || len == 32;
	case CKK_DES2:
		return len == 16;
	case CKK_DES3:
		return len == 24;
	case CKK_GENERIC_SECRET:
		return len >= 1 && len <= TEMPLATE_SECRET_MAX;
	default:
		return false;
	}
}

CK_RV template_set_secret(struct store *s, const void *value, size_t len, bool local,
			  CK_MECHANISM_TYPE mechanism)
{
	CK_ULONG wanted = store_ulong(s, CKA_VALUE_LEN);
	CK_KEY_TYPE type = store_ulong(s, CKA_KEY_TYPE);
	uint8_t check[VALUE_CHECK_SIZE] = {0};
	enum result r;

	if (!template_key_length(type, len))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	/* PKCS#11 mechanisms, DES keys: to create or unwrap one of wrong parity is an error */
	if ((type == CKK_DES2 || type == CKK_DES3) && !value_has_odd_parity(value, len))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (wanted != 0 && wanted != len)
		return CKR_TEMPLATE_INCONSISTENT;
	r = value_check_secret(type, value, len, check);
	if (r == RESULT_OK)
		r = store_set(s, CKA_VALUE, value, len);
	if (r == RESULT_OK)
		r = store_set_ulong(s, CKA_VALUE_LEN, len);
	if (r == RESULT_OK)
		r = store_set_bool(s, CKA_LOCAL, local);
	if (r == RESULT_OK)
		r = store_set_ulong(s, CKA_KEY_GEN_MECHANISM, mechanism);
	/* only of a key that was made here can these be known */
	if (r == RESULT_OK)
		r = store_set_bool(s, CKA_ALWAYS_SENSITIVE, local && store_bool(s, CKA_SENSITIVE));
	if (r == RESULT_OK)
		r = store_set_bool(s, CKA_NEVER_EXTRACTABLE,
				   local && !store_bool(s, CKA_EXTRACTABLE));
	return fill_check_value(s, r, check);
}

/* What no RSA public key looks like: an even modulus, an exponent of 0, 1, or even. */
static bool is_rsa_key(const struct stored *n, const struct stored *e)
{
	size_t bits = value_bits(n->data, n->len), e_bits = value_bits(e->data, e->len);

	return bits >= MODULUS_BITS_MIN && bits <= MODULUS_BITS_MAX && n->data[n->len - 1] & 1 &&
	       e_bits >= 2 && e_bits <= bits && e->data[e->len - 1] & 1;
}

static CK_RV finish_public(struct store *s)
{
	const struct stored *n = store_get(s, CKA_MODULUS), *e = store_get(s, CKA_PUBLIC_EXPONENT);
	CK_ULONG said = store_ulong(s, CKA_MODULUS_BITS), bits = value_bits(n->data, n->len);
	struct buffer info = BUFFER_INIT;
	CK_RV rv;

	if (!is_rsa_key(n, e))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (said != 0 && said != bits)
		return CKR_TEMPLATE_INCONSISTENT;
	rv = rv_of(value_rsa_key_info(n->data, n->len, e->data, e->len, &info));
	if (rv == CKR_OK)
		rv = fill_in(s, CKA_PUBLIC_KEY_INFO, info.data, info.len, false);
	if (rv == CKR_OK)
		rv = rv_of(store_set_ulong(s, CKA_MODULUS_BITS, bits));
	buffer_clear(&info);
	return rv;
}

/* What is kept as a certificate is not taken apart, but for its key, if it is one. */
static CK_RV fill_certificate_key(struct store *s, const struct stored *der)
{
	struct buffer info = BUFFER_INIT;
	enum result r = value_certificate_key_info(der->data, der->len, &info);
	CK_RV rv;

	if (r == RESULT_BAD_DATA)
		rv = store_get(s, CKA_PUBLIC_KEY_INFO)
			     ? CKR_OK
			     : rv_of(store_set(s, CKA_PUBLIC_KEY_INFO, NULL, 0));
	else
		rv = r == RESULT_OK ? fill_in(s, CKA_PUBLIC_KEY_INFO, info.data, info.len, false)
				    : rv_of(r);
	buffer_clear(&info);
	return rv;
}

/* PKCS#11 4.6.3: what a certificate may lack if it says where it is, and what it must have then. */
static CK_RV finish_certificate(struct store *s)
{
	const struct stored *der = store_get(s, CKA_VALUE);
	uint8_t check[VALUE_CHECK_SIZE] = {0};
	enum result r;
	bool known;
	CK_RV rv;

	if (!der->len && !store_get(s, CKA_URL)->len)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (store_get(s, CKA_URL)->len && (!store_get(s, CKA_HASH_OF_SUBJECT_PUBLIC_KEY)->len ||
					   !store_get(s, CKA_HASH_OF_ISSUER_PUBLIC_KEY)->len))
		return CKR_TEMPLATE_INCOMPLETE;
	known = der->len;
	r = value_check_certificate(der->data, der->len, check);
	rv = fill_certificate_key(s, der); /* which may move what der points to */
	if (rv != CKR_OK || known)
		return rv == CKR_OK ? fill_check_value(s, r, check) : rv;
	return store_get(s, CKA_CHECK_VALUE) ? CKR_OK : rv_of(store_set(s, CKA_CHECK_VALUE, NULL, 0));
}

/* An attribute certificate is always here, and is not taken apart either. */
static CK_RV finish_attribute(struct store *s)
{
	const struct stored *der = store_get(s, CKA_VALUE);
	uint8_t check[VALUE_CHECK_SIZE] = {0};

	if (!der->len)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return fill_check_value(s, value_check_certificate(der->data, der->len, check), check);
}

static CK_RV finish_secret(enum template_use use, struct store *s)
{
	const struct stored *value = store_get(s, CKA_VALUE);

	if (use != TEMPLATE_CREATE) /* the value is made by the call */
		return value->len ? CKR_TEMPLATE_INCONSISTENT : CKR_OK;
	if (store_ulong(s, CKA_VALUE_LEN)) /* follows from the value (PKCS#11, secret keys) */
		return CKR_ATTRIBUTE_READ_ONLY;
	return template_set_secret(s, value->data, value->len, false, UNSET);
}

static CK_RV finish(enum template_use use, CK_OBJECT_CLASS klass, struct store *s)
{
	CK_RV rv = new_unique_id(s);

	if (rv != CKR_OK)
		return rv;
	switch (klass) {
	case CKO_PUBLIC_KEY:
		return finish_public(s);
	case CKO_CERTIFICATE:
		return finish_certificate(s);
	case SCHEMA_ATTRIBUTE:
		return finish_attribute(s);
	case CKO_SECRET_KEY:
		return finish_secret(use, s);
	default:
		return CKR_OK;
	}
}

CK_RV template_build(enum template_use use, CK_OBJECT_CLASS klass, CK_KEY_TYPE key_type,
		     const CK_ATTRIBUTE *template, CK_ULONG count, struct store *out)
{
	CK_OBJECT_CLASS rows;
	bool is_key;
	CK_RV rv;

	*out = (struct store)STORE_INIT;
	if (use == TEMPLATE_CREATE && is_for_card(template, count))
		return CKR_TOKEN_WRITE_PROTECTED;
	rv = settle(CKA_CLASS, klass, template, count, &klass);
	if (rv != CKR_OK)
		return rv;
	rows = row_class(klass, template, count);
	if (!(schema_class_bit(rows) & makes[use]))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	is_key = schema_class_bit(klass) & ON_KEYS;
	if (is_key)
		rv = settle(CKA_KEY_TYPE, key_type, template, count, &key_type);
	if (rv == CKR_OK)
		rv = take_given(use, rows, template, count, out);
	if (rv == CKR_OK)
		rv = rv_of(store_set_ulong(out, CKA_CLASS, klass));
	if (rv == CKR_OK && is_key)
		rv = rv_of(store_set_ulong(out, CKA_KEY_TYPE, key_type));
	if (rv == CKR_OK)
		rv = add_defaults(use, rows, out);
	if (rv == CKR_OK)
		rv = finish(use, rows, out);
	if (rv != CKR_OK)
		store_clear(out);
	return rv;
}

/* ---- changes ---- */

static const struct schema_row *row_of(const struct store *s, CK_ATTRIBUTE_TYPE type)
{
	return schema_find(schema_class(store_ulong(s, CKA_CLASS), store_ulong(s, CKA_CERTIFICATE_TYPE)),
			   type);
}

static CK_RV check_change(const struct store *s, bool copying, const CK_ATTRIBUTE *a)
{
	const struct schema_row *row = row_of(s, a->type);
	bool now, then;
	CK_RV rv;

	if (!row)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (!(row->rules & RULE_CHANGES) && !(copying && row->rules & RULE_COPY))
		return CKR_ATTRIBUTE_READ_ONLY;
	rv = check_value(row, a);
	if (rv != CKR_OK || row->form != FORM_BOOL)
		return rv;
	now = store_bool(s, a->type);
	then = *(const CK_BBOOL *)a->pValue;
	if ((row->rules & RULE_UP && now && !then) || (row->rules & RULE_DOWN && !now && then))
		return CKR_ATTRIBUTE_READ_ONLY;
	return CKR_OK;
}

CK_RV template_change(struct store *s, bool copying, const CK_ATTRIBUTE *template, CK_ULONG count)
{
	struct store said = STORE_INIT, changed = STORE_INIT;
	CK_RV rv = rv_of(store_copy(s, &changed));

	for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
		const struct schema_row *row = row_of(s, template[i].type);

		rv = check_change(s, copying, &template[i]);
		if (rv == CKR_OK)
			rv = keep(row, &template[i], &said, &said);
		if (rv == CKR_OK)
			rv = keep(row, &template[i], &changed, NULL);
	}
	if (rv == CKR_OK && copying)
		rv = new_unique_id(&changed);
	if (rv == CKR_OK) {
		store_clear(s);
		*s = changed;
	} else {
		store_clear(&changed);
	}
	store_clear(&said);
	return rv;
}
