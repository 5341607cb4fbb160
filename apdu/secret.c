#include "config.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>

#include "apdu/secret.h"

#define ARENA_BYTES 32768 /* some hundred PINs and keys; a page-aligned power of two */
#define ARENA_LEAST 32

/* A host program may have set the arena up already; ours is only the fallback. */
static void arena_open(void)
{
	if (!CRYPTO_secure_malloc_initialized())
		(void)CRYPTO_secure_malloc_init(ARENA_BYTES, ARENA_LEAST);
}

enum result secret_set(struct secret *s, const void *data, size_t len)
{
	uint8_t *copy;

	if (!len)
		return RESULT_ARGUMENT;
	arena_open();
	copy = OPENSSL_secure_malloc(len);
	if (!copy)
		return RESULT_NO_MEMORY;
	memcpy(copy, data, len);
	secret_clear(s);
	s->data = copy;
	s->len = len;
	return RESULT_OK;
}

void secret_clear(struct secret *s)
{
	if (s->data) {
		OPENSSL_cleanse(s->data, s->len);
		OPENSSL_secure_free(s->data);
	}
	*s = (struct secret)SECRET_INIT;
}
