/* What the authority refuses, with its reason, and that nothing has changed then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/cms.h>

#include "authority_bench.h"

/* A refusal that changes nothing; the audit has it or (before a signature is good) has not. */
struct watch {
	const char *state;
	uint64_t rows;
};

static struct watch before(struct bench *b)
{
	return (struct watch){bench_state(b), bench_audit(b, NULL)};
}

static void unchanged(struct bench *b, struct watch then, struct reply r, const char *code, const char *reason, bool noted)
{
	char outcome[64];

	bench_refused(r, code, reason);
	assert_string_equal(bench_state(b), then.state);
	assert_int_equal(bench_audit(b, outcome), then.rows + noted);
	if (noted)
		assert_string_equal(outcome, code);
}

static struct json_object *fields_of(const char *text)
{
	struct json_object *fields = json_tokener_parse(text);

	assert_non_null(fields);
	return fields;
}

/* ---- the message ---- */

static void what_is_no_message_is_refused(void **state)
{
	struct bench *b = *state;
	struct watch then = before(b);
	size_t len;
	uint8_t *bytes = bench_bytes(b, &(struct ask){.signer = WORLD_CLERK, .operation = "activated"}, &len);
	uint8_t *longer = calloc(1, AUTHORITY_BODY_MAX + 1);

	unchanged(b, then, bench_send(b, bytes, 0), "bad-request", "", false);
	unchanged(b, then, bench_send(b, (const uint8_t *)"{}", 2), "bad-request", "", false);
	for (size_t cut = 1; cut < len; cut += 97)
		unchanged(b, then, bench_send(b, bytes, cut), "bad-request", "", false);
	memcpy(longer, bytes, len);
	unchanged(b, then, bench_send(b, longer, len + 1), "bad-request", "", false);
	unchanged(b, then, bench_send(b, longer, AUTHORITY_BODY_MAX + 1), "too-large", "", false);
	unchanged(b, then, bench_question(b, "POST", "/v1/requests", "text/plain", bytes, len), "bad-request", "", false);
	unchanged(b, then, bench_question(b, "POST", "/v1/requests", NULL, bytes, len), "bad-request", "", false);
	bench_good(bench_question(b, "POST", "/v1/requests", "application/pkcs7-mime; smime-type=signed-data", bytes, len));
	free(longer);
	free(bytes);
}

static void a_changed_byte_is_noticed(void **state)
{
	struct bench *b = *state;
	struct watch then = before(b);
	size_t len;
	uint8_t *bytes = bench_bytes(b, &(struct ask){.signer = WORLD_CLERK, .operation = "activated"}, &len);

	/* the signature's last byte, and a letter of the content */
	bytes[len - 1] ^= 1;
	unchanged(b, then, bench_send(b, bytes, len), "bad-signature", "", false);
	bytes[len - 1] ^= 1;
	for (size_t i = 0; i + 9 < len; i++)
		if (memcmp(bytes + i, "activated", 9) == 0)
			bytes[i + 8] = 'x';
	unchanged(b, then, bench_send(b, bytes, len), "bad-signature", "", false);
	free(bytes);
}

static struct reply send_as(struct bench *b, EVP_PKEY *key, X509 *x509, const char *digest, unsigned flags)
{
	size_t len;
	uint8_t *bytes = authority_request_sign_other(key, x509, "{}", 2, digest, flags, &len);
	struct reply r = bench_send(b, bytes, len);

	free(bytes);
	return r;
}

static void weak_or_bare_signatures_are_refused(void **state)
{
	struct bench *b = *state;
	struct watch then = before(b);
	EVP_PKEY *key = w.keys[WORLD_CLERK];
	X509 *x509 = w.cards[WORLD_CLERK];

	unchanged(b, then, send_as(b, key, x509, "SHA1", CMS_CADES), "bad-request", "", false);
	unchanged(b, then, send_as(b, key, x509, NULL, 0), "bad-request", "", false); /* no signing-certificate-v2 */
	unchanged(b, then, send_as(b, key, x509, NULL, CMS_NOATTR), "bad-request", "", false);
	unchanged(b, then, send_as(b, key, x509, NULL, CMS_CADES | CMS_NOCERTS), "bad-request", "", false);
	unchanged(b, then, send_as(b, key, x509, "SHA512", CMS_CADES), "bad-request", "", true); /* only "{}" is wrong */
}

