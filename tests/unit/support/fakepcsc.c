/* The SCard* functions. fakepcsc_control.c has what tests do to the world. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "fakepcsc_internal.h"

#define PNP "\\\\?PnP?\\Notification"

struct fake_state fake = {.lock = PTHREAD_MUTEX_INITIALIZER,
			  .changed = PTHREAD_COND_INITIALIZER,
			  .service = 1,
			  .next_id = 1000,
			  .gone_code = SCARD_E_READER_UNAVAILABLE};

const SCARD_IO_REQUEST g_rgSCardT0Pci = {SCARD_PROTOCOL_T0, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardT1Pci = {SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST)};

/*
 * A fork in the middle of another thread's call: the child finds the world
 * whole and nobody in it, as it would find a daemon.
 */
static void before_fork(void)
{
	pthread_mutex_lock(&fake.lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&fake.lock);
}

static void after_fork_in_child(void)
{
	const pthread_cond_t nobody_waits = PTHREAD_COND_INITIALIZER;

	fake.changed = nobody_waits;
	pthread_mutex_unlock(&fake.lock);
}

static __attribute__((constructor)) void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

void fake_lock(void)
{
	pthread_mutex_lock(&fake.lock);
}

void fake_unlock(void)
{
	pthread_cond_broadcast(&fake.changed);
	pthread_mutex_unlock(&fake.lock);
}

void fake_wait(void)
{
	pthread_cond_wait(&fake.changed, &fake.lock);
}

