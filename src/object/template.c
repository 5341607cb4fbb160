#include "config.h"

#include <string.h>

#include "src/base/rv.h"
#include "src/object/template.h"

#define UNSET CK_UNAVAILABLE_INFORMATION

enum { ON_DATA = 1, ON_CERT = 2, ON_PUBLIC = 4, ON_SECRET = 8,
       ON_KEYS = ON_PUBLIC | ON_SECRET, ON_ALL = 15 };

enum form { BOOL, ULONG, BYTES };

enum rule {
	NEEDED = 1,  /* no default: C_CreateObject must have it */
	FIXED = 2,   /* never the caller's to say */
	CHANGES = 4, /* C_SetAttributeValue may change it */
	ON_COPY = 8, /* C_CopyObject may */
	UP = 16,     /* may only become true */
	DOWN = 32    /* may only become false */
};

/* clang-format off */
static const struct row {
	CK_ATTRIBUTE_TYPE type;
	unsigned classes;
	enum form form;
	CK_ULONG value; /* the default of BOOL and ULONG; BYTES are empty */
	unsigned rules;
} rows[] = {
	{CKA_CLASS,            ON_ALL,    ULONG, 0, 0},
	{CKA_TOKEN,            ON_ALL,    BOOL,  CK_FALSE, ON_COPY},
	{CKA_PRIVATE,          ON_ALL,    BOOL,  CK_FALSE, ON_COPY},
	{CKA_MODIFIABLE,       ON_ALL,    BOOL,  CK_TRUE, ON_COPY},
	{CKA_COPYABLE,         ON_ALL,    BOOL,  CK_TRUE, CHANGES | DOWN},
	{CKA_DESTROYABLE,      ON_ALL,    BOOL,  CK_TRUE, ON_COPY},
	{CKA_LABEL,            ON_ALL,    BYTES, 0, CHANGES},

	{CKA_APPLICATION,      ON_DATA,   BYTES, 0, CHANGES},
	{CKA_OBJECT_ID,        ON_DATA,   BYTES, 0, CHANGES},
	{CKA_VALUE,            ON_DATA,   BYTES, 0, CHANGES},

	{CKA_CERTIFICATE_TYPE, ON_CERT,   ULONG, 0, NEEDED},
	{CKA_CERTIFICATE_CATEGORY, ON_CERT, ULONG, 0, 0},
	{CKA_TRUSTED,          ON_CERT | ON_KEYS, BOOL, CK_FALSE, FIXED},
	{CKA_START_DATE,       ON_CERT | ON_KEYS, BYTES, 0, CHANGES},
	{CKA_END_DATE,         ON_CERT | ON_KEYS, BYTES, 0, CHANGES},
	{CKA_SUBJECT,          ON_CERT,   BYTES, 0, NEEDED},
	{CKA_ISSUER,           ON_CERT,   BYTES, 0, CHANGES},
	{CKA_SERIAL_NUMBER,    ON_CERT,   BYTES, 0, CHANGES},
	{CKA_VALUE,            ON_CERT,   BYTES, 0, NEEDED},
	{CKA_URL,              ON_CERT,   BYTES, 0, 0},
	{CKA_CHECK_VALUE,      ON_CERT,   BYTES, 0, 0},
	{CKA_PUBLIC_KEY_INFO,  ON_CERT,   BYTES, 0, 0},

	{CKA_ID,               ON_CERT | ON_KEYS, BYTES, 0, CHANGES},
	{CKA_KEY_TYPE,         ON_KEYS,   ULONG, 0, NEEDED},
	{CKA_DERIVE,           ON_KEYS,   BOOL,  CK_FALSE, CHANGES},
	{CKA_LOCAL,            ON_KEYS,   BOOL,  CK_FALSE, FIXED},
	{CKA_KEY_GEN_MECHANISM, ON_KEYS,  ULONG, UNSET, FIXED},
	{CKA_ENCRYPT,          ON_KEYS,   BOOL,  CK_TRUE, CHANGES},
	{CKA_VERIFY,           ON_KEYS,   BOOL,  CK_TRUE, CHANGES},
	{CKA_WRAP,             ON_KEYS,   BOOL,  CK_TRUE, CHANGES},

	{CKA_SUBJECT,          ON_PUBLIC, BYTES, 0, CHANGES},
	{CKA_VERIFY_RECOVER,   ON_PUBLIC, BOOL,  CK_TRUE, CHANGES},
	{CKA_MODULUS,          ON_PUBLIC, BYTES, 0, NEEDED},
	{CKA_PUBLIC_EXPONENT,  ON_PUBLIC, BYTES, 0, NEEDED},
	{CKA_MODULUS_BITS,     ON_PUBLIC, ULONG, 0, 0},
	{CKA_PUBLIC_KEY_INFO,  ON_PUBLIC, BYTES, 0, 0},

	{CKA_DECRYPT,          ON_SECRET, BOOL,  CK_TRUE, CHANGES},
	{CKA_SIGN,             ON_SECRET, BOOL,  CK_TRUE, CHANGES},
	{CKA_UNWRAP,           ON_SECRET, BOOL,  CK_TRUE, CHANGES},
	{CKA_SENSITIVE,        ON_SECRET, BOOL,  CK_FALSE, CHANGES | UP},
	{CKA_EXTRACTABLE,      ON_SECRET, BOOL,  CK_TRUE, CHANGES | DOWN},
	{CKA_WRAP_WITH_TRUSTED, ON_SECRET, BOOL, CK_FALSE, CHANGES | UP},
	{CKA_ALWAYS_SENSITIVE, ON_SECRET, BOOL,  CK_FALSE, FIXED},
	{CKA_NEVER_EXTRACTABLE, ON_SECRET, BOOL, CK_FALSE, FIXED},
	{CKA_VALUE,            ON_SECRET, BYTES, 0, NEEDED},
	{CKA_VALUE_LEN,        ON_SECRET, ULONG, 0, 0},
	{CKA_CHECK_VALUE,      ON_SECRET, BYTES, 0, 0},
};
/* clang-format on */

