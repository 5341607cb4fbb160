/* The texts and bytes that a certificate's description points to: kept together, freed together. */
#ifndef TWCARD_AUTHZ_POOL_H
#define TWCARD_AUTHZ_POOL_H

#include <stddef.h>

#define POOL_MAX 40 /* five authorizations of four texts, a scope, an id, names, numbers, a key */

struct pool {
	char *pieces[POOL_MAX];
	size_t count;
};

/* A copy with a NUL behind it, owned by the pool. NULL: out of memory. */
const char *pool_copy(struct pool *pool, const void *bytes, size_t len);
void pool_clear(struct pool *pool);

#endif
