#include "config.h"

#include <stdio.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "src/crypto/context.h"
#include "src/object/attribute.h"
#include "src/crypto/rsa.h"
#include "src/base/rv.h"

#define DATE_SIZE 8 /* CK_DATE: YYYYMMDD */
#define CHECK_VALUE_SIZE 3

enum classes {
	ON_CERT = 1 << 0,
	ON_DATA = 1 << 1,
	ON_PUBLIC = 1 << 2,
	ON_PRIVATE = 1 << 3,
	ON_KEYS = ON_PUBLIC | ON_PRIVATE,
	ON_ALL = ON_CERT | ON_DATA | ON_KEYS
};

struct request {
	struct slot *slot;
	struct object *object;
	CK_ULONG arg; /* the row's */
};

/* Appends the value. RESULT_NOT_FOUND: the object does not have it. */
typedef enum result (*getter)(const struct request *q, struct buffer *out);

struct row {
	CK_ATTRIBUTE_TYPE type;
	unsigned classes;
	getter get; /* NULL: sensitive */
	CK_ULONG arg;
};

static enum result put_bool(struct buffer *out, bool value)
{
	return buffer_append_u8(out, value ? CK_TRUE : CK_FALSE);
}

static enum result get_bool(const struct request *q, struct buffer *out)
{
	return put_bool(out, q->arg);
}

static enum result get_ulong(const struct request *q, struct buffer *out)
{
	return buffer_append(out, &q->arg, sizeof q->arg);
}

static enum result get_empty(const struct request *q, struct buffer *out)
{
	(void)q;
	return buffer_reserve(out, 1);
}

/* A name that no other object of the token has, now or later. */
static enum result put_unique(struct buffer *out, const char *kind, unsigned long number)
{
	char text[48];
	int n = snprintf(text, sizeof text, "%s-%lu", kind, number);

	return buffer_append(out, text, (size_t)n);
}

/* The kind of directory and the place in it: the same in every program, at every insertion. */
static enum result get_unique(const struct request *q, struct buffer *out)
{
	static const char *const kinds[P15_CLASSES] = {
		[P15_PRIVATE_KEY] = "private-key",
		[P15_PUBLIC_KEY] = "public-key",
		[P15_CERTIFICATE] = "certificate",
		[P15_DATA] = "data",
	};
	const struct p15_object *record = q->object->record;
	const struct p15_object *first = q->slot->token.lists[record->kind].records.items;

	return put_unique(out, kinds[record->kind], (unsigned long)(record - first));
}

static enum result get_class(const struct request *q, struct buffer *out)
{
	return buffer_append(out, &q->object->klass, sizeof q->object->klass);
}

static enum result get_private(const struct request *q, struct buffer *out)
{
	return put_bool(out, q->object->is_private);
}

/* arg: where in the record the bytes are */
static enum result get_field(const struct request *q, struct buffer *out)
{
	const struct buffer *field =
		(const struct buffer *)((const char *)q->object->record + q->arg);

	return buffer_append(out, field->data, field->len);
}

#define FIELD(name) offsetof(struct p15_object, name)

/* arg: usage bits, any of which makes it true */
static enum result get_usage(const struct request *q, struct buffer *out)
{
	return put_bool(out, q->object->record->usage & q->arg);
}

/* arg: an access bit; a record that does not tell claims nothing */
static enum result get_access(const struct request *q, struct buffer *out)
{
	return put_bool(out, q->object->record->access & q->arg);
}

static enum result read_value(const struct request *q)
{
	enum result r = RESULT_OK;

	if (!token_has_value(&q->slot->token, q->object))
		r = slot_touch(q->slot);
	return r == RESULT_OK ? token_read_value(&q->slot->token, q->object) : r;
}

static enum result get_value(const struct request *q, struct buffer *out)
{
	enum result r;

	/* the value of a private data object is only kept while somebody is logged in */
	r = read_value(q);
	return r == RESULT_OK ? buffer_append(out, q->object->value.data, q->object->value.len) : r;
}

