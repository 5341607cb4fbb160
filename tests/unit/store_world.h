/*
 * A database of its own for each case of the store's tests: a file in a new
 * folder, or what TWCARD_TEST_STORE names (a PostgreSQL that is there for these
 * tests alone: each case empties it).
 */
#ifndef TWCARD_TEST_STORE_WORLD_H
#define TWCARD_TEST_STORE_WORLD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/authority/store_internal.h"

struct world {
	char folder[64];
	char url[512];
	struct store *store; /* open */
	char problem[STORE_PROBLEM_SIZE];
	bool postgresql;
};

/* cmocka's set-up and tear-down of a case: *state is the world. */
int world_make(void **state);
int world_end(void **state);

/* A path in the case's folder; good until the next call. */
const char *world_path(const struct world *w, const char *name);

/* How many files there have names that begin so. */
int world_files(const struct world *w, const char *begin);

/* SQL by hand, past the store. */
enum store_result world_execute(struct world *w, const char *sql);

/* The one number of a question by hand. */
int64_t world_number(struct world *w, const char *sql);

/* Another connection, past the store; closed with its driver. */
struct db *world_connect(struct world *w);

/* "STORE_OK" or a failed test that says which and why. */
void world_good(struct world *w, enum store_result result);

/* ---- one call, one transaction; the answers are those of the call ---- */

enum store_result call_put_request(struct store *s, const char *id, const char *nonce, const char *response);
enum store_result call_sequence(struct store *s, const char *authorizer, uint32_t *out);
enum store_result call_audit(struct store *s, const char *operation, const char *request);

/* What a registration does: an answer, a number, a certificate, an audit row. Reservation and request id are `id`. */
enum store_result call_register(struct store *s, const char *id, const char *authorizer, uint32_t *sequence);

#endif
