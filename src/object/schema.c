#include "config.h"

#include <stddef.h>

#include "src/object/schema.h"

#define FIELD(name) GETTER_FIELD(name)
#define UNKNOWN CK_UNAVAILABLE_INFORMATION
#define ON_STORED (ON_PUBLIC | ON_SECRET) /* keys that a program can make */

/* clang-format off */
static const struct schema_row table[] = {
	{CKA_CLASS,            ON_ALL,  FORM_ULONG, 0, 0, NULL, getter_class, 0},
	{CKA_TOKEN,            ON_ALL,  FORM_BOOL,  RULE_COPY, CK_FALSE, NULL, getter_bool, CK_TRUE},
	{CKA_PRIVATE,          ON_ALL,  FORM_BOOL,  RULE_COPY, CK_FALSE, NULL, getter_private, 0},
	{CKA_MODIFIABLE,       ON_ALL,  FORM_BOOL,  RULE_COPY, CK_TRUE, NULL, getter_modifiable, 0},
	{CKA_COPYABLE,         ON_ALL,  FORM_BOOL,  RULE_CHANGES | RULE_DOWN, CK_TRUE, NULL, getter_bool, CK_FALSE},
	{CKA_DESTROYABLE,      ON_ALL,  FORM_BOOL,  RULE_COPY, CK_TRUE, NULL, getter_destroyable, 0},
	{CKA_LABEL,            ON_ALL,  FORM_BYTES, RULE_CHANGES, 0, NULL, getter_label, 0},
	{CKA_UNIQUE_ID,        ON_ALL,  FORM_BYTES, RULE_FIXED | RULE_FILLED, 0, NULL, getter_unique, 0},

	{CKA_PROFILE_ID,       ON_PROFILE, FORM_ULONG, RULE_NEEDED, 0, NULL, NULL, 0},

	{CKA_APPLICATION,      ON_DATA, FORM_BYTES, RULE_CHANGES, 0, NULL, getter_field, FIELD(application)},
	{CKA_OBJECT_ID,        ON_DATA, FORM_BYTES, RULE_CHANGES, 0, NULL, getter_field, FIELD(oid)},
	{CKA_VALUE,            ON_DATA, FORM_BYTES, RULE_CHANGES, 0, NULL, getter_value, 0},

	{CKA_CERTIFICATE_TYPE, ON_CERT, FORM_ULONG, RULE_NEEDED, 0, value_is_x509, getter_ulong, CKC_X_509},
	{CKA_CERTIFICATE_TYPE, ON_ATTRIBUTE, FORM_ULONG, RULE_NEEDED, 0, NULL, getter_ulong, CKC_X_509_ATTR_CERT},
	{CKA_CERTIFICATE_CATEGORY, ON_CERT, FORM_ULONG, 0, CK_CERTIFICATE_CATEGORY_UNSPECIFIED, value_is_category, getter_category, 0},
	{CKA_CERTIFICATE_CATEGORY, ON_ATTRIBUTE, FORM_ULONG, 0, CK_CERTIFICATE_CATEGORY_UNSPECIFIED, value_is_category,
	 getter_ulong, CK_CERTIFICATE_CATEGORY_UNSPECIFIED},
	{CKA_VALUE,            ON_ANY_CERT, FORM_BYTES, RULE_NEEDED | RULE_EMPTY, 0, NULL, getter_value, 0},
	{CKA_CHECK_VALUE,      ON_ANY_CERT, FORM_BYTES, RULE_FILLED, 0, value_is_check_value, getter_check_value, 0},
	{CKA_START_DATE,       ON_CERT, FORM_DATE,  0, 0, NULL, getter_date, GETTER_START},
	{CKA_END_DATE,         ON_CERT, FORM_DATE,  0, 0, NULL, getter_date, GETTER_END},
	{CKA_START_DATE,       ON_ATTRIBUTE, FORM_DATE, 0, 0, NULL, getter_attribute_part, GETTER_FIRST_DAY},
	{CKA_END_DATE,         ON_ATTRIBUTE, FORM_DATE, 0, 0, NULL, getter_attribute_part, GETTER_LAST_DAY},
	{CKA_OWNER,            ON_ATTRIBUTE, FORM_BYTES, RULE_NEEDED, 0, NULL, getter_attribute_part, GETTER_OWNER},
	{CKA_AC_ISSUER,        ON_ATTRIBUTE, FORM_BYTES, 0, 0, NULL, getter_attribute_part, GETTER_AC_ISSUER},
	{CKA_SERIAL_NUMBER,    ON_ATTRIBUTE, FORM_BYTES, 0, 0, NULL, getter_attribute_part, GETTER_AC_SERIAL},
	{CKA_ATTR_TYPES,       ON_ATTRIBUTE, FORM_BYTES, 0, 0, NULL, getter_attribute_part, GETTER_TYPES},
	{CKA_PUBLIC_KEY_INFO,  ON_CERT, FORM_BYTES, RULE_FILLED, 0, NULL, getter_certificate_key_info, 0},
	{CKA_SUBJECT,          ON_CERT, FORM_BYTES, RULE_NEEDED, 0, NULL, getter_name, GETTER_SUBJECT},
	{CKA_ISSUER,           ON_CERT, FORM_BYTES, RULE_CHANGES, 0, NULL, getter_name, GETTER_ISSUER},
	{CKA_SERIAL_NUMBER,    ON_CERT, FORM_BYTES, RULE_CHANGES, 0, NULL, getter_name, GETTER_SERIAL},
	{CKA_URL,              ON_CERT, FORM_BYTES, 0, 0, NULL, getter_empty, 0},
	{CKA_HASH_OF_SUBJECT_PUBLIC_KEY, ON_CERT, FORM_BYTES, 0, 0, NULL, getter_empty, 0},
	{CKA_HASH_OF_ISSUER_PUBLIC_KEY,  ON_CERT, FORM_BYTES, 0, 0, NULL, getter_empty, 0},
	{CKA_NAME_HASH_ALGORITHM, ON_CERT, FORM_ULONG, 0, CKM_SHA_1, value_is_name_hash, getter_ulong, CKM_SHA_1},
	{CKA_JAVA_MIDP_SECURITY_DOMAIN, ON_CERT, FORM_ULONG, 0, CK_SECURITY_DOMAIN_UNSPECIFIED,
	 value_is_security_domain, getter_ulong, CK_SECURITY_DOMAIN_UNSPECIFIED},

	{CKA_ID,               ON_CERT | ON_KEYS, FORM_BYTES, RULE_CHANGES, 0, NULL, getter_field, FIELD(id)},
	{CKA_TRUSTED,          ON_ANY_CERT | ON_STORED, FORM_BOOL, RULE_FIXED, CK_FALSE, NULL, getter_bool, CK_FALSE},

	{CKA_KEY_TYPE,         ON_PUBLIC | ON_PRIVATE, FORM_ULONG, RULE_NEEDED, 0, value_is_rsa, getter_ulong, CKK_RSA},
	{CKA_KEY_TYPE,         ON_SECRET, FORM_ULONG, RULE_NEEDED, 0, NULL, NULL, 0},
	{CKA_START_DATE,       ON_KEYS, FORM_DATE,  RULE_CHANGES, 0, NULL, getter_empty, 0},
	{CKA_END_DATE,         ON_KEYS, FORM_DATE,  RULE_CHANGES, 0, NULL, getter_empty, 0},
	{CKA_DERIVE,           ON_KEYS, FORM_BOOL,  RULE_CHANGES, CK_FALSE, NULL, getter_bool, CK_FALSE},
	{CKA_LOCAL,            ON_KEYS, FORM_BOOL,  RULE_FIXED, CK_FALSE, NULL, getter_access, P15_CARD_GENERATED},
	{CKA_KEY_GEN_MECHANISM, ON_KEYS, FORM_ULONG, RULE_FIXED, UNKNOWN, NULL, getter_ulong, UNKNOWN},
	{CKA_ALLOWED_MECHANISMS, ON_KEYS, FORM_MECHANISMS, 0, 0, NULL, getter_empty, 0},
	{CKA_SUBJECT,          ON_PUBLIC | ON_PRIVATE, FORM_BYTES, RULE_CHANGES, 0, NULL, getter_key_subject, 0},
	{CKA_MODULUS,          ON_PUBLIC | ON_PRIVATE, FORM_INTEGER, RULE_NEEDED, 0, NULL, getter_modulus, 0},
	{CKA_PUBLIC_EXPONENT,  ON_PUBLIC | ON_PRIVATE, FORM_INTEGER, RULE_NEEDED, 0, NULL, getter_exponent, 0},
	{CKA_PUBLIC_KEY_INFO,  ON_PUBLIC | ON_PRIVATE, FORM_BYTES, RULE_FILLED, 0, NULL, getter_key_info, 0},
	{CKA_MODULUS_BITS,     ON_PUBLIC, FORM_ULONG, 0, 0, NULL, getter_modulus_bits, 0},

	{CKA_ENCRYPT,          ON_STORED, FORM_BOOL, RULE_CHANGES, CK_TRUE, NULL, getter_usage, P15_ENCRYPT},
	{CKA_VERIFY,           ON_STORED, FORM_BOOL, RULE_CHANGES, CK_TRUE, NULL, getter_usage, P15_VERIFY},
	{CKA_WRAP,             ON_STORED, FORM_BOOL, RULE_CHANGES, CK_TRUE, NULL, getter_usage, P15_WRAP},
	{CKA_WRAP_TEMPLATE,    ON_STORED, FORM_TEMPLATE, 0, 0, NULL, getter_empty, 0},
	{CKA_VERIFY_RECOVER,   ON_PUBLIC, FORM_BOOL, RULE_CHANGES, CK_TRUE, NULL, getter_usage, P15_VERIFY_RECOVER},

	{CKA_DECRYPT,          ON_PRIVATE | ON_SECRET, FORM_BOOL, RULE_CHANGES, CK_TRUE, NULL, getter_usage, P15_DECRYPT},
	{CKA_SIGN,             ON_PRIVATE | ON_SECRET, FORM_BOOL, RULE_CHANGES, CK_TRUE, NULL, getter_usage,
	 P15_SIGN | P15_NON_REPUDIATION},
	{CKA_UNWRAP,           ON_PRIVATE | ON_SECRET, FORM_BOOL, RULE_CHANGES, CK_TRUE, NULL, getter_usage, P15_UNWRAP},
	{CKA_UNWRAP_TEMPLATE,  ON_PRIVATE | ON_SECRET, FORM_TEMPLATE, 0, 0, NULL, getter_empty, 0},
	{CKA_SENSITIVE,        ON_PRIVATE | ON_SECRET, FORM_BOOL, RULE_CHANGES | RULE_UP, CK_FALSE, NULL, getter_bool, CK_TRUE},
	{CKA_EXTRACTABLE,      ON_PRIVATE | ON_SECRET, FORM_BOOL, RULE_CHANGES | RULE_DOWN, CK_TRUE, NULL, getter_bool, CK_FALSE},
	{CKA_ALWAYS_SENSITIVE, ON_PRIVATE | ON_SECRET, FORM_BOOL, RULE_FIXED, CK_FALSE, NULL, getter_access, P15_ALWAYS_SENSITIVE},
	{CKA_NEVER_EXTRACTABLE, ON_PRIVATE | ON_SECRET, FORM_BOOL, RULE_FIXED, CK_FALSE, NULL, getter_access, P15_NEVER_EXTRACTABLE},
	{CKA_WRAP_WITH_TRUSTED, ON_PRIVATE | ON_SECRET, FORM_BOOL, RULE_CHANGES | RULE_UP, CK_FALSE, NULL, getter_bool, CK_FALSE},

	{CKA_VALUE,            ON_SECRET, FORM_BYTES, RULE_NEEDED | RULE_SECRET, 0, NULL, NULL, 0},
	{CKA_VALUE_LEN,        ON_SECRET, FORM_ULONG, 0, 0, NULL, NULL, 0},
	{CKA_CHECK_VALUE,      ON_SECRET, FORM_BYTES, RULE_FILLED, 0, value_is_check_value, NULL, 0},

	{CKA_ALWAYS_AUTHENTICATE, ON_PRIVATE, FORM_BOOL, 0, CK_FALSE, NULL, getter_bool, CK_FALSE},
	{CKA_SIGN_RECOVER,     ON_PRIVATE, FORM_BOOL, 0, CK_FALSE, NULL, getter_usage, P15_SIGN_RECOVER},
	{CKA_PRIVATE_EXPONENT, ON_PRIVATE, FORM_INTEGER, RULE_SECRET, 0, NULL, NULL, 0},
	{CKA_PRIME_1,          ON_PRIVATE, FORM_INTEGER, RULE_SECRET, 0, NULL, NULL, 0},
	{CKA_PRIME_2,          ON_PRIVATE, FORM_INTEGER, RULE_SECRET, 0, NULL, NULL, 0},
	{CKA_EXPONENT_1,       ON_PRIVATE, FORM_INTEGER, RULE_SECRET, 0, NULL, NULL, 0},
	{CKA_EXPONENT_2,       ON_PRIVATE, FORM_INTEGER, RULE_SECRET, 0, NULL, NULL, 0},
	{CKA_COEFFICIENT,      ON_PRIVATE, FORM_INTEGER, RULE_SECRET, 0, NULL, NULL, 0},
};
/* clang-format on */

