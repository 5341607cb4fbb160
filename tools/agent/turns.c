#include "config.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/agent/turns.h"

/*
 * An asker's first request has the round that is on, each further one that
 * waits the round after: the lowest round is next, and in a round who came
 * first. Nothing is kept of an asker who does not wait, so there is nobody to
 * forget.
 */
struct waiter {
	const char *who;
	unsigned long round;
	bool called;
	struct waiter *next;
};

struct turns {
	pthread_mutex_t lock;
	pthread_cond_t called;
	struct waiter *waiting; /* as they came; in the stacks of their threads */
	const char *who;        /* has the turn; NULL: nobody */
	unsigned long round;    /* of who has it, or had it last */
	unsigned count;
};

struct turns *turns_new(void)
{
	struct turns *t = calloc(1, sizeof *t);

	if (t) {
		pthread_mutex_init(&t->lock, NULL);
		pthread_cond_init(&t->called, NULL);
	}
	return t;
}

void turns_free(struct turns *t)
{
	if (!t)
		return;
	pthread_cond_destroy(&t->called);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static unsigned long round_for(const struct turns *t, const char *who)
{
	unsigned long round = t->round + (t->who && strcmp(t->who, who) == 0);

	for (const struct waiter *w = t->waiting; w; w = w->next)
		if (strcmp(w->who, who) == 0 && w->round >= round)
			round = w->round + 1;
	return round;
}

static void give(struct turns *t, struct waiter *w)
{
	t->who = w->who;
	t->round = w->round;
	w->called = true;
}

static void wait_for(struct turns *t, struct waiter *me)
{
	struct waiter **end = &t->waiting;

	while (*end)
		end = &(*end)->next;
	*end = me;
	while (!me->called)
		pthread_cond_wait(&t->called, &t->lock);
}

void turns_begin(struct turns *t, const char *who)
{
	struct waiter me = {.who = who};

	pthread_mutex_lock(&t->lock);
	me.round = round_for(t, who);
	t->count++;
	if (t->who)
		wait_for(t, &me);
	else
		give(t, &me);
	pthread_mutex_unlock(&t->lock);
}

void turns_end(struct turns *t)
{
	struct waiter **best, *next;

	pthread_mutex_lock(&t->lock);
	t->who = NULL;
	t->count--;
	best = &t->waiting;
	for (struct waiter **at = &t->waiting; *at; at = &(*at)->next)
		if ((*at)->round < (*best)->round)
			best = at;
	next = *best;
	if (next) {
		*best = next->next;
		give(t, next);
		pthread_cond_broadcast(&t->called);
	}
	pthread_mutex_unlock(&t->lock);
}

unsigned turns_count(struct turns *t)
{
	unsigned count;

	pthread_mutex_lock(&t->lock);
	count = t->count;
	pthread_mutex_unlock(&t->lock);
	return count;
}
