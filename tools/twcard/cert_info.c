#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tools/twcard/cert_info.h"
#include "tools/twcard/message.h"

#define DAY 86400
#define SERIAL_BYTES_MAX 64 /* RFC 5280 allows 20 */
#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- names ---- */

/* "C=TW, O=…", with control characters escaped. */
static char *name_line(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, *data;
	long len;

	if (bio && X509_NAME_print_ex(bio, name, 0,
				      XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | XN_FLAG_DUMP_UNKNOWN_FIELDS |
					      (ASN1_STRFLGS_RFC2253 & ~ASN1_STRFLGS_ESC_MSB)) >= 0) {
		len = BIO_get_mem_data(bio, &data);
		text = cert_text(data, len > 0 ? (size_t)len : 0);
	} else if (bio) {
		text = cert_text("?", 1); /* a string that is not of its kind */
	}
	BIO_free(bio);
	return text;
}

/* Adds the values of one kind to what is there, with blanks between them. */
static void add_parts(const X509_NAME *name, int nid, BIO *to)
{
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0) {
		unsigned char *utf8 = NULL;
		int len = ASN1_STRING_to_UTF8(&utf8,
					      X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

		if (len > 0 && BIO_pending(to))
			BIO_puts(to, " ");
		if (len > 0)
			BIO_write(to, utf8, len);
		OPENSSL_free(utf8);
	}
}

/* What people call it: the CN, or O and OU; if there is none of them, the whole line. */
static char *short_name(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, *data;
	long len;

	if (!bio)
		return NULL;
	add_parts(name, NID_commonName, bio);
	if (!BIO_pending(bio)) {
		add_parts(name, NID_organizationName, bio);
		add_parts(name, NID_organizationalUnitName, bio);
	}
	len = BIO_get_mem_data(bio, &data);
	text = len > 0 ? cert_text(data, (size_t)len) : name_line(name);
	BIO_free(bio);
	return text;
}

/* ---- CAs that are known ---- */

#define COUNTRY "TW"
#define CABINET "行政院"
#define GRCA "Government Root Certification Authority"

/* NULL: the name has none of that kind. */
static const struct known_ca {
	const char *ca, *organization, *unit, *common_name;
} known_cas[] = {
	{"MOICA", CABINET, "內政部憑證管理中心", NULL},
	{"MOEACA", CABINET, "工商憑證管理中心", NULL},
	{"XCA", CABINET, "組織及團體憑證管理中心", NULL},
	{"GCA", CABINET, "政府憑證管理中心", NULL},
	{"HCA", CABINET, "醫事憑證管理中心", NULL},
	{"GTestCA", CABINET, "政府測試憑證管理中心", NULL},
	{"GRCA", GRCA, NULL, NULL},
	{"GRCA G3", CABINET, NULL, GRCA " - G3"},
};

/* The name has one value of this kind and it is this one; wanted NULL: it has none. */
static bool has_only(const X509_NAME *name, int nid, const char *wanted)
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1), len;
	unsigned char *utf8 = NULL;
	bool same;

	if (!wanted || at < 0)
		return !wanted && at < 0;
	if (X509_NAME_get_index_by_NID(name, nid, at) >= 0)
		return false;
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	same = len >= 0 && (size_t)len == strlen(wanted) && memcmp(utf8, wanted, (size_t)len) == 0;
	OPENSSL_free(utf8);
	return same;
}

const char *cert_info_ca(const X509_NAME *name)
{
	for (size_t i = 0; i < COUNT(known_cas); i++) {
		const struct known_ca *row = &known_cas[i];
		int parts = 2 + (row->unit != NULL) + (row->common_name != NULL);

		if (X509_NAME_entry_count(name) == parts && has_only(name, NID_countryName, COUNTRY) &&
		    has_only(name, NID_organizationName, row->organization) &&
		    has_only(name, NID_organizationalUnitName, row->unit) &&
		    has_only(name, NID_commonName, row->common_name))
			return row->ca;
	}
	return NULL;
}

char *cert_info_name(const X509_NAME *name)
{
	const char *ca = cert_info_ca(name);

	return ca ? strdup(ca) : short_name(name);
}

/* ---- the rest ---- */

static char *serial_of(const X509 *x)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	BIGNUM *number = NULL;
	char *hex = NULL, *text = NULL;

	if (ASN1_STRING_length(serial) > SERIAL_BYTES_MAX)
		return cert_text("?", 1);
	number = ASN1_INTEGER_to_BN(serial, NULL);
	hex = number ? BN_bn2hex(number) : NULL;
	text = hex ? cert_text(hex, strlen(hex)) : NULL;
	OPENSSL_free(hex);
	BN_free(number);
	return text;
}

bool cert_info_time_of(const ASN1_TIME *t, time_t *out)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*out = timegm(&tm);
	return true;
}

/* Towards the past, so that the day on which it ends is day 0 and the next one -1. */
static long whole_days(time_t seconds)
{
	return (long)(seconds >= 0 ? seconds / DAY : -((-seconds + DAY - 1) / DAY));
}

