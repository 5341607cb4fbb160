/*
 * The client of an authority: what it sends, what it makes of every answer,
 * and that a lost answer has the same bytes sent again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/rsa.h>

#include "tools/twcard/authz_client_internal.h"
#include "tools/twcard/authz_refusal.h"
#include "tools/twcard/json_bytes.h"
#include "authz_world.h"
#include "hear.h"
#include "stub_server.h"

#define REQUESTS "/v1/requests"
/* What is given up may be read late, and is then no request of the next test. */
#define SILENT "/v1/silent"
#define SILENT_ONCE "/v1/silent-once"
#define JSON(status, body) {REQUESTS, STUB_ANSWER, status, body, NULL}

/* Generous: a machine may be slow. Where the server is silent they end soon, since nothing else can. */
static const struct http_limits patient = {60000, 60000, 65536}, short_ = {60000, 300, 65536};

static const char *address;
static struct world world;

static int setup(void **state)
{
	(void)state;
	world_init(&world, 1800000000);
	address = stub_start();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stub_stop();
	world_clear(&world);
	return 0;
}

static struct authz_client *client_of(const char *url, const struct http_limits *limits)
{
	struct authz_client *c;

	assert_int_equal(authz_client_new(url, NULL, NULL, limits, 0, &c), EXIT_GOOD);
	return c;
}

static struct authz_signer signer(void)
{
	return (struct authz_signer){world.keys[WORLD_CLERK], world.cards[WORLD_CLERK], NULL};
}

/* A request with these steps. What was told is in hear_text(). */
static enum exit_code request(const struct stub_step *steps, size_t count, const struct http_limits *limits,
			      char code[AUTHZ_REFUSAL_CODE], bool *may_be_done)
{
	struct authz_client *c = client_of(address, limits);
	struct authz_signer by = signer();
	struct json_object *fields = json_object_new_object(), *answer = NULL;
	enum exit_code result;

	stub_script(steps, count);
	json_object_object_add(fields, "serial", json_object_new_string("12"));
	hear_begin();
	result = authz_client_request(c, &by, "written", fields, &answer);
	hear_end();
	assert_int_equal(result == EXIT_GOOD, answer != NULL);
	json_object_put(answer);
	snprintf(code, AUTHZ_REFUSAL_CODE, "%s", authz_client_code(c));
	*may_be_done = authz_client_may_be_done(c);
	authz_client_close(&c);
	return result;
}

/* ---- what is sent ---- */

static struct json_object *content_of(const unsigned char *der, size_t len, X509 *signer_wanted)
{
	const unsigned char *at = der;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)len);
	BIO *out = BIO_new(BIO_s_mem());
	STACK_OF(X509) *signers;
	struct json_object *v;
	char *text;
	long n;

	assert_non_null(cms);
	assert_ptr_equal(at, der + len);
	assert_int_equal(CMS_verify(cms, NULL, NULL, NULL, out, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY), 1);
	signers = CMS_get0_signers(cms);
	assert_int_equal(sk_X509_num(signers), 1);
	assert_int_equal(X509_cmp(sk_X509_value(signers, 0), signer_wanted), 0);
	sk_X509_free(signers);
	n = BIO_get_mem_data(out, &text);
	v = json_bytes_parse(text, (size_t)n);
	assert_non_null(v);
	BIO_free(out);
	CMS_ContentInfo_free(cms);
	return v;
}

static void a_request_is_signed_and_bound(void **state)
{
	char code[AUTHZ_REFUSAL_CODE];
	struct json_object *v;
	const unsigned char *body;
	size_t len;
	bool maybe;

	(void)state;
	assert_int_equal(request(NULL, 0, &patient, code, &maybe), EXIT_GOOD);
	assert_false(maybe);
	assert_int_equal(stub_count(REQUESTS), 1);
	body = stub_body(REQUESTS, 0, &len);
	v = content_of(body, len, world.cards[WORLD_CLERK]);
	assert_int_equal(json_object_get_int(json_bytes_member(v, "protocol")), 1);
	assert_string_equal(json_bytes_text(v, "operation"), "written");
	assert_string_equal(json_bytes_text(v, "authority"), "stub");
	assert_int_equal(strlen(json_bytes_text(v, "request")), 32);
	assert_int_equal(strncmp(json_bytes_text(v, "nonce"), "nonce-", 6), 0);
	assert_int_equal(strlen(json_bytes_text(v, "time")), strlen("2026-11-21T21:00:00Z"));
	assert_string_equal(json_bytes_text(v, "serial"), "12");
	json_object_put(v);
}

