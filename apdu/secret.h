/*
 * A short secret that outlives one call (a PIN that must be given again after
 * another program reset the card, key-set keys): kept in secure memory (pages
 * that are not swapped out, as far as the system allows, not in core dumps, and
 * empty in a forked child),
 * wiped when cleared.
 */
#ifndef TWCARD_APDU_SECRET_H
#define TWCARD_APDU_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "apdu/result.h"

struct secret {
	uint8_t *data; /* in secure memory; NULL when there is none */
	size_t len;
};

#define SECRET_INIT {NULL, 0}

/* Replaces the contents by a copy of len bytes (at least 1). */
MUST_USE enum result secret_set(struct secret *s, const void *data, size_t len);

/* Wipes and releases. Works also after the cryptographic library has shut down. */
void secret_clear(struct secret *s);

/* A zeroed struct in secure memory (NULL: out of memory), and its wiping release. */
void *secret_new(size_t size);
void secret_free(void *p, size_t size);

#endif