static void who_is_not_trusted_is_refused(void **state)
{
	struct bench *b = *state;
	struct watch then = before(b);
	struct world_holder ended = {"測試公司2", "12345678", "secondary", "9", KU_DIGITAL_SIGNATURE, w.first,
				     BENCH_NOW - 1};
	struct world_holder encrypts = {"測試公司2", "12345678", "secondary", "10", KU_KEY_ENCIPHERMENT, w.first, w.last};
	X509 *x509 = world_certificate(&w, &ended, w.keys[WORLD_CLERK]);
	struct world other;

	unchanged(b, then, send_as(b, w.keys[WORLD_CLERK], x509, NULL, CMS_CADES), "signer-not-trusted", "", false);
	X509_free(x509);
	x509 = world_certificate(&w, &encrypts, w.keys[WORLD_CLERK]);
	unchanged(b, then, send_as(b, w.keys[WORLD_CLERK], x509, NULL, CMS_CADES), "signer-not-trusted", "", false);
	X509_free(x509);
	/* all names and numbers are the same, but another CA's key has signed */
	world_init(&other, BENCH_NOW);
	unchanged(b, then, send_as(b, other.keys[WORLD_CLERK], other.cards[WORLD_CLERK], NULL, CMS_CADES),
		  "signer-not-trusted", "", false);
	world_clear(&other);
}

/* Of the same key and number, and by the same CA; but it says another rank. */
static void another_certificate_cannot_take_the_signers_place(void **state)
{
	struct bench *b = *state;
	struct watch then = before(b);
	struct world_holder who = {"測試公司2", "12345678", "primary", "69695511457231809986163424788281756859",
				   KU_DIGITAL_SIGNATURE, w.first, w.last};
	X509 *other = world_certificate(&w, &who, w.keys[WORLD_CLERK]);
	size_t len;
	uint8_t *bytes = authority_request_sign_other(w.keys[WORLD_CLERK], w.cards[WORLD_CLERK], "{}", 2, NULL,
						      CMS_CADES | CMS_NOCERTS, &len);
	const unsigned char *p = bytes;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)len);
	unsigned char *der = NULL;
	int n;

	assert_true(CMS_add1_cert(cms, other));
	n = i2d_CMS_ContentInfo(cms, &der);
	assert_true(n > 0);
	unchanged(b, then, bench_send(b, der, (size_t)n), "bad-signature", "", false);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	X509_free(other);
	free(bytes);
}

/* ---- what it says ---- */

static void the_form_is_asked_for(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"protocol\":\"1\"}",
		"{\"protocol\":1,\"operation\":\"activated\"}",
		"{\"protocol\":1,\"operation\":\"activated\",\"authority\":\"測試授權中心\",\"request\":\"1\",\"nonce\":\"x\","
		"\"time\":\"2026-05-28T20:26:40Z\"}",
		"{\"protocol\":1,\"operation\":\"activated\",\"authority\":\"測試授權中心\","
		"\"request\":\"00000000000000000000000000000000\",\"nonce\":\"x\",\"time\":\"now\"}",
		"{\"protocol\":1,\"operation\":\"fly\",\"authority\":\"測試授權中心\","
		"\"request\":\"00000000000000000000000000000000\",\"nonce\":\"x\",\"time\":\"2026-05-28T20:26:40Z\"}",
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct watch then = before(b);
		const struct ask ask = {.signer = WORLD_CLERK, .fields = fields_of(bad[i]), .without = true};

		unchanged(b, then, bench_ask(b, &ask), "bad-request", "", true);
	}
}

static void another_protocol_or_authority_is_refused(void **state)
{
	struct bench *b = *state;
	struct watch then;
	struct ask ask = {.signer = WORLD_CLERK, .operation = "activated", .protocol = 2};

	then = before(b);
	unchanged(b, then, bench_ask(b, &ask), "wrong-protocol", "", true);
	ask = (struct ask){.signer = WORLD_CLERK, .operation = "activated", .authority = "別的授權中心"};
	then = before(b);
	unchanged(b, then, bench_ask(b, &ask), "wrong-authority", "", true);
}

