/* The authority's operations, as the cards' owners mean them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "authority_bench.h"

#define DAY 86400L

static struct json_object *one_text(const char *name, const char *text)
{
	struct json_object *fields = json_object_new_object();

	json_object_object_add(fields, name, json_object_new_string(text));
	return fields;
}

static struct reply history(struct bench *b, enum world_card card, const char *direction, const char *kind)
{
	struct json_object *fields = one_text("direction", direction);

	json_object_object_add(fields, "kind", json_object_new_string(kind));
	json_object_object_add(fields, "from", NULL);
	return bench_simple(b, card, "history", fields);
}

static size_t rows(struct reply r)
{
	struct json_object *list = NULL;

	bench_good(r);
	assert_true(json_object_object_get_ex(r.body, "certificates", &list));
	return json_object_array_length(list);
}

static struct reply row(struct reply r, size_t i)
{
	struct json_object *list = NULL;

	json_object_object_get_ex(r.body, "certificates", &list);
	return (struct reply){.body = json_object_array_get_idx(list, i)};
}

static const char *state_of(struct bench *b, enum world_card card, const struct authz_cert *cert)
{
	struct reply r = bench_simple(b, card, "get", one_text("serial", authz_cert_info(cert)->serial));

	bench_good(r);
	return bench_text(r, "state");
}

/* ---- questions without a signature ---- */

static void plain_questions_are_answered(void **state)
{
	struct bench *b = *state;

	bench_good(bench_get(b, "/v1/version"));
	assert_int_equal(bench_number(bench_get(b, "/v1/version"), "protocol"), 1);
	assert_string_equal(bench_text(bench_get(b, "/v1/version"), "name"), "測試授權中心");
	assert_string_equal(bench_get(b, "/v1/catalogue").text, "{\"applications\":[]}");
	assert_string_equal(bench_text(bench_get(b, "/v1/terms"), "version"), "1");
	assert_string_not_equal(bench_text(bench_get(b, "/v1/nonce"), "nonce"), bench_text(bench_get(b, "/v1/nonce"), "nonce"));
	assert_true(strlen(bench_text(bench_get(b, "/v1/nonce"), "nonce")) <= 128);
	bench_refused(bench_get(b, "/v1/other"), "not-found", "");
	bench_refused(bench_get(b, "/v1/requests"), "method", "");
	bench_refused(bench_question(b, "POST", "/v1/nonce", NULL, NULL, 0), "method", "");
}

/* ---- issuing ---- */

static void a_primary_card_authorizes_an_attached_one(void **state)
{
	struct bench *b = *state;
	struct authz_spec spec = world_spec(&w);
	struct reply reserved = bench_reserve(b, WORLD_PRIMARY, &spec), r;
	struct authz_cert *cert;

	bench_good(reserved);
	assert_int_equal(spec.sequence, 1);
	assert_true(spec.not_before == BENCH_NOW - AUTHORITY_CLOCK_SECONDS && spec.not_after == w.last);
	assert_string_equal(bench_text(reserved, "primary"), "");
	cert = world_build(&w, &spec, WORLD_PRIMARY);
	r = bench_register(b, WORLD_PRIMARY, reserved, cert);
	bench_good(r);
	assert_string_equal(bench_text(r, "state"), "signed");
	assert_string_equal(bench_text(r, "serial"), authz_cert_info(cert)->serial);
	assert_string_equal(state_of(b, WORLD_CLERK, cert), "signed");
	r = bench_written(b, WORLD_CLERK, cert);
	bench_good(r);
	assert_string_equal(bench_text(r, "state"), "written");
	assert_string_equal(state_of(b, WORLD_PRIMARY, cert), "written");
	assert_int_equal(rows(history(b, WORLD_CLERK, "received", "all")), 1);
	assert_int_equal(rows(history(b, WORLD_CLERK, "issued", "all")), 0);
	assert_int_equal(rows(history(b, WORLD_PRIMARY, "issued", "applications")), 1);
	assert_int_equal(rows(history(b, WORLD_PRIMARY, "issued", "delegation")), 0);
	authz_cert_free(cert);
}

