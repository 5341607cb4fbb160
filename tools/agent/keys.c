#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "tools/agent/keys.h"

struct entry {
	char token[TOKEN_LEN + 1]; /* "": free */
	int64_t until;
};

struct keys {
	pthread_mutex_t lock;
	char secret[TOKEN_LEN + 1];
	struct entry open[KEYS_MAX], pages[KEYS_MAX];
};

struct keys *keys_new(void)
{
	struct keys *k = calloc(1, sizeof *k);

	if (!k)
		return NULL;
	pthread_mutex_init(&k->lock, NULL);
	if (!token_new(k->secret)) {
		keys_free(k);
		return NULL;
	}
	return k;
}

void keys_free(struct keys *k)
{
	if (!k)
		return;
	pthread_mutex_destroy(&k->lock);
	OPENSSL_cleanse(k, sizeof *k);
	free(k);
}

const char *keys_secret(const struct keys *k)
{
	return k->secret;
}

/* Into the place of the one that ends first. False: no random bytes. */
static bool add(struct entry *list, int64_t until, char out[TOKEN_LEN + 1])
{
	struct entry *place = list;

	for (size_t i = 1; i < KEYS_MAX; i++)
		if (list[i].until < place->until)
			place = &list[i];
	if (!token_new(out))
		return false;
	memcpy(place->token, out, TOKEN_LEN + 1);
	place->until = until;
	return true;
}

static struct entry *find(struct entry *list, const char *token, int64_t now)
{
	for (size_t i = 0; i < KEYS_MAX; i++)
		if (token_equal(list[i].token, token) && now <= list[i].until)
			return &list[i];
	return NULL;
}

bool keys_open(struct keys *k, int64_t now, char out[TOKEN_LEN + 1])
{
	bool good;

	pthread_mutex_lock(&k->lock);
	good = add(k->open, now + KEYS_OPEN_SECONDS * 1000, out);
	pthread_mutex_unlock(&k->lock);
	return good;
}

bool keys_enter(struct keys *k, const char *key, int64_t now, char out[TOKEN_LEN + 1])
{
	struct entry *entry;
	bool good = false;

	pthread_mutex_lock(&k->lock);
	entry = find(k->open, key, now);
	if (entry) {
		memset(entry, 0, sizeof *entry);
		good = add(k->pages, now + (int64_t)KEYS_PAGE_HOURS * 3600 * 1000, out);
	}
	pthread_mutex_unlock(&k->lock);
	return good;
}

bool keys_good(struct keys *k, const char *token, int64_t now)
{
	bool good;

	pthread_mutex_lock(&k->lock);
	good = find(k->pages, token, now) != NULL;
	pthread_mutex_unlock(&k->lock);
	return good;
}
