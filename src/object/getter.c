#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include "authz/twcard-authz.h"
#include "src/base/config_file.h"
#include "src/crypto/certificate.h"
#include "src/crypto/rsa.h"
#include "src/object/getter.h"
#include "src/object/label.h"
#include "src/object/value.h"

static enum result put_bool(struct buffer *out, bool value)
{
	return buffer_append_u8(out, value ? CK_TRUE : CK_FALSE);
}

static enum result put_ulong(struct buffer *out, CK_ULONG value)
{
	return buffer_append(out, &value, sizeof value);
}

static enum result needs(struct request *q, enum slot_need what)
{
	q->needs |= what;
	return RESULT_NOT_READ;
}

/* ---- of all objects ---- */

enum result getter_bool(struct request *q, struct buffer *out)
{
	return put_bool(out, q->arg);
}

enum result getter_ulong(struct request *q, struct buffer *out)
{
	return put_ulong(out, q->arg);
}

enum result getter_empty(struct request *q, struct buffer *out)
{
	(void)q;
	(void)out;
	return RESULT_OK;
}

enum result getter_field(struct request *q, struct buffer *out)
{
	const struct buffer *field =
		(const struct buffer *)((const char *)q->object->record + q->arg);

	return buffer_append(out, field->data, field->len);
}

enum result getter_usage(struct request *q, struct buffer *out)
{
	return put_bool(out, q->object->record->usage & q->arg);
}

enum result getter_access(struct request *q, struct buffer *out)
{
	return put_bool(out, q->object->record->access & q->arg);
}

/* The certificate that an object of the card is, or belongs to by its id; NULL: none is known. */
static const struct p15_object *certificate_of(const struct request *q)
{
	const struct p15_object *record = q->object->record;

	if (record->kind == P15_CERTIFICATE)
		return record;
	return label_record(&q->token->lists[P15_CERTIFICATE].records, &record->id);
}

/* What the key of an object is for; nothing of a CA's. */
static unsigned uses_of(const struct request *q)
{
	const struct p15_object *key = q->object->record;

	if (q->object->is_authority)
		return 0;
	if (key->kind == P15_CERTIFICATE)
		key = label_record(&q->token->lists[P15_PUBLIC_KEY].records, &key->id);
	return key ? label_uses(key->usage) : 0;
}

/* The card's own, unless the user wants names of people and the card has one for it. */
enum result getter_label(struct request *q, struct buffer *out)
{
	const struct p15_object *record = q->object->record, *certificate;
	enum result r = RESULT_NOT_FOUND;

	if (config_current()->holder_labels && record->id.len) {
		if (!q->token->names_tried)
			return needs(q, SLOT_NEEDS_NAMES);
		certificate = certificate_of(q);
		if (certificate)
			r = label_make(&certificate->subject, uses_of(q), out);
	}
	return r == RESULT_NOT_FOUND ? buffer_append(out, record->label.data, record->label.len) : r;
}

enum result getter_class(struct request *q, struct buffer *out)
{
	return put_ulong(out, q->object->klass);
}

enum result getter_private(struct request *q, struct buffer *out)
{
	return put_bool(out, q->object->is_private);
}

/* Records of the data area may be replaced and deleted where writing is allowed; nothing else may. */
enum result getter_modifiable(struct request *q, struct buffer *out)
{
	return put_bool(out, q->object->may_change && q->object->klass == CKO_DATA);
}

enum result getter_destroyable(struct request *q, struct buffer *out)
{
	return put_bool(out, q->object->may_change);
}

static unsigned place_of(const struct request *q)
{
	const struct p15_object *record = q->object->record;

	return (unsigned)(record - q->token->lists[record->kind].records.items);
}

/*
 * From the card's number, the kind of directory and the place in it, or the
 * record's service number: the same in every program and at every insertion,
 * and no other card's.
 */
