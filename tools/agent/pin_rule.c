#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/agent/pin_rule.h"

#define CARDS_MAX 16 /* with a wrong PIN; more, and the one of longest ago is forgotten (its own flags remain) */
#define TYPED_LEN 4

struct pin_rule {
	pthread_mutex_t lock;
	char wrong[CARDS_MAX][sizeof((struct work_preview *)0)->serial];
	size_t at;
};

static const char *const words[] = {"none", "no-pin", "wrong-before", "last-try", "locked"};

struct pin_rule *pin_rule_new(void)
{
	struct pin_rule *r = calloc(1, sizeof *r);

	if (r)
		pthread_mutex_init(&r->lock, NULL);
	return r;
}

void pin_rule_free(struct pin_rule *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

const char *pin_rule_word(enum pin_why why)
{
	return words[why];
}

const char *pin_rule_typed(const char *serial)
{
	size_t len = strlen(serial);

	return len > TYPED_LEN ? serial + len - TYPED_LEN : serial;
}

/* CARDS_MAX: not there. */
static size_t find(const struct pin_rule *r, const char *serial)
{
	size_t i = 0;

	while (i < CARDS_MAX && (!*serial || strcmp(r->wrong[i], serial) != 0))
		i++;
	return i;
}

enum pin_why pin_rule_ask(struct pin_rule *r, const struct work_preview *card, bool given)
{
	static const enum pin_why by_state[] = {
		[WORK_TRIES_FULL] = PIN_WHY_NONE,
		[WORK_TRIES_LOW] = PIN_WHY_WRONG_BEFORE,
		[WORK_TRIES_LAST] = PIN_WHY_LAST_TRY,
		[WORK_TRIES_LOCKED] = PIN_WHY_LOCKED,
	};
	enum pin_why why = by_state[card->tries];
	bool wrong;

	if (!card->needs_pin)
		return PIN_WHY_NONE;
	pthread_mutex_lock(&r->lock);
	wrong = find(r, card->serial) < CARDS_MAX;
	pthread_mutex_unlock(&r->lock);
	if (why == PIN_WHY_NONE && wrong)
		why = PIN_WHY_WRONG_BEFORE;
	return why == PIN_WHY_NONE && !given ? PIN_WHY_NO_PIN : why;
}

void pin_rule_note(struct pin_rule *r, const char *serial, enum work_pin_end end)
{
	size_t i;

	if (end == WORK_PIN_NOT_TRIED || !*serial)
		return;
	pthread_mutex_lock(&r->lock);
	i = find(r, serial);
	if (end == WORK_PIN_RIGHT && i < CARDS_MAX) {
		r->wrong[i][0] = '\0';
	} else if (end != WORK_PIN_RIGHT && i == CARDS_MAX) {
		snprintf(r->wrong[r->at], sizeof r->wrong[0], "%s", serial);
		r->at = (r->at + 1) % CARDS_MAX;
	}
	pthread_mutex_unlock(&r->lock);
}
