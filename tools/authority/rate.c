#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HASH_NONFATAL_OOM 1 /* one is refused, the server goes on */
#include <uthash.h>

#include "tools/authority/rate.h"

#define KNOWN_MAX 10000
#define PART 1000 /* tokens are counted in thousandths: one a millisecond and request a second */

struct known {
	char name[RATE_NAME_MAX + 1];
	int64_t tokens; /* in thousandths */
	int64_t at;     /* when that was so */
	UT_hash_handle hh; /* in the order of their last question */
};

struct rates {
	pthread_mutex_t lock;
	int64_t burst, per_second;
	struct known *all;
};

struct rates *rates_new(unsigned burst, unsigned per_second)
{
	struct rates *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	r->burst = (int64_t)burst * PART;
	r->per_second = per_second;
	return r;
}

void rates_free(struct rates *r)
{
	struct known *k, *next;

	if (!r)
		return;
	HASH_ITER(hh, r->all, k, next) {
		HASH_DEL(r->all, k);
		free(k);
	}
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* The one of this name, now the last in the order. NULL: out of memory. */
static struct known *find(struct rates *r, const char *name, int64_t now)
{
	struct known *k = NULL;

	HASH_FIND_STR(r->all, name, k);
	if (k) {
		HASH_DEL(r->all, k);
	} else {
		if (HASH_COUNT(r->all) >= KNOWN_MAX) {
			k = r->all; /* the first is who was quiet for longest */
			HASH_DEL(r->all, k);
		} else {
			k = malloc(sizeof *k);
		}
		if (!k)
			return NULL;
		*k = (struct known){.tokens = r->burst, .at = now};
		snprintf(k->name, sizeof k->name, "%s", name);
	}
	HASH_ADD_STR(r->all, name, k);
	if (k->hh.tbl)
		return k;
	free(k);
	return NULL;
}

bool rates_take_at(struct rates *r, const char *who, int64_t now)
{
	char name[RATE_NAME_MAX + 1];
	struct known *k;
	bool has;

	if (!r->per_second)
		return true;
	snprintf(name, sizeof name, "%.*s", RATE_NAME_MAX, who);
	pthread_mutex_lock(&r->lock);
	k = find(r, name, now);
	has = k != NULL;
	if (k) {
		k->tokens += (now - k->at) * r->per_second;
		if (k->tokens > r->burst)
			k->tokens = r->burst;
		k->at = now;
		has = k->tokens >= PART;
		if (has)
			k->tokens -= PART;
	}
	pthread_mutex_unlock(&r->lock);
	return has;
}

bool rates_take(struct rates *r, const char *who)
{
	struct timespec t = {.tv_sec = 0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return rates_take_at(r, who, (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}