static enum result open_certificate(const struct request *q, X509 **out)
{
	const unsigned char *p;
	enum result r = read_value(q);

	*out = NULL;
	if (r != RESULT_OK)
		return r;
	p = q->object->value.data;
	*out = d2i_X509(NULL, &p, (long)q->object->value.len);
	return *out ? RESULT_OK : RESULT_BAD_DATA;
}

static enum result put_der(struct buffer *out, unsigned char *der, int len)
{
	enum result r = len > 0 ? buffer_append(out, der, (size_t)len) : RESULT_CRYPTO;

	OPENSSL_free(der);
	return r;
}

enum name_part { PART_SUBJECT, PART_ISSUER, PART_SERIAL };

/* arg: the part. From the directory, if it has it; otherwise from the certificate itself. */
static enum result get_name(const struct request *q, struct buffer *out)
{
	static const size_t fields[] = {[PART_SUBJECT] = FIELD(subject),
					[PART_ISSUER] = FIELD(issuer),
					[PART_SERIAL] = FIELD(serial)};
	const struct request field = {q->slot, q->object, fields[q->arg]};
	size_t before = out->len;
	unsigned char *der = NULL;
	enum result r = get_field(&field, out);
	X509 *x;
	int len;

	if (r != RESULT_OK || out->len > before)
		return r;
	r = open_certificate(q, &x);
	if (r != RESULT_OK)
		return r;
	if (q->arg == PART_SERIAL)
		len = i2d_ASN1_INTEGER(X509_get_serialNumber(x), &der);
	else
		len = i2d_X509_NAME(q->arg == PART_SUBJECT ? X509_get_subject_name(x)
							   : X509_get_issuer_name(x),
				    &der);
	X509_free(x);
	return put_der(out, der, len);
}

/* arg: 0 start, 1 end */
static enum result get_date(const struct request *q, struct buffer *out)
{
	struct tm tm;
	char text[DATE_SIZE + 1];
	X509 *x;
	enum result r = open_certificate(q, &x);

	if (r != RESULT_OK)
		return r;
	if (ASN1_TIME_to_tm(q->arg ? X509_get0_notAfter(x) : X509_get0_notBefore(x), &tm) == 1 &&
	    strftime(text, sizeof text, "%Y%m%d", &tm) == DATE_SIZE)
		r = buffer_append(out, text, DATE_SIZE);
	else
		r = RESULT_BAD_DATA;
	X509_free(x);
	return r;
}

static enum result get_certificate_key_info(const struct request *q, struct buffer *out)
{
	unsigned char *der = NULL;
	X509 *x;
	enum result r = open_certificate(q, &x);
	int len;

	if (r != RESULT_OK)
		return r;
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	X509_free(x);
	return put_der(out, der, len);
}

/* The first bytes of the SHA-1 of the value (PKCS#11, certificate objects). */
static enum result get_check_value(const struct request *q, struct buffer *out)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	EVP_MD *sha1 = NULL;
	enum result r = read_value(q);

	if (r == RESULT_OK) {
		sha1 = EVP_MD_fetch(crypto_context(), "SHA1", NULL);
		r = sha1 && EVP_Digest(q->object->value.data, q->object->value.len, hash, NULL, sha1,
				       NULL)
			    ? buffer_append(out, hash, CHECK_VALUE_SIZE)
			    : RESULT_CRYPTO;
	}
	EVP_MD_free(sha1);
	return r;
}

static enum result get_category(const struct request *q, struct buffer *out)
{
	CK_ULONG category = q->object->is_authority ? CK_CERTIFICATE_CATEGORY_AUTHORITY
						    : CK_CERTIFICATE_CATEGORY_TOKEN_USER;

	return buffer_append(out, &category, sizeof category);
}

static enum result read_key(const struct request *q, const struct rsa_public **key)
{
	enum result r = RESULT_OK;

