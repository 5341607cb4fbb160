/*
 * Attributes that are kept as values: session objects have no card behind
 * them. Values are wiped when they go.
 */
#ifndef TWCARD_SRC_STORE_H
#define TWCARD_SRC_STORE_H

#include <stdbool.h>

#include "apdu/buffer.h"
#include "src/cryptoki.h"

struct stored {
	CK_ATTRIBUTE_TYPE type;
	struct buffer value;
};

struct store {
	struct stored *items;
	size_t count;
};

void store_clear(struct store *s);

/* NULL: not there. */
const struct buffer *store_get(const struct store *s, CK_ATTRIBUTE_TYPE type);

/* Adds or replaces. */
MUST_USE enum result store_set(struct store *s, CK_ATTRIBUTE_TYPE type, const void *value,
			       size_t len);
MUST_USE enum result store_set_bool(struct store *s, CK_ATTRIBUTE_TYPE type, bool value);
MUST_USE enum result store_set_ulong(struct store *s, CK_ATTRIBUTE_TYPE type, CK_ULONG value);

/* Missing: false, or CK_UNAVAILABLE_INFORMATION. */
bool store_bool(const struct store *s, CK_ATTRIBUTE_TYPE type);
CK_ULONG store_ulong(const struct store *s, CK_ATTRIBUTE_TYPE type);

MUST_USE enum result store_copy(const struct store *from, struct store *to);

#endif