static void a_request_must_be_fresh(void **state)
{
	struct bench *b = *state;
	struct watch then;
	struct ask ask = {.signer = WORLD_CLERK, .operation = "activated", .time_text = "2026-05-28T20:16:39Z"};
	size_t len;
	uint8_t *bytes;

	then = before(b);
	unchanged(b, then, bench_ask(b, &ask), "time", "", true);
	ask.time_text = "2026-05-28T20:36:41Z";
	then = before(b);
	unchanged(b, then, bench_ask(b, &ask), "time", "", true);
	ask.time_text = "2026-05-28T20:36:40Z"; /* a clock may be wrong by ten minutes */
	bench_good(bench_ask(b, &ask));
	/* a nonce lives for five minutes */
	ask.time_text = NULL;
	bytes = bench_bytes(b, &ask, &len);
	bench_time += NONCE_SECONDS;
	then = before(b);
	unchanged(b, then, bench_send(b, bytes, len), "nonce", "", true);
	free(bytes);
}

static void a_nonce_is_the_authoritys_own_and_used_once(void **state)
{
	struct bench *b = *state;
	struct watch then;
	uint8_t other[NONCE_SECRET_LEN] = {1};
	char foreign[NONCE_LEN + 1];
	const char *own = bench_text(bench_get(b, "/v1/nonce"), "nonce");
	struct ask ask = {.signer = WORLD_CLERK, .operation = "activated", .nonce = foreign};
	time_t expires;

	assert_true(nonce_make(other, BENCH_NOW, foreign, &expires));
	then = before(b);
	unchanged(b, then, bench_ask(b, &ask), "nonce", "", true);
	ask.nonce = "";
	then = before(b);
	unchanged(b, then, bench_ask(b, &ask), "nonce", "", true);
	ask.nonce = own;
	bench_good(bench_ask(b, &ask));
	then = before(b);
	unchanged(b, then, bench_ask(b, &ask), "nonce", "", true);
	ask.signer = WORLD_MANAGER;
	then = before(b);
	unchanged(b, then, bench_ask(b, &ask), "nonce", "", true);
}

static void the_same_bytes_again_change_nothing(void **state)
{
	struct bench *b = *state;
	struct authz_spec spec = world_spec(&w);
	const char *id = "0123456789abcdef0123456789abcdef";
	struct ask ask = {.signer = WORLD_PRIMARY, .operation = "reserve", .fields = bench_reservation(&spec), .id = id};
	size_t len;
	uint8_t *bytes = bench_bytes(b, &ask, &len);
	struct reply first = bench_send(b, bytes, len), again;
	struct watch then;

	bench_good(first);
	then = before(b);
	for (int i = 0; i < 3; i++) {
		bench_time += AUTHORITY_KEEP_SECONDS / 4; /* also when its time is long over */
		again = bench_send(b, bytes, len);
		bench_good(again);
		assert_string_equal(again.text, first.text);
		assert_string_equal(bench_state(b), then.state);
		assert_int_equal(bench_audit(b, NULL), then.rows);
	}
	/* another database connection knows it too */
	bench_close(b);
	bench_open(b);
	assert_string_equal(bench_send(b, bytes, len).text, first.text);
	/* the number is taken, whoever asks */
	bench_time = BENCH_NOW;
	ask = (struct ask){.signer = WORLD_PRIMARY, .operation = "reserve", .fields = bench_reservation(&spec), .id = id};
	unchanged(b, then, bench_ask(b, &ask), "request-reused", "", false);
	ask = (struct ask){.signer = WORLD_CLERK, .operation = "activated", .id = "0123456789ABCDEF0123456789abcdef"};
	unchanged(b, then, bench_ask(b, &ask), "request-reused", "", false);
	free(bytes);
}

static void another_card_does_not_get_the_answer(void **state)
{
	struct bench *b = *state;
	struct watch then;
	const char *nonce = bench_text(bench_get(b, "/v1/nonce"), "nonce");
	struct ask ask = {.signer = WORLD_CLERK, .operation = "activated", .nonce = nonce,
			  .id = "0123456789abcdef0123456789abcdef"};

	bench_good(bench_ask(b, &ask));
	bench_good(bench_ask(b, &ask)); /* signed anew, it is the same */
	ask.signer = WORLD_MANAGER;
	then = before(b);
	unchanged(b, then, bench_ask(b, &ask), "request-reused", "", false);
}

