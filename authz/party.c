#include "config.h"

#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/objects.h>

#include "authz/asn1.h"
#include "authz/party.h"
#include "authz/strict.h"

#define OID_BYTES_MAX 40 /* of one that is put into words; real ones have about ten */
#define OID_TEXT_MAX 128

/* Numbers and words only: nothing that is longer, and nothing else. */
static bool take_text(const char *text, size_t len, char *out, size_t max)
{
	if (*out || len > max || !strict_text(text, len, max))
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

static bool take_rank(const char *text, size_t len, struct party *out)
{
	static const struct {
		const char *word;
		enum party_rank rank;
	} ranks[] = {{"primary", PARTY_PRIMARY}, {"secondary", PARTY_ATTACHED}};

	if (out->rank != PARTY_NO_RANK)
		return false;
	for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
		if (len == strlen(ranks[i].word) && strncasecmp(text, ranks[i].word, len) == 0)
			out->rank = ranks[i].rank;
	return out->rank != PARTY_NO_RANK;
}

static bool take_organization(const char *text, size_t len, struct party *out)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return len == PARTY_ORGANIZATION_LEN && take_text(text, len, out->organization, len);
}

static bool take_card_number(const char *text, size_t len, struct party *out)
{
	return take_text(text, len, out->card_number, PARTY_CARD_NUMBER_MAX);
}

/* From published certificates and the code of clients (docs/AUTHORIZATION.md). */
static const struct {
	const char *oid;
	bool (*take)(const char *text, size_t len, struct party *out);
} attributes[] = {
	{"2.16.886.1.100.2.2", take_rank},
	{"2.16.886.1.100.2.101", take_organization},
	{"2.16.886.1.100.2.204", take_card_number},
};

static bool take_attribute(X509_ATTRIBUTE *attribute, struct party *out)
{
	const ASN1_OBJECT *type = X509_ATTRIBUTE_get0_object(attribute);
	const ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(attribute, 0);
	char oid[OID_TEXT_MAX];
	size_t i = 0;

	if (OBJ_length(type) > OID_BYTES_MAX || OBJ_obj2txt(oid, sizeof oid, type, 1) <= 0)
		return true;
	while (i < sizeof attributes / sizeof *attributes && strcmp(oid, attributes[i].oid) != 0)
		i++;
	if (i == sizeof attributes / sizeof *attributes)
		return true;
	if (X509_ATTRIBUTE_count(attribute) != 1 ||
	    (value->type != V_ASN1_UTF8STRING && value->type != V_ASN1_PRINTABLESTRING))
		return false;
	return attributes[i].take((const char *)ASN1_STRING_get0_data(value->value.asn1_string),
				  (size_t)ASN1_STRING_length(value->value.asn1_string), out);
}

enum authz_reason party_read(const X509 *x, struct party *out)
{
	int at = X509_get_ext_by_NID(x, NID_subject_directory_attributes, -1);
	const ASN1_OCTET_STRING *der;
	const unsigned char *p, *end;
	TWCARD_AC_DIRECTORY *list;
	bool ok;

	*out = (struct party){.rank = PARTY_NO_RANK};
	if (at < 0)
		return AUTHZ_GOOD;
	if (X509_get_ext_by_NID(x, NID_subject_directory_attributes, at) >= 0)
		return AUTHZ_CARD_ATTRIBUTES;
	der = X509_EXTENSION_get_data(X509_get_ext(x, at));
	p = ASN1_STRING_get0_data(der);
	end = p + ASN1_STRING_length(der);
	list = (TWCARD_AC_DIRECTORY *)ASN1_item_d2i(NULL, &p, end - p, ASN1_ITEM_rptr(TWCARD_AC_DIRECTORY));
	ok = list && p == end;
	for (int i = 0; ok && i < sk_X509_ATTRIBUTE_num(list); i++)
		ok = take_attribute(sk_X509_ATTRIBUTE_value(list, i), out);
	ASN1_item_free((ASN1_VALUE *)list, ASN1_ITEM_rptr(TWCARD_AC_DIRECTORY));
	return ok ? AUTHZ_GOOD : AUTHZ_CARD_ATTRIBUTES;
}

enum authz_reason authz_card_read(const X509 *x, struct authz_card *out)
{
	static const enum authz_rank ranks[] = {[PARTY_NO_RANK] = AUTHZ_RANK_NONE,
						[PARTY_PRIMARY] = AUTHZ_RANK_PRIMARY,
						[PARTY_ATTACHED] = AUTHZ_RANK_ATTACHED};
	struct party says;
	enum authz_reason r;

	if (!x || !out)
		return AUTHZ_BAD_ARGUMENT;
	*out = (struct authz_card){.rank = AUTHZ_RANK_NONE};
	ERR_set_mark();
	r = party_read(x, &says);
	ERR_pop_to_mark();
	if (r != AUTHZ_GOOD)
		return r;
	out->rank = ranks[says.rank];
	memcpy(out->organization, says.organization, sizeof says.organization);
	memcpy(out->card_number, says.card_number, sizeof says.card_number);
	return AUTHZ_GOOD;
}
