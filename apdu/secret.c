#include "config.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>

#include "apdu/secret.h"

#define ARENA_BYTES 32768 /* some hundred PINs and keys; a page-aligned power of two */
#define ARENA_LEAST 32

static pthread_once_t arena_once = PTHREAD_ONCE_INIT;

/* A host program may have set the arena up already; ours is only the fallback. */
static void arena_open(void)
{
	if (!CRYPTO_secure_malloc_initialized())
		(void)CRYPTO_secure_malloc_init(ARENA_BYTES, ARENA_LEAST);
}

/* OpenSSL's own start of the arena is not safe in two threads: it asserts. */
void secret_start(void)
{
	pthread_once(&arena_once, arena_open);
}

void *secret_new(size_t size)
{
	secret_start();
	return OPENSSL_secure_zalloc(size);
}

void secret_free(void *p, size_t size)
{
	if (!p)
		return;
	OPENSSL_cleanse(p, size);
	OPENSSL_secure_free(p);
}

enum result secret_set(struct secret *s, const void *data, size_t len)
{
	uint8_t *copy;

	if (!len)
		return RESULT_ARGUMENT;
	copy = secret_new(len);
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
	struct secret old = *s;

	/* in this order: a child that is forked between the two wipes what it finds here */
	*s = (struct secret)SECRET_INIT;
	secret_free(old.data, old.len);
}
