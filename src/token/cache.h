/*
 * Public files of a card on disk, so that the next program starts warm: one
 * file a card, named after its number, with a hash against tearing. Nothing
 * private is ever put in. What is in it may have come from another card with
 * the same number: warm.h tells what is believed of it.
 */
#ifndef TWCARD_SRC_CACHE_H
#define TWCARD_SRC_CACHE_H

#include <stdbool.h>

#include "apdu/buffer.h"
#include "profiles/card.h"

#define CACHE_ENTRIES_MAX 160

enum cache_kind {
	CACHE_DIRECTORY = 1, /* index: enum p15_class; bytes: its records */
	CACHE_CERTIFICATE,   /* index: place in the directory; bytes: DER */
	CACHE_KEY,           /* index: key reference; bytes: modulus, exponent (4) */
	CACHE_DATE,          /* index: enum p15_class; bytes: when it was read, time_t (8) */
	CACHE_KINDS
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

/* Puts a copy, in place of what was there. False: full, or out of memory. */
bool cache_put(struct cache *c, enum cache_kind kind, unsigned index, const void *bytes, size_t len);

/* Takes it out, if it is there. */
void cache_drop(struct cache *c, enum cache_kind kind, unsigned index);

/*
 * Reads the file of a card. False, with *out empty: there is none, or it is
 * not to be used: torn, another card's, not ours alone.
 */
bool cache_load(const char *serial, struct cache *out);

/* Gets what the file has now (empty: nothing) and makes it what it is to have. False: leave the file. */
typedef bool cache_edit(void *context, struct cache *c);

/*
 * Changes the file of a card. One program at a time: nothing that another one
 * saved is lost. Who would have to wait long gives up. What goes wrong is
 * logged and harmless.
 */
void cache_update(const char *serial, cache_edit *edit, void *context);

#endif
