#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "authz/pool.h"

const char *pool_copy(struct pool *pool, const void *bytes, size_t len)
{
	char *copy = pool->count < POOL_MAX ? malloc(len + 1) : NULL;

	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	pool->pieces[pool->count++] = copy;
	return copy;
}

void pool_clear(struct pool *pool)
{
	for (size_t i = 0; i < pool->count; i++)
		free(pool->pieces[i]);
	pool->count = 0;
}
