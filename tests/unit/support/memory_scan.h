/*
 * Searches the memory of another process for secrets: for the bytes, and for
 * them as hex digits. What may be where depends on what the process has just
 * done.
 */
#ifndef TESTS_MEMORY_SCAN_H
#define TESTS_MEMORY_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum secret_kind {
	SECRET_OF_LOGIN, /* PIN, master key, session keys: while logged in, in pages kept out of core dumps */
	SECRET_OF_CARD,  /* the card's static keys: while it is in the reader, in such pages */
	SECRET_OF_CALL,  /* a plaintext that was delivered, a key that was destroyed: nowhere */
};

enum memory_stage {
	MEMORY_LOGGED_IN,
	MEMORY_DELIVERED, /* logged in, and a result is in the program's own buffer, in such pages */
	MEMORY_CARD_IN, /* not logged in, or not any more */
	MEMORY_EMPTY,   /* nothing may be anywhere */
	MEMORY_CONTROL, /* there is a secret of a call, and it must be found */
};

#define SECRET_MAX 32

void secrets_clear(void);
/* Copied, as is the name. */
void secrets_add(enum secret_kind kind, const char *name, const uint8_t *bytes, size_t len);
size_t secrets_count(void);
/* Forgets those that were added after there were that many. */
void secrets_keep(size_t count);

/* The first secret in these bytes, in any form; NULL: none. */
const char *secrets_find(const uint8_t *data, size_t len);

/* Does this system say of a page of this process that it is kept out of core dumps? */
bool memory_is_kept_out(const void *page);

struct memory_found {
	unsigned wrong; /* secrets that must not be where they are; each is printed */
	unsigned kept;  /* those that may */
	unsigned held;  /* of these, at a MEMORY_CONTROL, secrets of a call */
};
struct memory_found memory_search(pid_t pid, enum memory_stage stage, const char *name);

#endif