	if (!token_has_public_key(&q->slot->token, q->object))
		r = slot_touch(q->slot);
	if (r == RESULT_OK)
		r = token_public_key(&q->slot->token, q->object, key);
	/* a key is there, but not its public half: the card's data are damaged */
	return r == RESULT_NOT_FOUND ? RESULT_BAD_DATA : r;
}

static enum result get_modulus(const struct request *q, struct buffer *out)
{
	const struct rsa_public *key;
	enum result r = read_key(q, &key);

	return r == RESULT_OK ? buffer_append(out, key->modulus, sizeof key->modulus) : r;
}

static enum result get_exponent(const struct request *q, struct buffer *out)
{
	const struct rsa_public *key;
	enum result r = read_key(q, &key);

	for (int shift = 24; r == RESULT_OK && shift >= 0; shift -= 8) {
		uint8_t byte = (uint8_t)(key->exponent >> shift);

		if (key->exponent >> shift) /* no leading zeros */
			r = buffer_append_u8(out, byte);
	}
	return r;
}

static enum result get_modulus_bits(const struct request *q, struct buffer *out)
{
	CK_ULONG bits = q->object->record->modulus_bits;

	if (!bits)
		bits = 8 * RSA_BLOCK;
	return buffer_append(out, &bits, sizeof bits);
}

static enum result get_key_info(const struct request *q, struct buffer *out)
{
	const struct request exponent_of = *q;
	struct buffer e = BUFFER_INIT;
	const struct rsa_public *key;
	unsigned char *der = NULL;
	EVP_PKEY *pkey = NULL;
	enum result r = read_key(q, &key);
	int len;

	if (r == RESULT_OK)
		r = get_exponent(&exponent_of, &e);
	if (r != RESULT_OK)
		return r;
	pkey = rsa_public_key(crypto_context(), key->modulus, sizeof key->modulus, e.data, e.len);
	buffer_clear(&e);
	if (!pkey)
		return RESULT_CRYPTO;
	len = i2d_PUBKEY(pkey, &der);
	EVP_PKEY_free(pkey);
	return put_der(out, der, len);
}