/* ---- a lost answer ---- */

static void assert_same_bytes(size_t count)
{
	size_t len, again;
	const unsigned char *first = stub_body(REQUESTS, 0, &len);

	assert_int_equal(stub_count(REQUESTS), count);
	for (size_t i = 1; i < count; i++) {
		const unsigned char *body = stub_body(REQUESTS, i, &again);

		assert_int_equal(again, len);
		assert_memory_equal(body, first, len);
	}
}

static void a_lost_answer_has_the_same_bytes_sent_again(void **state)
{
	static const struct stub_step lost[][2] = {
		{{REQUESTS, STUB_CUT, 0, NULL, NULL}, {REQUESTS, STUB_CUT, 0, NULL, NULL}},
		{{REQUESTS, STUB_RAW, 0, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"sta", NULL},
		 {REQUESTS, STUB_RAW, 0, "HTTP/1.1 2", NULL}},
		{JSON(502, "<html>"), JSON(503, "{\"error\":{\"code\":\"database\"}}")},
		{JSON(504, ""), {REQUESTS, STUB_ANSWER, 429, "{}", "Retry-After: 3600\r\n"}},
	};
	char code[AUTHZ_REFUSAL_CODE];
	bool maybe;

	(void)state;
	for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
		assert_int_equal(request(lost[i], 2, &patient, code, &maybe), EXIT_GOOD);
		assert_same_bytes(3);
		assert_int_equal(stub_count("/v1/nonce"), 1);
		assert_false(maybe);
	}
}

static void one_that_stays_lost_may_be_done(void **state)
{
	static const struct stub_step steps[] = {
		{REQUESTS, STUB_CUT, 0, NULL, NULL},
		{REQUESTS, STUB_CUT, 0, NULL, NULL},
		{REQUESTS, STUB_CUT, 0, NULL, NULL},
	};
	char code[AUTHZ_REFUSAL_CODE];
	bool maybe;

	(void)state;
	assert_int_equal(request(steps, 3, &patient, code, &maybe), EXIT_FILE);
	assert_string_equal(code, "cut");
	assert_true(maybe);
	assert_same_bytes(3);
	assert_non_null(strstr(hear_text(), "Check the network and try again."));
}

static void silence_ends(void **state)
{
	static const struct stub_step steps[] = {
		{SILENT, STUB_SILENCE, 0, NULL, NULL},
		{SILENT, STUB_SILENCE, 0, NULL, NULL},
		{SILENT, STUB_SILENCE, 0, NULL, NULL},
	}, once = {SILENT_ONCE, STUB_SILENCE, 0, NULL, NULL};
	struct authz_client *c = client_of(address, &short_);
	struct json_object *answer;

	(void)state;
	stub_script(&once, 1);
	hear_begin();
	/* the second try is answered, or also too late on a slow machine: then it ends all the same */
	if (authz_client_get(c, SILENT_ONCE, &answer) == EXIT_GOOD)
		json_object_put(answer);
	stub_script(steps, 3);
	assert_int_equal(authz_client_get(c, SILENT, &answer), EXIT_FILE);
	hear_end();
	assert_null(answer);
	assert_string_equal(authz_client_code(c), "timeout");
	assert_non_null(strstr(hear_text(), "did not answer in time"));
	authz_client_close(&c);
}

/* ---- refusals ---- */