static void read_validity(const X509 *x, time_t now, struct cert_info *out)
{
	if (!cert_info_time_of(X509_get0_notBefore(x), &out->not_before) ||
	    !cert_info_time_of(X509_get0_notAfter(x), &out->not_after)) {
		out->not_before = out->not_after = 0;
		out->validity = CERT_NO_VALIDITY;
		return;
	}
	out->days_left = whole_days(out->not_after - now);
	out->validity = now < out->not_before ? CERT_NOT_YET_VALID
			: now > out->not_after ? CERT_EXPIRED : CERT_VALID;
}

/* A certificate that does not say is good for everything (RFC 5280, 4.2.1.3): no CA's is meant. */
static unsigned usage_of(const X509 *x)
{
	X509 *unlocked = (X509 *)x; /* OpenSSL remembers in it what the extensions say */
	uint32_t usage = X509_get_key_usage(unlocked);

	if (X509_check_ca(unlocked) > 0)
		return CERT_IS_CA;
	return (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION) ? CERT_SIGNS : 0u) |
	       (usage & (KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT) ? CERT_ENCRYPTS : 0u);
}

static bool fingerprint(const X509 *x, char out[CERT_SHA256_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len;

	if (X509_digest(x, EVP_sha256(), digest, &len) != 1)
		return false;
	for (size_t i = 0; i < len && 2 * i + 2 < CERT_SHA256_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02X", digest[i]);
	return true;
}

bool cert_info_read(const X509 *x, time_t now, struct cert_info *out)
{
	const X509_NAME *subject = X509_get_subject_name(x), *issuer = X509_get_issuer_name(x);

	*out = (struct cert_info){
		.subject = name_line(subject),
		.issuer = name_line(issuer),
		.holder = short_name(subject),
		.issuer_name = short_name(issuer),
		.ca = cert_info_ca(issuer),
		.serial = serial_of(x),
		.usage = usage_of(x),
	};
	read_validity(x, now, out);
	if (out->subject && out->issuer && out->holder && out->issuer_name && out->serial &&
	    fingerprint(x, out->sha256) && cert_attributes_read(x, &out->attributes))
		return true;
	cert_info_clear(out);
	return false;
}

void cert_info_clear(struct cert_info *info)
{
	char *const texts[] = {info->subject, info->issuer, info->holder, info->issuer_name,
			       info->serial};

	for (size_t i = 0; i < COUNT(texts); i++)
		free(texts[i]);
	cert_attributes_clear(&info->attributes);
	*info = (struct cert_info){.subject = NULL};
}

/* ---- for people and programs ---- */

static const struct {
	unsigned usage;
	const char *key; /* in JSON */
	const char *text;
} usages[] = {
	{CERT_SIGNS, "sign", N_("signature")},
	{CERT_ENCRYPTS, "encrypt", N_("encryption")},
	{CERT_IS_CA, "ca", N_("CA")},
};

void cert_info_usage(const struct cert_info *info, char out[CERT_USAGE_SIZE])
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < COUNT(usages); i++)
		/* translators: between the words of a list */
		if (info->usage & usages[i].usage && at < CERT_USAGE_SIZE)
			at += (size_t)snprintf(out + at, CERT_USAGE_SIZE - at, "%s%s", at ? _(", ") : "",
					       _(usages[i].text));
}

void cert_info_date(time_t t, char out[CERT_DATE_SIZE])
{
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(out, CERT_DATE_SIZE, "%Y-%m-%d", &tm))
		strcpy(out, "?");
}

void cert_info_time(time_t t, char out[CERT_TIME_SIZE])
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(out, CERT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		strcpy(out, "?");
}

static void add_text(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, message_json_text(text));
}

static void add_validity(struct json_object *to, const struct cert_info *info)
{
	static const char *const words[] = {
		[CERT_VALID] = "valid", [CERT_NOT_YET_VALID] = "not-yet-valid",
		[CERT_EXPIRED] = "expired", [CERT_NO_VALIDITY] = NULL,
	};
	bool known = info->validity != CERT_NO_VALIDITY;
	char from[CERT_TIME_SIZE], until[CERT_TIME_SIZE];

	cert_info_time(info->not_before, from);
	cert_info_time(info->not_after, until);
	add_text(to, "validity", words[info->validity]);
	add_text(to, "not_before", known ? from : NULL);
	add_text(to, "not_after", known ? until : NULL);
	json_object_object_add(to, "days_left", known ? json_object_new_int64(info->days_left) : NULL);
}

struct json_object *cert_info_json(const struct cert_info *info)
{
	struct json_object *to = json_object_new_object(), *list = json_object_new_array();

	if (!to || !list) {
		json_object_put(to);
		json_object_put(list);
		return NULL;
	}
	add_text(to, "holder", info->holder);
	add_text(to, "subject", info->subject);
	add_text(to, "issuer", info->issuer);
	add_text(to, "ca", info->ca);
	add_text(to, "serial", info->serial);
	add_validity(to, info);
	for (size_t i = 0; i < COUNT(usages); i++)
		if (info->usage & usages[i].usage)
			json_object_array_add(list, json_object_new_string(usages[i].key));
	json_object_object_add(to, "usage", list);
	add_text(to, "sha256", info->sha256);
	cert_attributes_json(&info->attributes, to);
	return to;
}
