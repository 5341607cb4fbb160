#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>
#include <openssl/asn1t.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "tools/twcard/cert_attributes.h"
#include "tools/twcard/message.h"
#include "tools/twcard/text.h"

#define OID_BYTES_MAX 40 /* of one that is put into words; real ones have about ten */
#define OID_TEXT_MAX 128
#define MORE "\xE2\x80\xA6" /* … */

typedef STACK_OF(X509_ATTRIBUTE) TWCARD_DIRECTORY_ATTRIBUTES;
DECLARE_ASN1_ITEM(TWCARD_DIRECTORY_ATTRIBUTES)
ASN1_ITEM_TEMPLATE(TWCARD_DIRECTORY_ATTRIBUTES) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, attributes, X509_ATTRIBUTE)
ASN1_ITEM_TEMPLATE_END(TWCARD_DIRECTORY_ATTRIBUTES)

/* ---- texts ---- */

/* Where to cut, so that no character is torn. */
static size_t cut(const char *bytes, size_t len)
{
	if (len <= CERT_TEXT_MAX)
		return len;
	len = CERT_TEXT_MAX - strlen(MORE);
	while (len && (bytes[len] & 0xC0) == 0x80)
		len--;
	return len;
}

char *cert_text(const void *bytes, size_t len)
{
	size_t kept = cut(bytes, len);
	char *text = malloc(kept + sizeof MORE), *safe;

	if (!text)
		return NULL;
	for (size_t i = 0; i < kept; i++) { /* a NUL must not hide what follows it */
		text[i] = ((const char *)bytes)[i];
		if (!text[i])
			text[i] = '\x01';
	}
	strcpy(text + kept, kept < len ? MORE : "");
	safe = text_safe(text);
	free(text);
	return safe;
}

/* ---- which there are ---- */

static const struct {
	const char *oid;
	size_t max;      /* bytes: a longer one is no such value */
	bool as_oid;     /* the value may be an OID */
	size_t offset;   /* of the text in the struct */
} texts[] = {
	{"2.16.886.1.100.2.1", OID_TEXT_MAX, true, offsetof(struct cert_attributes, subject_type)},
	{"2.16.886.1.100.2.51", 4, false, offsetof(struct cert_attributes, id_last4)},
	{"2.16.886.1.100.2.101", 32, false, offsetof(struct cert_attributes, organization_id)},
	{"2.16.886.1.100.2.102", OID_TEXT_MAX, true, offsetof(struct cert_attributes, organization_oid)},
	{"2.16.886.1.100.2.204", 32, false, offsetof(struct cert_attributes, card_number)},
};

#define OID_RANK "2.16.886.1.100.2.2"
#define RANK_MAX 32

static const struct {
	const char *value; /* in the certificate, and in JSON */
	const char *text;
} ranks[] = {
	[CERT_RANK_PRIMARY] = {"primary", N_("primary card (正卡)")},
	[CERT_RANK_SECONDARY] = {"secondary", N_("attached card (附卡)")},
	[CERT_RANK_OTHER] = {"other", N_("a rank that is not known")},
};

