/*
 * Revocation lists of the CAs that cards are trusted by. They are part of the
 * store of trusted certificates, so whatever asks the store asks them too.
 *
 * A CA of which there is no list is not asked for one. Of one that has a list
 * nobody is taken whom the list does not speak of: it is outdated, not signed
 * by the CA, or for other certificates.
 */
#ifndef TWCARD_AUTHORITY_REVOCATION_H
#define TWCARD_AUTHORITY_REVOCATION_H

#include <stdbool.h>
#include <time.h>

#include <openssl/x509.h>

#include "tools/authority/error.h"

/* Before questions are answered. The list stays the caller's. False: out of memory. */
bool revocation_add(X509_STORE *to, X509_CRL *list);

/* How many lists should have been followed by a newer one at that time. */
unsigned revocation_outdated(X509_STORE *in, time_t now);

/* What X509_STORE_CTX_get_error() comes to: ERROR_SIGNER_REVOKED, ERROR_REVOCATION_UNKNOWN, ERROR_SIGNER_NOT_TRUSTED. */
enum error_code revocation_error(int why);

#endif
