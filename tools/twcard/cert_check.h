/*
 * Is a certificate good? Its chain, validity, usage and revocation, each point
 * with its own answer: what was not checked is never called good. The only
 * network traffic is what the request names.
 */
#ifndef TWCARD_TOOLS_CERT_CHECK_H
#define TWCARD_TOOLS_CERT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/types.h>
#include <openssl/x509.h>

#include "tools/twcard/cert_finding.h"

enum cert_point {
	CERT_POINT_CHAIN,
	CERT_POINT_VALIDITY,
	CERT_POINT_USAGE,
	CERT_POINT_REVOCATION,
	CERT_POINT_CA_REVOCATION, /* of the CAs between it and the trusted one */
	CERT_POINTS
};

enum cert_purpose { CERT_PURPOSE_ANY, CERT_PURPOSE_SIGN, CERT_PURPOSE_ENCRYPT, CERT_PURPOSE_TLS_CLIENT };

/* None of it is owned. */
struct cert_request {
	STACK_OF(X509) *trusted;   /* CAs whose word is taken, root or not */
	STACK_OF(X509) *others;    /* CAs that only help to build the chain */
	bool trust_others;         /* the roots among them are trusted too */
	STACK_OF(X509_CRL) *crls;
	const char *crl_why;       /* why a list that was named is not among them; NULL */
	const char *ocsp;          /* an address, or a file with an answer; NULL */
	bool online;               /* ask at the addresses that the certificate itself names */
	enum cert_purpose purpose;
	time_t at;
};

/* False: out of memory; the findings mean nothing. */
bool cert_check(const struct cert_request *request, X509 *x, struct cert_finding out[CERT_POINTS]);

#endif
