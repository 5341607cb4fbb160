#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "authority_bench.h"

#define KEPT_MAX 4096

struct world w;
time_t bench_time;

/* What is given back at the end of a test. */
static struct {
	void *what;
	void (*end)(void *what);
} kept[KEPT_MAX];
static size_t kept_count;

static void *keep(void *what, void (*end)(void *what))
{
	assert_true(kept_count < KEPT_MAX);
	kept[kept_count].what = what;
	kept[kept_count++].end = end;
	return what;
}

static void end_json(void *what)
{
	json_object_put(what);
}

static void end_cert(void *what)
{
	authz_cert_free(what);
}

/* ---- the authority ---- */

static time_t clock_of_bench(void)
{
	return bench_time;
}

int bench_set_up_world(void **state)
{
	(void)state;
	world_init(&w, BENCH_NOW);
	return 0;
}

int bench_tear_down_world(void **state)
{
	(void)state;
	world_clear(&w);
	return 0;
}

void bench_open(struct bench *b)
{
	char problem[STORE_PROBLEM_SIZE] = "";

	if (store_open(b->database, &b->store, problem) != STORE_OK)
		fail_msg("%s", problem);
	b->a = (struct authority){.now = clock_of_bench, .signers = rates_new(1, 0), .addresses = rates_new(1, 0)};
	b->a.trust = w.store;
	X509_STORE_up_ref(w.store);
	b->a.activation_key = OPENSSL_secure_malloc(AUTHORITY_ACTIVATION_KEY_LEN);
	assert_true(hex_read(BENCH_KEY, b->a.activation_key, AUTHORITY_ACTIVATION_KEY_LEN));
	assert_true(authority_init(&b->a, b->store, "測試授權中心"));
}

void bench_close(struct bench *b)
{
	authority_clear(&b->a);
	store_close(&b->store);
}

int bench_set_up(void **state)
{
	struct bench *b = calloc(1, sizeof *b);

	strcpy(b->folder, "/tmp/authority-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	snprintf(b->database, sizeof b->database, "%s/db", b->folder);
	bench_time = BENCH_NOW;
	bench_open(b);
	*state = b;
	return 0;
}

int bench_tear_down(void **state)
{
	struct bench *b = *state;
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".lock"};
	char path[96];

	while (kept_count) {
		kept_count--;
		kept[kept_count].end(kept[kept_count].what);
	}
	bench_close(b);
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		snprintf(path, sizeof path, "%s%s", b->database, suffixes[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(b->folder), 0);
	free(b);
	return 0;
}

/* ---- questions ---- */

static const char *member(struct json_object *from, const char *name)
{
	struct json_object *value = NULL;

	return from && json_object_object_get_ex(from, name, &value) && value ? json_object_get_string(value) : "";
}

struct reply bench_question(struct bench *b, const char *method, const char *path, const char *type, const void *body,
			    size_t len)
{
	struct authority_question q = {.method = method, .path = path, .type = type, .body = body, .len = len,
				       .address = "192.0.2.1"};
	struct authority_answer answer;
	struct json_object *error = NULL;
	struct reply r;

	authority_ask(&b->a, &q, &answer);
	assert_non_null(answer.body);
	if (answer.status == 200)
		assert_string_equal(answer.problem, "");
	r = (struct reply){.status = answer.status, .text = keep(answer.body, free)};
	r.body = keep(json_tokener_parse(r.text), end_json);
	assert_non_null(r.body);
	json_object_object_get_ex(r.body, "error", &error);
	r.code = error ? member(error, "code") : "ok";
	r.reason = error ? member(error, "reason") : "";
	return r;
}

struct reply bench_get(struct bench *b, const char *path)
{
	return bench_question(b, "GET", path, NULL, NULL, 0);
}

static void add_text(struct json_object *to, const char *name, const char *text)
{
	json_object_object_add(to, name, json_object_new_string(text));
}

static void add_frame(struct bench *b, const struct ask *ask, struct json_object *to)
{
	char id[HEX_ID_LEN + 1], now[HEX_TIME_MAX];

	assert_true(hex_random_id(id));
	hex_time_write(bench_time, now);
	json_object_object_add(to, "protocol", json_object_new_int(ask->protocol ? ask->protocol : 1));
	add_text(to, "operation", ask->operation);
	add_text(to, "authority", ask->authority ? ask->authority : "測試授權中心");
	add_text(to, "request", ask->id ? ask->id : id);
	add_text(to, "time", ask->time_text ? ask->time_text : now);
	add_text(to, "nonce", ask->nonce ? ask->nonce : member(bench_get(b, "/v1/nonce").body, "nonce"));
}

uint8_t *bench_bytes(struct bench *b, const struct ask *ask, size_t *len)
{
	struct json_object *all = ask->fields ? ask->fields : json_object_new_object();
	const char *text;
	uint8_t *bytes;

	if (!ask->without)
		add_frame(b, ask, all);
	text = json_object_to_json_string(all);
	bytes = authority_request_sign(w.keys[ask->signer], w.cards[ask->signer], text, strlen(text), len);
	json_object_put(all);
	return bytes;
}

struct reply bench_send(struct bench *b, const uint8_t *bytes, size_t len)
{
	return bench_question(b, "POST", "/v1/requests", "application/pkcs7-mime", bytes, len);
}

struct reply bench_ask(struct bench *b, const struct ask *ask)
{
	size_t len;
	uint8_t *bytes = bench_bytes(b, ask, &len);
	struct reply r = bench_send(b, bytes, len);

	free(bytes);
	return r;
}

struct reply bench_simple(struct bench *b, enum world_card signer, const char *operation, struct json_object *fields)
{
	return bench_ask(b, &(struct ask){.signer = signer, .operation = operation, .fields = fields});
}

const char *bench_text(struct reply r, const char *name)
{
	return member(r.body, name);
}

int64_t bench_number(struct reply r, const char *name)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(r.body, name, &value) ? json_object_get_int64(value) : 0;
}

