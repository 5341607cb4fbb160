/* What the two files of the PC/SC double share: its state and its one lock. */
#ifndef TESTS_FAKEPCSC_INTERNAL_H
#define TESTS_FAKEPCSC_INTERNAL_H

#include <pthread.h>
#include <sys/types.h>
#include <time.h>

#include <winscard.h>

#include "fakepcsc.h"

#define READERS 8
#define CONTEXTS 128
#define HANDLES 128

enum event { EVENT_NONE, EVENT_RESET, EVENT_REMOVED };

struct reader {
	char name[64];
	bool there;
	unsigned generation; /* grows when the reader goes: handles of the one before are gone */
	unsigned events;     /* insertions and removals */
	bool inserted;
	struct fake_card card;
	SCARDHANDLE owner;   /* of the transaction; 0: nobody */
	unsigned owner_depth;
	bool held;           /* a transaction of another program */
	bool exclusive;      /* another program's */
	bool denied;         /* to this user */
	unsigned fail_count, end_fail_count; /* exchanges, ends of transactions */
	LONG fail_code, end_fail_code;
	bool pulled;         /* the card goes in the middle of its next answer */
	bool hung;
	unsigned hanging;    /* commands that wait in it */
	fake_begin_hook *on_begin;
	void *begin_context;
	fake_command_hook *on_command;
	void *command_context;
	fake_end_hook *on_end;
	void *end_context;
	unsigned commands, reported, resets;
};

struct context {
	SCARDCONTEXT id; /* 0: free */
	pid_t process;
	unsigned service;
	bool busy, cancelled, waiting;
};

struct handle {
	SCARDHANDLE id; /* 0: free */
	SCARDCONTEXT context;
	struct reader *reader;
	unsigned generation;
	enum event event;
	LONG broken; /* what all exchanges answer; 0: none does */
};

struct fake_state {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* anything below */
	bool stopped;
	bool denied; /* to this user */
	unsigned service; /* grows with each start */
	LONG next_id;
	LONG gone_code;
	unsigned look_fail_count; /* questions for reader states */
	LONG look_fail_code;
	bool looks_hang;
	unsigned strange_calls, left_handles;
	struct reader readers[READERS];
	struct context contexts[CONTEXTS];
	struct handle handles[HANDLES];
};

extern struct fake_state fake;

void fake_lock(void);
/* Whatever happened in between, those who wait look again. */
void fake_unlock(void);
/* With the lock: waits until something has happened. */
void fake_wait(void);
struct timespec fake_deadline(unsigned ms);

/* With the lock: a reader that is there, or NULL. */
struct reader *fake_find_reader(const char *name);
void fake_power(struct reader *r, bool on);
void fake_tell_handles(struct reader *r, enum event event);
void fake_reset_card(struct reader *r);
/* No card is there from now on. */
void fake_take_card(struct reader *r);

#endif
