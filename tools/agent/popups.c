#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "tools/agent/popups.h"
#include "tools/agent/request.h"

#define RANDOM_LEN 32

struct popups {
	pthread_mutex_t lock;
	struct popup *first; /* the oldest */
	size_t count;
};

bool token_new(char out[TOKEN_LEN + 1])
{
	unsigned char bytes[RANDOM_LEN];
	char text[4 * ((RANDOM_LEN + 2) / 3) + 1];

	out[0] = '\0';
	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	EVP_EncodeBlock((unsigned char *)text, bytes, sizeof bytes);
	for (size_t i = 0; i < TOKEN_LEN; i++)
		out[i] = text[i];
	out[TOKEN_LEN] = '\0';
	for (char *c = out; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	return true;
}

bool token_equal(const char *a, const char *b)
{
	return a && b && strlen(a) == TOKEN_LEN && strlen(b) == TOKEN_LEN && CRYPTO_memcmp(a, b, TOKEN_LEN) == 0;
}

struct popups *popups_new(void)
{
	struct popups *p = calloc(1, sizeof *p);

	if (p)
		pthread_mutex_init(&p->lock, NULL);
	return p;
}

static void free_list(struct popup *popup)
{
	while (popup) {
		struct popup *next = popup->next;

		popup_free(popup);
		popup = next;
	}
}

void popups_free(struct popups *p)
{
	if (!p)
		return;
	free_list(p->first);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct popup *popup_new(enum popup_step step)
{
	struct popup *popup = calloc(1, sizeof *popup);

	if (!popup)
		return NULL;
	popup->step = step;
	if (!token_new(popup->token)) {
		free(popup);
		return NULL;
	}
	return popup;
}

void popup_free(struct popup *popup)
{
	if (!popup)
		return;
	request_free(popup->request);
	secret_clear(&popup->pin);
	free(popup);
}

void popups_put(struct popups *p, struct popup *popup, int64_t now)
{
	struct popup **at = &p->first, *gone = NULL;

	if (popup->step == POPUP_OPEN || (popup->step == POPUP_ADD && !popup->until))
		popup->until = now + POPUPS_OPEN_SECONDS * 1000;
	popup->next = NULL;
	pthread_mutex_lock(&p->lock);
	if (p->count >= POPUPS_MAX) {
		gone = p->first;
		p->first = gone->next;
		p->count--;
	}
	while (*at)
		at = &(*at)->next;
	*at = popup;
	p->count++;
	pthread_mutex_unlock(&p->lock);
	popup_free(gone);
}

struct popup *popups_take(struct popups *p, const char *token, enum popup_step step, int64_t now, bool *expired)
{
	struct popup **at = &p->first, *found = NULL;

	*expired = false;
	pthread_mutex_lock(&p->lock);
	while (*at && !(token_equal((*at)->token, token) && (*at)->step == step))
		at = &(*at)->next;
	if (*at) {
		found = *at;
		*at = found->next;
		found->next = NULL;
		p->count--;
		*expired = found->until && now > found->until;
	}
	pthread_mutex_unlock(&p->lock);
	return found;
}

size_t popups_count(struct popups *p, int64_t now)
{
	struct popup **at = &p->first, *gone = NULL;
	size_t count;

	pthread_mutex_lock(&p->lock);
	while (*at) {
		struct popup *popup = *at;

		if (popup->until && now > popup->until) {
			*at = popup->next;
			popup->next = gone;
			gone = popup;
			p->count--;
		} else {
			at = &popup->next;
		}
	}
	count = p->count;
	pthread_mutex_unlock(&p->lock);
	free_list(gone);
	return count;
}