enum result getter_unique(struct request *q, struct buffer *out)
{
	const char *number = q->token->data.serial;
	const struct object *o = q->object;
	char words[sizeof q->token->data.serial + 48], text[VALUE_UNIQUE_SIZE];
	enum result r;

	if (!*number)
		return needs(q, SLOT_NEEDS_NUMBER);
	snprintf(words, sizeof words, "%s/%lu/%s%lu", number, o->klass, o->sno ? "SNO " : "",
		 o->sno ? (unsigned long)o->sno : place_of(q));
	r = value_unique_of(words, text);
	return r == RESULT_OK ? buffer_append(out, text, strlen(text)) : r;
}

/* ---- of certificates and data ---- */

enum result getter_value(struct request *q, struct buffer *out)
{
	/* the value of a private data object is only kept while somebody is logged in */
	if (!token_has_value(q->token, q->object))
		return needs(q, SLOT_NEEDS_VALUE);
	return buffer_append(out, q->object->value.data, q->object->value.len);
}

static enum result open_certificate(struct request *q, X509 **out)
{
	*out = NULL;
	if (!token_has_value(q->token, q->object))
		return needs(q, SLOT_NEEDS_VALUE);
	return certificate_parse(q->object->value.data, q->object->value.len, out, NULL);
}

/* From the directory, if it has it; otherwise from the certificate itself. */
enum result getter_name(struct request *q, struct buffer *out)
{
	const struct p15_object *record = q->object->record;
	const struct buffer *known = q->arg == GETTER_SUBJECT  ? &record->subject
				     : q->arg == GETTER_ISSUER ? &record->issuer
							       : &record->serial;
	unsigned char *der = NULL;
	enum result r;
	X509 *x;
	int len;

	if (known->len)
		return buffer_append(out, known->data, known->len);
	r = open_certificate(q, &x);
	if (r != RESULT_OK)
		return r;
	if (q->arg == GETTER_SERIAL)
		len = i2d_ASN1_INTEGER(X509_get_serialNumber(x), &der);
	else
		len = i2d_X509_NAME(q->arg == GETTER_SUBJECT ? X509_get_subject_name(x)
							     : X509_get_issuer_name(x),
				    &der);
	X509_free(x);
	return value_put_der(out, der, len);
}

enum result getter_date(struct request *q, struct buffer *out)
{
	struct tm tm;
	char text[VALUE_DATE_SIZE + 1];
	X509 *x;
	enum result r = open_certificate(q, &x);

	if (r != RESULT_OK)
		return r;
	if (ASN1_TIME_to_tm(q->arg == GETTER_END ? X509_get0_notAfter(x) : X509_get0_notBefore(x),
			    &tm) == 1 &&
	    strftime(text, sizeof text, "%Y%m%d", &tm) == VALUE_DATE_SIZE)
		r = buffer_append(out, text, VALUE_DATE_SIZE);
	else
		r = RESULT_BAD_DATA;
	X509_free(x);
	return r;
}

static enum result put_day(struct buffer *out, time_t time)
{
	char text[VALUE_DATE_SIZE + 1];
	struct tm tm;

	if (!gmtime_r(&time, &tm) || strftime(text, sizeof text, "%Y%m%d", &tm) != VALUE_DATE_SIZE)
		return RESULT_BAD_DATA;
	return buffer_append(out, text, VALUE_DATE_SIZE);
}

enum result getter_attribute_part(struct request *q, struct buffer *out)
{
	struct authz_parts parts;
	const struct authz_part *const der[] = {[GETTER_OWNER] = &parts.holder,
						[GETTER_AC_ISSUER] = &parts.issuer,
						[GETTER_AC_SERIAL] = &parts.serial,
						[GETTER_TYPES] = &parts.types};
	enum result r = RESULT_BAD_DATA;

