#include "config.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/module/events.h"
#include "src/module/internal.h"
#include "src/module/slots.h"
#include "src/token/readers.h"

#define WAIT_MS 1000 /* one wait: also bounds how late a lost wake-up or a new pcscd is noticed */
#define RETRY_MS 100 /* without a pcscd */

/*
 * Of all that wait one asks PC/SC, on a context of its own; the others wait
 * for him: two threads on one context would stop every PC/SC call of the
 * process.
 */
static struct {
	pthread_mutex_t lock; /* also the slots' `reported` */
	pthread_cond_t asked;
	bool asking;
	struct pcsc *context;   /* of who is asking; closed with the lock */
	uint32_t readers_known; /* PC/SC's state for "new readers" at the last wait */
} events = {.lock = PTHREAD_MUTEX_INITIALIZER, .asked = PTHREAD_COND_INITIALIZER};

/* True if this is news of the slot; it is told then. */
static bool take_news(struct slot *slot)
{
	uint64_t round;
	uint32_t now = readers_state(slot->reader, &round);
	bool changed;

	pthread_mutex_lock(&events.lock);
	changed = round > slot->reported_round && pcsc_card_changed(slot->reported, now);
	if (round > slot->reported_round) {
		slot->reported = now;
		slot->reported_round = round;
	}
	pthread_mutex_unlock(&events.lock);
	return changed;
}

static bool take_event(CK_SLOT_ID *out)
{
	size_t count = slots_count();

	for (CK_SLOT_ID id = 0; id < count; id++) {
		struct slot *slot = slots_find(id);

		if (!slot || !take_news(slot))
			continue;
		*out = id;
		return true;
	}
	return false;
}

static void pause_ms(long ms)
{
	const struct timespec step = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&step, NULL);
}

/* With the lock: until who is asking has an answer, or is late. */
static void wait_for_asker(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_MS / 1000;
	(void)pthread_cond_timedwait(&events.asked, &events.lock, &until);
}

/* With the lock, which is let go meanwhile: sleeps in PC/SC. */
static enum result ask(void)
{
	struct pcsc_watch watches[PCSC_READERS_MAX + 1];
	size_t slots = slots_count(), count = 0;
	struct pcsc *context = events.context;
	enum result r;

	watches[count++] = (struct pcsc_watch){.reader = PCSC_NEW_READERS,
					       .known = events.readers_known};
	for (size_t i = 0; i < slots && count < PCSC_READERS_MAX; i++) {
		const struct slot *slot = slots_find(i);

		if (slot && slot->reported) /* readers that are away would make the call fail */
			watches[count++] = (struct pcsc_watch){.reader = slot->reader,
							       .known = slot->reported};
	}
	pthread_mutex_unlock(&events.lock);
	r = pcsc_watch(context, watches, count, WAIT_MS);
	pthread_mutex_lock(&events.lock);
	events.readers_known = watches[0].seen;
	return r;
}

/* Sleeps until something may have changed; no later than WAIT_MS. */
static void wait_for_change(void)
{
	enum result r = RESULT_TIMEOUT;

	pthread_mutex_lock(&events.lock);
	if (events.asking) {
		wait_for_asker();
		pthread_mutex_unlock(&events.lock);
		return;
	}
	events.asking = true;
	if (!events.context)
		r = pcsc_open(&events.context);
	if (events.context) {
		r = ask();
		if (r == RESULT_NO_SERVICE) /* a restarted pcscd does not know it */
			pcsc_close(&events.context);
	}
	events.asking = false;
	pthread_cond_broadcast(&events.asked);
	pthread_mutex_unlock(&events.lock);
	/* a change that is no event of ours (a card in use) must not make this spin */
	if (r != RESULT_TIMEOUT)
		pause_ms(r == RESULT_NO_SERVICE || r == RESULT_NO_ACCESS ? RETRY_MS : RETRY_MS / 10);
}

CK_RV events_wait(bool block, CK_SLOT_ID *slot)
{
	for (;;) {
		CK_RV rv = slots_rescan(true);

		if (rv != CKR_OK)
			return rv;
		if (atomic_load(&module.owner) != getpid())
			return CKR_CRYPTOKI_NOT_INITIALIZED;
		if (take_event(slot))
			return CKR_OK;
		if (!block)
			return CKR_NO_EVENT;
		wait_for_change();
	}
}

void events_cancel(void)
{
	pthread_mutex_lock(&events.lock);
	if (events.asking && events.context)
		pcsc_cancel(events.context); /* the others are woken by him */
	pthread_mutex_unlock(&events.lock);
}

void events_close(void)
{
	pthread_mutex_lock(&events.lock);
	if (!events.asking)
		pcsc_close(&events.context);
	pthread_mutex_unlock(&events.lock);
}

void events_abandon(void)
{
	const pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	const pthread_cond_t asked = PTHREAD_COND_INITIALIZER;

	events.lock = lock;
	events.asked = asked;
	events.asking = false;
	events.context = NULL;
}