static void a_new_certificate_replaces_the_old(void **state)
{
	struct bench *b = *state;
	struct authz_spec spec = world_spec(&w), none = world_spec(&w);
	struct authz_cert *first = bench_issue(b, WORLD_PRIMARY, &spec), *second;

	bench_good(bench_written(b, WORLD_CLERK, first));
	none.grant_count = 0; /* cancelled */
	second = bench_issue(b, WORLD_PRIMARY, &none);
	assert_int_equal(none.sequence, 2);
	assert_string_equal(state_of(b, WORLD_CLERK, first), "written");
	bench_good(bench_written(b, WORLD_CLERK, second));
	assert_string_equal(state_of(b, WORLD_CLERK, first), "replaced");
	assert_string_equal(state_of(b, WORLD_CLERK, second), "written");
	bench_refused(bench_written(b, WORLD_CLERK, first), "wrong-state", "");
	assert_int_equal(rows(history(b, WORLD_CLERK, "received", "all")), 2);
	assert_string_equal(bench_text(row(history(b, WORLD_CLERK, "received", "all"), 0), "serial"),
			    authz_cert_info(second)->serial);
}

static void what_was_signed_can_be_withdrawn(void **state)
{
	struct bench *b = *state;
	struct authz_spec spec = world_spec(&w), other = world_spec(&w);
	struct authz_cert *cert = bench_issue(b, WORLD_PRIMARY, &spec);
	struct reply reserved = bench_reserve(b, WORLD_PRIMARY, &other), r;
	struct authz_cert *late = world_build(&w, &other, WORLD_PRIMARY);

	r = bench_simple(b, WORLD_CLERK, "withdraw", one_text("serial", authz_cert_info(cert)->serial));
	bench_good(r);
	assert_string_equal(bench_text(r, "state"), "withdrawn");
	bench_good(bench_simple(b, WORLD_PRIMARY, "withdraw", one_text("serial", authz_cert_info(cert)->serial)));
	bench_refused(bench_written(b, WORLD_CLERK, cert), "wrong-state", "");
	bench_good(bench_simple(b, WORLD_PRIMARY, "withdraw", one_text("reservation", bench_text(reserved, "reservation"))));
	bench_refused(bench_register(b, WORLD_PRIMARY, reserved, late), "wrong-state", "");
	assert_int_equal(rows(history(b, WORLD_PRIMARY, "issued", "all")), 1); /* a reservation is no certificate */
	authz_cert_free(late);
}

static void what_is_on_the_card_is_not_withdrawn(void **state)
{
	struct bench *b = *state;
	struct authz_spec spec = world_spec(&w);
	struct authz_cert *cert = bench_issue(b, WORLD_PRIMARY, &spec);

	bench_good(bench_written(b, WORLD_CLERK, cert));
	bench_refused(bench_simple(b, WORLD_PRIMARY, "withdraw", one_text("serial", authz_cert_info(cert)->serial)),
		      "wrong-state", "");
	assert_string_equal(state_of(b, WORLD_CLERK, cert), "written");
}

/* ---- delegation ---- */

static void an_attached_card_with_a_delegation_authorizes(void **state)
{
	struct bench *b = *state;
	struct authz_spec delegation = world_delegation(&w), spec = world_spec(&w);
	struct authz_cert *cert;
	struct reply r;

	bench_refused(bench_reserve(b, WORLD_MANAGER, &spec), "delegation-missing", "delegation-missing");
	cert = bench_issue(b, WORLD_PRIMARY, &delegation);
	assert_string_equal(state_of(b, WORLD_MANAGER, cert), "active");
	bench_good(bench_written(b, WORLD_MANAGER, cert));
	assert_string_equal(state_of(b, WORLD_MANAGER, cert), "active");
	r = bench_reserve(b, WORLD_MANAGER, &spec);
	bench_good(r);
	assert_string_not_equal(bench_text(r, "primary"), "");
	cert = bench_issue(b, WORLD_MANAGER, &spec);
	r = bench_simple(b, WORLD_CLERK, "get", one_text("serial", authz_cert_info(cert)->serial));
	assert_string_not_equal(bench_text(r, "primary"), "");
	assert_true(strlen(bench_text(r, "delegations")) > 100);
}