static void a_refusal_is_repeated_too(void **state)
{
	struct bench *b = *state;
	struct ask ask = {.signer = WORLD_PRIMARY, .operation = "get", .fields = fields_of("{\"serial\":\"1\"}")};
	size_t len;
	uint8_t *bytes = bench_bytes(b, &ask, &len);
	struct reply first = bench_send(b, bytes, len);
	struct watch then = before(b);

	unchanged(b, then, first, "unknown-serial", "", false);
	assert_string_equal(bench_send(b, bytes, len).text, first.text);
	assert_int_equal(bench_send(b, bytes, len).status, 404);
	assert_int_equal(bench_audit(b, NULL), then.rows);
	free(bytes);
}

static void old_answers_are_forgotten_and_not_accepted_again(void **state)
{
	struct bench *b = *state;
	struct watch then;
	struct ask ask = {.signer = WORLD_CLERK, .operation = "activated"};
	size_t len;
	uint8_t *bytes = bench_bytes(b, &ask, &len);

	bench_good(bench_send(b, bytes, len));
	bench_time += AUTHORITY_KEEP_SECONDS + 1;
	assert_int_equal(authority_tidy(&b->a, NULL), STORE_OK);
	then = before(b);
	unchanged(b, then, bench_send(b, bytes, len), "time", "", true);
	free(bytes);
}

static void a_card_may_not_ask_too_often(void **state)
{
	struct bench *b = *state;

	rates_free(b->a.signers);
	b->a.signers = rates_new(2, 1);
	bench_good(bench_simple(b, WORLD_CLERK, "activated", NULL));
	bench_good(bench_simple(b, WORLD_CLERK, "activated", NULL));
	/* a token a second comes back: how many came meanwhile, a slow machine says */
	for (int i = 0; i < 1000; i++) {
		struct reply r = bench_simple(b, WORLD_CLERK, "activated", NULL);

		if (r.status == 200)
			continue;
		bench_refused(r, "too-many", "");
		bench_good(bench_simple(b, WORLD_MANAGER, "activated", NULL));
		return;
	}
	fail();
}

static void rates_are_those_of_a_bucket(void **state)
{
	struct rates *r = rates_new(3, 2);
	char name[32];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(rates_take_at(r, "a", 1000));
	assert_false(rates_take_at(r, "a", 1000));
	assert_true(rates_take_at(r, "b", 1000));
	assert_false(rates_take_at(r, "a", 1499));
	assert_true(rates_take_at(r, "a", 1500));
	assert_false(rates_take_at(r, "a", 1500));
	assert_true(rates_take_at(r, "a", 100000));
	/* more names than are known: the memory does not grow, nobody is refused for it */
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof name, "n%d", i);
		assert_true(rates_take_at(r, name, 100000));
	}
	rates_free(r);
	r = rates_new(1, 0);
	for (int i = 0; i < 10; i++)
		assert_true(rates_take_at(r, "a", 1));
	rates_free(r);
}

/* ---- the rules ---- */

static void refuse_reservation(struct bench *b, enum world_card signer, struct authz_spec *spec, const char *code,
			       const char *reason)
{
	struct watch then = before(b);

	unchanged(b, then, bench_reserve(b, signer, spec), code, reason, true);
}

static void the_rules_are_asked_before_anything_is_reserved(void **state)
{
	struct bench *b = *state;
	struct authz_spec spec = world_spec(&w);

	refuse_reservation(b, WORLD_FOREIGN_PRIMARY, &spec, "rule", "other-organization");
	refuse_reservation(b, WORLD_PERSON, &spec, "rule", "authorizer-rank");
	refuse_reservation(b, WORLD_CLERK, &spec, "rule", "self");
	spec.holder = w.cards[WORLD_PRIMARY];
	refuse_reservation(b, WORLD_MANAGER, &spec, "rule", "holder-rank");
	spec = world_spec(&w);
	spec.bearer_id = "A123456788";
	refuse_reservation(b, WORLD_PRIMARY, &spec, "rule", "id-checksum");
	spec = world_spec(&w);
	spec.grants[0].unit_code = "1";
	refuse_reservation(b, WORLD_PRIMARY, &spec, "rule", "unit-levels");
	spec = world_delegation(&w);
	spec.holder = w.cards[WORLD_CLERK];
	refuse_reservation(b, WORLD_MANAGER, &spec, "rule", "delegation-by-attached");
}

static void a_holder_that_is_not_trusted_gets_nothing(void **state)
{
	struct bench *b = *state;
	struct authz_spec spec = world_spec(&w);
	struct world other;

	world_init(&other, BENCH_NOW);
	spec.holder = other.cards[WORLD_CLERK];
	refuse_reservation(b, WORLD_PRIMARY, &spec, "rule", "holder-chain");
	world_clear(&other);
}

