/*
 * The authority's database, function by function, on SQLite or PostgreSQL: what
 * it keeps, what it refuses, and what is there after something went wrong.
 * The audit and the database as a whole are in test_store_whole.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_world.h"

/* A few functions in one transaction that only reads, to keep the cases short. */
struct ask {
	const char *key;
	struct store_request request;
	struct store_certificate certificate;
	struct store_activation activation;
	const struct store_filter *filter;
	struct store_certificates list;
	char *document;
	uint32_t version;
};

static enum store_result look(struct world *w, store_work *work, struct ask *ask)
{
	return store_look(w->store, work, ask, w->problem);
}

/* ---- transactions ---- */

struct attempt {
	int runs;
	enum store_result answers[4]; /* of the first runs; STORE_OK from then on */
	const char *name;
};

static enum store_result attempt(struct store_tx *tx, void *context)
{
	struct attempt *a = context;
	uint32_t number;
	enum store_result result = store_sequence_next(tx, a->name, &number);

	a->runs++;
	if (result != STORE_OK || a->runs > 4)
		return result;
	return a->answers[a->runs - 1];
}

static void what_did_not_end_well_is_not_kept(void **state)
{
	static const enum store_result ends[] = {STORE_STOP, STORE_NONE, STORE_EXISTS, STORE_BROKEN, STORE_NO_MEMORY};
	struct world *w = *state;
	uint32_t number;

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct attempt a = {0, {ends[i]}, "one"};

		assert_int_equal(store_run(w->store, attempt, &a, w->problem), ends[i]);
		assert_int_equal(a.runs, 1);
		assert_string_not_equal(w->problem, "");
	}
	world_good(w, call_sequence(w->store, "one", &number));
	assert_int_equal(number, 1);
}

static void a_conflict_is_run_again(void **state)
{
	struct world *w = *state;
	struct attempt a = {0, {STORE_CONFLICT, STORE_CONFLICT, STORE_OK}, "one"};
	uint32_t number;

	world_good(w, store_run(w->store, attempt, &a, w->problem));
	assert_int_equal(a.runs, 3);
	world_good(w, call_sequence(w->store, "one", &number));
	assert_int_equal(number, 2); /* the first two runs left nothing */
}

static void who_looks_does_not_write(void **state)
{
	struct world *w = *state;
	struct attempt a = {0, {STORE_OK}, "one"};
	uint32_t number;

	assert_int_equal(store_look(w->store, attempt, &a, w->problem), STORE_BROKEN);
	assert_non_null(strstr(w->problem, "only reads"));
	world_good(w, call_sequence(w->store, "one", &number));
	assert_int_equal(number, 1);
}

static void a_text_that_is_not_utf8_is_refused(void **state)
{
	static const char *const bad[] = {"\xFF", "a\xC3", "\xED\xA0\x80"};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(call_audit(w->store, bad[i], "r"), STORE_BROKEN);
		assert_int_equal(call_put_request(w->store, "1", "n", bad[i]), STORE_BROKEN);
	}
	world_good(w, call_put_request(w->store, "1", "n", "{\"unit\":\"總公司》資訊處\"}"));
}

static void every_result_has_a_text(void **state)
{
	(void)state;
	for (enum store_result r = STORE_OK; r <= STORE_NO_MEMORY; r++) {
		assert_string_not_equal(store_result_text(r), "");
		assert_string_not_equal(store_result_text(r), "unknown");
	}
	assert_string_equal(store_result_text((enum store_result)99), "unknown");
}

/* ---- the secret ---- */

static void the_secret_stays(void **state)
{
	struct world *w = *state;
	uint8_t first[32], second[32], none[32] = {0};

	store_secret(w->store, first);
	assert_memory_not_equal(first, none, sizeof none);
	store_close(&w->store);
	assert_null(w->store);
	store_close(&w->store);
	world_good(w, store_open(w->url, &w->store, w->problem));
	store_secret(w->store, second);
	assert_memory_equal(first, second, sizeof first);
}

/* ---- requests ---- */

static enum store_result find_request(struct store_tx *tx, void *context)
{
	struct ask *a = context;

	return store_request_find(tx, a->key, &a->request);
}

static enum store_result nonce_used(struct store_tx *tx, void *context)
{
	return store_nonce_used(tx, ((struct ask *)context)->key);
}

static enum store_result expire(struct store_tx *tx, void *context)
{
	return store_requests_expire(tx, *(int64_t *)context);
}

