/* Sessions of a slot, and the operations active in them. Under the slot's lock. */
#ifndef TWCARD_SRC_SESSION_H
#define TWCARD_SRC_SESSION_H

#include <stdbool.h>

#include "src/cryptoki.h"
#include "src/base/hash.h"
#include "src/session/operation.h"

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
	struct operation operations[OPERATION_KINDS];
	struct find_state find;
	UT_hash_handle hh;
};

/* The slot id that a session handle belongs to. */
CK_SLOT_ID session_slot_id(CK_SESSION_HANDLE handle);

/* CKR_HOST_MEMORY, CKR_SESSION_COUNT. */
CK_RV session_open(struct slot *slot, CK_FLAGS flags, struct session **out);
struct session *session_find(struct slot *slot, CK_SESSION_HANDLE handle);
void session_close(struct session *session);
void session_close_all(struct slot *slot);

/* Operations with private keys end with the login. */
void session_end_private(struct slot *slot);

CK_STATE session_state(const struct session *session);

void find_end(struct find_state *find);

#endif