static void a_disabled_delegation_counts_no_more(void **state)
{
	struct bench *b = *state;
	struct authz_spec on = world_delegation(&w), off = world_delegation(&w), spec = world_spec(&w);
	struct authz_cert *first, *disable, *late;
	struct reply reserved;

	off.delegation_disabled = true;
	bench_refused(bench_reserve(b, WORLD_PRIMARY, &off), "delegation-missing", "delegation-missing");
	first = bench_issue(b, WORLD_PRIMARY, &on);
	reserved = bench_reserve(b, WORLD_MANAGER, &spec);
	late = world_build(&w, &spec, WORLD_MANAGER);
	disable = bench_issue(b, WORLD_PRIMARY, &off);
	assert_string_equal(state_of(b, WORLD_MANAGER, first), "disabled");
	assert_string_equal(state_of(b, WORLD_MANAGER, disable), "disabled");
	bench_refused(bench_reserve(b, WORLD_MANAGER, &spec), "delegation-not-valid", "delegation-disabled");
	bench_refused(bench_register(b, WORLD_MANAGER, reserved, late), "delegation-not-valid", "delegation-disabled");
	bench_refused(bench_reserve(b, WORLD_PRIMARY, &off), "delegation-not-valid", "delegation-disabled");
	bench_issue(b, WORLD_PRIMARY, &on);
	bench_good(bench_register(b, WORLD_MANAGER, reserved, late));
	authz_cert_free(late);
}

static void a_delegation_has_its_end(void **state)
{
	struct bench *b = *state;
	struct authz_spec on = world_delegation(&w), spec = world_spec(&w);
	struct world_holder who = {"測試公司2", "12345678", "secondary", "77", KU_DIGITAL_SIGNATURE, w.first, w.last};
	X509 *manager = w.cards[WORLD_MANAGER];

	/* a card whose certificate ends soon, so that its delegation does */
	who.last = BENCH_NOW + DAY;
	w.cards[WORLD_MANAGER] = world_certificate(&w, &who, w.keys[WORLD_MANAGER]);
	on.holder = w.cards[WORLD_MANAGER];
	bench_issue(b, WORLD_PRIMARY, &on);
	assert_true(on.not_after == BENCH_NOW + DAY);
	bench_good(bench_reserve(b, WORLD_MANAGER, &spec));
	bench_time = BENCH_NOW - 2 * AUTHORITY_CLOCK_SECONDS;
	bench_refused(bench_reserve(b, WORLD_MANAGER, &spec), "delegation-not-valid", "delegation-not-yet-valid");
	bench_time = BENCH_NOW + DAY + 1;
	bench_refused(bench_reserve(b, WORLD_MANAGER, &spec), "signer-not-trusted", "");
	X509_free(w.cards[WORLD_MANAGER]);
	w.cards[WORLD_MANAGER] = manager;
}

/* Its primary card's certificate has ended with it, which is not what is told. */
static void an_expired_delegation_is_told_so(void **state)
{
	struct bench *b = *state;
	struct authz_spec on = world_delegation(&w), spec = world_spec(&w);
	struct world_holder who = {"測試公司2", "12345678", "primary", "78", KU_DIGITAL_SIGNATURE, w.first,
				   BENCH_NOW + DAY};
	X509 *primary = w.cards[WORLD_PRIMARY];

	w.cards[WORLD_PRIMARY] = world_certificate(&w, &who, w.keys[WORLD_PRIMARY]);
	bench_issue(b, WORLD_PRIMARY, &on);
	X509_free(w.cards[WORLD_PRIMARY]);
	w.cards[WORLD_PRIMARY] = primary;
	bench_time = BENCH_NOW + DAY + 1;
	bench_refused(bench_reserve(b, WORLD_MANAGER, &spec), "delegation-expired", "delegation-expired");
}

static void the_newest_delegation_is_the_one_with_the_highest_number(void **state)
{
	struct bench *b = *state;
	struct authz_spec older = world_delegation(&w), newer = world_delegation(&w);
	struct reply reserved = bench_reserve(b, WORLD_PRIMARY, &older);
	struct authz_cert *late = world_build(&w, &older, WORLD_PRIMARY);
	const char *before;

	bench_issue(b, WORLD_PRIMARY, &newer);
	before = bench_state(b);
	bench_refused(bench_register(b, WORLD_PRIMARY, reserved, late), "wrong-state", "");
	assert_string_equal(bench_state(b), before);
	authz_cert_free(late);
}

/* ---- the catalogue and the terms ---- */

static enum store_result set_catalogue(struct store_tx *tx, void *context)
{
	uint32_t version;

