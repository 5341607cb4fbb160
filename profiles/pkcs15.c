#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "apdu/cursor.h"
#include "apdu/log.h"
#include "profiles/pkcs15.h"

#define RECORDS_MAX 64 /* of one directory: a card has a handful */
#define TAG_SEQUENCE 0x30
#define TAG_IMPLICIT_0 0x80
#define TAG_EXPLICIT_0 0xA0
#define TAG_ATTRIBUTE_CERTIFICATE 0xA0 /* of CertificateType (PKCS #15 v1.1, 6.6.1; facts: entries) */
#define TAG_IS_CHOICE(tag) (((tag) & ~0x1Fu) == 0xA0) /* context-specific, constructed */
#define FILE_MAX 0x8000 /* bytes: READ BINARY's offset has 15 bits */
#define FLAG_BITS 10 /* the usage's; the access flags are fewer */

/*
 * PKCS15Object (7816-15, 8.1): common, class, [0] subclass, [1] type
 * attributes. Their contents are rows of ANY, because which optional fields a
 * card writes is not known (facts: "read tolerantly").
 */
typedef struct {
	STACK_OF(ASN1_TYPE) *common;
	STACK_OF(ASN1_TYPE) *klass;
	ASN1_TYPE *subclass;
	STACK_OF(ASN1_TYPE) *attributes;
} P15_RECORD;

ASN1_SEQUENCE(P15_RECORD) = {
	ASN1_SEQUENCE_OF(P15_RECORD, common, ASN1_ANY),
	ASN1_SEQUENCE_OF(P15_RECORD, klass, ASN1_ANY),
	ASN1_EXP_OPT(P15_RECORD, subclass, ASN1_ANY, 0),
	ASN1_EXP_SEQUENCE_OF(P15_RECORD, attributes, ASN1_ANY, 1),
} static_ASN1_SEQUENCE_END(P15_RECORD)

static void object_clear(struct p15_object *o)
{
	struct buffer *owned[] = {&o->label,  &o->id,          &o->subject, &o->issuer,
				  &o->serial, &o->application, &o->oid};

	for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
		buffer_clear(owned[i]);
}

void p15_list_clear(struct p15_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		object_clear(&list->items[i]);
	free(list->items);
	*list = (struct p15_list){NULL, 0};
}

void p15_token_info_clear(struct p15_token_info *info)
{
	buffer_clear(&info->serial);
	buffer_clear(&info->manufacturer);
	buffer_clear(&info->label);
}

static bool is_padding(uint8_t byte)
{
	return byte == 0x00 || byte == 0xFF;
}

enum p15_scan p15_scan(const uint8_t *data, size_t len, size_t *content, size_t *need)
{
	struct cursor c = cursor_of(data, len);
	struct tlv tlv;
	enum tlv_state state = TLV_OK;
	size_t wanted = 0;

	*need = 0;
	while (c.left && !is_padding(*c.p)) {
		state = cursor_tlv(&c, &tlv, &wanted);
		if (state != TLV_OK)
			break;
	}
	*content = len - c.left;
	if (state == TLV_BAD)
		return P15_TORN;
	if (c.left && state == TLV_OK)
		return P15_COMPLETE;
	*need = *content + (wanted && c.left ? wanted : 1);
	return P15_MORE;
}

/* ---- picking fields out of rows of ANY ---- */

static const ASN1_TYPE *nth_of_type(const STACK_OF(ASN1_TYPE) *row, int type, int nth)
{
	for (int i = 0; i < sk_ASN1_TYPE_num(row); i++) {
		const ASN1_TYPE *t = sk_ASN1_TYPE_value(row, i);

		if (t->type == type && nth-- == 0)
			return t;
	}
	return NULL;
}

/* A member of the row that has a context-specific tag; the whole TLV comes back. */
static bool find_tagged(const STACK_OF(ASN1_TYPE) *row, uint32_t tag, struct tlv *out)
{
	for (int i = 0; i < sk_ASN1_TYPE_num(row); i++) {
		const ASN1_TYPE *t = sk_ASN1_TYPE_value(row, i);
		struct cursor c;

		if (t->type != V_ASN1_OTHER)
			continue;
		c = cursor_of(t->value.asn1_string->data, (size_t)t->value.asn1_string->length);
		if (cursor_tlv(&c, out, NULL) == TLV_OK && out->tag == tag)
			return true;
	}
	return false;
}

static enum result copy_string(const ASN1_TYPE *t, struct buffer *out)
{
	if (!t)
		return RESULT_OK;
	return buffer_append(out, ASN1_STRING_get0_data(t->value.asn1_string),
			     (size_t)ASN1_STRING_length(t->value.asn1_string));
}

