/* Certificates and revocation lists from files and bytes, PEM (any number) or DER (one). */
#ifndef TWCARD_TOOLS_X509_FILE_H
#define TWCARD_TOOLS_X509_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>
#include <openssl/x509.h>

#include "tools/twcard/subcommand.h"

#define X509_FILE_WHY 512
#define X509_FILE_CRL_MAX (64u << 20) /* bytes: a CA's whole list of years has some ten MiB */

/* A file's bytes. NULL: why says so, translated. Owned by the caller: BIO_free(). */
BIO *x509_file_bytes(const char *path, size_t max, char why[X509_FILE_WHY]);

/* Appends the lists in a memory BIO (or NULL: why says already). False: none, or one that is damaged. */
bool x509_add_crls(const char *where, BIO *from, STACK_OF(X509_CRL) *to, char why[X509_FILE_WHY]);

/*
 * Appends those of a file, at least one. EXIT_FILE: it cannot be read, has none
 * or a damaged one; the user has been told, and what came before it stays.
 */
enum exit_code x509_file_load(const char *path, STACK_OF(X509) *to);
enum exit_code x509_file_load_crls(const char *path, STACK_OF(X509_CRL) *to);

#endif