#define ROWS (sizeof table / sizeof *table)

CK_OBJECT_CLASS schema_class(CK_OBJECT_CLASS klass, CK_CERTIFICATE_TYPE type)
{
	return klass == CKO_CERTIFICATE && type == CKC_X_509_ATTR_CERT ? SCHEMA_ATTRIBUTE : klass;
}

CK_OBJECT_CLASS schema_class_of(const struct object *o)
{
	return o->is_attribute ? SCHEMA_ATTRIBUTE : o->klass;
}

unsigned schema_class_bit(CK_OBJECT_CLASS klass)
{
	static const struct {
		CK_OBJECT_CLASS klass;
		unsigned bit;
	} bits[] = {{CKO_CERTIFICATE, ON_CERT}, {SCHEMA_ATTRIBUTE, ON_ATTRIBUTE}, {CKO_DATA, ON_DATA},
		    {CKO_PUBLIC_KEY, ON_PUBLIC}, {CKO_PRIVATE_KEY, ON_PRIVATE},
		    {CKO_SECRET_KEY, ON_SECRET}, {CKO_PROFILE, ON_PROFILE}};

	for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
		if (bits[i].klass == klass)
			return bits[i].bit;
	return 0;
}

const struct schema_row *schema_next(CK_OBJECT_CLASS klass, const struct schema_row *before)
{
	unsigned bit = schema_class_bit(klass);

	for (const struct schema_row *row = before ? before + 1 : table; row < table + ROWS; row++)
		if (row->classes & bit)
			return row;
	return NULL;
}

const struct schema_row *schema_find(CK_OBJECT_CLASS klass, CK_ATTRIBUTE_TYPE type)
{
	unsigned bit = schema_class_bit(klass);

	for (size_t i = 0; i < ROWS; i++)
		if (table[i].type == type && table[i].classes & bit)
			return &table[i];
	return NULL;
}