static void an_answer_is_kept_byte_for_byte(void **state)
{
	static const char response[] = "{\"a\" : 1,\n\t\"b\":\"總\\u0000'\"; $1 ?1 --\"}";
	struct world *w = *state;
	struct ask a = {.key = "id-1"};

	assert_int_equal(look(w, find_request, &a), STORE_NONE);
	world_good(w, call_put_request(w->store, "id-1", "nonce-1", response));
	world_good(w, look(w, find_request, &a));
	assert_string_equal(a.request.id, "id-1");
	assert_string_equal(a.request.nonce, "nonce-1");
	assert_string_equal(a.request.response, response);
	assert_int_equal(a.request.status, 200);
	assert_int_equal(a.request.at, 1000);
	assert_int_equal(a.request.sha256[2], 3);
	store_request_clear(&a.request);
	assert_null(a.request.id);
	store_request_clear(&a.request);
}

static void an_id_and_a_nonce_are_used_once(void **state)
{
	struct world *w = *state;
	struct ask a = {.key = "nonce-1"};

	assert_int_equal(look(w, nonce_used, &a), STORE_NONE);
	world_good(w, call_put_request(w->store, "id-1", "nonce-1", "first"));
	assert_int_equal(look(w, nonce_used, &a), STORE_OK);
	assert_int_equal(call_put_request(w->store, "id-1", "nonce-2", "second"), STORE_EXISTS);
	assert_int_equal(call_put_request(w->store, "id-2", "nonce-1", "second"), STORE_EXISTS);
	a.key = "id-1";
	world_good(w, look(w, find_request, &a));
	assert_string_equal(a.request.response, "first");
	store_request_clear(&a.request);
	a.key = "id-2";
	assert_int_equal(look(w, find_request, &a), STORE_NONE);
}

static void old_answers_are_forgotten(void **state)
{
	struct world *w = *state;
	struct ask a = {.key = "id-1"};
	int64_t before = 1000;

	world_good(w, call_put_request(w->store, "id-1", "nonce-1", "r"));
	world_good(w, store_run(w->store, expire, &before, w->problem));
	world_good(w, look(w, find_request, &a));
	store_request_clear(&a.request);
	before = 1001;
	world_good(w, store_run(w->store, expire, &before, w->problem));
	assert_int_equal(look(w, find_request, &a), STORE_NONE);
}

/* ---- sequences ---- */

static void numbers_begin_at_one_for_each(void **state)
{
	struct world *w = *state;
	uint32_t number;

	for (uint32_t i = 1; i <= 3; i++) {
		world_good(w, call_sequence(w->store, "one", &number));
		assert_int_equal(number, i);
	}
	world_good(w, call_sequence(w->store, "two", &number));
	assert_int_equal(number, 1);
}

static void after_the_last_number_there_is_none(void **state)
{
	struct world *w = *state;
	uint32_t number = 0;

	world_good(w, call_sequence(w->store, "one", &number));
	assert_int_equal(world_execute(w, "UPDATE sequence SET last_number = 999998"), STORE_OK);
	world_good(w, call_sequence(w->store, "one", &number));
	assert_int_equal(number, 999999);
	for (int i = 0; i < 2; i++)
		assert_int_equal(call_sequence(w->store, "one", &number), STORE_REFUSED);
}

/* ---- certificates ---- */

static enum store_result put_certificate(struct store_tx *tx, void *context)
{
	return store_certificate_put(tx, context);
}

static enum store_result by_reservation(struct store_tx *tx, void *context)
{
	struct ask *a = context;

	return store_certificate_by_reservation(tx, a->key, &a->certificate);
}

static enum store_result by_serial(struct store_tx *tx, void *context)
{
	struct ask *a = context;

	return store_certificate_by_serial(tx, a->key, &a->certificate);
}

static enum store_result list(struct store_tx *tx, void *context)
{
	struct ask *a = context;

	store_certificates_clear(&a->list);
	return store_certificate_list(tx, a->filter, &a->list);
}

static struct store_certificate reserved(const char *reservation, uint32_t sequence)
{
	static uint8_t bytes[] = {0x30, 0x03, 0x00, 0x01, 0x02};