/* The first text of the row, whichever string type the card writes. */
static enum result copy_text(const STACK_OF(ASN1_TYPE) *row, struct buffer *out)
{
	static const int types[] = {V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING, V_ASN1_T61STRING,
				    V_ASN1_IA5STRING, V_ASN1_BMPSTRING};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		const ASN1_TYPE *t = nth_of_type(row, types[i], 0);
		unsigned char *text = NULL;
		enum result r;
		int n;

		if (!t)
			continue;
		n = ASN1_STRING_to_UTF8(&text, t->value.asn1_string);
		if (n < 0)
			return RESULT_BAD_DATA;
		r = buffer_append(out, text, (size_t)n);
		OPENSSL_free(text);
		return r;
	}
	return RESULT_OK;
}

/* An INTEGER's value, if there is one and it is 0..max. */
static bool small_integer(const ASN1_TYPE *t, unsigned max, unsigned *out)
{
	int64_t value;

	if (!t || !ASN1_INTEGER_get_int64(&value, t->value.integer) || value < 0 || value > max)
		return false;
	*out = (unsigned)value;
	return true;
}

static STACK_OF(ASN1_TYPE) *open_row(const ASN1_TYPE *sequence)
{
	const unsigned char *p;

	if (!sequence || sequence->type != V_ASN1_SEQUENCE)
		return NULL;
	p = sequence->value.sequence->data;
	return d2i_ASN1_SEQUENCE_ANY(NULL, &p, sequence->value.sequence->length);
}

static void free_row(STACK_OF(ASN1_TYPE) *row)
{
	sk_ASN1_TYPE_pop_free(row, ASN1_TYPE_free);
}

/* ---- the parts of a record ---- */

static enum result parse_common(const STACK_OF(ASN1_TYPE) *row, struct p15_object *o)
{
	const ASN1_TYPE *flags = nth_of_type(row, V_ASN1_BIT_STRING, 0);

	if (flags)
		o->is_private = ASN1_BIT_STRING_get_bit(flags->value.bit_string, 0);
	return copy_text(row, &o->label);
}

/* Bit i of a BIT STRING (its first is bit 0) as 1 << i. */
static unsigned flags_of(const ASN1_TYPE *t)
{
	unsigned flags = 0;

	for (int bit = 0; t && bit < FLAG_BITS; bit++)
		if (ASN1_BIT_STRING_get_bit(t->value.bit_string, bit))
			flags |= 1u << bit;
	return flags;
}

static enum result parse_key_class(const STACK_OF(ASN1_TYPE) *row, struct p15_object *o)
{
	/* the first BIT STRING is the usage, a second one the access flags (facts: entries) */
	const ASN1_TYPE *access = nth_of_type(row, V_ASN1_BIT_STRING, 1);

	if (!small_integer(nth_of_type(row, V_ASN1_INTEGER, 0), 255, &o->key_ref))
		return RESULT_BAD_DATA;
	o->usage = flags_of(nth_of_type(row, V_ASN1_BIT_STRING, 0));
	o->access = flags_of(access);
	return copy_string(nth_of_type(row, V_ASN1_OCTET_STRING, 0), &o->id);
}

static enum result parse_class(const STACK_OF(ASN1_TYPE) *row, struct p15_object *o)
{
	const ASN1_TYPE *t;
	enum result r;

	switch (o->kind) {
	case P15_PRIVATE_KEY:
	case P15_PUBLIC_KEY:
		return parse_key_class(row, o);
	case P15_CERTIFICATE:
		if (o->is_attribute) /* its id is no key's */
			return RESULT_OK;
		t = nth_of_type(row, V_ASN1_BOOLEAN, 0);
		o->is_authority = t && t->value.boolean;
		return copy_string(nth_of_type(row, V_ASN1_OCTET_STRING, 0), &o->id);
	case P15_DATA:
		r = copy_text(row, &o->application);
		t = nth_of_type(row, V_ASN1_OBJECT, 0);
		if (r == RESULT_OK && t)
			r = buffer_append(&o->oid, OBJ_get0_data(t->value.object),
					  OBJ_length(t->value.object));
		return r;
	default:
		return RESULT_ARGUMENT;
	}
}

/* Path ::= SEQUENCE { path OCTET STRING, index INTEGER, length [0] INTEGER } */
static enum result parse_path(const STACK_OF(ASN1_TYPE) *row, struct p15_object *o)
{
	const ASN1_TYPE *path = nth_of_type(row, V_ASN1_OCTET_STRING, 0);
	const ASN1_STRING *bytes;
	struct tlv length;
	bool has_length;

