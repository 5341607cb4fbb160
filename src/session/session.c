#include "config.h"

#include <stdlib.h>

#include "src/session/session.h"

/* A handle is the slot's id and a counter: 31 bits, for every platform. */
#define COUNTER_BITS 20
#define COUNTER_MASK ((1u << COUNTER_BITS) - 1)

CK_SLOT_ID session_slot_id(CK_SESSION_HANDLE handle)
{
	return handle >> COUNTER_BITS;
}

static struct session *look_up(const struct session_table *table, CK_SESSION_HANDLE handle)
{
	struct session *s = NULL;

	HASH_FIND(hh, table->all, &handle, sizeof handle, s);
	return s;
}

/* The next handle that is neither 0 nor in use: a counter of 0 is left out. */
static CK_SESSION_HANDLE new_handle(struct session_table *table, CK_SLOT_ID id)
{
	CK_SESSION_HANDLE handle;

	do {
		table->last = table->last == COUNTER_MASK ? 1 : table->last + 1;
		handle = id << COUNTER_BITS | table->last;
	} while (look_up(table, handle));
	return handle;
}

CK_RV session_open(struct session_table *table, struct slot *slot, CK_SLOT_ID id, CK_FLAGS flags,
		   CK_SESSION_HANDLE *handle)
{
	struct session *s;

	if (table->count >= SESSIONS_MAX)
		return CKR_SESSION_COUNT;
	s = calloc(1, sizeof *s);
	if (!s)
		return CKR_HOST_MEMORY;
	s->handle = new_handle(table, id);
	s->slot = slot;
	s->flags = flags;
	HASH_ADD(hh, table->all, handle, sizeof s->handle, s);
	if (!s->hh.tbl) {
		free(s);
		return CKR_HOST_MEMORY;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->users = 1;
	table->count++;
	table->rw_count += !!(flags & CKF_RW_SESSION);
	*handle = s->handle;
	return CKR_OK;
}

struct session *session_find(struct session_table *table, CK_SESSION_HANDLE handle)
{
	struct session *s = look_up(table, handle);

	if (s)
		s->users++;
	return s;
}

void session_close(struct session_table *table, struct session *s)
{
	HASH_DEL(table->all, s);
	s->closed = true;
	table->count--;
	table->rw_count -= !!(s->flags & CKF_RW_SESSION);
}

bool session_release(struct session *s)
{
	return --s->users == 0;
}

void find_end(struct find_state *find)
{
	free(find->handles);
	*find = (struct find_state){0};
}

void session_free(struct session *s)
{
	operations_end(s->operations);
	find_end(&s->find);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void session_end_private(struct session *s)
{
	for (size_t i = 0; i < OPERATION_KINDS; i++)
		if (s->operations[i].needs_login)
			operation_end(&s->operations[i]);
}

void session_table_end_private(struct session_table *table)
{
	struct session *s, *next;

	HASH_ITER(hh, table->all, s, next) {
		if (pthread_mutex_trylock(&s->lock) != 0)
			continue;
		session_end_private(s);
		pthread_mutex_unlock(&s->lock);
	}
}
