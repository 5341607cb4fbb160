/*
 * How a first-generation card wants its PIN (facts: gen 1, PIN protection,
 * observed). The clear form is refused by the card and can cost a try, so
 * there is no function for it.
 */
#ifndef TWCARD_APDU_PIN_BLOCK_H
#define TWCARD_APDU_PIN_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "apdu/result.h"

#define PIN_BLOCK_SIZE 10 /* a PIN padded with FF */
#define PIN_IV_SIZE 8
#define PIN_PROTECTED_SIZE 32 /* IV 8, cryptogram 24 */
#define PIN_PAIR_PROTECTED_SIZE 40 /* IV 8, cryptogram 32 */

/* Writes the PIN, padded with FF, to out. RESULT_PIN_LENGTH: len is 0 or above 10. */
MUST_USE enum result pin_block(const uint8_t *pin, size_t len, uint8_t out[PIN_BLOCK_SIZE]);

/*
 * Writes the data field of the protected VERIFY: IV || 3DES-CBC(PIN block ||
 * MAC), under the transport key of the command format. The IV is the caller's
 * and must be random. libctx may be NULL. RESULT_PIN_LENGTH, RESULT_CRYPTO.
 */
MUST_USE enum result pin_protect(OSSL_LIB_CTX *libctx, const uint8_t *pin, size_t len,
				 const uint8_t iv[PIN_IV_SIZE], uint8_t out[PIN_PROTECTED_SIZE]);

/*
 * The same of two, as a change of the PIN wants them (docs/PROTOCOL.md,
 * assumed): IV || 3DES-CBC(PIN block || PIN block || MAC over both). Errors as
 * pin_protect().
 */
MUST_USE enum result pin_protect_pair(OSSL_LIB_CTX *libctx, const uint8_t *first, size_t first_len,
				      const uint8_t *second, size_t second_len,
				      const uint8_t iv[PIN_IV_SIZE],
				      uint8_t out[PIN_PAIR_PROTECTED_SIZE]);

#endif
