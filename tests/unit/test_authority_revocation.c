/* Revocation lists at the authority: whom they stop, and what an outdated or a wrong list stops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "authority_bench.h"
#include "tools/authority/revocation.h"

#define DAY 86400

/* A list of the world's CA, and what of it is other than it should be. */
struct list {
	const X509 *revoked; /* NULL: nobody */
	const X509 *issuer;  /* whose name; NULL: the CA's */
	EVP_PKEY *key;       /* who signs; NULL: the CA */
	time_t next;         /* 0: tomorrow */
	bool only_cas;       /* it speaks of no card */
	bool some_reasons;   /* … or of some reasons only, which OpenSSL does not take alone */
};

static void put_revoked(X509_CRL *crl, const X509 *card, ASN1_TIME *when)
{
	X509_REVOKED *entry = X509_REVOKED_new();

	assert_non_null(entry);
	assert_int_equal(X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)(uintptr_t)X509_get0_serialNumber(card)), 1);
	assert_int_equal(X509_REVOKED_set_revocationDate(entry, when), 1);
	assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
}

static void put_scope(X509_CRL *crl, const struct list *list)
{
	ISSUING_DIST_POINT *scope = ISSUING_DIST_POINT_new();

	assert_non_null(scope);
	if (list->only_cas)
		scope->onlyCA = 0xFF;
	if (list->some_reasons) {
		scope->onlysomereasons = ASN1_BIT_STRING_new();
		assert_int_equal(ASN1_BIT_STRING_set_bit(scope->onlysomereasons, 1, 1), 1);
	}
	assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, scope, 1, 0), 1);
	ISSUING_DIST_POINT_free(scope);
}

static X509_CRL *read_again(X509_CRL *crl)
{
	unsigned char *der = NULL;
	int len = i2d_X509_CRL(crl, &der);
	const unsigned char *p = der;

	assert_true(len > 0);
	X509_CRL_free(crl);
	crl = d2i_X509_CRL(NULL, &p, len);
	assert_non_null(crl);
	OPENSSL_free(der);
	return crl;
}

/* The bench's authority asks this list from now on, and no other. */
static void use_list(struct bench *b, const struct list *list)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *last = ASN1_TIME_set(NULL, BENCH_NOW - 2 * DAY);
	ASN1_TIME *next = ASN1_TIME_set(NULL, list->next ? list->next : BENCH_NOW + DAY);

	assert_true(crl && last && next);
	assert_int_equal(X509_CRL_set_version(crl, 1), 1);
	assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(list->issuer ? list->issuer : w.cards[WORLD_CA])), 1);
	assert_int_equal(X509_CRL_set1_lastUpdate(crl, last), 1);
	assert_int_equal(X509_CRL_set1_nextUpdate(crl, next), 1);
	if (list->revoked)
		put_revoked(crl, list->revoked, last);
	if (list->only_cas || list->some_reasons)
		put_scope(crl, list);
	assert_true(X509_CRL_sign(crl, list->key ? list->key : w.keys[WORLD_CA], EVP_sha256()) > 0);
	crl = read_again(crl); /* OpenSSL looks at extensions when it reads */
	X509_STORE_free(b->a.trust);
	b->a.trust = X509_STORE_new();
	assert_non_null(b->a.trust);
	assert_int_equal(X509_STORE_add_cert(b->a.trust, w.cards[WORLD_CA]), 1);
	assert_true(revocation_add(b->a.trust, crl));
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
}

static struct reply ask_of(struct bench *b, enum world_card signer)
{
	return bench_simple(b, signer, "activated", NULL);
}

/* Nothing changes, and the audit has nothing of it. */
static void refuses(struct bench *b, enum world_card signer, const char *code)
{
	const char *state = bench_state(b);
	uint64_t rows = bench_audit(b, NULL);

	bench_refused(ask_of(b, signer), code, "");
	assert_string_equal(bench_state(b), state);
	assert_int_equal(bench_audit(b, NULL), rows);
}

static void a_revoked_signer_is_refused_and_no_other(void **state)
{
	struct bench *b = *state;

	bench_good(ask_of(b, WORLD_CLERK));
	use_list(b, &(struct list){.revoked = w.cards[WORLD_CLERK]});
	refuses(b, WORLD_CLERK, "signer-revoked");
	bench_good(ask_of(b, WORLD_MANAGER));
	use_list(b, &(struct list){.revoked = NULL});
	bench_good(ask_of(b, WORLD_CLERK));
}

static void a_revoked_holder_is_not_authorized(void **state)
{
	struct bench *b = *state;
	struct authz_spec spec = world_spec(&w);

	use_list(b, &(struct list){.revoked = spec.holder});
	bench_refused(bench_reserve(b, WORLD_PRIMARY, &spec), "rule", "holder-chain");
	use_list(b, &(struct list){.revoked = w.cards[WORLD_PERSON]});
	bench_good(bench_reserve(b, WORLD_PRIMARY, &spec));
}

/* Whose delegation it was: at the time of its use. */
static void a_revoked_primary_card_has_delegated_nothing(void **state)
{
	struct bench *b = *state;
	struct authz_spec delegation = world_delegation(&w), spec = world_spec(&w);

	bench_issue(b, WORLD_PRIMARY, &delegation);
	use_list(b, &(struct list){.revoked = NULL});
	bench_good(bench_reserve(b, WORLD_MANAGER, &spec));
	use_list(b, &(struct list){.revoked = w.cards[WORLD_PRIMARY]});
	assert_string_not_equal(bench_reserve(b, WORLD_MANAGER, &spec).code, "ok");
}

static void an_outdated_list_stops_everybody(void **state)
{
	struct bench *b = *state;

	use_list(b, &(struct list){.next = BENCH_NOW + 1});
	assert_int_equal(revocation_outdated(b->a.trust, BENCH_NOW), 0);
	bench_good(ask_of(b, WORLD_CLERK));
	use_list(b, &(struct list){.next = BENCH_NOW - 1});
	assert_int_equal(revocation_outdated(b->a.trust, BENCH_NOW), 1);
	refuses(b, WORLD_CLERK, "revocation-unknown");
}

static void a_list_that_does_not_speak_of_the_card_stops_it(void **state)
{
	struct bench *b = *state;

	/* of its name: somebody may want the real one not to be asked */
	use_list(b, &(struct list){.key = w.keys[WORLD_PERSON]});
	refuses(b, WORLD_CLERK, "revocation-unknown");
	use_list(b, &(struct list){.only_cas = true});
	refuses(b, WORLD_CLERK, "revocation-unknown");
	use_list(b, &(struct list){.some_reasons = true});
	refuses(b, WORLD_CLERK, "revocation-unknown");
}

static void a_ca_without_a_list_is_not_asked_for_one(void **state)
{
	struct bench *b = *state;

	use_list(b, &(struct list){.revoked = w.cards[WORLD_CLERK], .issuer = w.cards[WORLD_FOREIGN_PRIMARY],
				   .key = w.keys[WORLD_FOREIGN_PRIMARY]});
	bench_good(ask_of(b, WORLD_CLERK));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(a_revoked_signer_is_refused_and_no_other),
		BENCH(a_revoked_holder_is_not_authorized),
		BENCH(a_revoked_primary_card_has_delegated_nothing),
		BENCH(an_outdated_list_stops_everybody),
		BENCH(a_list_that_does_not_speak_of_the_card_stops_it),
		BENCH(a_ca_without_a_list_is_not_asked_for_one),
	};

	return cmocka_run_group_tests(tests, bench_set_up_world, bench_tear_down_world);
}
