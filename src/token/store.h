/*
 * Attributes that are kept as values: session objects have no card behind
 * them. All values of one object lie in one block, one after the other, which
 * is wiped when it goes or moves.
 */
#ifndef TWCARD_SRC_STORE_H
#define TWCARD_SRC_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "apdu/buffer.h"
#include "src/cryptoki.h"

/* One attribute. Good until the store changes. */
struct stored {
	uint32_t type; /* every CKA_… there is fits */
	uint32_t len;
	uint8_t data[];
};

struct store {
	struct buffer block;
};

#define STORE_INIT {BUFFER_INIT}

void store_clear(struct store *s);

/* NULL: not there. */
const struct stored *store_get(const struct store *s, CK_ATTRIBUTE_TYPE type);

/* The attribute that follows; `before` NULL: the first. NULL: there are no more. */
const struct stored *store_next(const struct store *s, const struct stored *before);

/*
 * Adds or replaces; a failure leaves the store as it was. The value may be one
 * of the store's own. RESULT_QUOTA: too long to be kept at all.
 */
MUST_USE enum result store_set(struct store *s, CK_ATTRIBUTE_TYPE type, const void *value,
			       size_t len);
MUST_USE enum result store_set_bool(struct store *s, CK_ATTRIBUTE_TYPE type, bool value);
MUST_USE enum result store_set_ulong(struct store *s, CK_ATTRIBUTE_TYPE type, CK_ULONG value);

/* Missing: false, or CK_UNAVAILABLE_INFORMATION. */
bool store_bool(const struct store *s, CK_ATTRIBUTE_TYPE type);
CK_ULONG store_ulong(const struct store *s, CK_ATTRIBUTE_TYPE type);

/* A copy in just the memory that it needs. */
MUST_USE enum result store_copy(const struct store *from, struct store *to);

#endif
