#include "config.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apdu/log.h"
#include "apdu/platform.h"
#include "src/base/config_file.h"
#include "src/base/settings.h"
#include "src/crypto/context.h"
#include "src/module/events.h"
#include "src/module/internal.h"
#include "src/module/module.h"
#include "src/module/slots.h"
#include "src/token/readers.h"

#define DRAIN_STEPS 200 /* of 10 ms: how long C_Finalize waits for calls of other threads */

struct module module = {.lock = PTHREAD_MUTEX_INITIALIZER,
			.slots_lock = PTHREAD_MUTEX_INITIALIZER};

/* What is in them is left alone. */
static void forget_slots(void)
{
	memset(module.slots, 0, sizeof module.slots);
	atomic_store(&module.slot_count, 0);
}

/* ---- fork ---- */

/*
 * After fork() the child has a copy of our memory, but the connections and
 * locks in it belong to the parent, whose threads may have held any of them:
 * they are left alone, not closed. Its PIN is not for the child.
 */
static void abandon_parent(void)
{
	const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;

	for (size_t i = 0; i < module.slot_count; i++)
		slot_wipe_pin(module.slots[i]);
	forget_slots();
	readers_abandon();
	events_abandon();
	crypto_abandon();
	module.lock = fresh;
	module.slots_lock = fresh;
	atomic_store(&module.active, 0); /* the parent's calls go on there */
	atomic_store(&module.owner, 0);
}

/*
 * Every call begins here. Of several threads of a forked child one leaves the
 * parent's things behind, the others wait for it; no lock can be used for
 * that, because its owner may not exist here.
 */
static void notice_fork(void)
{
	pid_t self = getpid(), heir;

	while (atomic_load(&module.process) != self) {
		heir = atomic_load(&module.heir);
		if (heir == self || !atomic_compare_exchange_strong(&module.heir, &heir, self)) {
			sched_yield();
			continue;
		}
		/* another thread may have done it between the two looks */
		if (atomic_load(&module.process) != self) {
			if (atomic_load(&module.process))
				abandon_parent();
			atomic_store(&module.process, self);
		}
		atomic_store(&module.heir, 0);
	}
}

/* ---- beginning and end ---- */

static void take_down(void)
{
	for (size_t i = 0; i < module.slot_count; i++)
		slot_free(&module.slots[i]);
	atomic_store(&module.slot_count, 0);
	readers_close();
	events_close();
}

/* With the lock. */
static CK_RV set_up(void)
{
	CK_RV rv;

	config_load();
	settings_start_log(config_current());
	config_report();
	if (!crypto_start())
		return CKR_HOST_MEMORY;
	/* what is there now is no event later (PKCS#11 5.5); slot ids work from here on */
	rv = slots_rescan(false);
	log_line(LOG_INFO, "%s %s", PACKAGE_NAME, PACKAGE_VERSION);
	return rv;
}

CK_RV module_initialize(void)
{
	CK_RV rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;

	notice_fork();
	pthread_mutex_lock(&module.lock);
	if (!atomic_load(&module.owner)) {
		rv = set_up();
		if (rv == CKR_OK)
			atomic_store(&module.owner, getpid());
		else
			take_down();
	}
	pthread_mutex_unlock(&module.lock);
	return rv;
}

/* Calls of other threads end by themselves, but not those on a reader that hangs. */
static bool drain(void)
{
	const struct timespec step = {0, 10 * 1000 * 1000};

	for (int i = 0; i < DRAIN_STEPS && atomic_load(&module.active) > 0; i++) {
		/* again and again: a waiter that was just about to wait misses one */
		events_cancel();
		nanosleep(&step, NULL);
	}
	return atomic_load(&module.active) == 0;
}

/*
 * What somebody still uses, or OpenSSL's exit handler has torn down, is left,
 * not freed: only the card's verified state and the PIN must not stay.
 */
static void leave_behind(void)
{
	for (size_t i = 0; i < module.slot_count; i++)
		slot_abandon(module.slots[i]);
	forget_slots();
	readers_close();
	events_close();
	if (crypto_is_gone())
		crypto_abandon();
}

