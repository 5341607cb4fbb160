#include "config.h"

#include <stdlib.h>

#include "src/session/session.h"
#include "src/token/slot.h"

/* A handle is the slot's id and a counter: 31 bits, for every platform. */
#define COUNTER_BITS 20
#define COUNTER_MASK ((1u << COUNTER_BITS) - 1)
#define SESSIONS_MAX 4096 /* of one slot: a program that leaks them gets an answer, not all memory */

CK_SLOT_ID session_slot_id(CK_SESSION_HANDLE handle)
{
	return handle >> COUNTER_BITS;
}

/* The next handle that is neither 0 nor in use. */
static CK_SESSION_HANDLE new_handle(struct slot *slot)
{
	CK_SESSION_HANDLE handle;

	do {
		slot->next_session = (slot->next_session + 1) & COUNTER_MASK;
		handle = slot->id << COUNTER_BITS | slot->next_session;
	} while (session_find(slot, handle));
	return handle;
}

CK_RV session_open(struct slot *slot, CK_FLAGS flags, struct session **out)
{
	struct session *s;

	*out = NULL;
	if (slot->session_count >= SESSIONS_MAX)
		return CKR_SESSION_COUNT;
	s = calloc(1, sizeof *s);
	if (!s)
		return CKR_HOST_MEMORY;
	s->handle = new_handle(slot);
	s->slot = slot;
	s->flags = flags;
	HASH_ADD(hh, slot->sessions, handle, sizeof s->handle, s);
	if (!s->hh.tbl) {
		free(s);
		return CKR_HOST_MEMORY;
	}
	slot->session_count++;
	slot->rw_session_count += !!(flags & CKF_RW_SESSION);
	*out = s;
	return CKR_OK;
}

struct session *session_find(struct slot *slot, CK_SESSION_HANDLE handle)
{
	struct session *s = NULL;

	HASH_FIND(hh, slot->sessions, &handle, sizeof handle, s);
	return s;
}

void find_end(struct find_state *find)
{
	free(find->handles);
	*find = (struct find_state){0};
}

void session_close(struct session *s)
{
	struct slot *slot = s->slot;

	HASH_DEL(slot->sessions, s);
	slot->session_count--;
	slot->rw_session_count -= !!(s->flags & CKF_RW_SESSION);
	operations_end(s->operations);
	token_end_session_objects(&slot->token, s->handle, false);
	find_end(&s->find);
	free(s);
}

void session_close_all(struct slot *slot)
{
	struct session *s, *next;

	HASH_ITER(hh, slot->sessions, s, next)
		session_close(s);
}

void session_end_private(struct slot *slot)
{
	struct session *s, *next;

	HASH_ITER(hh, slot->sessions, s, next) {
		for (size_t i = 0; i < OPERATION_KINDS; i++)
			if (s->operations[i].needs_login)
				operation_end(&s->operations[i]);
	}
}

CK_STATE session_state(const struct session *s)
{
	bool rw = s->flags & CKF_RW_SESSION;

	if (s->slot->token.logged_in)
		return rw ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
	return rw ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
}
