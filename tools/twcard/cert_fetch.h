/*
 * Revocation lists and OCSP answers from files and addresses.
 * What comes is limited in size and time, and believed by nobody here.
 */
#ifndef TWCARD_TOOLS_CERT_FETCH_H
#define TWCARD_TOOLS_CERT_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>
#include <openssl/x509.h>

#include "tools/twcard/x509_file.h"

#define FETCH_OCSP_MAX (64u << 10) /* bytes */

/* http:// or https://, in any case of letters. */
bool fetch_is_url(const char *where);

/*
 * The bytes of a file, or what an address answers to GET (one DER value, within
 * 30 seconds). NULL: why says so, translated. Owned by the caller: BIO_free().
 */
BIO *fetch_bytes(const char *where, size_t max, char why[X509_FILE_WHY]);

/* The same of an address, with POST: an OCSP request. */
BIO *fetch_ocsp(const char *url, BIO *request, char why[X509_FILE_WHY]);

/* What both do with an address (cert_transfer.c); request NULL: GET. */
BIO *fetch_transfer(const char *url, BIO *request, size_t max, char why[X509_FILE_WHY]);

/* Appends revocation lists, see x509_add_crls(). False: why. */
bool fetch_crls(const char *where, STACK_OF(X509_CRL) *to, char why[X509_FILE_WHY]);

#endif