/* clang-format off */
static const struct row table[] = {
	{CKA_CLASS,               ON_ALL,     get_class, 0},
	{CKA_TOKEN,               ON_ALL,     get_bool, CK_TRUE},
	{CKA_PRIVATE,             ON_ALL,     get_private, 0},
	{CKA_MODIFIABLE,          ON_ALL,     get_bool, CK_FALSE},
	{CKA_COPYABLE,            ON_ALL,     get_bool, CK_FALSE},
	{CKA_DESTROYABLE,         ON_ALL,     get_bool, CK_FALSE},
	{CKA_LABEL,               ON_ALL,     get_field, FIELD(label)},
	{CKA_UNIQUE_ID,           ON_ALL,     get_unique, 0},

	{CKA_CERTIFICATE_TYPE,    ON_CERT,    get_ulong, CKC_X_509},
	{CKA_TRUSTED,             ON_CERT,    get_bool, CK_FALSE},
	{CKA_CERTIFICATE_CATEGORY, ON_CERT,   get_category, 0},
	{CKA_CHECK_VALUE,         ON_CERT,    get_check_value, 0},
	{CKA_START_DATE,          ON_CERT,    get_date, 0},
	{CKA_END_DATE,            ON_CERT,    get_date, 1},
	{CKA_PUBLIC_KEY_INFO,     ON_CERT,    get_certificate_key_info, 0},
	{CKA_SUBJECT,             ON_CERT,    get_name, PART_SUBJECT},
	{CKA_ID,                  ON_CERT,    get_field, FIELD(id)},
	{CKA_ISSUER,              ON_CERT,    get_name, PART_ISSUER},
	{CKA_SERIAL_NUMBER,       ON_CERT,    get_name, PART_SERIAL},
	{CKA_VALUE,               ON_CERT,    get_value, 0},
	{CKA_URL,                 ON_CERT,    get_empty, 0},
	{CKA_HASH_OF_SUBJECT_PUBLIC_KEY, ON_CERT, get_empty, 0},
	{CKA_HASH_OF_ISSUER_PUBLIC_KEY,  ON_CERT, get_empty, 0},
	{CKA_JAVA_MIDP_SECURITY_DOMAIN,  ON_CERT, get_ulong, CK_SECURITY_DOMAIN_UNSPECIFIED},

	{CKA_APPLICATION,         ON_DATA,    get_field, FIELD(application)},
	{CKA_OBJECT_ID,           ON_DATA,    get_field, FIELD(oid)},
	{CKA_VALUE,               ON_DATA,    get_value, 0},

	{CKA_KEY_TYPE,            ON_KEYS,    get_ulong, CKK_RSA},
	{CKA_ID,                  ON_KEYS,    get_field, FIELD(id)},
	{CKA_START_DATE,          ON_KEYS,    get_empty, 0},
	{CKA_END_DATE,            ON_KEYS,    get_empty, 0},
	{CKA_DERIVE,              ON_KEYS,    get_bool, CK_FALSE},
	{CKA_LOCAL,               ON_KEYS,    get_access, P15_CARD_GENERATED},
	{CKA_KEY_GEN_MECHANISM,   ON_KEYS,    get_ulong, CK_UNAVAILABLE_INFORMATION},
	{CKA_SUBJECT,             ON_KEYS,    get_empty, 0},
	{CKA_MODULUS,             ON_KEYS,    get_modulus, 0},
	{CKA_PUBLIC_EXPONENT,     ON_KEYS,    get_exponent, 0},
	{CKA_PUBLIC_KEY_INFO,     ON_KEYS,    get_key_info, 0},

	{CKA_MODULUS_BITS,        ON_PUBLIC,  get_modulus_bits, 0},
	{CKA_TRUSTED,             ON_PUBLIC,  get_bool, CK_FALSE},
	{CKA_ENCRYPT,             ON_PUBLIC,  get_usage, P15_ENCRYPT},
	{CKA_VERIFY,              ON_PUBLIC,  get_usage, P15_VERIFY},
	{CKA_VERIFY_RECOVER,      ON_PUBLIC,  get_usage, P15_VERIFY_RECOVER},
	{CKA_WRAP,                ON_PUBLIC,  get_usage, P15_WRAP},

	{CKA_SENSITIVE,           ON_PRIVATE, get_bool, CK_TRUE},
	{CKA_EXTRACTABLE,         ON_PRIVATE, get_bool, CK_FALSE},
	{CKA_ALWAYS_SENSITIVE,    ON_PRIVATE, get_access, P15_ALWAYS_SENSITIVE},
	{CKA_NEVER_EXTRACTABLE,   ON_PRIVATE, get_access, P15_NEVER_EXTRACTABLE},
	{CKA_WRAP_WITH_TRUSTED,   ON_PRIVATE, get_bool, CK_FALSE},
	{CKA_ALWAYS_AUTHENTICATE, ON_PRIVATE, get_bool, CK_FALSE},
	{CKA_DECRYPT,             ON_PRIVATE, get_usage, P15_DECRYPT},
	{CKA_SIGN,                ON_PRIVATE, get_usage, P15_SIGN | P15_NON_REPUDIATION},
	{CKA_SIGN_RECOVER,        ON_PRIVATE, get_usage, P15_SIGN_RECOVER},
	{CKA_UNWRAP,              ON_PRIVATE, get_usage, P15_UNWRAP},
	{CKA_PRIVATE_EXPONENT,    ON_PRIVATE, NULL, 0},
	{CKA_PRIME_1,             ON_PRIVATE, NULL, 0},
	{CKA_PRIME_2,             ON_PRIVATE, NULL, 0},
	{CKA_EXPONENT_1,          ON_PRIVATE, NULL, 0},
	{CKA_EXPONENT_2,          ON_PRIVATE, NULL, 0},
	{CKA_COEFFICIENT,         ON_PRIVATE, NULL, 0},
};
/* clang-format on */

