#include "config.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "src/base/utf8.h"
#include "src/object/label.h"

#define NAME_MAX_BYTES 256 /* X.520 allows 64 characters */

static const struct {
	unsigned usage;     /* any of these */
	enum label_use use;
	const char *word;   /* what the cards' own programs and papers call it */
} uses[] = {
	{P15_SIGN | P15_SIGN_RECOVER | P15_NON_REPUDIATION | P15_VERIFY | P15_VERIFY_RECOVER,
	 LABEL_SIGNS, " 簽章"},
	{P15_DECRYPT | P15_UNWRAP | P15_ENCRYPT | P15_WRAP, LABEL_ENCRYPTS, " 加密"},
};

unsigned label_uses(unsigned usage)
{
	unsigned found = 0;

	for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
		if (usage & uses[i].usage)
			found |= uses[i].use;
	return found;
}

/* It is shown by programs of which nobody knows what they do with it. */
static bool is_good_name(const unsigned char *text, int len)
{
	const char *at = (const char *)text;
	uint32_t c;
	int n;

	if (len <= 0 || len > NAME_MAX_BYTES || strlen(at) != (size_t)len)
		return false;
	while ((n = utf8_next(at, &c)) > 0 && !utf8_is_unsafe(c))
		at += n;
	return n == 0;
}

/* The first common name, or else the last of what an organization is called by; NULL: neither. */
static const X509_NAME_ENTRY *naming_entry(const X509_NAME *name)
{
	const X509_NAME_ENTRY *found = NULL;
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

	if (at >= 0)
		return X509_NAME_get_entry(name, at);
	for (at = 0; at < X509_NAME_entry_count(name); at++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, at);
		int type = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));

		if (type == NID_organizationName || type == NID_organizationalUnitName)
			found = entry;
	}
	return found;
}

static enum result append_name(const X509_NAME *name, struct buffer *out)
{
	const X509_NAME_ENTRY *entry = naming_entry(name);
	enum result r = RESULT_NOT_FOUND;
	unsigned char *text = NULL;
	int len;

	if (!entry)
		return r;
	len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
	if (is_good_name(text, len))
		r = buffer_append(out, text, (size_t)len);
	OPENSSL_free(text);
	return r;
}

enum result label_make(const struct buffer *subject, unsigned wanted, struct buffer *out)
{
	const unsigned char *p = subject->data;
	enum result r = RESULT_NOT_FOUND;
	X509_NAME *name;

	ERR_set_mark();
	name = subject->len ? d2i_X509_NAME(NULL, &p, (long)subject->len) : NULL;
	if (name && p == subject->data + subject->len)
		r = append_name(name, out);
	X509_NAME_free(name);
	ERR_pop_to_mark();
	for (size_t i = 0; r == RESULT_OK && i < sizeof uses / sizeof *uses; i++)
		if (wanted & uses[i].use)
			r = buffer_append(out, uses[i].word, strlen(uses[i].word));
	return r;
}

const struct p15_object *label_record(const struct p15_list *list, const struct buffer *id)
{
	for (size_t i = 0; id->len && i < list->count; i++)
		if (buffer_same(&list->items[i].id, id))
			return &list->items[i];
	return NULL;
}