	return store_catalogue_set(tx, context, BENCH_NOW, &version);
}

static void only_what_the_catalogue_has_is_authorized(void **state)
{
	struct bench *b = *state;
	struct authz_spec spec = world_spec(&w);
	char document[] = "{\"applications\":[{\"name\":\"公文交換測試平台\",\"units\":[],\"roles\":[]}]}";
	const char *before;

	assert_int_equal(store_run(b->store, set_catalogue, document, NULL), STORE_OK);
	assert_string_equal(bench_get(b, "/v1/catalogue").text, document);
	before = bench_state(b);
	bench_refused(bench_reserve(b, WORLD_PRIMARY, &spec), "not-in-catalogue", "");
	assert_string_equal(bench_state(b), before);
	spec.grant_count = 1;
	bench_good(bench_reserve(b, WORLD_PRIMARY, &spec));
}

static void terms_are_to_be_accepted(void **state)
{
	struct bench *b = *state;
	struct authz_spec spec = world_spec(&w);
	struct json_object *fields = bench_reservation(&spec);

	json_object_object_del(fields, "terms");
	bench_refused(bench_simple(b, WORLD_PRIMARY, "reserve", fields), "terms", "");
	fields = bench_reservation(&spec);
	json_object_object_add(fields, "terms", json_object_new_string("0"));
	bench_refused(bench_simple(b, WORLD_PRIMARY, "reserve", fields), "terms", "");
}

/* ---- history ---- */

static void history_has_the_newest_forty_first(void **state)
{
	struct bench *b = *state;
	struct json_object *fields;
	struct reply r;
	char newest[64] = "";

	for (int i = 0; i < 42; i++) {
		struct authz_spec spec = world_spec(&w);
		struct authz_cert *cert;

		bench_time = BENCH_NOW + i;
		cert = bench_issue(b, WORLD_PRIMARY, &spec);
		snprintf(newest, sizeof newest, "%s", authz_cert_info(cert)->serial);
	}
	r = history(b, WORLD_PRIMARY, "issued", "all");
	assert_int_equal(rows(r), 40);
	assert_string_equal(bench_text(r, "more"), "true");
	assert_string_equal(bench_text(row(r, 0), "serial"), newest);
	fields = one_text("direction", "issued");
	json_object_object_add(fields, "from", json_object_new_string("2026-05-28T20:26:41Z"));
	json_object_object_add(fields, "to", json_object_new_string("2026-05-28T20:26:42Z"));
	r = bench_simple(b, WORLD_PRIMARY, "history", fields);
	assert_int_equal(rows(r), 2);
	assert_string_equal(bench_text(r, "more"), "false");
	fields = one_text("direction", "issued");
	json_object_object_add(fields, "from", json_object_new_string("2026-05-29T00:00:00Z"));
	json_object_object_add(fields, "to", json_object_new_string("2026-05-28T00:00:00Z"));
	bench_refused(bench_simple(b, WORLD_PRIMARY, "history", fields), "bad-request", "");
	bench_refused(history(b, WORLD_PRIMARY, "both", "all"), "bad-request", "");
	bench_refused(history(b, WORLD_PRIMARY, "issued", "none"), "bad-request", "");
}

/* ---- activation ---- */

static struct reply cryptogram(struct bench *b, const char *ticket, const char *challenge)
{
	char body[256];

	snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"challenge\":\"%s\"}", ticket, challenge);
	return bench_question(b, "POST", "/v1/cryptogram", "application/json", body, strlen(body));
}

static void a_data_area_is_opened_once(void **state)
{
	struct bench *b = *state;
	struct reply r = bench_simple(b, WORLD_CLERK, "activate", NULL), first;

	bench_good(r);
	first = cryptogram(b, bench_text(r, "ticket"), "0102030405060708");
	bench_good(first);
	/* openssl enc -des-ede-cbc -K 000102…0f -iv 0, over the challenge */
	assert_string_equal(bench_text(first, "cryptogram"), "3a06a9a7e2d52dd6c8c23ff39733e4a8");
	assert_string_equal(cryptogram(b, bench_text(r, "ticket"), "0102030405060708").text, first.text);
	bench_refused(cryptogram(b, bench_text(r, "ticket"), "0102030405060709"), "request-reused", "");
	bench_refused(cryptogram(b, "00000000000000000000000000000000", "0102030405060708"), "nonce", "");
	bench_refused(cryptogram(b, bench_text(r, "ticket"), "01"), "bad-request", "");
	bench_good(bench_simple(b, WORLD_CLERK, "activate", NULL));
	bench_good(bench_simple(b, WORLD_CLERK, "activated", NULL));
	bench_good(bench_simple(b, WORLD_CLERK, "activated", NULL));
	bench_refused(bench_simple(b, WORLD_CLERK, "activate", NULL), "already-activated", "");
	bench_refused(bench_simple(b, WORLD_PRIMARY, "activate", NULL), "wrong-card", "");
	bench_refused(bench_simple(b, WORLD_PERSON, "activated", NULL), "wrong-card", "");
}

