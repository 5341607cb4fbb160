#include "config.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/module/events.h"
#include "src/module/module.h"
#include "src/module/internal.h"

#define WAIT_MS 1000 /* one wait: also bounds how late a lost wake-up or a new pcscd is noticed */
#define RETRY_MS 100 /* without a pcscd */

/* A slot whose state is not the one last told of; it is marked as told. */
static bool take_event(CK_SLOT_ID *out)
{
	size_t count = module_slot_count();
	bool found = false;

	for (size_t i = 0; i < count && !found; i++) {
		struct slot *slot = module.slots[i];
		uint32_t now = module_reader_state(slot->reader);

		pthread_mutex_lock(&module.wait_lock);
		found = pcsc_card_changed(slot->reported, now);
		slot->reported = now;
		pthread_mutex_unlock(&module.wait_lock);
		if (found)
			*out = slot->id;
	}
	return found;
}

static void pause_ms(long ms)
{
	const struct timespec step = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&step, NULL);
}

/* The shared context, opened by the first who waits. */
static struct pcsc *enter_wait(void)
{
	struct pcsc *ctx;

	pthread_mutex_lock(&module.wait_lock);
	if (!module.waiter && pcsc_open(&module.waiter) != RESULT_OK)
		module.waiter = NULL;
	ctx = module.waiter;
	module.waiting += ctx != NULL;
	pthread_mutex_unlock(&module.wait_lock);
	return ctx;
}

static void leave_wait(enum result r, uint32_t readers)
{
	pthread_mutex_lock(&module.wait_lock);
	module.readers_known = readers;
	module.waiting--;
	if (r == RESULT_NO_SERVICE && module.waiting == 0)
		pcsc_close(&module.waiter); /* a restarted pcscd does not know it */
	pthread_mutex_unlock(&module.wait_lock);
}

/* Sleeps until something may have changed; no later than WAIT_MS. */
static void wait_for_change(void)
{
	struct pcsc_watch watches[PCSC_READERS_MAX + 1];
	size_t slots = module_slot_count(), count = 0;
	struct pcsc *ctx = enter_wait();
	enum result r;

	if (!ctx) {
		pause_ms(RETRY_MS);
		return;
	}
	pthread_mutex_lock(&module.wait_lock);
	watches[count++] = (struct pcsc_watch){.reader = PCSC_NEW_READERS,
					       .known = module.readers_known};
	for (size_t i = 0; i < slots && count < PCSC_READERS_MAX; i++)
		if (module.slots[i]->reported) /* readers that are away would make the call fail */
			watches[count++] = (struct pcsc_watch){.reader = module.slots[i]->reader,
							       .known = module.slots[i]->reported};
	pthread_mutex_unlock(&module.wait_lock);
	r = pcsc_watch(ctx, watches, count, WAIT_MS);
	leave_wait(r, watches[0].seen);
	/* a change that is no event of ours (a card in use) must not make this spin */
	if (r != RESULT_TIMEOUT)
		pause_ms(RETRY_MS / 10);
}

CK_RV events_wait(bool block, CK_SLOT_ID *slot)
{
	for (;;) {
		CK_RV rv = module_rescan(true);

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
	pthread_mutex_lock(&module.wait_lock);
	if (module.waiter && module.waiting)
		pcsc_cancel(module.waiter);
	pthread_mutex_unlock(&module.wait_lock);
}

void events_close(void)
{
	pthread_mutex_lock(&module.wait_lock);
	pcsc_close(&module.waiter);
	pthread_mutex_unlock(&module.wait_lock);
}
