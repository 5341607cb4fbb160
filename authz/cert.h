/* An attribute certificate in memory: its ASN.1, its bytes, what it says. */
#ifndef TWCARD_AUTHZ_CERT_H
#define TWCARD_AUTHZ_CERT_H

#include "authz/asn1.h"
#include "authz/pool.h"
#include "authz/twcard-authz.h"

#define CERT_SERIAL_BITS_MAX 159 /* 20 octets with the sign (RFC 5755, 4.2.5) */

/* An algorithm that signatures are read with; RSA with PKCS #1 v1.5, all of them. */
struct cert_algorithm {
	int nid;
	const char *name;   /* as the manual writes them */
	const char *digest; /* OpenSSL's name */
	bool weak;          /* not to be accepted without being asked */
};

struct authz_cert {
	TWCARD_AC *ac;
	unsigned char *der; /* the whole, as it was read */
	size_t der_len;
	unsigned char *tbs; /* what is signed; OpenSSL's memory */
	size_t tbs_len;
	const struct cert_algorithm *algorithm;
	bool critical_unknown; /* there is a critical extension that is not known */
	struct authz_info info;
	struct pool pool;
};

/* The first name of a GeneralNames if it has no other and is a name of a directory; else NULL. */
const X509_NAME *cert_only_name(const GENERAL_NAMES *names);

/*
 * Decodes it; *out is the caller's. AUTHZ_FORM: it is none, or something is
 * behind it; AUTHZ_NO_MEMORY says nothing of it. What OpenSSL's queue of errors
 * gets is for the caller to take away.
 */
enum authz_reason cert_decode(const unsigned char *der, size_t len, TWCARD_AC **out);

/* False: it is no time. */
bool cert_time(const ASN1_TIME *t, time_t *out);

#endif