	return (struct store_certificate){
		.reservation = (char *)reservation, .kind = STORE_APPLICATIONS, .state = STORE_RESERVED,
		.authorizer = (char *)"authorizer", .holder = (char *)"holder", .authorizer_der = {bytes, 5},
		.holder_der = {bytes, 3}, .sequence = sequence, .not_before = 10, .not_after = 20,
		.content = (char *)"{\"grants\":[]}", .created = 5,
	};
}

static enum store_result put(struct world *w, struct store_certificate c)
{
	return store_run(w->store, put_certificate, &c, w->problem);
}

static void a_reservation_is_found_as_it_was_put(void **state)
{
	struct world *w = *state;
	struct ask a = {.key = "r1"};
	uint8_t none[STORE_HASH] = {0};

	assert_int_equal(look(w, by_reservation, &a), STORE_NONE);
	world_good(w, put(w, reserved("r1", 1)));
	world_good(w, look(w, by_reservation, &a));
	assert_string_equal(a.certificate.reservation, "r1");
	assert_null(a.certificate.serial);
	assert_int_equal(a.certificate.kind, STORE_APPLICATIONS);
	assert_int_equal(a.certificate.state, STORE_RESERVED);
	assert_string_equal(a.certificate.authorizer, "authorizer");
	assert_string_equal(a.certificate.holder, "holder");
	assert_int_equal(a.certificate.authorizer_der.len, 5);
	assert_memory_equal(a.certificate.authorizer_der.data, "\x30\x03\x00\x01\x02", 5);
	assert_int_equal(a.certificate.holder_der.len, 3);
	assert_null(a.certificate.primary_der.data);
	assert_null(a.certificate.der.data);
	assert_memory_equal(a.certificate.sha256, none, sizeof none);
	assert_int_equal(a.certificate.not_before, 10);
	assert_int_equal(a.certificate.not_after, 20);
	assert_string_equal(a.certificate.content, "{\"grants\":[]}");
	assert_int_equal(a.certificate.created, 5);
	assert_int_equal(a.certificate.changed, 5);
	assert_int_equal(a.certificate.number, 1);
	store_certificate_clear(&a.certificate);
}

static void a_reservation_and_a_sequence_are_given_once(void **state)
{
	struct world *w = *state;
	struct store_certificate other = reserved("r3", 1);
	struct ask a = {.key = "r2"};

	world_good(w, put(w, reserved("r1", 1)));
	assert_int_equal(put(w, reserved("r1", 2)), STORE_EXISTS);
	assert_int_equal(put(w, reserved("r2", 1)), STORE_EXISTS);
	assert_int_equal(look(w, by_reservation, &a), STORE_NONE);
	other.authorizer = (char *)"another";
	world_good(w, put(w, other));
}

struct change {
	const char *reservation, *serial;
	struct store_bytes der;
	enum store_state state;
	int64_t at;
};

static enum store_result set_signed(struct store_tx *tx, void *context)
{
	struct change *c = context;

	return store_certificate_set_signed(tx, c->reservation, c->serial, &c->der, c->state, c->at);
}

static enum store_result set_state(struct store_tx *tx, void *context)
{
	struct change *c = context;

	return store_certificate_set_state(tx, c->reservation, c->state, c->at);
}

static void a_signed_certificate_is_found_by_its_serial(void **state)
{
	static const uint8_t abc[] = {0xBA, 0x78, 0x16, 0xBF}; /* SHA-256 of "abc" */
	struct world *w = *state;
	struct change c = {"r1", "serial-1", {(uint8_t *)"abc", 3}, STORE_SIGNED, 77};
	struct ask a = {.key = "serial-1"};

	assert_int_equal(store_run(w->store, set_signed, &c, w->problem), STORE_NONE);
	assert_int_equal(store_run(w->store, set_state, &c, w->problem), STORE_NONE);
	world_good(w, put(w, reserved("r1", 1)));
	world_good(w, store_run(w->store, set_signed, &c, w->problem));
	world_good(w, look(w, by_serial, &a));
	assert_string_equal(a.certificate.reservation, "r1");
	assert_int_equal(a.certificate.state, STORE_SIGNED);
	assert_int_equal(a.certificate.changed, 77);
	assert_int_equal(a.certificate.created, 5);
	assert_memory_equal(a.certificate.der.data, "abc", 3);
	assert_memory_equal(a.certificate.sha256, abc, sizeof abc);
	store_certificate_clear(&a.certificate);
	world_good(w, store_run(w->store, set_signed, &c, w->problem)); /* again the same */
	c = (struct change){.reservation = "r1", .state = STORE_WRITTEN, .at = 78};
	world_good(w, store_run(w->store, set_state, &c, w->problem));
	world_good(w, look(w, by_serial, &a));
	assert_int_equal(a.certificate.state, STORE_WRITTEN);
	assert_int_equal(a.certificate.changed, 78);
	store_certificate_clear(&a.certificate);
}

