/* One question to a CA's OCSP responder (RFC 6960), or its answer in a file. */
#ifndef TWCARD_TOOLS_CERT_OCSP_H
#define TWCARD_TOOLS_CERT_OCSP_H

#include <time.h>

#include <openssl/types.h>
#include <openssl/x509.h>

#include "tools/twcard/cert_finding.h"

/*
 * where: an address, or a file with the answer in DER. chain: from x to the
 * trusted CA, two at least. store: what the answer's signer is trusted by. Not
 * signed by who may, or not about now (at): not checked, and failed.
 */
void cert_ocsp_check(const char *where, STACK_OF(X509) *chain, X509_STORE *store, time_t at,
		     struct cert_finding *out);

#endif