static const struct {
	const char *oid;
	const char *key; /* in JSON */
	const char *text;
} subject_types[] = {
	{"2.16.886.1.100.3.1.1", "natural-person", N_("natural person")},
	{"2.16.886.1.100.3.1.7", "medical-person", N_("medical person")},
	{"2.16.886.1.100.3.2.1.1", "agency", N_("government agency")},
	{"2.16.886.1.100.3.2.1.2", "unit", N_("unit of a government agency")},
	{"2.16.886.1.100.3.2.2.1.1", "company", N_("company")},
	{"2.16.886.1.100.3.2.3.1", "business-firm", N_("business firm")},
	{"2.16.886.1.100.3.2.3.3.1", "branch", N_("branch of a company")},
	{"2.16.886.1.100.3.2.21", "medical-institution", N_("medical institution")},
	{"2.16.886.1.100.3.3.1", "server", N_("server")},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- reading ---- */

/* False: it is longer than one that is put into words. */
static bool oid_text(const ASN1_OBJECT *o, char out[OID_TEXT_MAX])
{
	int len;

	if (!o || OBJ_length(o) > OID_BYTES_MAX)
		return false;
	len = OBJ_obj2txt(out, OID_TEXT_MAX, o, 1);
	return len > 0 && len < OID_TEXT_MAX;
}

static char **text_at(struct cert_attributes *a, size_t i)
{
	return (char **)((char *)a + texts[i].offset);
}

/* The bytes of a value that is a string of the kinds seen. */
static const ASN1_STRING *string_of(const ASN1_TYPE *value, size_t max)
{
	const ASN1_STRING *s;

	if (value->type != V_ASN1_UTF8STRING && value->type != V_ASN1_PRINTABLESTRING)
		return NULL;
	s = value->value.asn1_string;
	return ASN1_STRING_length(s) > 0 && (size_t)ASN1_STRING_length(s) <= max ? s : NULL;
}

/* The first that can be read counts. */
static bool take_text(const ASN1_TYPE *value, size_t i, struct cert_attributes *out)
{
	const ASN1_STRING *s = string_of(value, texts[i].max);
	char **to = text_at(out, i), oid[OID_TEXT_MAX];

	if (*to)
		return true;
	if (s)
		*to = cert_text(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	else if (texts[i].as_oid && value->type == V_ASN1_OBJECT && oid_text(value->value.object, oid))
		*to = cert_text(oid, strlen(oid));
	else
		return true;
	return *to != NULL;
}

static void take_rank(const ASN1_TYPE *value, struct cert_attributes *out)
{
	const ASN1_STRING *s = string_of(value, RANK_MAX);

	if (!s || out->rank != CERT_RANK_NONE)
		return;
	out->rank = CERT_RANK_OTHER;
	for (int i = CERT_RANK_PRIMARY; i < CERT_RANK_OTHER; i++)
		if ((size_t)ASN1_STRING_length(s) == strlen(ranks[i].value) &&
		    strncasecmp((const char *)ASN1_STRING_get0_data(s), ranks[i].value,
				strlen(ranks[i].value)) == 0)
			out->rank = (enum cert_rank)i;
}

static bool take(X509_ATTRIBUTE *attribute, struct cert_attributes *out)
{
	const ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(attribute, 0);
	char oid[OID_TEXT_MAX];

	if (!value || !oid_text(X509_ATTRIBUTE_get0_object(attribute), oid))
		return true;
	if (strcmp(oid, OID_RANK) == 0)
		take_rank(value, out);
	for (size_t i = 0; i < COUNT(texts); i++)
		if (strcmp(oid, texts[i].oid) == 0)
			return take_text(value, i, out);
	return true;
}

bool cert_attributes_read(const X509 *x, struct cert_attributes *out)
{
	int at = X509_get_ext_by_NID(x, NID_subject_directory_attributes, -1);
	const ASN1_OCTET_STRING *der = at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(x, at));
	const unsigned char *p = der ? ASN1_STRING_get0_data(der) : NULL;
	STACK_OF(X509_ATTRIBUTE) *list;
	bool ok = true;

	*out = (struct cert_attributes){.rank = CERT_RANK_NONE};
	if (!der)
		return true;
	list = (STACK_OF(X509_ATTRIBUTE) *)ASN1_item_d2i(NULL, &p, ASN1_STRING_length(der),
							 ASN1_ITEM_rptr(TWCARD_DIRECTORY_ATTRIBUTES));
	out->unreadable = !list;
	for (int i = 0; ok && i < sk_X509_ATTRIBUTE_num(list); i++)
		ok = take(sk_X509_ATTRIBUTE_value(list, i), out);
	sk_X509_ATTRIBUTE_pop_free(list, X509_ATTRIBUTE_free);
	if (!ok)
		cert_attributes_clear(out);
	return ok;
}

void cert_attributes_clear(struct cert_attributes *a)
{
	for (size_t i = 0; i < COUNT(texts); i++)
		free(*text_at(a, i));
	*a = (struct cert_attributes){.rank = CERT_RANK_NONE};
}

/* ---- words ---- */

const char *cert_attributes_rank(const struct cert_attributes *a)
{
	return a->rank == CERT_RANK_NONE ? NULL : _(ranks[a->rank].text);
}

/* Its row; COUNT(subject_types): none. */
static size_t type_row(const struct cert_attributes *a)
{
	size_t i = 0;

	while (i < COUNT(subject_types) &&
	       !(a->subject_type && strcmp(a->subject_type, subject_types[i].oid) == 0))
		i++;
	return i;
}

const char *cert_attributes_subject_type(const struct cert_attributes *a)
{
	size_t i = type_row(a);

	return i < COUNT(subject_types) ? _(subject_types[i].text) : NULL;
}

static void add(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, message_json_text(text));
}

void cert_attributes_json(const struct cert_attributes *a, struct json_object *to)
{
	size_t i = type_row(a);

	add(to, "subject_type", i < COUNT(subject_types) ? subject_types[i].key : NULL);
	add(to, "subject_type_oid", a->subject_type);
	add(to, "rank", ranks[a->rank].value);
	add(to, "id_last4", a->id_last4);
	add(to, "organization_id", a->organization_id);
	add(to, "organization_oid", a->organization_oid);
	add(to, "card_number", a->card_number);
}
