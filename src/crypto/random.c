#include "config.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "src/crypto/context.h"

#define CHUNK_MAX 0x10000u /* bytes: the most that OpenSSL's generator takes or gives at once */

bool crypto_random(uint8_t *out, size_t len)
{
	while (len) {
		size_t n = len < CHUNK_MAX ? len : CHUNK_MAX;

		if (RAND_bytes_ex(crypto_context(), out, n, 0) != 1)
			return false;
		out += n;
		len -= n;
	}
	return true;
}

/* The generators of all threads take their seed from the primary one. */
bool crypto_seed(const uint8_t *seed, size_t len)
{
	EVP_RAND_CTX *primary = RAND_get0_primary(crypto_context());

	if (!primary)
		return false;
	while (len) {
		size_t n = len < CHUNK_MAX ? len : CHUNK_MAX;

		if (!EVP_RAND_reseed(primary, 0, NULL, 0, seed, n))
			return false;
		seed += n;
		len -= n;
	}
	return true;
}
