#include "config.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "src/crypto/context.h"

/*
 * Set by C_Initialize only. It stays until the process ends: each thread that
 * drew a random number in it has a generator there, which OpenSSL frees when
 * the thread ends, and nobody knows when that is.
 */
static OSSL_LIB_CTX *context;

static const char *const digest_names[] = {"MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"};

#define DIGESTS (sizeof digest_names / sizeof *digest_names)

/* Filled by whoever comes first. */
static _Atomic(EVP_MD *) digests[DIGESTS];

bool crypto_start(void)
{
	if (!context)
		context = OSSL_LIB_CTX_new();
	return context != NULL;
}

void crypto_abandon(void)
{
	for (size_t i = 0; i < DIGESTS; i++)
		atomic_store(&digests[i], NULL);
	context = NULL;
}

bool crypto_is_gone(void)
{
	return !OPENSSL_init_crypto(0, NULL);
}

void crypto_errors_begin(void)
{
	ERR_set_mark();
}

void crypto_errors_end(void)
{
	ERR_pop_to_mark();
}

unsigned long crypto_cause(bool alone)
{
	return alone ? ERR_peek_error() : ERR_peek_last_error();
}

OSSL_LIB_CTX *crypto_context(void)
{
	return context;
}

const EVP_MD *crypto_digest(const char *name)
{
	EVP_MD *md, *other = NULL;
	size_t i = 0;

	while (i < DIGESTS && strcmp(digest_names[i], name) != 0)
		i++;
	if (i == DIGESTS)
		return NULL;
	md = atomic_load(&digests[i]);
	if (md)
		return md;
	md = EVP_MD_fetch(context, name, NULL);
	if (md && !atomic_compare_exchange_strong(&digests[i], &other, md)) {
		EVP_MD_free(md); /* another thread was first */
		md = other;
	}
	return md;
}