static void the_form_of_a_reservation(void **state)
{
	static const char *const keys[] = {"holder", "kind", "content"};
	struct bench *b = *state;
	struct authz_spec spec = world_spec(&w);

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct watch then = before(b);
		struct json_object *fields = bench_reservation(&spec);

		json_object_object_add(fields, keys[i], json_object_new_string("x"));
		unchanged(b, then, bench_simple(b, WORLD_PRIMARY, "reserve", fields), "bad-request", "", true);
	}
}

/* ---- forged certificates ---- */

static void swap_holder(TWCARD_AC *ac, void *context)
{
	ASN1_INTEGER_set(ac->info->holder->base_certificate->serial, 5);
	(void)context;
}

static void reuse_serial(TWCARD_AC *ac, void *context)
{
	ASN1_INTEGER *serial = context;

	ASN1_STRING_copy(ac->info->serial, serial);
}

static void alter_attribute(TWCARD_AC *ac, void *context)
{
	X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(ac->info->attributes, 0);
	ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(attribute, 0);
	ASN1_STRING *bytes = value->value.asn1_string;
	unsigned char *data = (unsigned char *)ASN1_STRING_get0_data(bytes);

	/* a digit in a text: its form stays good */
	for (int i = ASN1_STRING_length(bytes) - 1; i >= 0; i--) {
		if (data[i] < '1' || data[i] > '8' || (i && data[i - 1] < '0'))
			continue;
		data[i]++;
		break;
	}
	(void)context;
}

/* Registers a changed certificate, signed anew by a key (or as it was). */
static void refuse_forged(struct bench *b, struct reply reserved, const struct authz_cert *from, world_edit_fn edit,
			  void *context, EVP_PKEY *key, const char *code, const char *reason)
{
	struct authz_der der = world_forge(from, edit, context, key, "SHA256");
	struct watch then = before(b);
	struct json_object *fields = bench_registration(bench_text(reserved, "reservation"), der.bytes, der.len);

	unchanged(b, then, bench_simple(b, WORLD_PRIMARY, "register", fields), code, reason, true);
	free((void *)der.bytes);
}

static void forged_certificates_are_refused(void **state)
{
	struct bench *b = *state;
	struct authz_spec old = world_spec(&w), spec = world_spec(&w);
	struct authz_cert *first = bench_issue(b, WORLD_PRIMARY, &old), *cert;
	struct reply reserved = bench_reserve(b, WORLD_PRIMARY, &spec);
	EVP_PKEY *own = w.keys[WORLD_PRIMARY];
	BIGNUM *number = NULL;
	ASN1_INTEGER *serial;

	cert = world_build(&w, &spec, WORLD_PRIMARY);
	refuse_forged(b, reserved, cert, NULL, NULL, w.keys[WORLD_MANAGER], "rule", "signature");
	refuse_forged(b, reserved, cert, NULL, NULL, w.keys[WORLD_FOREIGN_PRIMARY], "rule", "signature");
	refuse_forged(b, reserved, cert, swap_holder, NULL, own, "rule", "holder");
	refuse_forged(b, reserved, cert, alter_attribute, NULL, NULL, "rule", "signature");
	refuse_forged(b, reserved, cert, alter_attribute, NULL, own, "not-as-reserved", "");
	BN_dec2bn(&number, authz_cert_info(first)->serial);
	serial = BN_to_ASN1_INTEGER(number, NULL);
	refuse_forged(b, reserved, cert, reuse_serial, serial, own, "not-as-reserved", "");
	ASN1_INTEGER_set(serial, 7);
	refuse_forged(b, reserved, cert, reuse_serial, serial, own, "rule", "serial");
	refuse_forged(b, reserved, first, NULL, NULL, NULL, "not-as-reserved", "");
	/* after all of that the right one is taken */
	bench_good(bench_register(b, WORLD_PRIMARY, reserved, cert));
	refuse_forged(b, reserved, first, NULL, NULL, NULL, "wrong-state", "");
	ASN1_INTEGER_free(serial);
	BN_free(number);
	authz_cert_free(cert);
}