struct timespec fake_deadline(unsigned ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

struct reader *fake_find_reader(const char *name)
{
	for (size_t i = 0; i < READERS; i++)
		if (fake.readers[i].there && strcmp(fake.readers[i].name, name) == 0)
			return &fake.readers[i];
	return NULL;
}

void fake_power(struct reader *r, bool on)
{
	if (r->card.power)
		r->card.power(r->card.context, on);
}

void fake_tell_handles(struct reader *r, enum event event)
{
	for (size_t i = 0; i < HANDLES; i++)
		if (fake.handles[i].id && fake.handles[i].reader == r)
			fake.handles[i].event = event;
}

void fake_reset_card(struct reader *r)
{
	r->resets++;
	if (r->inserted)
		fake_power(r, true);
	fake_tell_handles(r, EVENT_RESET);
}

void fake_take_card(struct reader *r)
{
	if (!r->inserted)
		return;
	fake_power(r, false);
	r->inserted = false;
	r->owner = 0;
	r->owner_depth = 0;
	r->events++;
	fake_tell_handles(r, EVENT_REMOVED);
}

/* ---- contexts and handles ---- */

static struct context *find_context(SCARDCONTEXT id)
{
	for (size_t i = 0; id && i < CONTEXTS; i++)
		if (fake.contexts[i].id == id)
			return &fake.contexts[i];
	return NULL;
}

static struct handle *find_handle(SCARDHANDLE id)
{
	for (size_t i = 0; id && i < HANDLES; i++)
		if (fake.handles[i].id == id)
			return &fake.handles[i];
	return NULL;
}

static LONG check_context(SCARDCONTEXT id, struct context **out)
{
	*out = find_context(id);
	if (!*out)
		return SCARD_E_INVALID_HANDLE;
	if ((*out)->process != getpid()) {
		fake.strange_calls++;
		return SCARD_E_INVALID_HANDLE;
	}
	return fake.stopped || (*out)->service != fake.service ? SCARD_E_NO_SERVICE : SCARD_S_SUCCESS;
}

/* Calls on one context wait for each other. On success: locked, and the context is ours. */
static LONG enter(SCARDCONTEXT id, struct context **out)
{
	LONG code;

	fake_lock();
	for (;;) {
		code = check_context(id, out);
		if (code != SCARD_S_SUCCESS) {
			fake_unlock();
			return code;
		}
		if (!(*out)->busy)
			break;
		fake_wait();
	}
	(*out)->busy = true;
	return SCARD_S_SUCCESS;
}

static LONG leave(struct context *c, LONG code)
{
	c->busy = false;
	fake_unlock();
	return code;
}

static LONG handle_state(const struct handle *h)
{
	if (!h->reader->there || h->generation != h->reader->generation)
		return fake.gone_code;
	if (h->event == EVENT_REMOVED)
		return SCARD_W_REMOVED_CARD;
	return h->event == EVENT_RESET ? SCARD_W_RESET_CARD : SCARD_S_SUCCESS;
}

static LONG enter_handle(SCARDHANDLE id, struct handle **h, struct context **c)
{
	SCARDCONTEXT context;
	LONG code;

	fake_lock();
	*h = find_handle(id);
	context = *h ? (*h)->context : 0;
	fake_unlock();
	if (!context)
		return SCARD_E_INVALID_HANDLE;
	code = enter(context, c);
	if (code != SCARD_S_SUCCESS)
		return code;
	*h = find_handle(id);
	return *h ? SCARD_S_SUCCESS : leave(*c, SCARD_E_INVALID_HANDLE);
}

static void release_transaction(struct handle *h)
{
	if (h->reader->owner == h->id) {
		h->reader->owner = 0;
		h->reader->owner_depth = 0;
	}
}

static void free_handle(struct handle *h)
{
	release_transaction(h);
	memset(h, 0, sizeof *h);
}

LONG SCardEstablishContext(DWORD scope, LPCVOID reserved1, LPCVOID reserved2, LPSCARDCONTEXT out)
{
	LONG code = SCARD_E_NO_MEMORY;

	(void)scope;
	(void)reserved1;
	(void)reserved2;
	fake_lock();
	if (fake.stopped)
		code = SCARD_E_NO_SERVICE;
	else if (fake.denied)
		code = SCARD_W_SECURITY_VIOLATION;
	for (size_t i = 0; code == SCARD_E_NO_MEMORY && i < CONTEXTS; i++) {
		struct context *c = &fake.contexts[i];

		if (c->id)
			continue;
		*c = (struct context){
			.id = ++fake.next_id, .process = getpid(), .service = fake.service};
		*out = c->id;
		code = SCARD_S_SUCCESS;
	}
	fake_unlock();
	return code;
}

LONG SCardReleaseContext(SCARDCONTEXT id)
{
	struct context *c;
	LONG code;

	fake_lock();
	do {
		code = check_context(id, &c);
		if (code == SCARD_E_INVALID_HANDLE)
			break;
		if (c->busy)
			fake_wait();
	} while (c->busy);
	if (code != SCARD_E_INVALID_HANDLE) { /* also one of a service that is gone */
		for (size_t i = 0; i < HANDLES; i++)
			if (fake.handles[i].id && fake.handles[i].context == id) {
				free_handle(&fake.handles[i]);
				fake.left_handles += code == SCARD_S_SUCCESS;
			}
		memset(c, 0, sizeof *c);
	}
	fake_unlock();
	return code;
}

/* ---- readers and their states ---- */

LONG SCardListReaders(SCARDCONTEXT id, LPCSTR groups, LPSTR out, LPDWORD len)
{
	char block[READERS * sizeof fake.readers[0].name + 1];
	struct context *c;
	DWORD need = 0;
	LONG code = enter(id, &c);

	(void)groups;
	if (code != SCARD_S_SUCCESS)
		return code;
	for (size_t i = 0; i < READERS; i++)
		if (fake.readers[i].there)
			need += (DWORD)snprintf(block + need, sizeof block - need, "%s",
						fake.readers[i].name) + 1;
	block[need++] = '\0';
	if (need == 1)
		code = SCARD_E_NO_READERS_AVAILABLE;
	else if (out && *len < need)
		code = SCARD_E_INSUFFICIENT_BUFFER;
	else if (out)
		memcpy(out, block, need);
	*len = need;
	return leave(c, code);
}

static DWORD reader_count(void)
{
	DWORD n = 0;

	for (size_t i = 0; i < READERS; i++)
		n += fake.readers[i].there;
	return n;
}

static bool in_use(const struct reader *r)
{
	for (size_t i = 0; i < HANDLES; i++)
		if (fake.handles[i].id && fake.handles[i].reader == r)
			return true;
	return false;
}

/* Sets dwEventState; true: the caller wants to know. `before`: readers when it began to wait. */
static bool look_at(SCARD_READERSTATE *s, DWORD before)
{
	const DWORD known = s->dwCurrentState;
	const struct reader *r = fake_find_reader(s->szReader);
	bool changed = known == SCARD_STATE_UNAWARE;
	DWORD seen;

	if (known & SCARD_STATE_IGNORE)
		return false;
	if (strcasecmp(s->szReader, PNP) == 0) {
		seen = reader_count() << 16;
		/* as of pcsc-lite 2.3 the high half counts, before it and with 0 only what
		 * happens during the wait does */
		changed = reader_count() != before || ((known >> 16) && (known >> 16) != reader_count());
	} else if (!r) { /* it went while we waited */
		seen = SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE;
		changed = !(known & SCARD_STATE_UNKNOWN);
	} else {
		seen = (DWORD)r->events << 16;
		changed |= (known >> 16) && (known >> 16) != r->events;
		changed |= (known & SCARD_STATE_UNKNOWN) != 0;
		seen |= r->inserted ? SCARD_STATE_PRESENT : SCARD_STATE_EMPTY;
		changed |= known & (r->inserted ? SCARD_STATE_EMPTY : SCARD_STATE_PRESENT);
		if (r->exclusive)
			seen |= SCARD_STATE_EXCLUSIVE;
		else if (in_use(r))
			seen |= SCARD_STATE_INUSE;
		if (r->inserted) {
			s->cbAtr = (DWORD)r->card.atr_len;
			memcpy(s->rgbAtr, r->card.atr, r->card.atr_len);
		}
	}
	s->dwEventState = seen | (changed ? SCARD_STATE_CHANGED : 0);
	return changed;
}

static bool names_are_known(const SCARD_READERSTATE *states, DWORD count)
{
	for (DWORD i = 0; i < count; i++)
		if (strcasecmp(states[i].szReader, PNP) != 0 && !fake_find_reader(states[i].szReader))
			return false;
	return true;
}

LONG SCardGetStatusChange(SCARDCONTEXT id, DWORD timeout, SCARD_READERSTATE *states, DWORD count)
{
	const struct timespec until = fake_deadline(timeout == INFINITE ? 0 : (unsigned)timeout);
	struct context *c;
	LONG code = enter(id, &c);
	bool changed = false;
	DWORD before;

	if (code != SCARD_S_SUCCESS)
		return code;
	if (fake.look_fail_count) {
		fake.look_fail_count--;
		return leave(c, fake.look_fail_code);
	}
	while (fake.looks_hang)
		fake_wait();
	before = reader_count();
	if (!names_are_known(states, count))
		return leave(c, SCARD_E_UNKNOWN_READER);
	c->waiting = true;
	for (;;) {
		int error = 0;

		for (DWORD i = 0; i < count; i++)
			changed |= look_at(&states[i], before);
		if (changed || timeout == 0)
			break;
		if (timeout == INFINITE)
			fake_wait();
		else
			error = pthread_cond_timedwait(&fake.changed, &fake.lock, &until);
		code = c->cancelled ? SCARD_E_CANCELLED : check_context(id, &c);
		if (code != SCARD_S_SUCCESS)
			break;
		if (error == ETIMEDOUT)
			timeout = 0; /* one more look */
	}
	if (code == SCARD_S_SUCCESS && !changed)
		code = SCARD_E_TIMEOUT;
	c->waiting = c->cancelled = false;
	return leave(c, code);
}

/* On a connection of its own: it waits for nobody, and only wakes who waits already. */
LONG SCardCancel(SCARDCONTEXT id)
{
	struct context *c;
	LONG code;

	fake_lock();
	code = check_context(id, &c);
	if (code == SCARD_S_SUCCESS && c->waiting)
		c->cancelled = true;
	fake_unlock();
	return code;
}

/* ---- connections ---- */

static LONG can_connect(const struct reader *r, DWORD share)
{
	if (!r)
		return SCARD_E_UNKNOWN_READER;
	if (r->denied)
		return SCARD_W_SECURITY_VIOLATION;
	if (r->exclusive || (share == SCARD_SHARE_EXCLUSIVE && in_use(r)))
		return SCARD_E_SHARING_VIOLATION;
	if (!r->inserted)
		return SCARD_E_NO_SMARTCARD;
	return r->card.atr_len ? SCARD_S_SUCCESS : SCARD_W_UNRESPONSIVE_CARD;
}

LONG SCardConnect(SCARDCONTEXT id, LPCSTR reader, DWORD share, DWORD protocols, LPSCARDHANDLE out,
		  LPDWORD protocol)
{
	struct handle *free_one = NULL;
	struct context *c;
	struct reader *r;
	LONG code = enter(id, &c);

	if (code != SCARD_S_SUCCESS)
		return code;
	/* a transaction of somebody else holds up a connection, too */
	while ((r = fake_find_reader(reader)) && (r->owner || r->held) && check_context(id, &c) == 0)
		fake_wait();
	code = can_connect(r, share);
	if (code == SCARD_S_SUCCESS && !(protocols & SCARD_PROTOCOL_T1))
		code = SCARD_E_PROTO_MISMATCH;
	for (size_t i = 0; i < HANDLES && !free_one; i++)
		if (!fake.handles[i].id)
			free_one = &fake.handles[i];
	if (code == SCARD_S_SUCCESS && !free_one)
		code = SCARD_E_NO_MEMORY;
	if (code == SCARD_S_SUCCESS) {
		*free_one = (struct handle){.id = ++fake.next_id, .context = id, .reader = r,
					    .generation = r->generation};
		*out = free_one->id;
		*protocol = SCARD_PROTOCOL_T1;
	}
	return leave(c, code);
}

LONG SCardReconnect(SCARDHANDLE id, DWORD share, DWORD protocols, DWORD initialization,
		    LPDWORD protocol)
{
	struct handle *h;
	struct context *c;
	LONG code = enter_handle(id, &h, &c);

	(void)share;
	(void)protocols;
	if (code != SCARD_S_SUCCESS)
		return code;
	code = handle_state(h);
	if (code == SCARD_W_RESET_CARD)
		code = SCARD_S_SUCCESS;
	/* a card that went and came back can be had again */
	if (code == SCARD_W_REMOVED_CARD)
		code = h->reader->inserted ? SCARD_S_SUCCESS : SCARD_E_NO_SMARTCARD;
	if (code == SCARD_S_SUCCESS) {
		if (initialization != SCARD_LEAVE_CARD)
			fake_reset_card(h->reader);
		h->event = EVENT_NONE;
		*protocol = SCARD_PROTOCOL_T1;
	}
	return leave(c, code);
}

LONG SCardDisconnect(SCARDHANDLE id, DWORD disposition)
{
	struct handle *h;
	struct context *c;
	struct reader *r;
	LONG code = enter_handle(id, &h, &c);

	if (code != SCARD_S_SUCCESS)
		return code;
	r = h->reader;
	code = handle_state(h);
	free_handle(h);
	if (code == SCARD_S_SUCCESS && disposition != SCARD_LEAVE_CARD)
		fake_reset_card(r);
	return leave(c, SCARD_S_SUCCESS);
}

LONG SCardStatus(SCARDHANDLE id, LPSTR name, LPDWORD name_len, LPDWORD state, LPDWORD protocol,
		 LPBYTE atr, LPDWORD atr_len)
{
	struct handle *h;
	struct context *c;
	LONG code = enter_handle(id, &h, &c);

	if (code != SCARD_S_SUCCESS)
		return code;
	code = handle_state(h);
	if (code == SCARD_S_SUCCESS && (name || state || protocol || !atr || !atr_len ||
					*atr_len < h->reader->card.atr_len))
		code = SCARD_E_INVALID_PARAMETER; /* not needed by anybody so far */
	if (code == SCARD_S_SUCCESS) {
		*atr_len = (DWORD)h->reader->card.atr_len;
		memcpy(atr, h->reader->card.atr, h->reader->card.atr_len);
		if (name_len)
			*name_len = (DWORD)strlen(h->reader->name) + 1;
	}
	return leave(c, code);
}

/* ---- transactions and exchanges ---- */

/* The test's hook, without the lock. The handle may be gone or changed afterwards. */
static void run_begin_hook(const struct reader *r)
{
	fake_begin_hook *hook = r->on_begin;
	void *context = r->begin_context;

	if (!hook)
		return;
	fake_unlock();
	hook(context);
	fake_lock();
}

LONG SCardBeginTransaction(SCARDHANDLE id)
{
	bool asked = false;

	for (;;) {
		struct handle *h;
		struct context *c;
		struct reader *r;
		LONG code = enter_handle(id, &h, &c);

		if (code != SCARD_S_SUCCESS)
			return code;
		r = h->reader;
		if (!asked && r->there && !r->owner && !r->held) {
			run_begin_hook(r);
			asked = true;
		}
		code = handle_state(h);
		if (code != SCARD_S_SUCCESS)
			return leave(c, code);
		if (!r->held && (!r->owner || r->owner == id)) {
			r->owner = id;
			r->owner_depth++;
			return leave(c, SCARD_S_SUCCESS);
		}
		/* the library asks again and again, and lets others use the context meanwhile */
		c->busy = false;
		fake_wait();
		fake_unlock();
	}
}

static void run_end_hook(const struct reader *r)
{
	fake_end_hook *hook = r->on_end;
	void *context = r->end_context;

	if (!hook)
		return;
	fake_unlock();
	hook(context);
	fake_lock();
}

LONG SCardEndTransaction(SCARDHANDLE id, DWORD disposition)
{
	struct handle *h;
	struct context *c;
	LONG code = enter_handle(id, &h, &c);

	if (code != SCARD_S_SUCCESS)
		return code;
	run_end_hook(h->reader);
	code = handle_state(h);
	if (code == SCARD_S_SUCCESS && h->reader->end_fail_count) {
		h->reader->end_fail_count--;
		return leave(c, h->reader->end_fail_code);
	}
	/* a reset is done also when nobody has a transaction (pcsc-lite 1.9.9) */
	if (code == SCARD_S_SUCCESS && h->reader->owner != id &&
	    (h->reader->owner || h->reader->held || disposition == SCARD_LEAVE_CARD))
		code = disposition == SCARD_LEAVE_CARD ? SCARD_E_NOT_TRANSACTED
						       : SCARD_E_SHARING_VIOLATION;
	if (code == SCARD_S_SUCCESS) {
		if (disposition != SCARD_LEAVE_CARD)
			fake_reset_card(h->reader); /* all handles learn of it, ours too */
		if (h->reader->owner == id && --h->reader->owner_depth == 0)
			h->reader->owner = 0;
	}
	return leave(c, code);
}

static void run_command_hook(const struct reader *r, const uint8_t *cmd, size_t len)
{
	fake_command_hook *hook = r->on_command;
	void *context = r->command_context;

	if (!hook)
		return;
	fake_unlock();
	hook(context, cmd, len);
	fake_lock();
}

/* Reader and card do their part; h is checked again after every wait. */
static LONG exchange(SCARDHANDLE id, const uint8_t *cmd, size_t len, uint8_t *answer, DWORD *cap)
{
	uint8_t bytes[FAKE_ANSWER_MAX];
	struct handle *h = find_handle(id);
	struct reader *r = h->reader;
	LONG code;
	size_t n;

	r->commands++;
	run_command_hook(r, cmd, len);
	code = handle_state(h);
	if (code == SCARD_S_SUCCESS && h->broken)
		return h->broken;
	if (code == SCARD_S_SUCCESS && r->fail_count) {
		r->fail_count--;
		return r->fail_code;
	}
	for (r->hanging++; r->hung && code == SCARD_S_SUCCESS && !fake.stopped;
	     code = handle_state(h)) {
		pthread_cond_broadcast(&fake.changed);
		fake_wait();
	}
	r->hanging--;
	if (fake.stopped)
		return SCARD_E_NO_SERVICE;
	if (code != SCARD_S_SUCCESS)
		return code;
	n = r->card.answer(r->card.context, cmd, len, bytes);
	if (r->pulled) {
		n = n ? 1 : 0;
		r->pulled = false;
		fake_take_card(r);
	}
	if (n == 0)
		code = SCARD_E_NOT_TRANSACTED;
	else if (n > *cap)
		code = SCARD_E_INSUFFICIENT_BUFFER;
	else
		memcpy(answer, bytes, n);
	explicit_bzero(bytes, sizeof bytes); /* what a search of memory finds is not ours */
	if (code == SCARD_S_SUCCESS)
		*cap = (DWORD)n;
	return code;
}

LONG SCardTransmit(SCARDHANDLE id, const SCARD_IO_REQUEST *send_pci, LPCBYTE cmd, DWORD len,
		   SCARD_IO_REQUEST *receive_pci, LPBYTE answer, LPDWORD answer_len)
{
	struct handle *h;
	struct context *c;
	LONG code = enter_handle(id, &h, &c);

	(void)receive_pci;
	if (code != SCARD_S_SUCCESS)
		return code;
	code = handle_state(h);
	if (code == SCARD_S_SUCCESS &&
	    (h->reader->held || (h->reader->owner && h->reader->owner != id)))
		code = SCARD_E_SHARING_VIOLATION;
	if (code == SCARD_S_SUCCESS && send_pci->dwProtocol != SCARD_PROTOCOL_T1)
		code = SCARD_E_PROTO_MISMATCH;
	if (code == SCARD_S_SUCCESS)
		code = exchange(id, cmd, len, answer, answer_len);
	if (code != SCARD_S_SUCCESS)
		*answer_len = 0;
	return leave(c, code);
}

const char *pcsc_stringify_error(const LONG code)
{
	static _Thread_local char text[32];

	snprintf(text, sizeof text, "PC/SC error %08X", (unsigned)(uint32_t)code);
	return text;
}