	if (!token_has_value(q->token, q->object))
		return needs(q, SLOT_NEEDS_VALUE);
	if (authz_parts_read(q->object->value.data, q->object->value.len, &parts) != AUTHZ_GOOD)
		r = RESULT_BAD_DATA;
	else if (q->arg == GETTER_FIRST_DAY || q->arg == GETTER_LAST_DAY)
		r = put_day(out, q->arg == GETTER_FIRST_DAY ? parts.not_before : parts.not_after);
	else
		r = buffer_append(out, der[q->arg]->bytes, der[q->arg]->len);
	authz_parts_clear(&parts);
	return r;
}

enum result getter_certificate_key_info(struct request *q, struct buffer *out)
{
	if (!token_has_value(q->token, q->object))
		return needs(q, SLOT_NEEDS_VALUE);
	return value_certificate_key_info(q->object->value.data, q->object->value.len, out);
}

enum result getter_check_value(struct request *q, struct buffer *out)
{
	uint8_t check[VALUE_CHECK_SIZE];
	enum result r;

	if (!token_has_value(q->token, q->object))
		return needs(q, SLOT_NEEDS_VALUE);
	r = value_check_certificate(q->object->value.data, q->object->value.len, check);
	return r == RESULT_OK ? buffer_append(out, check, sizeof check) : r;
}

enum result getter_category(struct request *q, struct buffer *out)
{
	return put_ulong(out, q->object->is_authority ? CK_CERTIFICATE_CATEGORY_AUTHORITY
						      : CK_CERTIFICATE_CATEGORY_TOKEN_USER);
}

/* ---- of keys ---- */

static enum result public_half(struct request *q, const struct rsa_public **key)
{
	enum result r;

	if (!token_has_public_key(q->token, q->object))
		return needs(q, SLOT_NEEDS_PUBLIC_KEY);
	r = token_public_key(q->token, q->object, key);
	/* a key is there, but not its public half: the card's data are damaged */
	return r == RESULT_NOT_FOUND ? RESULT_BAD_DATA : r;
}

enum result getter_modulus(struct request *q, struct buffer *out)
{
	const struct rsa_public *key;
	enum result r = public_half(q, &key);

	return r == RESULT_OK ? buffer_append(out, key->modulus, sizeof key->modulus) : r;
}

/* Big-endian, without leading zeros. */
static size_t exponent_bytes(uint32_t exponent, uint8_t out[4])
{
	size_t n = 0;

	for (int shift = 24; shift >= 0; shift -= 8)
		if (exponent >> shift)
			out[n++] = (uint8_t)(exponent >> shift);
	return n;
}

enum result getter_exponent(struct request *q, struct buffer *out)
{
	const struct rsa_public *key;
	enum result r = public_half(q, &key);
	uint8_t bytes[4];

	return r == RESULT_OK ? buffer_append(out, bytes, exponent_bytes(key->exponent, bytes)) : r;
}

enum result getter_modulus_bits(struct request *q, struct buffer *out)
{
	unsigned bits = q->object->record->modulus_bits;

	return put_ulong(out, bits ? bits : 8 * RSA_BLOCK);
}

enum result getter_key_info(struct request *q, struct buffer *out)
{
	const struct rsa_public *key;
	enum result r = public_half(q, &key);
	uint8_t bytes[4];

	if (r != RESULT_OK)
		return r;
	return value_rsa_key_info(key->modulus, sizeof key->modulus, bytes,
				  exponent_bytes(key->exponent, bytes), out);
}

/* That of its certificate (the same CKA_ID), if the directory is known and tells it. */
enum result getter_key_subject(struct request *q, struct buffer *out)
{
	const struct p15_list *certificates = &q->token->lists[P15_CERTIFICATE].records;

	for (size_t i = 0; i < certificates->count; i++) {
		const struct p15_object *c = &certificates->items[i];

		if (c->subject.len && buffer_same(&c->id, &q->object->record->id))
			return buffer_append(out, c->subject.data, c->subject.len);
	}
	return RESULT_OK;
}