static void a_serial_is_given_once(void **state)
{
	struct world *w = *state;
	struct change c = {"r1", "serial", {(uint8_t *)"abc", 3}, STORE_SIGNED, 77};
	struct ask a = {.key = "r2"};

	world_good(w, put(w, reserved("r1", 1)));
	world_good(w, put(w, reserved("r2", 2)));
	world_good(w, store_run(w->store, set_signed, &c, w->problem));
	c.reservation = "r2";
	assert_int_equal(store_run(w->store, set_signed, &c, w->problem), STORE_EXISTS);
	world_good(w, look(w, by_reservation, &a));
	assert_int_equal(a.certificate.state, STORE_RESERVED);
	assert_null(a.certificate.serial);
	store_certificate_clear(&a.certificate);
}

static enum store_result replace_written(struct store_tx *tx, void *context)
{
	return store_certificate_move(tx, "holder", STORE_APPLICATIONS, STORE_WRITTEN, STORE_REPLACED, context, 99);
}

static void assert_state(struct world *w, const char *reservation, enum store_state wanted)
{
	struct ask a = {.key = reservation};

	world_good(w, look(w, by_reservation, &a));
	assert_int_equal(a.certificate.state, wanted);
	store_certificate_clear(&a.certificate);
}

static void a_newer_one_replaces_those_of_its_holder_and_kind(void **state)
{
	static const struct {
		const char *reservation, *holder;
		enum store_kind kind;
		enum store_state state, then;
	} rows[] = {
		{"old", "holder", STORE_APPLICATIONS, STORE_WRITTEN, STORE_REPLACED},
		{"new", "holder", STORE_APPLICATIONS, STORE_WRITTEN, STORE_WRITTEN},
		{"signed", "holder", STORE_APPLICATIONS, STORE_SIGNED, STORE_SIGNED},
		{"kind", "holder", STORE_DELEGATION, STORE_WRITTEN, STORE_WRITTEN},
		{"other", "other", STORE_APPLICATIONS, STORE_WRITTEN, STORE_WRITTEN},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct store_certificate c = reserved(rows[i].reservation, (uint32_t)i + 1);

		c.holder = (char *)rows[i].holder;
		c.kind = rows[i].kind;
		c.state = rows[i].state;
		world_good(w, put(w, c));
	}
	world_good(w, store_run(w->store, replace_written, (void *)"new", w->problem));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_state(w, rows[i].reservation, rows[i].then);
	world_good(w, store_run(w->store, replace_written, NULL, w->problem));
	assert_state(w, "new", STORE_REPLACED);
}

/* The reservations of a list, one letter each. */
static void assert_list(struct world *w, struct store_filter filter, const char *wanted, bool more)
{
	struct ask a = {.filter = &filter};
	char got[64] = "";

	world_good(w, look(w, list, &a));
	for (size_t i = 0; i < a.list.count; i++)
		strncat(got, a.list.rows[i].reservation, 1);
	assert_string_equal(got, wanted);
	assert_int_equal(a.list.more, more);
	store_certificates_clear(&a.list);
}