static void other_cards_have_no_say(void **state)
{
	struct bench *b = *state;
	struct watch then;
	struct authz_spec spec = world_spec(&w);
	struct reply reserved = bench_reserve(b, WORLD_PRIMARY, &spec);
	struct authz_cert *cert = world_build(&w, &spec, WORLD_PRIMARY);
	char fields[256];

	then = before(b);
	unchanged(b, then, bench_register(b, WORLD_MANAGER, reserved, cert), "wrong-card", "", true);
	snprintf(fields, sizeof fields, "{\"reservation\":\"%s\"}", bench_text(reserved, "reservation"));
	then = before(b);
	unchanged(b, then, bench_simple(b, WORLD_MANAGER, "withdraw", fields_of(fields)), "wrong-card", "", true);
	bench_good(bench_register(b, WORLD_PRIMARY, reserved, cert));
	then = before(b);
	unchanged(b, then, bench_written(b, WORLD_PRIMARY, cert), "wrong-card", "", true);
	then = before(b);
	unchanged(b, then, bench_written(b, WORLD_MANAGER, cert), "wrong-card", "", true);
	snprintf(fields, sizeof fields, "{\"serial\":\"%s\"}", authz_cert_info(cert)->serial);
	then = before(b);
	unchanged(b, then, bench_simple(b, WORLD_FOREIGN_CLERK, "get", fields_of(fields)), "wrong-card", "", true);
	then = before(b);
	unchanged(b, then, bench_simple(b, WORLD_FOREIGN_CLERK, "withdraw", fields_of(fields)), "wrong-card", "", true);
	authz_cert_free(cert);
}

static void what_is_not_known_is_told(void **state)
{
	struct bench *b = *state;
	struct authz_spec spec = world_spec(&w);
	struct authz_cert *cert;
	struct watch then;

	then = before(b);
	unchanged(b, then, bench_simple(b, WORLD_PRIMARY, "withdraw", fields_of("{\"serial\":\"1\"}")), "unknown-serial",
		  "", true);
	then = before(b);
	unchanged(b, then, bench_simple(b, WORLD_PRIMARY, "withdraw", fields_of("{\"reservation\":\"1\"}")),
		  "unknown-reservation", "", true);
	then = before(b);
	unchanged(b, then, bench_simple(b, WORLD_PRIMARY, "withdraw", NULL), "bad-request", "", true);
	then = before(b);
	unchanged(b, then, bench_simple(b, WORLD_PRIMARY, "get", NULL), "bad-request", "", true);
	then = before(b);
	unchanged(b, then, bench_simple(b, WORLD_PRIMARY, "written", fields_of("{\"serial\":\"1\",\"sha256\":\"00\"}")),
		  "bad-request", "", true);
	then = before(b);
	unchanged(b, then, bench_simple(b, WORLD_PRIMARY, "register", fields_of("{\"reservation\":\"1\",\"certificate\":\"MAA=\"}")),
		  "unknown-reservation", "", true);
	/* and another certificate than the one that was written */
	cert = bench_issue(b, WORLD_PRIMARY, &spec);
	then = before(b);
	{
		struct json_object *fields = fields_of(
			"{\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"}");

		json_object_object_add(fields, "serial", json_object_new_string(authz_cert_info(cert)->serial));
		unchanged(b, then, bench_simple(b, WORLD_CLERK, "written", fields), "not-as-reserved", "", true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(what_is_no_message_is_refused),
		BENCH(a_changed_byte_is_noticed),
		BENCH(weak_or_bare_signatures_are_refused),
		BENCH(who_is_not_trusted_is_refused),
		BENCH(another_certificate_cannot_take_the_signers_place),
		BENCH(the_form_is_asked_for),
		BENCH(another_protocol_or_authority_is_refused),
		BENCH(a_request_must_be_fresh),
		BENCH(a_nonce_is_the_authoritys_own_and_used_once),
		BENCH(the_same_bytes_again_change_nothing),
		BENCH(another_card_does_not_get_the_answer),
		BENCH(a_refusal_is_repeated_too),
		BENCH(old_answers_are_forgotten_and_not_accepted_again),
		BENCH(a_card_may_not_ask_too_often),
		cmocka_unit_test(rates_are_those_of_a_bucket),
		BENCH(the_rules_are_asked_before_anything_is_reserved),
		BENCH(a_holder_that_is_not_trusted_gets_nothing),
		BENCH(the_form_of_a_reservation),
		BENCH(forged_certificates_are_refused),
		BENCH(other_cards_have_no_say),
		BENCH(what_is_not_known_is_told),
	};

	return cmocka_run_group_tests(tests, bench_set_up_world, bench_tear_down_world);
}
