/* Certificates and revocation lists from files, PEM (any number) or DER (one). */
#ifndef TWCARD_TOOLS_X509_FILE_H
#define TWCARD_TOOLS_X509_FILE_H

#include <openssl/x509.h>

#include "tools/twcard/subcommand.h"

/* Appends them, at least one. EXIT_FILE: it cannot be read, or has none; the user has been told. */
enum exit_code x509_file_load(const char *path, STACK_OF(X509) *out);
enum exit_code x509_file_load_crls(const char *path, STACK_OF(X509_CRL) *out);

#endif
