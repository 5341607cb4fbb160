#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apdu/log.h"
#include "apdu/pcsc.h"
#include "src/module/events.h"
#include "src/module/module.h"
#include "src/module/internal.h"
#include "src/base/rv.h"
#include "src/crypto/context.h"
#include "src/base/settings.h"

#define DRAIN_STEPS 200 /* of 10 ms: how long C_Finalize waits for calls of other threads */

struct module module = {.lock = PTHREAD_MUTEX_INITIALIZER,
			.monitor_lock = PTHREAD_MUTEX_INITIALIZER,
			.wait_lock = PTHREAD_MUTEX_INITIALIZER};

/*
 * After fork() the child inherits our memory, but the connections and locks
 * in it belong to the parent: they are left alone, not closed.
 */
static void abandon_parent(void)
{
	pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;

	memset(module.slots, 0, sizeof module.slots);
	module.slot_count = 0;
	module.scanned = false;
	module.monitor = NULL;
	module.waiter = NULL;
	crypto_abandon();
	module.lock = fresh;
	module.monitor_lock = fresh;
	module.wait_lock = fresh;
	atomic_store(&module.owner, 0);
}

CK_RV module_initialize(void)
{
	pid_t owner = atomic_load(&module.owner);
	CK_RV rv = CKR_OK;

	if (owner && owner != getpid()) {
		abandon_parent();
		atomic_store(&module.active, 0); /* the parent's calls go on there */
	}
	pthread_mutex_lock(&module.lock);
	if (atomic_load(&module.owner)) {
		rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;
		goto out;
	}
	config_load();
	settings_start_log(config_current());
	config_report();
	if (!crypto_start()) {
		rv = CKR_HOST_MEMORY;
		goto out;
	}
	atomic_store(&module.owner, getpid());
	log_line(LOG_INFO, "%s %s", PACKAGE_NAME, PACKAGE_VERSION);
out:
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

CK_RV module_finalize(void)
{
	pid_t owner = atomic_load(&module.owner);

	if (owner != getpid() || !atomic_compare_exchange_strong(&module.owner, &owner, 0))
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	/* what somebody still uses, or OpenSSL has torn down, is left, not freed */
	if (!drain() || crypto_is_gone()) {
		abandon_parent();
		settings_stop_log();
		return CKR_OK;
	}
	pthread_mutex_lock(&module.lock);
	for (size_t i = 0; i < module.slot_count; i++)
		slot_free(&module.slots[i]);
	module.slot_count = 0;
	module.scanned = false;
	pthread_mutex_lock(&module.monitor_lock);
	pcsc_close(&module.monitor);
	pthread_mutex_unlock(&module.monitor_lock);
	events_close();
	crypto_stop();
	log_line(LOG_INFO, "finalized");
	settings_stop_log();
	pthread_mutex_unlock(&module.lock);
	return CKR_OK;
}

/* ---- readers ---- */

/* The monitor context, opened when it is needed: pcscd may come later, or come back. */
static enum result open_monitor(void)
{
	return module.monitor ? RESULT_OK : pcsc_open(&module.monitor);
}

uint32_t module_reader_state(const char *reader)
{
	struct pcsc_watch watch = {.reader = reader};
	enum result r = RESULT_NO_SERVICE;

	pthread_mutex_lock(&module.monitor_lock);
	for (int round = 0; round < 2 && r == RESULT_NO_SERVICE; round++) {
		r = open_monitor();
		if (r == RESULT_OK)
			r = pcsc_watch(module.monitor, &watch, 1, 0);
		if (r == RESULT_NO_SERVICE) /* a restarted pcscd does not know this context */
			pcsc_close(&module.monitor);
	}
	pthread_mutex_unlock(&module.monitor_lock);
	return r == RESULT_OK || r == RESULT_TIMEOUT ? watch.seen : 0;
}

static enum result list_readers(struct pcsc_readers *out)
{
	enum result r = RESULT_NO_SERVICE;

	out->count = 0;
	pthread_mutex_lock(&module.monitor_lock);
	for (int round = 0; round < 2 && r == RESULT_NO_SERVICE; round++) {
		r = open_monitor();
		if (r == RESULT_OK)
			r = pcsc_list(module.monitor, out);
		if (r == RESULT_NO_SERVICE)
			pcsc_close(&module.monitor);
	}
	pthread_mutex_unlock(&module.monitor_lock);
	return r;
}

static bool has_slot(const char *reader)
{
	for (size_t i = 0; i < module.slot_count; i++)
		if (strcmp(module.slots[i]->reader, reader) == 0)
			return true;
	return false;
}

/* Adds a slot for the reader, unless it has one. */
static enum result add_reader(const char *reader, uint32_t state)
{
	struct slot *slot;
	enum result r;

	if (has_slot(reader) || module.slot_count == SLOT_ID_MAX)
		return RESULT_OK;
	r = slot_new(module.slot_count + 1, reader, &slot);
	if (r != RESULT_OK)
		return r;
	slot->reported = state;
	module.slots[module.slot_count++] = slot;
	return RESULT_OK;
}

CK_RV module_rescan(bool report_new)
{
	struct pcsc_readers readers;
	enum result r = list_readers(&readers);

	if (r != RESULT_OK) {
		log_line(LOG_INFO, "no readers: %s", result_text(r));
		return r == RESULT_NO_MEMORY ? CKR_HOST_MEMORY : CKR_OK;
	}
	if (!readers.count)
		log_line(LOG_INFO, "no reader is connected");
	for (size_t i = 0; i < readers.count && r == RESULT_OK; i++) {
		/* what a caller of C_GetSlotList sees now is no event later */
		uint32_t state = report_new ? 0 : module_reader_state(readers.names[i]);

		pthread_mutex_lock(&module.lock);
		r = add_reader(readers.names[i], state);
		pthread_mutex_unlock(&module.lock);
	}
	pthread_mutex_lock(&module.lock);
	module.scanned = true;
	pthread_mutex_unlock(&module.lock);
	pcsc_readers_clear(&readers);
	return rv_of(r);
}

size_t module_slot_count(void)
{
	size_t count;

	pthread_mutex_lock(&module.lock);
	count = module.slot_count;
	pthread_mutex_unlock(&module.lock);
	return count;
}

bool module_scanned(void)
{
	bool scanned;

	pthread_mutex_lock(&module.lock);
	scanned = module.scanned;
	pthread_mutex_unlock(&module.lock);
	return scanned;
}

/* Slot locks are not taken: a slot whose reader hangs is listed like any other. */
CK_RV module_slot_ids(bool with_card, CK_SLOT_ID *ids, CK_ULONG *count)
{
	CK_ULONG room = *count, found = 0;
	size_t slots = module_slot_count();

	for (size_t i = 0; i < slots; i++) {
		uint32_t state = with_card ? module_reader_state(module.slots[i]->reader) : 0;

		if (with_card && !(pcsc_reader_present(state) && pcsc_card_present(state)))
			continue;
		if (ids && found < room)
			ids[found] = module.slots[i]->id;
		found++;
	}
	*count = found;
	return ids && found > room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

/* ---- coming in and going out ---- */

CK_RV module_enter(void)
{
	atomic_fetch_add(&module.active, 1);
	if (atomic_load(&module.owner) == getpid())
		return CKR_OK;
	atomic_fetch_sub(&module.active, 1);
	return CKR_CRYPTOKI_NOT_INITIALIZED;
}

CK_RV module_leave(const char *function, CK_RV rv)
{
	log_line(LOG_DEBUG, "%s: %08lX", function, rv);
	atomic_fetch_sub(&module.active, 1);
	return rv;
}

CK_RV slot_enter(CK_SLOT_ID id, struct slot **out)
{
	CK_RV rv = module_enter();

	*out = NULL;
	if (rv != CKR_OK)
		return rv;
	pthread_mutex_lock(&module.lock);
	if (id >= 1 && id <= module.slot_count)
		*out = module.slots[id - 1];
	pthread_mutex_unlock(&module.lock);
	if (!*out)
		return module_leave("slot", CKR_SLOT_ID_INVALID);
	pthread_mutex_lock(&(*out)->lock);
	return CKR_OK;
}

CK_RV session_enter(CK_SESSION_HANDLE handle, enum look look, struct session **out,
		    struct slot **slot)
{
	CK_RV rv = slot_enter(session_slot_id(handle), slot);
	bool known;

	*out = NULL;
	if (rv == CKR_SLOT_ID_INVALID)
		return CKR_SESSION_HANDLE_INVALID;
	if (rv != CKR_OK)
		return rv;
	known = session_find(*slot, handle);
	if (known && look == LOOK && slot_look(*slot))
		return slot_exit(*slot, "session", CKR_DEVICE_REMOVED);
	*out = session_find(*slot, handle);
	if (!*out)
		return slot_exit(*slot, "session", CKR_SESSION_HANDLE_INVALID);
	return CKR_OK;
}

CK_RV slot_exit(struct slot *slot, const char *function, CK_RV rv)
{
	slot_leave(slot);
	pthread_mutex_unlock(&slot->lock);
	return module_leave(function, rv);
}
