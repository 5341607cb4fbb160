#include "config.h"

#include <string.h>

#include <openssl/crypto.h>

#include "apdu/platform.h"
#include "apdu/secret.h"

/*
 * Pages of its own for each: not OpenSSL's secure memory, which is one for the
 * process and never grows. There each thread of the host program that draws
 * random numbers has its generators, and when it is full they fail.
 */
void *secret_new(size_t size)
{
	return platform_pages_new(size ? size : 1);
}

void secret_free(void *p, size_t size)
{
	if (!p)
		return;
	OPENSSL_cleanse(p, size);
	platform_pages_free(p, size ? size : 1);
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
