/*
 * An owned byte buffer that wipes what it releases. It never shrinks its
 * memory, and what it grows out of is wiped before it is freed, so a secret
 * that passed through a buffer is gone after buffer_clear().
 */
#ifndef TWCARD_APDU_BUFFER_H
#define TWCARD_APDU_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apdu/result.h"

struct buffer {
	uint8_t *data; /* NULL while cap is 0 */
	size_t len;    /* bytes in use */
	size_t cap;    /* bytes owned */
};

#define BUFFER_INIT {NULL, 0, 0}

/* Wipes and frees the contents; the struct is as new. NULL is allowed. */
void buffer_clear(struct buffer *b);

/* Wipes the bytes in use and sets the length to 0; keeps the memory. */
void buffer_reset(struct buffer *b);

/* Makes room for `more` bytes beyond len. RESULT_NO_MEMORY leaves b as it was. */
MUST_USE enum result buffer_reserve(struct buffer *b, size_t more);

/* Appends len bytes. RESULT_NO_MEMORY leaves b as it was. data may be NULL if len is 0. */
MUST_USE enum result buffer_append(struct buffer *b, const void *data, size_t len);

/* Appends one byte. */
MUST_USE enum result buffer_append_u8(struct buffer *b, uint8_t byte);

/* Cuts b to len bytes, wiping the rest; longer than it is: no change. */
void buffer_truncate(struct buffer *b, size_t len);

/* True if both hold the same bytes, and at least one. */
bool buffer_same(const struct buffer *a, const struct buffer *b);

/* Gives b's contents to *to (whose own contents are cleared); b is empty then. */
void buffer_move(struct buffer *to, struct buffer *from);

#endif
