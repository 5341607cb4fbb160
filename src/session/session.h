/*
 * Sessions, and the operations active in them. A session has a lock of its
 * own, which the call that is in it holds from its entry to its end: operations
 * and searches are safe under it, and work on a caller's data holds up nobody
 * else. The table is guarded by the slot's lock.
 */
#ifndef TWCARD_SRC_SESSION_H
#define TWCARD_SRC_SESSION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/hash.h"
#include "src/cryptoki.h"
#include "src/session/operation.h"

#define SESSIONS_MAX 4096 /* of one slot: a program that leaks them gets an answer, not all memory */

struct slot;

/* Objects found by C_FindObjectsInit and not fetched yet. */
struct find_state {
	bool active;
	CK_OBJECT_HANDLE *handles; /* owned */
	size_t count, next;
};

struct session {
	CK_SESSION_HANDLE handle;
	struct slot *slot;
	CK_FLAGS flags;
	UT_hash_handle hh;
	unsigned users;  /* the table and the calls inside; under the slot's lock, as the next */
	bool closed;     /* not in the table any more … */
	bool lost_card;  /* … because its card has gone */
	pthread_mutex_t lock;
	/* all below: under the lock */
	unsigned long login; /* which of the slot's logins its operations were begun in */
	struct operation operations[OPERATION_KINDS];
	struct find_state find;
};

/* Of one slot; all functions on it are called under the slot's lock. */
struct session_table {
	struct session *all;
	uint32_t last; /* counter in the last handle given */
	size_t count, rw_count;
};

/* The slot id that a session handle belongs to. */
CK_SLOT_ID session_slot_id(CK_SESSION_HANDLE handle);

/* CKR_HOST_MEMORY, CKR_SESSION_COUNT. */
CK_RV session_open(struct session_table *table, struct slot *slot, CK_SLOT_ID id, CK_FLAGS flags,
		   CK_SESSION_HANDLE *handle);

/* NULL: no such session. Found ones gain a user: session_release(). */
struct session *session_find(struct session_table *table, CK_SESSION_HANDLE handle);

/* Takes it out of the table; it lives on until the last call in it has left. */
void session_close(struct session_table *table, struct session *session);

/* True: nobody has it any more, and the caller, without the slot's lock, calls session_free(). */
MUST_USE bool session_release(struct session *session);
void session_free(struct session *session);

/* Wipes and ends the operations with private keys. Under the session's lock. */
void session_end_private(struct session *session);

/* The same in all sessions of the table that no call is inside of; the others see to it themselves. */
void session_table_end_private(struct session_table *table);

void find_end(struct find_state *find);

#endif