	if (!path)
		return RESULT_OK;
	bytes = path->value.octet_string;
	if (!path_parse(cursor_of(bytes->data, (size_t)bytes->length), &o->path))
		return RESULT_BAD_DATA;
	o->has_path = o->path.count > 0;
	if (!o->has_path) /* the root alone: a key is found without it, nothing else is */
		return o->kind == P15_CERTIFICATE || o->kind == P15_DATA ? RESULT_BAD_DATA : RESULT_OK;
	has_length = find_tagged(row, TAG_IMPLICIT_0, &length);
	if (!has_length)
		return RESULT_OK;
	if (length.value.left == 0 || length.value.left > 4)
		return RESULT_BAD_DATA;
	/* no length is negative: one written without its leading 00 is read as it is meant */
	for (size_t i = 0; i < length.value.left; i++)
		o->length = o->length << 8 | length.value.p[i];
	if (o->length > FILE_MAX)
		return RESULT_BAD_DATA;
	/* 7816-15: index and length come together; an index left out is 0 */
	if (nth_of_type(row, V_ASN1_INTEGER, 0) &&
	    !small_integer(nth_of_type(row, V_ASN1_INTEGER, 0), INT_MAX, &o->offset))
		return RESULT_BAD_DATA;
	o->has_range = true;
	return RESULT_OK;
}

/* Subject, issuer and serial number as DER, for a listing without reading the certificate. */
static enum result parse_names(const STACK_OF(ASN1_TYPE) *row, struct p15_object *o)
{
	/* the first SEQUENCE is the path */
	const ASN1_TYPE *subject = nth_of_type(row, V_ASN1_SEQUENCE, 1);
	const ASN1_TYPE *issuer = nth_of_type(row, V_ASN1_SEQUENCE, 2);
	const ASN1_TYPE *serial = nth_of_type(row, V_ASN1_INTEGER, 0);
	struct tlv tagged;
	enum result r = copy_string(subject, &o->subject);

	if (r != RESULT_OK)
		return r;
	if (find_tagged(row, TAG_EXPLICIT_0, &tagged)) /* a Name is a CHOICE: its tag is explicit */
		r = buffer_append(&o->issuer, tagged.value.p, tagged.value.left);
	else
		r = copy_string(issuer, &o->issuer);
	if (r == RESULT_OK && serial) {
		unsigned char *der = NULL;
		int n = i2d_ASN1_INTEGER(serial->value.integer, &der);

		r = n > 0 ? buffer_append(&o->serial, der, (size_t)n) : RESULT_BAD_DATA;
		OPENSSL_free(der);
	}
	return r;
}

static enum result parse_attributes(const STACK_OF(ASN1_TYPE) *row, struct p15_object *o)
{
	STACK_OF(ASN1_TYPE) *path = open_row(nth_of_type(row, V_ASN1_SEQUENCE, 0));
	enum result r;

	/* opaque data: the attributes are the path itself, not a row that starts with one */
	r = parse_path(path ? path : row, o);
	free_row(path);
	if (r != RESULT_OK)
		return r;
	if (o->kind == P15_CERTIFICATE) /* an attribute certificate's names have another form */
		return o->is_attribute ? RESULT_OK : parse_names(row, o);
	if (o->kind == P15_PRIVATE_KEY || o->kind == P15_PUBLIC_KEY)
		(void)small_integer(nth_of_type(row, V_ASN1_INTEGER, 0), 16384, &o->modulus_bits);
	return RESULT_OK;
}

/*
 * Whatever tag it has: the rest has the form of a record. Want of memory is
 * told from a bad record, which the caller leaves out.
 */
static enum result open_record(const uint8_t *der, size_t len, P15_RECORD **out)
{
	struct buffer copy = BUFFER_INIT;
	const unsigned char *p;
	enum result r = buffer_append(&copy, der, len);

	*out = NULL;
	if (r == RESULT_OK) {
		copy.data[0] = TAG_SEQUENCE;
		p = copy.data;
		*out = (P15_RECORD *)ASN1_item_d2i(NULL, &p, (long)len, ASN1_ITEM_rptr(P15_RECORD));
		if (!*out && ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
			r = RESULT_NO_MEMORY;
		else if (!*out || p != copy.data + len)
			r = RESULT_BAD_DATA;
	}
	buffer_clear(&copy);
	return r;
}

static enum result parse_record(enum p15_class kind, bool is_attribute, const uint8_t *der, size_t len,
				struct p15_object *out)
{
	P15_RECORD *record = NULL;
	struct p15_object o;
	enum result r;

