/* What a test does to readers, cards and the PC/SC service. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakepcsc_internal.h"
#include "vcard.h"

/* A test that names a reader that is not there is wrong itself. */
static struct reader *lock_reader(const char *name)
{
	struct reader *r;

	fake_lock();
	r = fake_find_reader(name);
	if (!r) {
		fprintf(stderr, "fakepcsc: no reader %s\n", name);
		abort();
	}
	return r;
}

void fake_clear(void)
{
	fake_lock();
	memset(fake.contexts, 0, sizeof fake.contexts);
	memset(fake.handles, 0, sizeof fake.handles);
	memset(fake.readers, 0, sizeof fake.readers);
	fake.stopped = fake.denied = false;
	fake.strange_calls = fake.left_handles = 0;
	fake.gone_code = SCARD_E_READER_UNAVAILABLE;
	fake.look_fail_count = 0;
	fake.looks_hang = false;
	fake_unlock();
}

void fake_service_stop(void)
{
	fake_lock();
	fake.stopped = true;
	for (size_t i = 0; i < READERS; i++) { /* nobody speaks for its clients any more */
		fake.readers[i].owner = 0;
		fake.readers[i].owner_depth = 0;
		if (fake.readers[i].inserted)
			fake_power(&fake.readers[i], false);
	}
	fake_unlock();
}

void fake_service_start(void)
{
	fake_lock();
	fake.stopped = false;
	fake.service++;
	for (size_t i = 0; i < READERS; i++) {
		fake.readers[i].events = 0;
		if (fake.readers[i].inserted)
			fake_power(&fake.readers[i], true);
	}
	for (size_t i = 0; i < HANDLES; i++) /* a new service knows no old handle */
		fake.handles[i] = (struct handle){0};
	fake_unlock();
}

unsigned fake_open_contexts(void)
{
	unsigned n = 0;

	fake_lock();
	for (size_t i = 0; i < CONTEXTS; i++)
		n += fake.contexts[i].id != 0;
	fake_unlock();
	return n;
}

unsigned fake_open_handles(void)
{
	unsigned n = 0;

	fake_lock();
	for (size_t i = 0; i < HANDLES; i++)
		n += fake.handles[i].id != 0;
	fake_unlock();
	return n;
}

static unsigned count_now(const unsigned *count)
{
	unsigned n;

	fake_lock();
	n = *count;
	fake_unlock();
	return n;
}

unsigned fake_strange_calls(void)
{
	return count_now(&fake.strange_calls);
}

unsigned fake_left_handles(void)
{
	return count_now(&fake.left_handles);
}

bool fake_in_transaction(const char *name)
{
	struct reader *r;
	bool is;

	fake_lock();
	r = fake_find_reader(name);
	is = r && r->owner;
	fake_unlock();
	return is;
}

void fake_add_reader(const char *name)
{
	struct reader *r = NULL;

	fake_lock();
	for (size_t i = 0; i < READERS && !r; i++)
		if (!fake.readers[i].there)
			r = &fake.readers[i];
	assert(r);
	*r = (struct reader){.there = true, .generation = r->generation};
	snprintf(r->name, sizeof r->name, "%s", name);
	fake_unlock();
}

void fake_remove_reader(const char *name)
{
	struct reader *r = lock_reader(name);

	fake_take_card(r);
	r->there = false;
	r->generation++;
	fake_unlock();
}

void fake_insert_card(const char *name, const struct fake_card *card)
{
	struct reader *r = lock_reader(name);

	fake_take_card(r);
	r->card = *card;
	r->pulled = false;
	r->inserted = true;
	r->events++;
	fake_power(r, true);
	fake_unlock();
}

static size_t vcard_answer(void *context, const uint8_t *cmd, size_t len,
			   uint8_t answer[FAKE_ANSWER_MAX])
{
	size_t n = 0;

	if (vcard_transmit(context, cmd, len, answer, FAKE_ANSWER_MAX, &n) != VCARD_ANSWERED)
		return 0;
	return n;
}

static void vcard_power(void *context, bool on)
{
	if (on)
		vcard_power_on(context);
	else
		vcard_power_off(context);
}

void fake_insert(const char *name, struct vcard *card)
{
	struct fake_card in_reader = {.answer = vcard_answer, .power = vcard_power, .context = card};
	const uint8_t *atr = vcard_atr(card, &in_reader.atr_len);

	memcpy(in_reader.atr, atr, in_reader.atr_len);
	fake_insert_card(name, &in_reader);
}