static unsigned class_bit(CK_OBJECT_CLASS klass)
{
	switch (klass) {
	case CKO_CERTIFICATE:
		return ON_CERT;
	case CKO_DATA:
		return ON_DATA;
	case CKO_PUBLIC_KEY:
		return ON_PUBLIC;
	case CKO_PRIVATE_KEY:
		return ON_PRIVATE;
	default:
		return 0;
	}
}

static const struct row *find_row(CK_OBJECT_CLASS klass, CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].type == type && table[i].classes & class_bit(klass))
			return &table[i];
	return NULL;
}

bool attribute_exists(CK_OBJECT_CLASS klass, CK_ATTRIBUTE_TYPE type)
{
	return find_row(klass, type) != NULL;
}

/* A session object has what it was made of; a secret key's value only if that may be seen. */
static CK_RV get_stored(const struct object *o, CK_ATTRIBUTE_TYPE type, struct buffer *out)
{
	const struct buffer *value = store_get(o->attributes, type);

	if (!value && type == CKA_UNIQUE_ID)
		return rv_of(put_unique(out, "session", o->handle));
	if (!value)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (o->klass == CKO_SECRET_KEY && type == CKA_VALUE &&
	    (store_bool(o->attributes, CKA_SENSITIVE) ||
	     !store_bool(o->attributes, CKA_EXTRACTABLE)))
		return CKR_ATTRIBUTE_SENSITIVE;
	return rv_of(buffer_append(out, value->data, value->len));
}

static CK_RV get_one(struct slot *slot, struct object *o, CK_ATTRIBUTE_TYPE type,
		     struct buffer *out)
{
	const struct row *row = find_row(o->klass, type);
	enum result r;

	if (o->attributes)
		return get_stored(o, type, out);
	if (!row)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (!row->get)
		return CKR_ATTRIBUTE_SENSITIVE;
	r = row->get(&(struct request){slot, o, row->arg}, out);
	return r == RESULT_OK ? CKR_OK : rv_of(slot_after_error(slot, r));
}

static CK_RV fill(struct slot *slot, struct object *o, CK_ATTRIBUTE *entry)
{
	struct buffer value = BUFFER_INIT;
	CK_RV rv = get_one(slot, o, entry->type, &value);

	if (rv != CKR_OK) {
		entry->ulValueLen = CK_UNAVAILABLE_INFORMATION;
	} else if (!entry->pValue) {
		entry->ulValueLen = value.len;
	} else if (entry->ulValueLen < value.len) {
		entry->ulValueLen = CK_UNAVAILABLE_INFORMATION;
		rv = CKR_BUFFER_TOO_SMALL;
	} else {
		if (value.len)
			memcpy(entry->pValue, value.data, value.len);
		entry->ulValueLen = value.len;
	}
	buffer_clear(&value);
	return rv;
}

CK_RV attributes_get(struct slot *slot, struct object *o, CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_OBJECT_HANDLE handle = o->handle;
	CK_RV first = CKR_OK;

	for (CK_ULONG i = 0; i < count; i++) {
		CK_RV rv = CKR_DEVICE_REMOVED;

		/* the card can leave between two entries, and the object with it */
		if (token_object(&slot->token, handle) == o)
			rv = fill(slot, o, &template[i]);
		else
			template[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
		if (first == CKR_OK)
			first = rv;
	}
	return first;
}

CK_RV attributes_match(struct slot *slot, struct object *o, const CK_ATTRIBUTE *template,
		       CK_ULONG count, bool *match)
{
	CK_RV rv = CKR_OK;

	*match = true;
	for (CK_ULONG i = 0; *match && i < count; i++) {
		struct buffer value = BUFFER_INIT;

		rv = get_one(slot, o, template[i].type, &value);
		*match = rv == CKR_OK && value.len == template[i].ulValueLen &&
			 (value.len == 0 || memcmp(value.data, template[i].pValue, value.len) == 0);
		buffer_clear(&value);
		if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID && rv != CKR_ATTRIBUTE_SENSITIVE)
			return rv;
	}
	return CKR_OK;
}