static void lists_are_newest_first_and_filtered(void **state)
{
	static const enum store_kind delegation = STORE_DELEGATION;
	struct world *w = *state;

	for (uint32_t i = 0; i < 6; i++) { /* a … f; authorizers A and B, holders H and A */
		struct store_certificate c = reserved((char[]){(char)('a' + i), 0}, i + 1);

		c.authorizer = (char *)(i < 4 ? "A" : "B");
		c.holder = (char *)(i % 2 ? "A" : "H");
		c.kind = i == 2 ? STORE_DELEGATION : STORE_APPLICATIONS;
		c.state = i == 3 ? STORE_WRITTEN : i == 2 ? STORE_ACTIVE : STORE_SIGNED;
		c.created = 100 + i;
		world_good(w, put(w, c));
	}
	assert_list(w, (struct store_filter){.limit = 10}, "fedcba", false);
	assert_list(w, (struct store_filter){.limit = 6}, "fedcba", false);
	assert_list(w, (struct store_filter){.limit = 2}, "fe", true);
	assert_list(w, (struct store_filter){.limit = 2, .before = 5}, "dc", true);
	assert_list(w, (struct store_filter){.limit = 0}, "f", true);
	assert_list(w, (struct store_filter){.limit = 10, .authorizer = "A"}, "dcba", false);
	assert_list(w, (struct store_filter){.limit = 10, .holder = "A"}, "fdb", false);
	assert_list(w, (struct store_filter){.limit = 10, .authorizer = "A", .holder = "A"}, "db", false);
	assert_list(w, (struct store_filter){.limit = 10, .authorizer = "nobody"}, "", false);
	assert_list(w, (struct store_filter){.limit = 10, .kind = &delegation}, "c", false);
	assert_list(w, (struct store_filter){.limit = 10, .states = 1U << STORE_WRITTEN | 1U << STORE_ACTIVE}, "dc", false);
	assert_list(w, (struct store_filter){.limit = 10, .states = 1U << STORE_WITHDRAWN}, "", false);
	assert_list(w, (struct store_filter){.limit = 10, .from = 101, .to = 103}, "dcb", false);
	assert_list(w, (struct store_filter){.limit = 10, .from = 105}, "f", false);
}

static void words_are_those_of_the_protocol(void **state)
{
	enum store_state s;
	enum store_kind k;

	(void)state;
	for (enum store_state i = STORE_RESERVED; i <= STORE_WITHDRAWN; i++) {
		assert_true(store_state_of(store_state_name(i), &s));
		assert_int_equal(s, i);
	}
	assert_true(store_kind_of("delegation", &k));
	assert_int_equal(k, STORE_DELEGATION);
	assert_false(store_kind_of("all", &k));
	assert_false(store_state_of("", &s));
	assert_null(store_state_name((enum store_state)99));
	assert_null(store_kind_name((enum store_kind)99));
}

static void a_row_that_makes_no_sense_is_said(void **state)
{
	static const char *const spoilt[] = {
		"UPDATE certificate SET state = 'painted'",
		"UPDATE certificate SET state = 'reserved', sequence = -1",
	};
	struct world *w = *state;
	struct store_filter filter = {.limit = 5};
	struct ask a = {.key = "r1", .filter = &filter};

	world_good(w, put(w, reserved("r1", 1)));
	for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
		assert_int_equal(world_execute(w, spoilt[i]), STORE_OK);
		assert_int_equal(look(w, by_reservation, &a), STORE_BROKEN);
		assert_null(a.certificate.reservation);
		assert_int_equal(look(w, list, &a), STORE_BROKEN);
		assert_int_equal(a.list.count, 0);
	}
}

/* ---- activation ---- */

static enum store_result find_activation(struct store_tx *tx, void *context)
{
	struct ask *a = context;

	store_activation_clear(&a->activation);
	return store_activation_find(tx, a->key, &a->activation);
}

static enum store_result activate(struct store_tx *tx, void *context)
{
	return store_activation_done(tx, context, 50);
}

static enum store_result deactivate(struct store_tx *tx, void *context)
{
	return store_activation_undo(tx, context, 60);
}

static void a_card_is_activated_once(void **state)
{
	struct world *w = *state;
	struct ask a = {.key = "card"};

	assert_int_equal(look(w, find_activation, &a), STORE_NONE);
	assert_int_equal(store_run(w->store, deactivate, (void *)"card", w->problem), STORE_NONE);
	world_good(w, store_run(w->store, activate, (void *)"card", w->problem));
	assert_int_equal(store_run(w->store, activate, (void *)"card", w->problem), STORE_EXISTS);
	world_good(w, look(w, find_activation, &a));
	assert_true(a.activation.activated);
	assert_false(a.activation.has_code);
	assert_int_equal(a.activation.changed, 50);
	world_good(w, store_run(w->store, deactivate, (void *)"card", w->problem));
	world_good(w, look(w, find_activation, &a));
	assert_false(a.activation.activated);
	world_good(w, store_run(w->store, activate, (void *)"card", w->problem));
	store_activation_clear(&a.activation);
}

static enum store_code check_code(struct world *w, const char *code)
{
	enum store_code got = STORE_CODE_NOT_SET;

	world_good(w, store_code_check(w->store, "card", code, strlen(code), &got));
	return got;
}

