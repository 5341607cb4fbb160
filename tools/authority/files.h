/* What the server's options name: certificates, keys, documents. */
#ifndef TWCARD_AUTHORITY_FILES_H
#define TWCARD_AUTHORITY_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/x509.h>

/* A whole file ("-": standard input) with a NUL behind it. NULL: the user has been told. Owned by the caller: free(). */
char *files_read(const char *path, size_t max, size_t *len);

/* Adds the certificates of a PEM file, at least one, as those that are trusted. False: the user has been told. */
bool files_trust(const char *path, X509_STORE *to);

/* The same with revocation lists, PEM, or one in DER (revocation.h). */
bool files_revocations(const char *path, X509_STORE *to);

/* A certificate, PEM or DER. NULL: the user has been told. */
X509 *files_certificate(const char *path);

/* len bytes from hexadecimal digits, in a file for its owner alone. NULL: the user has been told. In secure memory. */
uint8_t *files_key(const char *path, size_t len);

/* A file that is there under its name when all of it is written, or not at all. For its owner alone. */
struct files_new {
	FILE *file;
	const char *path; /* not owned */
	char *temporary;  /* owned */
};

/* False: the user has been told. */
bool files_new_open(const char *path, struct files_new *out);
/* Closes. False: a file is there and not `force`, or it could not be written; the user has been told. */
bool files_new_commit(struct files_new *f, bool force);
void files_new_abort(struct files_new *f);

#endif