void fake_eject(const char *name)
{
	fake_take_card(lock_reader(name));
	fake_unlock();
}

void fake_eject_in_answer(const char *name)
{
	lock_reader(name)->pulled = true;
	fake_unlock();
}

void fake_break_handles(const char *name, long code)
{
	struct reader *r = lock_reader(name);

	for (size_t i = 0; i < HANDLES; i++)
		if (fake.handles[i].id && fake.handles[i].reader == r)
			fake.handles[i].broken = (LONG)code;
	fake_unlock();
}

void fake_foreign_reset(const char *name)
{
	fake_reset_card(lock_reader(name));
	fake_unlock();
}

unsigned fake_foreign_command(const char *name, const uint8_t *cmd, size_t len)
{
	uint8_t answer[FAKE_ANSWER_MAX];
	struct reader *r = lock_reader(name);
	size_t n = 0;

	while (r->owner)
		fake_wait();
	if (r->inserted)
		n = r->card.answer(r->card.context, cmd, len, answer);
	fake_unlock();
	return n < 2 ? 0 : (unsigned)(answer[n - 2] << 8 | answer[n - 1]);
}

void fake_foreign_select(const char *name)
{
	static const uint8_t select_mf[] = {0x80, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00};

	fake_foreign_command(name, select_mf, sizeof select_mf);
}

void fake_hold_exclusively(const char *name, bool hold)
{
	lock_reader(name)->exclusive = hold;
	fake_unlock();
}

void fake_deny(const char *name, bool deny)
{
	if (name) {
		lock_reader(name)->denied = deny;
	} else {
		fake_lock();
		fake.denied = deny;
	}
	fake_unlock();
}

void fake_hold_transaction(const char *name, bool hold)
{
	struct reader *r = lock_reader(name);

	while (hold && r->owner)
		fake_wait();
	r->held = hold;
	fake_unlock();
}

void fake_on_begin(const char *name, fake_begin_hook *hook, void *context)
{
	struct reader *r = lock_reader(name);

	r->on_begin = hook;
	r->begin_context = context;
	fake_unlock();
}

void fake_on_command(const char *name, fake_command_hook *hook, void *context)
{
	struct reader *r = lock_reader(name);

	r->on_command = hook;
	r->command_context = context;
	fake_unlock();
}

void fake_on_end(const char *name, fake_end_hook *hook, void *context)
{
	struct reader *r = lock_reader(name);

	r->on_end = hook;
	r->end_context = context;
	fake_unlock();
}

void fake_fail(const char *name, unsigned count, long code)
{
	struct reader *r = lock_reader(name);

	r->fail_count = count;
	r->fail_code = (LONG)code;
	fake_unlock();
}

void fake_fail_ends(const char *name, unsigned count, long code)
{
	struct reader *r = lock_reader(name);

	r->end_fail_count = count;
	r->end_fail_code = (LONG)code;
	fake_unlock();
}

void fake_hang(const char *name, bool hang)
{
	lock_reader(name)->hung = hang;
	fake_unlock();
}

bool fake_wait_hanging(const char *name, unsigned timeout_ms)
{
	const struct timespec until = fake_deadline(timeout_ms);
	struct reader *r = lock_reader(name);
	int error = 0;
	bool there;

	while (!(r->hung && r->hanging) && error != ETIMEDOUT)
		error = pthread_cond_timedwait(&fake.changed, &fake.lock, &until);
	there = r->hung && r->hanging;
	fake_unlock();
	return there;
}

void fake_fail_looks(unsigned count, long code)
{
	fake_lock();
	fake.look_fail_count = count;
	fake.look_fail_code = (LONG)code;
	fake_unlock();
}

void fake_hang_looks(bool hang)
{
	fake_lock();
	fake.looks_hang = hang;
	fake_unlock();
}

void fake_set_gone_code(long code)
{
	fake_lock();
	fake.gone_code = (LONG)code;
	fake_unlock();
}

unsigned fake_commands(const char *name)
{
	unsigned n = lock_reader(name)->commands;

	fake_unlock();
	return n;
}

unsigned fake_new_commands(const char *name)
{
	struct reader *r = lock_reader(name);
	unsigned n = r->commands - r->reported;

	r->reported = r->commands;
	fake_unlock();
	return n;
}

unsigned fake_resets(const char *name)
{
	unsigned n = lock_reader(name)->resets;

	fake_unlock();
	return n;
}
