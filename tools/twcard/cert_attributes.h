/*
 * The attributes of the holder that the government's CAs write into
 * subjectDirectoryAttributes (facts: the PKI on the cards). What cannot be
 * read, or is longer than it can be, is as if it were not there.
 */
#ifndef TWCARD_TOOLS_CERT_ATTRIBUTES_H
#define TWCARD_TOOLS_CERT_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

struct json_object;

#define CERT_TEXT_MAX 512 /* bytes of any text that is taken from a certificate */

enum cert_rank {
	CERT_RANK_NONE, /* not said, as on ordinary cards of persons */
	CERT_RANK_PRIMARY,
	CERT_RANK_SECONDARY,
	CERT_RANK_OTHER /* said, but no word that is known */
};

/* Texts as in cert_info.h, owned; NULL: not there. */
struct cert_attributes {
	bool unreadable;         /* the extension is there, but is none */
	char *subject_type;      /* an OID, dotted */
	enum cert_rank rank;
	char *id_last4;          /* of the national ID */
	char *organization_id;   /* uniformOrganizationID */
	char *organization_oid;  /* dotted, or what stands there */
	char *card_number;
};

/* False: out of memory; *out is clear. */
bool cert_attributes_read(const X509 *x, struct cert_attributes *out);
void cert_attributes_clear(struct cert_attributes *a);

/* Adds them to an object. */
void cert_attributes_json(const struct cert_attributes *a, struct json_object *to);

/* Translated, with the word that is on the card ("primary card (正卡)"); NULL: nothing is said. */
const char *cert_attributes_rank(const struct cert_attributes *a);

/* Translated: "natural person"; NULL: none that is known. */
const char *cert_attributes_subject_type(const struct cert_attributes *a);

/*
 * A text of a certificate: a copy that is UTF-8, with nothing that a terminal
 * obeys, cut at CERT_TEXT_MAX. NULL: out of memory. Owned by the caller.
 */
char *cert_text(const void *bytes, size_t len);

#endif
