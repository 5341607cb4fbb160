/*
 * How much one signer or address may ask: a number of requests at once, and so
 * many a second afterwards. Of those who were here last a limited number is
 * known; when all places are taken, the one that was quiet for longest is forgotten.
 */
#ifndef TWCARD_AUTHORITY_RATE_H
#define TWCARD_AUTHORITY_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rates;

#define RATE_NAME_MAX 64 /* characters that count */

/* per_second 0: no limit. NULL: out of memory. */
struct rates *rates_new(unsigned burst, unsigned per_second);
void rates_free(struct rates *r); /* NULL: nothing */

/* False: too many. By any thread. */
bool rates_take(struct rates *r, const char *who);

/* The same at a time: milliseconds of any clock that does not go back. */
bool rates_take_at(struct rates *r, const char *who, int64_t now);

#endif