static void a_ticket_has_its_time(void **state)
{
	struct bench *b = *state;
	struct reply r = bench_simple(b, WORLD_CLERK, "activate", NULL);

	bench_time += 300;
	bench_refused(cryptogram(b, bench_text(r, "ticket"), "0102030405060708"), "nonce", "");
}

/* A request's number is no ticket, and a ticket no request. */
static void a_request_is_no_ticket(void **state)
{
	struct bench *b = *state;
	static const char id[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

	bench_good(bench_ask(b, &(struct ask){.signer = WORLD_CLERK, .operation = "activated", .id = id}));
	bench_refused(cryptogram(b, id, "0102030405060708"), "nonce", "");
}

static void without_a_key_nothing_is_opened(void **state)
{
	struct bench *b = *state;

	OPENSSL_secure_clear_free(b->a.activation_key, AUTHORITY_ACTIVATION_KEY_LEN);
	b->a.activation_key = NULL;
	bench_refused(bench_simple(b, WORLD_CLERK, "activate", NULL), "no-activation-key", "");
	bench_refused(cryptogram(b, "00000000000000000000000000000000", "0102030405060708"), "no-activation-key", "");
}

static void a_user_code_must_be_right(void **state)
{
	struct bench *b = *state;
	unsigned char digest[EVP_MAX_MD_SIZE];
	char who[HEX_SHA256_LEN + 1];
	unsigned len;

	X509_digest(w.cards[WORLD_CLERK], EVP_sha256(), digest, &len);
	hex_write(digest, len, who);
	assert_int_equal(store_code_set(b->store, who, "正確", strlen("正確"), BENCH_NOW), STORE_OK);
	bench_refused(bench_simple(b, WORLD_CLERK, "activate", NULL), "user-code", "");
	bench_refused(bench_simple(b, WORLD_CLERK, "activate", one_text("user_code", "錯誤")), "user-code", "");
	bench_good(bench_simple(b, WORLD_CLERK, "activate", one_text("user_code", "正確")));
	bench_good(bench_simple(b, WORLD_MANAGER, "activate", NULL)); /* which has none */
	for (int i = 0; i < STORE_CODE_TRIES; i++)
		bench_refused(bench_simple(b, WORLD_CLERK, "activate", one_text("user_code", "x")), "user-code", "");
	bench_refused(bench_simple(b, WORLD_CLERK, "activate", one_text("user_code", "正確")), "user-code", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(plain_questions_are_answered),
		BENCH(a_primary_card_authorizes_an_attached_one),
		BENCH(a_new_certificate_replaces_the_old),
		BENCH(what_was_signed_can_be_withdrawn),
		BENCH(what_is_on_the_card_is_not_withdrawn),
		BENCH(an_attached_card_with_a_delegation_authorizes),
		BENCH(a_disabled_delegation_counts_no_more),
		BENCH(a_delegation_has_its_end),
		BENCH(an_expired_delegation_is_told_so),
		BENCH(the_newest_delegation_is_the_one_with_the_highest_number),
		BENCH(only_what_the_catalogue_has_is_authorized),
		BENCH(terms_are_to_be_accepted),
		BENCH(history_has_the_newest_forty_first),
		BENCH(a_data_area_is_opened_once),
		BENCH(a_ticket_has_its_time),
		BENCH(a_request_is_no_ticket),
		BENCH(without_a_key_nothing_is_opened),
		BENCH(a_user_code_must_be_right),
	};

	return cmocka_run_group_tests(tests, bench_set_up_world, bench_tear_down_world);
}