static void a_user_code_is_right_or_wrong(void **state)
{
	struct world *w = *state;
	struct ask a = {.key = "card"};

	assert_int_equal(check_code(w, "1234"), STORE_CODE_NOT_SET);
	world_good(w, store_code_set(w->store, "card", "1234", 4, 7));
	assert_int_equal(check_code(w, "1235"), STORE_CODE_WRONG);
	assert_int_equal(check_code(w, "123"), STORE_CODE_WRONG);
	world_good(w, look(w, find_activation, &a));
	assert_true(a.activation.has_code);
	assert_false(a.activation.activated);
	assert_int_equal(a.activation.tries, 2);
	assert_int_equal(check_code(w, "1234"), STORE_CODE_RIGHT);
	world_good(w, look(w, find_activation, &a));
	assert_int_equal(a.activation.tries, 0);
	world_good(w, store_run(w->store, activate, (void *)"card", w->problem));
	world_good(w, look(w, find_activation, &a));
	assert_true(a.activation.has_code);
	store_activation_clear(&a.activation);
	world_good(w, store_code_set(w->store, "card", NULL, 0, 8));
	assert_int_equal(check_code(w, "1234"), STORE_CODE_NOT_SET);
	world_good(w, look(w, find_activation, &a));
	assert_true(a.activation.activated); /* setting a code does not open a closed door, nor close an open one */
	store_activation_clear(&a.activation);
}

static void ten_wrong_codes_lock_until_a_new_one(void **state)
{
	struct world *w = *state;

	world_good(w, store_code_set(w->store, "card", "1234", 4, 7));
	for (int i = 0; i < STORE_CODE_TRIES; i++)
		assert_int_equal(check_code(w, "0000"), STORE_CODE_WRONG);
	assert_int_equal(check_code(w, "0000"), STORE_CODE_LOCKED);
	assert_int_equal(check_code(w, "1234"), STORE_CODE_LOCKED);
	world_good(w, store_code_set(w->store, "card", "5678", 4, 8));
	assert_int_equal(check_code(w, "5678"), STORE_CODE_RIGHT);
}

/* ---- catalogue ---- */

static enum store_result get_catalogue(struct store_tx *tx, void *context)
{
	struct ask *a = context;

	free(a->document);
	a->document = NULL;
	return store_catalogue_get(tx, &a->document, &a->version);
}

static enum store_result set_catalogue(struct store_tx *tx, void *context)
{
	struct ask *a = context;

	return store_catalogue_set(tx, a->key, 9, &a->version);
}

static void the_catalogue_is_replaced_as_a_whole(void **state)
{
	struct world *w = *state;
	struct ask a = {.key = "{\"applications\":[]}"};

	assert_int_equal(look(w, get_catalogue, &a), STORE_NONE);
	world_good(w, store_run(w->store, set_catalogue, &a, w->problem));
	assert_int_equal(a.version, 1);
	a.key = "{\"applications\":[{\"name\":\"公文\"}]}";
	world_good(w, store_run(w->store, set_catalogue, &a, w->problem));
	assert_int_equal(a.version, 2);
	a.version = 0;
	world_good(w, look(w, get_catalogue, &a));
	assert_string_equal(a.document, a.key);
	assert_int_equal(a.version, 2);
	free(a.document);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_did_not_end_well_is_not_kept),
		CASE(a_conflict_is_run_again),
		CASE(who_looks_does_not_write),
		CASE(a_text_that_is_not_utf8_is_refused),
		cmocka_unit_test(every_result_has_a_text),
		CASE(the_secret_stays),
		CASE(an_answer_is_kept_byte_for_byte),
		CASE(an_id_and_a_nonce_are_used_once),
		CASE(old_answers_are_forgotten),
		CASE(numbers_begin_at_one_for_each),
		CASE(after_the_last_number_there_is_none),
		CASE(a_reservation_is_found_as_it_was_put),
		CASE(a_reservation_and_a_sequence_are_given_once),
		CASE(a_signed_certificate_is_found_by_its_serial),
		CASE(a_serial_is_given_once),
		CASE(a_newer_one_replaces_those_of_its_holder_and_kind),
		CASE(lists_are_newest_first_and_filtered),
		cmocka_unit_test(words_are_those_of_the_protocol),
		CASE(a_row_that_makes_no_sense_is_said),
		CASE(a_card_is_activated_once),
		CASE(a_user_code_is_right_or_wrong),
		CASE(ten_wrong_codes_lock_until_a_new_one),
		CASE(the_catalogue_is_replaced_as_a_whole),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