#define ROWS (sizeof rows / sizeof *rows)

static unsigned class_bit(CK_OBJECT_CLASS klass)
{
	switch (klass) {
	case CKO_DATA:
		return ON_DATA;
	case CKO_CERTIFICATE:
		return ON_CERT;
	case CKO_PUBLIC_KEY:
		return ON_PUBLIC;
	case CKO_SECRET_KEY:
		return ON_SECRET;
	default:
		return 0;
	}
}

static const struct row *find_row(unsigned classes, CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].type == type && rows[i].classes & classes)
			return &rows[i];
	return NULL;
}

static bool has_form(const struct row *row, const CK_ATTRIBUTE *a)
{
	if (row->form == BOOL)
		return a->ulValueLen == sizeof(CK_BBOOL) && *(const CK_BBOOL *)a->pValue <= CK_TRUE;
	return row->form != ULONG || a->ulValueLen == sizeof(CK_ULONG);
}

static const CK_ATTRIBUTE *find_in(const CK_ATTRIBUTE *template, CK_ULONG count,
				   CK_ATTRIBUTE_TYPE type)
{
	for (CK_ULONG i = 0; i < count; i++)
		if (template[i].type == type)
			return &template[i];
	return NULL;
}

/* The class or key type: implied by the call, said in the template, or both and the same. */
static CK_RV settle(CK_ATTRIBUTE_TYPE type, CK_ULONG implied, const CK_ATTRIBUTE *template,
		    CK_ULONG count, CK_ULONG *out)
{
	const CK_ATTRIBUTE *a = find_in(template, count, type);

	*out = implied;
	if (!a)
		return implied == UNSET ? CKR_TEMPLATE_INCOMPLETE : CKR_OK;
	if (a->ulValueLen != sizeof *out)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	memcpy(out, a->pValue, sizeof *out);
	return implied == UNSET || implied == *out ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV take_given(unsigned classes, const CK_ATTRIBUTE *template, CK_ULONG count,
			struct store *out)
{
	for (CK_ULONG i = 0; i < count; i++) {
		const CK_ATTRIBUTE *a = &template[i];
		const struct row *row = find_row(classes, a->type);
		enum result r;

		if (!row)
			return CKR_ATTRIBUTE_TYPE_INVALID;
		if (!has_form(row, a))
			return CKR_ATTRIBUTE_VALUE_INVALID;
		/* to say what is so anyway does no harm */
		if (row->rules & FIXED &&
		    !(row->form == BOOL && *(const CK_BBOOL *)a->pValue == row->value))
			return CKR_ATTRIBUTE_READ_ONLY;
		if (store_get(out, a->type)) /* twice in one template */
			return CKR_TEMPLATE_INCONSISTENT;
		r = store_set(out, a->type, a->pValue, a->ulValueLen);
		if (r != RESULT_OK)
			return rv_of(r);
	}
	return CKR_OK;
}

static CK_RV add_defaults(enum template_use use, unsigned classes, struct store *out)
{
	enum result r = RESULT_OK;

	for (size_t i = 0; r == RESULT_OK && i < ROWS; i++) {
		const struct row *row = &rows[i];

		if (!(row->classes & classes) || store_get(out, row->type))
			continue;
		if (row->rules & NEEDED && use == TEMPLATE_CREATE)
			return CKR_TEMPLATE_INCOMPLETE;
		if (row->form == BOOL)
			r = store_set_bool(out, row->type, row->value);
		else if (row->form == ULONG)
			r = store_set_ulong(out, row->type, row->value);
		else
			r = store_set(out, row->type, NULL, 0);
	}
	return rv_of(r);
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
		return len >= 1 && len <= 4096;
	default:
		return false;
	}
}

