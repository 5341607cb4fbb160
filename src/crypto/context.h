/*
 * The module's own OpenSSL library context: what a host program sets or loads
 * in the default one does not concern the module, and the other way round.
 */
#ifndef TWCARD_SRC_CRYPTO_CONTEXT_H
#define TWCARD_SRC_CRYPTO_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

/*
 * Makes it if there is none yet; false: out of memory. Called by C_Initialize,
 * before anything else. It outlives C_Finalize.
 */
bool crypto_start(void);

/* Leaves it as it is: it is a parent process's, or OpenSSL has torn it down. */
void crypto_abandon(void);

/* True if OpenSSL's exit handler has run: what it cleaned up must not be freed again. */
bool crypto_is_gone(void);

/*
 * A hash by OpenSSL's name, fetched once and the context's: NULL if there is
 * no such hash. Fetching costs a search in OpenSSL's tables, and a signature
 * would do it each time.
 */
const EVP_MD *crypto_digest(const char *name);

/* Bytes of the context's generator (random.c); false: it has none. */
bool crypto_random(uint8_t *out, size_t len);

/* Gives the same generator additional input: it seeds itself. */
bool crypto_seed(const uint8_t *seed, size_t len);

/*
 * What OpenSSL says of errors between the two is the module's: a program that
 * looks at its thread's queue of errors finds what it had there.
 */
void crypto_errors_begin(void);
void crypto_errors_end(void);

/*
 * Why OpenSSL refused: the first error is the cause. Where errors of the program
 * stand before it only the last is seen. `alone`: the queue was empty before.
 * 0: it did not say.
 */
unsigned long crypto_cause(bool alone);

/* NULL before C_Initialize, which means OpenSSL's default context to OpenSSL. */
OSSL_LIB_CTX *crypto_context(void);

#endif
