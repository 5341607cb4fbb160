#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tools/agent/work_certificate.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"

#define USAGE_SIZE 200

/* In the order of the bits: pages compare the whole text. */
static const struct {
	uint32_t bit;
	const char *name;
} usages[] = {
	{KU_DIGITAL_SIGNATURE, "digitalSignature"}, {KU_NON_REPUDIATION, "nonRepudiation"},
	{KU_KEY_ENCIPHERMENT, "keyEncipherment"},   {KU_DATA_ENCIPHERMENT, "dataEncipherment"},
	{KU_KEY_AGREEMENT, "keyAgreement"},         {KU_KEY_CERT_SIGN, "keyCertSign"},
	{KU_CRL_SIGN, "cRLSign"},
};

static void add_text(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, message_json_text(text ? text : ""));
}

/* In the order of the certificate, without blanks, in UTF-8. */
static void add_name(struct json_object *to, const char *key, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned long flags = XN_FLAG_SEP_COMMA_PLUS | XN_FLAG_FN_SN | XN_FLAG_DUMP_UNKNOWN_FIELDS |
			      (ASN1_STRFLGS_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
	char *text = NULL;

	if (bio && X509_NAME_print_ex(bio, name, 0, flags) >= 0 && BIO_write(bio, "", 1) == 1)
		BIO_get_mem_data(bio, &text);
	add_text(to, key, text);
	BIO_free(bio);
}

static void add_common_name(struct json_object *to, const X509_NAME *name)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *utf8 = NULL;
	int len = at < 0 ? -1 : ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	char *text = len > 0 ? cert_text(utf8, (size_t)len) : NULL;

	add_text(to, "subjectCN", text);
	free(text);
	OPENSSL_free(utf8);
}

/* Left out where the certificate does not say. */
static void add_usage(struct json_object *to, X509 *x509)
{
	uint32_t usage = X509_get_key_usage(x509);
	char text[USAGE_SIZE] = "";

	for (size_t i = 0; usage != UINT32_MAX && i < sizeof usages / sizeof *usages; i++) {
		if (!(usage & usages[i].bit))
			continue;
		if (*text)
			strcat(text, "|");
		strcat(text, usages[i].name);
	}
	if (*text)
		add_text(to, "usage", text);
}

static void add_time(struct json_object *to, const char *key, const char *seconds_key, time_t t)
{
	char text[CERT_TIME_SIZE] = "";
	struct tm tm;

	if (gmtime_r(&t, &tm)) /* UTCTime's form: two digits of the year are what pages take apart */
		snprintf(text, sizeof text, "%02d%02d%02d%02d%02d%02dZ", tm.tm_year % 100, tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, tm.tm_sec);
	add_text(to, key, text);
	json_object_object_add(to, seconds_key, json_object_new_int64(t));
}

static void add_email(struct json_object *to, X509 *x509)
{
	STACK_OF(OPENSSL_STRING) *list = X509_get1_email(x509);
	const char *first = list && sk_OPENSSL_STRING_num(list) ? sk_OPENSSL_STRING_value(list, 0) : NULL;

	add_text(to, "email", first);
	X509_email_free(list);
}

/* SHA-1, as others that show thumbprints do; it only names the certificate. */
static void add_thumbprint(struct json_object *to, const X509 *x509)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[2 * EVP_MAX_MD_SIZE + 1] = "";
	unsigned int len = 0;

	if (X509_digest(x509, EVP_sha1(), digest, &len) != 1)
		len = 0;
	for (unsigned int i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02X", digest[i]);
	add_text(to, "thumbprint", text);
}

static void add_holder(struct json_object *to, const struct cert_info *info)
{
	static const char *const ranks[] = {
		[CERT_RANK_NONE] = "", [CERT_RANK_PRIMARY] = "primary",
		[CERT_RANK_SECONDARY] = "secondary", [CERT_RANK_OTHER] = "other",
	};
	const struct cert_attributes *a = &info->attributes;

	add_text(to, "subjectID", a->id_last4 ? a->id_last4 : a->organization_id);
	add_text(to, "holderRank", ranks[a->rank]);
	add_text(to, "sn", info->serial);
	add_time(to, "notBefore", "notBeforeT", info->not_before);
	add_time(to, "notAfter", "notAfterT", info->not_after);
}

struct json_object *work_certificate_json(X509 *x509, const char *label, const unsigned char *id, size_t id_len)
{
	struct json_object *to = json_object_new_object();
	struct cert_info info;

	if (!to || !cert_info_read(x509, time(NULL), &info)) {
		json_object_put(to);
		return NULL;
	}
	add_text(to, "label", label);
	json_object_object_add(to, "id", id_len ? json_bytes_new(id, id_len) : json_object_new_string(""));
	add_usage(to, x509);
	add_name(to, "subjectDN", X509_get_subject_name(x509));
	add_name(to, "issuerDN", X509_get_issuer_name(x509));
	add_common_name(to, X509_get_subject_name(x509));
	add_holder(to, &info);
	add_email(to, x509);
	add_text(to, "signatureAlgorithm", OBJ_nid2ln(X509_get_signature_nid(x509)));
	add_thumbprint(to, x509);
	json_object_object_add(to, "certb64", json_bytes_from_x509(x509));
	cert_info_clear(&info);
	return to;
}