CK_RV module_finalize(void)
{
	CK_RV rv = CKR_CRYPTOKI_NOT_INITIALIZED;
	pid_t owner = getpid();

	notice_fork();
	pthread_mutex_lock(&module.lock);
	if (atomic_compare_exchange_strong(&module.owner, &owner, 0)) {
		if (!drain() || crypto_is_gone())
			leave_behind();
		else
			take_down();
		log_line(LOG_INFO, "finalized");
		settings_stop_log();
		rv = CKR_OK;
	}
	pthread_mutex_unlock(&module.lock);
	return rv;
}

/*
 * The program ends, or lets go of the library, without C_Finalize: a card that
 * may be verified is reset, so that no other program can sign with it. Does
 * nothing in a forked child, and waits for no lock and nobody. Destructors of
 * other libraries that still call find the module not initialised: OpenSSL has
 * gone, and what the threads of the program had locked stays so.
 */
static __attribute__((destructor)) void at_exit(void)
{
	pid_t owner = getpid();

	if (!atomic_compare_exchange_strong(&module.owner, &owner, 0))
		return;
	for (size_t i = 0; i < module.slot_count; i++)
		if (platform_reaches_cards_at_exit())
			slot_at_exit(module.slots[i]);
		else
			slot_wipe_pin(module.slots[i]);
}

/* ---- coming in and going out ---- */

CK_RV module_enter(void)
{
	notice_fork();
	/* calls that are refused are not inside: many of them would keep C_Finalize waiting */
	if (atomic_load(&module.owner) != getpid())
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	atomic_fetch_add(&module.active, 1);
	if (atomic_load(&module.owner) == getpid())
		return CKR_OK;
	atomic_fetch_sub(&module.active, 1);
	return CKR_CRYPTOKI_NOT_INITIALIZED;
}

void module_leave(void)
{
	atomic_fetch_sub(&module.active, 1);
}

CK_RV module_enter_slot(CK_SLOT_ID id, struct slot **out)
{
	CK_RV rv = module_enter();

	*out = NULL;
	if (rv != CKR_OK)
		return rv;
	*out = slots_find(id);
	if (!*out && id < SLOTS_MAX && slots_rescan(true) == CKR_OK) /* plugged in since */
		*out = slots_find(id);
	if (*out)
		return CKR_OK;
	module_leave();
	return CKR_SLOT_ID_INVALID;
}

void module_leave_slot(struct slot *slot)
{
	slot_leave(slot);
	module_leave();
}

static struct session *find_session(struct slot *slot, CK_SESSION_HANDLE handle)
{
	struct session *s;

	slot_lock(slot);
	s = session_find(&slot->sessions, handle);
	slot_unlock(slot);
	return s;
}

static void release_session(struct session *s)
{
	struct slot *slot = s->slot;
	bool last;

	slot_lock(slot);
	last = session_release(s);
	slot_unlock(slot);
	if (last)
		session_free(s);
}

/*
 * With the session's lock: operations with private keys end with the login in
 * which they were begun. False: the session was closed before we got it.
 */
static bool is_up_to_date(struct session *s)
{
	unsigned long login;
	bool closed;

	slot_lock(s->slot);
	closed = s->closed;
	login = s->slot->token.login;
	slot_unlock(s->slot);
	if (s->login != login)
		session_end_private(s);
	s->login = login;
	return !closed;
}

CK_RV module_enter_session(CK_SESSION_HANDLE handle, enum look look, struct session **out)
{
	struct session *s = NULL;
	CK_RV rv = module_enter();
	struct slot *slot;

	*out = NULL;
	if (rv != CKR_OK)
		return rv;
	slot = slots_find(session_slot_id(handle));
	if (slot)
		s = find_session(slot, handle);
	rv = CKR_SESSION_HANDLE_INVALID;
	if (!s)
		goto fail;
	if (look == LOOK && slot_look(slot)) {
		rv = CKR_DEVICE_REMOVED;
		goto release;
	}
	pthread_mutex_lock(&s->lock);
	if (is_up_to_date(s)) {
		*out = s;
		return CKR_OK;
	}
	pthread_mutex_unlock(&s->lock);
release:
	release_session(s);
fail:
	module_leave();
	return rv;
}

bool module_lost_card(struct session *s)
{
	bool lost;

	slot_lock(s->slot);
	lost = s->lost_card;
	slot_unlock(s->slot);
	return lost;
}

void module_leave_session(struct session *s)
{
	slot_leave(s->slot);
	(void)is_up_to_date(s);
	pthread_mutex_unlock(&s->lock);
	release_session(s);
	module_leave();
}