static void every_refusal_has_its_code_and_next_step(void **state)
{
	char body[512], code[AUTHZ_REFUSAL_CODE];
	const char *word;
	bool maybe;

	(void)state;
	for (unsigned i = 0; (word = authz_refusal_code(i)); i++) {
		struct stub_step step = JSON(422, body);
		enum exit_code result;

		snprintf(body, sizeof body, "{\"error\":{\"code\":\"%s\",\"reason\":null,\"text\":"
					    "{\"en\":\"words of it\",\"zh_TW\":\"其他\"}}}", word);
		result = request(&step, 1, &patient, code, &maybe);
		assert_true(result == EXIT_NEGATIVE || result == EXIT_FILE);
		assert_string_equal(code, word);
		assert_false(maybe);
		assert_int_equal(stub_count(REQUESTS), 1);
		assert_non_null(strstr(hear_text(), "words of it"));
		assert_non_null(strstr(hear_text(), word));
		assert_true(strchr(hear_text(), '\n')[1] != '\0'); /* a next step */
	}
}

static void words_are_safe_and_not_too_many(void **state)
{
	static const struct stub_step steps[] = {
		JSON(403, "{\"error\":{\"code\":\"x\\u001b[2J-of-a-code-that-is-much-longer-than-one-can-be\",\"reason\":\"\\u202e\","
			  "\"text\":{\"en\":\"bad\\u001b]0;title\\u0007\"}}}"),
		JSON(403, "{\"error\":{\"code\":7,\"reason\":[],\"text\":{\"en\":{}}}}"),
		JSON(403, "{\"error\":[]}"),
	};
	char code[AUTHZ_REFUSAL_CODE];
	bool maybe;

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		assert_true(request(&steps[i], 1, &patient, code, &maybe) != EXIT_GOOD);
		assert_null(strchr(hear_text(), '\033'));
		assert_null(strchr(hear_text(), '\007'));
		assert_null(strstr(hear_text(), "\xE2\x80\xAE"));
	}
}

/* ---- answers that are none ---- */

static void what_is_no_answer_is_refused(void **state)
{
	static char large[70000], deep[400];
	static const struct {
		struct stub_step step;
		const char *code;
	} cases[] = {
		{JSON(200, ""), "bad-answer"},
		{JSON(200, "{"), "bad-answer"},
		{JSON(200, "[]"), "bad-answer"},
		{JSON(200, "null"), "bad-answer"},
		{JSON(200, "{} {}"), "bad-answer"},
		{JSON(200, "{\"state\":\"\xFF\"}"), "bad-answer"},
		{JSON(200, deep), "bad-answer"},
		{JSON(200, large), "bad-answer"},
		{JSON(204, ""), "bad-answer"},
		{{REQUESTS, STUB_RAW, 0, "SSH-2.0-OpenSSH_9.2\r\n", NULL}, "bad-answer"},
		{{REQUESTS, STUB_ANSWER, 302, "{}", "Location: http://127.0.0.1:1/\r\n"}, "bad-answer"},
		{JSON(404, "<html>"), "not-found"},
		{JSON(407, "{}"), "proxy"},
		{JSON(500, "Internal"), "http"},
		{JSON(400, "{\"error\":null}"), "http"},
	};
	char code[AUTHZ_REFUSAL_CODE];
	bool maybe;

	(void)state;
	memset(large, ' ', sizeof large - 1);
	memcpy(large, "{}", 2);
	for (size_t i = 0; i < 60; i++)
		strcat(deep, "{\"a\":");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(request(&cases[i].step, 1, &patient, code, &maybe), EXIT_FILE);
		assert_string_equal(code, cases[i].code);
		assert_int_equal(stub_count(REQUESTS), 1);
		assert_true(strchr(hear_text(), '\n')[1] != '\0');
	}
}

