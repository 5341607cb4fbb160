/*
 * What a certificate says, for people and JSON: names, validity, usage, and
 * the attributes that the government's CAs put into it. Nothing here is a
 * proof: that the names are true is what a verified chain says (cert_check.h).
 */
#ifndef TWCARD_TOOLS_CERT_INFO_H
#define TWCARD_TOOLS_CERT_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/types.h>

#include "tools/twcard/cert_attributes.h"

struct json_object;

enum cert_validity { CERT_VALID, CERT_NOT_YET_VALID, CERT_EXPIRED, CERT_NO_VALIDITY };

enum cert_usage {
	CERT_SIGNS = 1 << 0,
	CERT_ENCRYPTS = 1 << 1,
	CERT_IS_CA = 1 << 2
};

#define CERT_DATE_SIZE 16
#define CERT_TIME_SIZE 32
#define CERT_USAGE_SIZE 128
#define CERT_SHA256_SIZE 65 /* hex digits and the NUL */

/*
 * Texts are UTF-8 without control characters, of at most CERT_TEXT_MAX bytes
 * (cert_attributes.h); owned.
 */
struct cert_info {
	char *subject, *issuer; /* in one line: "C=TW, O=…, OU=…" */
	char *holder;           /* the subject's CN, or its O and OU; never NULL */
	char *issuer_name;      /* the same of the issuer */
	const char *ca;         /* "MOICA": a known CA has the issuer's name; NULL: none */
	char *serial;           /* hex digits */
	enum cert_validity validity; /* now; CERT_NO_VALIDITY: its times cannot be read, and are 0 */
	time_t not_before, not_after;
	long days_left;         /* whole days; below 0: since when it is expired */
	unsigned usage;         /* CERT_SIGNS … */
	char sha256[CERT_SHA256_SIZE]; /* of the whole certificate */
	struct cert_attributes attributes;
};

/* now: the time that validity and days left are told for. False: out of memory; *out is clear. */
bool cert_info_read(const X509 *x, time_t now, struct cert_info *out);
void cert_info_clear(struct cert_info *info);

/* An object of what is known; null for what is not. NULL: out of memory. Owned by the caller. */
struct json_object *cert_info_json(const struct cert_info *info);

/* The same times and words as the tables show. */
void cert_info_date(time_t t, char out[CERT_DATE_SIZE]); /* local, "2030-11-20" */
void cert_info_time(time_t t, char out[CERT_TIME_SIZE]); /* UTC, "2030-11-20T08:00:00Z" */
/* Translated: "signature, encryption". */
void cert_info_usage(const struct cert_info *info, char out[CERT_USAGE_SIZE]);

/* False: it is no time. */
bool cert_info_time_of(const ASN1_TIME *t, time_t *out);

/* What people call it: as a known CA, or by its CN, or O and OU. NULL: out of memory. Owned. */
char *cert_info_name(const X509_NAME *name);

/* "MOICA"; NULL: no CA that is known has this name. Whole names are compared. */
const char *cert_info_ca(const X509_NAME *name);

#endif
