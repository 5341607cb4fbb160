/*
 * Public files of a card on disk, so that the next program starts warm: one
 * file a card, named after its number, with a hash against tearing. Nothing
 * private is ever put in.
 */
#ifndef TWCARD_SRC_CACHE_H
#define TWCARD_SRC_CACHE_H

#include <stdbool.h>

#include "apdu/buffer.h"
#include "profiles/card.h"

#define CACHE_ENTRIES_MAX 64

enum cache_kind {
	CACHE_DIRECTORY = 1, /* index: enum p15_class; bytes: its records */
	CACHE_CERTIFICATE,   /* index: place in the directory; bytes: DER */
	CACHE_KEY,           /* index: key reference; bytes: modulus, exponent (4) */
	CACHE_HEAD           /* index: place in the directory; bytes: how the certificate begins */
};

struct cache_entry {
	enum cache_kind kind;
	unsigned index;
	struct buffer bytes;
};

struct cache {
	struct cache_entry entries[CACHE_ENTRIES_MAX];
	size_t count;
};

void cache_clear(struct cache *c);

/* NULL: not there. */
const struct buffer *cache_get(const struct cache *c, enum cache_kind kind, unsigned index);

/* Adds a copy. False: full, or out of memory. */
bool cache_put(struct cache *c, enum cache_kind kind, unsigned index, const void *bytes, size_t len);

/*
 * Reads the file of a card. False, with *out empty: there is none, or it is
 * not to be used: torn, another card's, not ours alone.
 */
bool cache_load(const char *serial, struct cache *out);

/* Replaces the file of a card at once. What goes wrong is logged and harmless. */
void cache_save(const char *serial, const struct cache *c);

#endif
