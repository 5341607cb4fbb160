#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "apdu/buffer.h"

#define BUFFER_FIRST 64

void buffer_clear(struct buffer *b)
{
	if (!b)
		return;
	if (b->data) {
		OPENSSL_cleanse(b->data, b->cap);
		free(b->data);
	}
	*b = (struct buffer)BUFFER_INIT;
}

void buffer_reset(struct buffer *b)
{
	buffer_truncate(b, 0);
}

enum result buffer_reserve(struct buffer *b, size_t more)
{
	size_t cap = b->cap ? b->cap : BUFFER_FIRST;
	uint8_t *data;

	if (more > SIZE_MAX / 2 - b->len)
		return RESULT_NO_MEMORY;
	if (b->data && b->cap - b->len >= more)
		return RESULT_OK;
	while (cap < b->len + more)
		cap *= 2;
	/* not realloc: it would leave an unwiped copy behind */
	data = malloc(cap);
	if (!data)
		return RESULT_NO_MEMORY;
	if (b->data) {
		memcpy(data, b->data, b->len);
		OPENSSL_cleanse(b->data, b->cap);
		free(b->data);
	}
	b->data = data;
	b->cap = cap;
	return RESULT_OK;
}

enum result buffer_append(struct buffer *b, const void *data, size_t len)
{
	enum result r = buffer_reserve(b, len);

	if (r != RESULT_OK)
		return r;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	return RESULT_OK;
}

enum result buffer_append_u8(struct buffer *b, uint8_t byte)
{
	return buffer_append(b, &byte, 1);
}

void buffer_truncate(struct buffer *b, size_t len)
{
	if (len >= b->len)
		return;
	OPENSSL_cleanse(b->data + len, b->len - len);
	b->len = len;
}

bool buffer_same(const struct buffer *a, const struct buffer *b)
{
	return a->len && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

void buffer_move(struct buffer *to, struct buffer *from)
{
	buffer_clear(to);
	*to = *from;
	*from = (struct buffer)BUFFER_INIT;
}
