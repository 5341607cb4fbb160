/* Certificates that a card, a file or a program gave, as OpenSSL's objects. */
#ifndef TWCARD_SRC_CRYPTO_CERTIFICATE_H
#define TWCARD_SRC_CRYPTO_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "apdu/result.h"

/*
 * The certificate that `der` (len bytes) begins with, in the module's context:
 * decoding its key asks providers, and the program's may be such as call the
 * module, whose locks may be held. *out is the caller's, for X509_free(); *used
 * (may be NULL) is how many bytes it has. Nothing stays in OpenSSL's queue of
 * errors. Otherwise *out is NULL, and RESULT_BAD_DATA says that it is none,
 * RESULT_NO_MEMORY and RESULT_CRYPTO that nobody knows.
 */
MUST_USE enum result certificate_parse(const uint8_t *der, size_t len, X509 **out, size_t *used);

#endif
