/*
 * Certificates, revocation lists and OCSP answers from files and addresses.
 * What comes is limited in size and time, and believed by nobody here.
 */
#ifndef TWCARD_TOOLS_CERT_FETCH_H
#define TWCARD_TOOLS_CERT_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>
#include <openssl/x509.h>

#define FETCH_WHY_SIZE 512
#define FETCH_CRL_MAX (64u << 20) /* bytes: a CA's whole list of years has some ten MiB */
#define FETCH_CERTIFICATES_MAX (1u << 20)
#define FETCH_OCSP_MAX (64u << 10)

/* http:// or https://, in any case of letters. */
bool fetch_is_url(const char *where);

/*
 * The bytes of a file, or what an address answers to GET (one DER value, within
 * 30 seconds). NULL: why says so, translated. Owned by the caller: BIO_free().
 */
BIO *fetch_bytes(const char *where, size_t max, char why[FETCH_WHY_SIZE]);

/* The same of an address, with POST: an OCSP request. */
BIO *fetch_ocsp(const char *url, BIO *request, char why[FETCH_WHY_SIZE]);

/* Adds the certificates of a file, PEM or DER. False: why; what was added before it stays. */
bool fetch_certificates(const char *path, STACK_OF(X509) *to, char why[FETCH_WHY_SIZE]);

/* A revocation list, PEM (files only) or DER. NULL: why. Owned by the caller. */
X509_CRL *fetch_crl(const char *where, char why[FETCH_WHY_SIZE]);

#endif
