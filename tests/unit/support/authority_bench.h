/*
 * An authority for tests: in-process, on a database in a folder of its own, with
 * the cards of authz_world.h and a clock that stands still.
 */
#ifndef TESTS_UNIT_AUTHORITY_BENCH_H
#define TESTS_UNIT_AUTHORITY_BENCH_H

#include "authority_request.h"
#include "authz_world.h"
#include "tools/authority/authority.h"

#define BENCH_NOW 1780000000 /* 2026-05-28 */
#define BENCH_KEY "000102030405060708090a0b0c0d0e0f"

extern struct world w;       /* its cards; made once for a program */
extern time_t bench_time;    /* what the authority takes for now; BENCH_NOW in each test */

struct bench {
	struct authority a;
	struct store *store;
	char folder[32], database[64];
};

int bench_set_up_world(void **state);
int bench_tear_down_world(void **state);
int bench_set_up(void **state); /* *state: a struct bench */
int bench_tear_down(void **state);
#define BENCH(test) cmocka_unit_test_setup_teardown(test, bench_set_up, bench_tear_down)

/* Opens the database of a folder, again or in another process; and closes. */
void bench_open(struct bench *b);
void bench_close(struct bench *b);

/* ---- questions ---- */

struct reply {
	int status;
	struct json_object *body; /* owned by the bench until the test ends */
	const char *text;         /* the same, byte for byte */
	const char *code;         /* of an error; "ok" */
	const char *reason;       /* ""; none */
};

struct reply bench_question(struct bench *b, const char *method, const char *path, const char *type, const void *body,
			    size_t len);
struct reply bench_get(struct bench *b, const char *path);

/* What a request says; what is NULL or 0 is as it should be. fields is taken over. */
struct ask {
	enum world_card signer;
	const char *operation;
	struct json_object *fields; /* NULL: none */
	const char *authority, *nonce, *id, *time_text;
	int protocol;
	bool without; /* no frame at all: only the fields */
};

/* The bytes. Owned by the caller: free(). */
uint8_t *bench_bytes(struct bench *b, const struct ask *ask, size_t *len);
struct reply bench_send(struct bench *b, const uint8_t *bytes, size_t len);
struct reply bench_ask(struct bench *b, const struct ask *ask);
struct reply bench_simple(struct bench *b, enum world_card signer, const char *operation, struct json_object *fields);

/* A field of an answer; "" or 0: it is not there. */
const char *bench_text(struct reply r, const char *name);
int64_t bench_number(struct reply r, const char *name);

/* Good, or refused with a code and (not "") a reason. */
void bench_good(struct reply r);
void bench_refused(struct reply r, const char *code, const char *reason);

/* ---- whole steps ---- */

/* Fields, from what should be authorized. */
struct json_object *bench_reservation(const struct authz_spec *spec);
struct json_object *bench_registration(const char *reservation, const void *der, size_t len);

/* Reserves, and puts number and times into the specification. */
struct reply bench_reserve(struct bench *b, enum world_card signer, struct authz_spec *spec);
/* The certificate's registration. */
struct reply bench_register(struct bench *b, enum world_card signer, struct reply reserved, const struct authz_cert *cert);
/* Both; the certificate is the bench's until the test ends. */
struct authz_cert *bench_issue(struct bench *b, enum world_card signer, struct authz_spec *spec);
struct reply bench_written(struct bench *b, enum world_card signer, const struct authz_cert *cert);

/* ---- what is kept ---- */

/* Certificates, sequences and activations as text, to compare. Owned by the bench. */
const char *bench_state(struct bench *b);
/* How many rows the audit has; the newest one's outcome and detail. The chain is whole. */
uint64_t bench_audit(struct bench *b, char outcome[64]);

#endif