static void a_server_of_another_kind_gets_no_signature(void **state)
{
	static char nonce[160];
	static const struct stub_step cases[] = {
		{"/v1/version", STUB_ANSWER, 200, "{\"protocol\":2,\"name\":\"stub\"}", NULL},
		{"/v1/version", STUB_ANSWER, 200, "{\"protocol\":1}", NULL},
		{"/v1/version", STUB_ANSWER, 200, "{\"protocol\":1,\"name\":[]}", NULL},
		{"/v1/nonce", STUB_ANSWER, 200, "{\"nonce\":5}", NULL},
		{"/v1/nonce", STUB_ANSWER, 200, nonce, NULL},
	};
	char code[AUTHZ_REFUSAL_CODE];
	bool maybe;

	(void)state;
	snprintf(nonce, sizeof nonce, "{\"nonce\":\"%0129d\"}", 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(request(&cases[i], 1, &patient, code, &maybe), EXIT_FILE);
		assert_int_equal(stub_count(REQUESTS), 0);
		assert_false(maybe);
	}
}

static void nobody_there_is_told(void **state)
{
	struct authz_client *c;
	struct json_object *answer;

	(void)state;
	/* nothing ever listens on port 0 */
	c = client_of("http://127.0.0.1:0", &patient);
	hear_begin();
	assert_int_equal(authz_client_get(c, "/v1/version", &answer), EXIT_FILE);
	hear_end();
	assert_null(answer);
	assert_string_equal(authz_client_code(c), "network");
	assert_non_null(strstr(hear_text(), "cannot be reached"));
	assert_non_null(strstr(hear_text(), "--proxy"));
	authz_client_close(&c);
}

static void parts_of_answers_are_checked(void **state)
{
	static const char answer[] = "{\"t\":\"a\",\"n\":1,\"b\":\"AAE=\",\"bad\":\"AA\",\"e\":\"\",\"z\":null}";
	struct json_object *v = json_bytes_parse(answer, sizeof answer - 1);
	unsigned char *bytes;
	const char *text;
	size_t len;
	X509 *x509;

	(void)state;
	assert_non_null(v);
	hear_begin();
	assert_int_equal(authz_client_text(v, "t", &text), EXIT_GOOD);
	assert_string_equal(text, "a");
	assert_int_equal(authz_client_text(v, "n", &text), EXIT_FILE);
	assert_int_equal(authz_client_bytes(v, "b", &bytes, &len), EXIT_GOOD);
	assert_int_equal(len, 2);
	assert_memory_equal(bytes, "\0\1", 2);
	free(bytes);
	assert_int_equal(authz_client_bytes(v, "bad", &bytes, &len), EXIT_FILE);
	assert_int_equal(authz_client_bytes(v, "e", &bytes, &len), EXIT_FILE);
	assert_int_equal(authz_client_x509(v, "z", &x509), EXIT_GOOD);
	assert_null(x509);
	assert_int_equal(authz_client_x509(v, "b", &x509), EXIT_FILE);
	hear_end();
	json_object_put(v);
}

/* ---- addresses ---- */

static void addresses_that_may_be_used(void **state)
{
	static const char *const good[] = {"https://a.example", "https://a.example:8443/authority/", "http://127.0.0.1:80",
					   "http://localhost", "http://[::1]:9/"};
	static const char *const bad[] = {"", "a.example", "http://a.example", "http://127.0.0.1.example", "ftp://localhost",
					  "file:///etc/passwd", "https://u:p@a.example", "https://a.example/?q", "https://a.example/#f",
					  "https://", "HTTP://a.example", "http://128.0.0.1", "http://user@localhost"};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(http_is_allowed(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(http_is_allowed(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_signed_and_bound),
		cmocka_unit_test(a_lost_answer_has_the_same_bytes_sent_again),
		cmocka_unit_test(one_that_stays_lost_may_be_done),
		cmocka_unit_test(silence_ends),
		cmocka_unit_test(every_refusal_has_its_code_and_next_step),
		cmocka_unit_test(words_are_safe_and_not_too_many),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(a_server_of_another_kind_gets_no_signature),
		cmocka_unit_test(nobody_there_is_told),
		cmocka_unit_test(parts_of_answers_are_checked),
		cmocka_unit_test(addresses_that_may_be_used),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
