#include "config.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "src/token/readers.h"

/* A thread's question, on its stack. */
struct question {
	const char *reader;
	uint32_t state;
	bool known;     /* PC/SC said so, or that there is no such reader, or nobody to ask */
	uint64_t round; /* in which it was answered; 0: not yet */
	struct question *next;
};

/* One for the process, as there is one list of readers. */
static struct {
	pthread_mutex_t lock; /* all below but `context`: that belongs to who is asking */
	pthread_cond_t done;
	bool asking;
	uint64_t round;
	struct question *waiting;
	struct pcsc *context;
} readers = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

/* Asks, with a fresh context where a restarted pcscd does not know ours. */
static enum result ask(enum result (*what)(void *about), void *about)
{
	enum result r = RESULT_NO_SERVICE;

	for (int round = 0; round < 2 && r == RESULT_NO_SERVICE; round++) {
		r = readers.context ? RESULT_OK : pcsc_open(&readers.context);
		if (r == RESULT_OK)
			r = what(about);
		if (r == RESULT_NO_SERVICE)
			pcsc_close(&readers.context);
	}
	return r;
}

static enum result ask_list(void *about)
{
	return pcsc_list(readers.context, about);
}

/* One reader at a time: with several, a name that is not known spoils them all. */
static enum result ask_state(void *about)
{
	struct question *q = about;
	struct pcsc_watch watch = {.reader = q->reader};
	enum result r = pcsc_watch(readers.context, &watch, 1, 0);

	if (r == RESULT_OK || r == RESULT_TIMEOUT)
		q->state = watch.seen;
	q->known = r == RESULT_OK || r == RESULT_TIMEOUT || r == RESULT_NO_READER;
	return r;
}

/* With the lock, which is let go meanwhile. */
static void begin_asking(void)
{
	while (readers.asking)
		pthread_cond_wait(&readers.done, &readers.lock);
	readers.asking = true;
	readers.round++;
	pthread_mutex_unlock(&readers.lock);
}

static void end_asking(void)
{
	pthread_mutex_lock(&readers.lock);
	readers.asking = false;
	pthread_cond_broadcast(&readers.done);
}

enum result readers_list(struct pcsc_readers *out)
{
	enum result r;

	out->count = 0;
	pthread_mutex_lock(&readers.lock);
	begin_asking();
	r = ask(ask_list, out);
	end_asking();
	pthread_mutex_unlock(&readers.lock);
	return r;
}

/* All questions for one reader have one answer. */
static void answer(struct question *first)
{
	for (struct question *q = first; q; q = q->next) {
		const struct question *same = first;

		while (same != q && strcmp(same->reader, q->reader) != 0)
			same = same->next;
		if (same != q) {
			q->state = same->state;
			q->known = same->known;
		} else if (ask(ask_state, q) == RESULT_NO_SERVICE) {
			q->known = true;
		}
	}
}

/* With the lock: asks for everybody who waits. */
static void ask_for_all(void)
{
	struct question *mine = readers.waiting, *next;
	uint64_t round;

	readers.waiting = NULL;
	begin_asking();
	round = readers.round; /* nobody else changes it while we are asking */
	answer(mine);
	end_asking();
	for (; mine; mine = next) { /* gone from its thread's stack once it has a round */
		next = mine->next;
		mine->round = round;
	}
}

uint32_t readers_state(const char *reader, uint64_t *round)
{
	struct question q = {.reader = reader};

	pthread_mutex_lock(&readers.lock);
	q.next = readers.waiting;
	readers.waiting = &q;
	while (!q.round) {
		if (readers.asking)
			pthread_cond_wait(&readers.done, &readers.lock);
		else
			ask_for_all();
	}
	pthread_mutex_unlock(&readers.lock);
	*round = q.known ? q.round : 0;
	return q.state;
}

void readers_close(void)
{
	pthread_mutex_lock(&readers.lock);
	if (!readers.asking)
		pcsc_close(&readers.context);
	pthread_mutex_unlock(&readers.lock);
}

void readers_abandon(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t done = PTHREAD_COND_INITIALIZER;

	readers.lock = lock;
	readers.done = done;
	readers.asking = false;
	readers.waiting = NULL;
	readers.context = NULL;
}