	memset(&o, 0, sizeof o);
	o.kind = kind;
	o.is_attribute = is_attribute;
	ERR_set_mark();
	r = open_record(der, len, &record);
	if (r == RESULT_OK)
		r = parse_common(record->common, &o);
	if (r == RESULT_OK)
		r = parse_class(record->klass, &o);
	if (r == RESULT_OK)
		r = parse_attributes(record->attributes, &o);
	ERR_pop_to_mark();
	ASN1_item_free((ASN1_VALUE *)record, ASN1_ITEM_rptr(P15_RECORD));
	if (r == RESULT_OK)
		*out = o;
	else
		object_clear(&o);
	return r;
}

/* Adds it, or leaves it out: *odd counts then what no card meant to say. */
static enum result add_record(enum p15_class kind, const struct cursor *whole, uint32_t tag,
			      struct p15_list *list, size_t *odd)
{
	bool is_attribute = kind == P15_CERTIFICATE && tag == TAG_ATTRIBUTE_CERTIFICATE;
	enum result r = RESULT_BAD_DATA;

	/* other tags are other kinds of object (EC keys, certificates of WTLS …) */
	if (tag == TAG_SEQUENCE || is_attribute)
		r = parse_record(kind, is_attribute, whole->p, whole->left, &list->items[list->count]);
	if (r == RESULT_OK)
		list->count++;
	else if (r == RESULT_BAD_DATA)
		log_line(LOG_INFO, "directory: a record (tag %02X, %zu bytes) is not understood: left out",
			 (unsigned)tag, whole->left);
	*odd += r == RESULT_BAD_DATA && !TAG_IS_CHOICE(tag);
	return r == RESULT_BAD_DATA ? RESULT_OK : r;
}

enum result p15_parse_odd(enum p15_class kind, const uint8_t *data, size_t len,
			  struct p15_list *out, size_t *odd)
{
	struct p15_list list = {calloc(RECORDS_MAX, sizeof *list.items), 0};
	struct cursor c = cursor_of(data, len);
	enum result r = RESULT_OK;
	size_t seen;

	*out = (struct p15_list){NULL, 0};
	*odd = 0;
	if (!list.items)
		return RESULT_NO_MEMORY;
	for (seen = 0; c.left && r == RESULT_OK; seen++) {
		struct cursor start = c, whole;
		struct tlv tlv;

		if (cursor_tlv(&c, &tlv, NULL) != TLV_OK) {
			r = RESULT_BAD_DATA;
			break;
		}
		whole = cursor_of(start.p, tlv.size);
		if (seen < RECORDS_MAX)
			r = add_record(kind, &whole, tlv.tag, &list, odd);
	}
	if (seen > RECORDS_MAX)
		log_line(LOG_ERROR, "directory: %zu records: those behind the %dth are left out", seen,
			 RECORDS_MAX);
	if (r == RESULT_OK)
		*out = list;
	else
		p15_list_clear(&list);
	return r;
}

enum result p15_parse(enum p15_class kind, const uint8_t *data, size_t len, struct p15_list *out)
{
	size_t odd;

	return p15_parse_odd(kind, data, len, out, &odd);
}

/*
 * TokenInfo ::= SEQUENCE { version INTEGER, serialNumber OCTET STRING,
 * manufacturerID UTF8String OPTIONAL, label [0] UTF8String OPTIONAL, … }
 */
enum result p15_parse_token_info(const uint8_t *data, size_t len, struct p15_token_info *out)
{
	const unsigned char *p = data;
	STACK_OF(ASN1_TYPE) *row;
	struct tlv label;
	enum result r;

	*out = (struct p15_token_info){BUFFER_INIT, BUFFER_INIT, BUFFER_INIT};
	ERR_set_mark();
	row = d2i_ASN1_SEQUENCE_ANY(NULL, &p, len > LONG_MAX ? LONG_MAX : (long)len);
	ERR_pop_to_mark();
	if (!row)
		return RESULT_BAD_DATA;
	r = copy_string(nth_of_type(row, V_ASN1_OCTET_STRING, 0), &out->serial);
	if (r == RESULT_OK)
		r = copy_text(row, &out->manufacturer);
	if (r == RESULT_OK && find_tagged(row, TAG_IMPLICIT_0, &label))
		r = buffer_append(&out->label, label.value.p, label.value.left);
	free_row(row);
	return r;
}
