/* Whether a certificate should be used today, before it is: its validity and its key usage. */
#ifndef TWCARD_TOOLS_CERT_PROBLEM_H
#define TWCARD_TOOLS_CERT_PROBLEM_H

#include <openssl/types.h>

#include "tools/twcard/subcommand.h"

enum cert_use { CERT_USE_SIGN, CERT_USE_ENCRYPT };

/*
 * EXIT_GOOD: nothing is against it, or --force was given and the user was
 * warned. EXIT_NEGATIVE: something is, and the user has been told.
 */
enum exit_code cert_problem_allow(const struct arguments *args, const X509 *x509, enum cert_use use);

#endif