CK_RV template_set_secret(struct store *s, const void *value, size_t len, bool local,
			  CK_MECHANISM_TYPE mechanism)
{
	CK_ULONG wanted = store_ulong(s, CKA_VALUE_LEN);
	enum result r;

	if (!template_key_length(store_ulong(s, CKA_KEY_TYPE), len))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (wanted != 0 && wanted != UNSET && wanted != len)
		return CKR_TEMPLATE_INCONSISTENT;
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
	return rv_of(r);
}

static CK_RV finish_public(struct store *s)
{
	const struct buffer *modulus = store_get(s, CKA_MODULUS);
	size_t zeros = 0;
	CK_ULONG bits;

	if (store_ulong(s, CKA_KEY_TYPE) != CKK_RSA)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	while (zeros < modulus->len && !modulus->data[zeros])
		zeros++;
	bits = 8 * (modulus->len - zeros);
	for (unsigned top = zeros < modulus->len ? modulus->data[zeros] : 0x80; !(top & 0x80); top <<= 1)
		bits--;
	if (bits < 1024 || bits > 8192 || !store_get(s, CKA_PUBLIC_EXPONENT)->len)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (store_ulong(s, CKA_MODULUS_BITS) != 0 && store_ulong(s, CKA_MODULUS_BITS) != bits)
		return CKR_TEMPLATE_INCONSISTENT;
	return rv_of(store_set_ulong(s, CKA_MODULUS_BITS, bits));
}

static CK_RV finish(enum template_use use, CK_OBJECT_CLASS klass, struct store *s)
{
	const struct buffer *value = store_get(s, CKA_VALUE);

	if (klass == CKO_PUBLIC_KEY)
		return finish_public(s);
	if (klass != CKO_SECRET_KEY)
		return CKR_OK;
	if (use != TEMPLATE_CREATE) /* the value is made by the call */
		return value->len ? CKR_TEMPLATE_INCONSISTENT : CKR_OK;
	if (store_ulong(s, CKA_VALUE_LEN)) /* follows from the value (PKCS#11, secret keys) */
		return CKR_ATTRIBUTE_READ_ONLY;
	return template_set_secret(s, value->data, value->len, false, UNSET);
}

CK_RV template_build(enum template_use use, CK_OBJECT_CLASS klass, CK_KEY_TYPE key_type,
		     const CK_ATTRIBUTE *template, CK_ULONG count, struct store *out)
{
	unsigned classes;
	CK_RV rv;

	*out = (struct store){NULL, 0};
	rv = settle(CKA_CLASS, klass, template, count, &klass);
	if (rv != CKR_OK)
		return rv;
	classes = class_bit(klass);
	if (!classes) /* private keys, hardware features … are the card's or nobody's */
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (classes & ON_KEYS)
		rv = settle(CKA_KEY_TYPE, key_type, template, count, &key_type);
	if (rv == CKR_OK)
		rv = take_given(classes, template, count, out);
	if (rv == CKR_OK)
		rv = rv_of(store_set_ulong(out, CKA_CLASS, klass));
	if (rv == CKR_OK && classes & ON_KEYS)
		rv = rv_of(store_set_ulong(out, CKA_KEY_TYPE, key_type));
	if (rv == CKR_OK)
		rv = add_defaults(use, classes, out);
	if (rv == CKR_OK)
		rv = finish(use, klass, out);
	if (rv != CKR_OK)
		store_clear(out);
	return rv;
}

static CK_RV check_change(const struct store *s, bool copying, const CK_ATTRIBUTE *a)
{
	const struct row *row = find_row(class_bit(store_ulong(s, CKA_CLASS)), a->type);
	bool now, then;

	if (!row)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (!(row->rules & CHANGES) && !(copying && row->rules & ON_COPY))
		return CKR_ATTRIBUTE_READ_ONLY;
	if (!has_form(row, a))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (row->form != BOOL)
		return CKR_OK;
	now = store_bool(s, a->type);
	then = *(const CK_BBOOL *)a->pValue;
	if ((row->rules & UP && now && !then) || (row->rules & DOWN && !now && then))
		return CKR_ATTRIBUTE_READ_ONLY;
	return CKR_OK;
}

CK_RV template_change(struct store *s, bool copying, const CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_RV rv = CKR_OK;

	for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++)
		rv = check_change(s, copying, &template[i]);
	for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++)
		rv = rv_of(store_set(s, template[i].type, template[i].pValue, template[i].ulValueLen));
	return rv;
}