void bench_good(struct reply r)
{
	if (r.status != 200)
		print_error("%s\n", r.text);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.code, "ok");
}

void bench_refused(struct reply r, const char *code, const char *reason)
{
	struct json_object *error = NULL, *text = NULL;

	assert_string_equal(r.code, code);
	assert_string_equal(r.reason, reason);
	assert_true(r.status >= 400);
	assert_true(json_object_object_get_ex(r.body, "error", &error) && json_object_object_get_ex(error, "text", &text));
	assert_true(*member(text, "en") && *member(text, "zh_TW"));
}

/* ---- whole steps ---- */

struct json_object *bench_reservation(const struct authz_spec *spec)
{
	struct json_object *fields = json_object_new_object();

	json_object_object_add(fields, "holder", authority_request_x509(spec->holder));
	add_text(fields, "kind", spec->kind == AUTHZ_KIND_DELEGATION ? "delegation" : "applications");
	json_object_object_add(fields, "content", authority_request_content(spec));
	add_text(fields, "terms", "1");
	return fields;
}

struct json_object *bench_registration(const char *reservation, const void *der, size_t len)
{
	struct json_object *fields = json_object_new_object();

	add_text(fields, "reservation", reservation);
	json_object_object_add(fields, "certificate", authority_request_base64(der, len));
	return fields;
}

struct reply bench_reserve(struct bench *b, enum world_card signer, struct authz_spec *spec)
{
	struct reply r = bench_simple(b, signer, "reserve", bench_reservation(spec));

	spec->authorizer = w.cards[signer];
	if (r.status == 200) {
		spec->sequence = (uint32_t)bench_number(r, "sequence");
		assert_true(hex_time_read(bench_text(r, "not_before"), &spec->not_before));
		assert_true(hex_time_read(bench_text(r, "not_after"), &spec->not_after));
	}
	return r;
}

struct reply bench_register(struct bench *b, enum world_card signer, struct reply reserved, const struct authz_cert *cert)
{
	size_t len;
	const unsigned char *der = authz_cert_der(cert, &len);

	return bench_simple(b, signer, "register", bench_registration(bench_text(reserved, "reservation"), der, len));
}

struct authz_cert *bench_issue(struct bench *b, enum world_card signer, struct authz_spec *spec)
{
	struct reply reserved = bench_reserve(b, signer, spec);
	struct authz_cert *cert;

	bench_good(reserved);
	cert = keep(world_build(&w, spec, signer), end_cert);
	bench_good(bench_register(b, signer, reserved, cert));
	return cert;
}

struct reply bench_written(struct bench *b, enum world_card signer, const struct authz_cert *cert)
{
	struct json_object *fields = json_object_new_object();
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[HEX_SHA256_LEN + 1];
	size_t len, size;
	const unsigned char *der = authz_cert_der(cert, &size);

	assert_true(EVP_Q_digest(NULL, "SHA256", NULL, der, size, digest, &len));
	hex_write(digest, len, text);
	add_text(fields, "serial", authz_cert_info(cert)->serial);
	add_text(fields, "sha256", text);
	return bench_simple(b, signer, "written", fields);
}

/* ---- what is kept ---- */

static enum store_result list_all(struct store_tx *tx, void *context)
{
	struct store_filter filter = {.limit = 1000};
	struct store_certificates list = {.rows = NULL};
	FILE *to = context;
	enum store_result r = store_certificate_list(tx, &filter, &list);

	rewind(to);
	for (size_t i = 0; i < list.count; i++)
		fprintf(to, "%s %s %s %u %s %s\n", list.rows[i].reservation, store_state_name(list.rows[i].state),
			list.rows[i].serial ? list.rows[i].serial : "-", (unsigned)list.rows[i].sequence,
			list.rows[i].content, list.rows[i].holder);
	store_certificates_clear(&list);
	for (int card = WORLD_PRIMARY; r == STORE_OK && card < WORLD_COUNT; card++) {
		struct store_activation a = {.card = NULL};
		unsigned char digest[EVP_MAX_MD_SIZE];
		char who[HEX_SHA256_LEN + 1];
		unsigned len;

		X509_digest(w.cards[card], EVP_sha256(), digest, &len);
		hex_write(digest, len, who);
		r = store_activation_find(tx, who, &a);
		fprintf(to, "%d %d\n", card, r == STORE_OK && a.activated);
		store_activation_clear(&a);
		r = r == STORE_NONE ? STORE_OK : r;
	}
	return r;
}

const char *bench_state(struct bench *b)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_int_equal(store_look(b->store, list_all, to, NULL), STORE_OK);
	fclose(to);
	return keep(text, free);
}

static enum store_result last_row(const struct store_audit *row, void *context)
{
	snprintf(context, 64, "%s", row->outcome);
	return STORE_OK;
}

uint64_t bench_audit(struct bench *b, char outcome[64])
{
	uint64_t count = 0, bad = 0;
	char last[64] = "";

	assert_int_equal(store_audit_verify(b->store, &count, &bad, NULL), STORE_OK);
	if (outcome) {
		assert_int_equal(store_audit_each(b->store, count, last_row, last, NULL), STORE_OK);
		strcpy(outcome, last);
	}
	return count;
}
