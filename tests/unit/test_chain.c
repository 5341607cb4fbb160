/* Which certificates are taken for signed by which: what src/token/chain.c must refuse. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "ck_objects.h"
#include "src/crypto/certificate.h"
#include "src/token/chain.h"

enum { ROOT, ISSUER, HOLDER, PLACES };

static struct bench_chain {
	X509 *x[PLACES];
	struct buffer der[PLACES];
	struct p15_object records[PLACES];
	struct chain chain;
} b;

static EVP_PKEY *make_key(unsigned bits, unsigned exponent)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *e = BN_new();
	EVP_PKEY *key = NULL;

	assert_int_equal(BN_set_word(e, exponent), 1);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static X509 *make(const char *subject, EVP_PKEY *key, const char *issuer, EVP_PKEY *signer, bool authority)
{
	X509 *x = X509_new();
	X509_NAME *names[2] = {X509_NAME_new(), X509_NAME_new()};
	const char *const texts[2] = {subject, issuer};

	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), subject[0]), 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(X509_NAME_add_entry_by_txt(names[i], "CN", MBSTRING_ASC,
							    (const unsigned char *)texts[i], -1, -1, 0),
				 1);
	assert_int_equal(X509_set_subject_name(x, names[0]), 1);
	assert_int_equal(X509_set_issuer_name(x, names[1]), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 86400));
	assert_int_equal(X509_set_pubkey(x, key), 1);
	if (authority) {
		BASIC_CONSTRAINTS ca = {.ca = 0xFF, .pathlen = NULL};

		assert_int_equal(X509_add1_ext_i2d(x, NID_basic_constraints, &ca, 1, 0), 1);
	}
	assert_true(X509_sign(x, signer, EVP_sha256()) > 0);
	X509_NAME_free(names[0]);
	X509_NAME_free(names[1]);
	return x;
}

static void put_der(struct buffer *out, unsigned char *der, int len)
{
	assert_true(len > 0);
	assert_int_equal(buffer_append(out, der, (size_t)len), RESULT_OK);
	OPENSSL_free(der);
}

static void add(int place, X509 *x)
{
	struct p15_object *r = &b.records[place];
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);

	put_der(&b.der[place], der, len);
	der = NULL;
	len = i2d_X509_NAME(X509_get_subject_name(x), &der);
	put_der(&r->subject, der, len);
	der = NULL;
	len = i2d_X509_NAME(X509_get_issuer_name(x), &der);
	put_der(&r->issuer, der, len);
	der = NULL;
	len = i2d_ASN1_INTEGER(X509_get_serialNumber(x), &der);
	put_der(&r->serial, der, len);
	b.x[place] = x;
}

/* A root, an issuer with this key, a holder. */
static void build(EVP_PKEY *issuer_key, bool issuer_is_authority)
{
	EVP_PKEY *root = ck_rsa(2048), *holder = ck_rsa(2048);

	add(ROOT, make("root", root, "root", root, true));
	add(ISSUER, make("issuer", issuer_key, "root", root, issuer_is_authority));
	add(HOLDER, make("holder", holder, "issuer", issuer_key, false));
	chain_init(&b.chain);
	for (size_t i = 0; i < PLACES; i++)
		assert_true(chain_put(&b.chain, i, &b.der[i], &b.records[i]));
	chain_verify(&b.chain);
}

static int teardown(void **state)
{
	(void)state;
	chain_clear(&b.chain);
	for (size_t i = 0; i < PLACES; i++) {
		buffer_clear(&b.der[i]);
		buffer_clear(&b.records[i].subject);
		buffer_clear(&b.records[i].issuer);
		buffer_clear(&b.records[i].serial);
		X509_free(b.x[i]);
		b.x[i] = NULL;
	}
	return 0;
}

static void a_whole_chain_has_a_root(void **state)
{
	EVP_PKEY *key = make_key(2048, 65537);
	struct rsa_public rsa;

	(void)state;
	build(key, true);
	for (size_t i = 0; i < PLACES; i++)
		assert_int_equal(chain_root(&b.chain, i), ROOT);
	assert_true(chain_is_issuer(&b.chain, ROOT) && chain_is_issuer(&b.chain, ISSUER));
	assert_false(chain_is_issuer(&b.chain, HOLDER));
	assert_true(chain_is_above(&b.chain, ROOT, HOLDER) && chain_is_above(&b.chain, ISSUER, HOLDER));
	assert_false(chain_is_above(&b.chain, HOLDER, ISSUER));
	assert_true(chain_key(&b.chain, ISSUER, &rsa));
	assert_int_equal(rsa.exponent, 65537);
	EVP_PKEY_free(key);
}

/* An issuer's key that a forger could have made for a signature that he copied, or that is no issuer's. */
static void issuers_of_other_kinds_are_refused(void **state)
{
	static const struct {
		unsigned bits, exponent;
		bool authority;
	} kinds[] = {{2048, 3, true}, {2048, 65539, true}, {1024, 65537, true}, {2048, 65537, false}};

	for (size_t i = 0; i < COUNT(kinds); i++) {
		EVP_PKEY *key = make_key(kinds[i].bits, kinds[i].exponent);

		build(key, kinds[i].authority);
		assert_int_equal(b.chain.issuer[HOLDER], CHAIN_FORGED);
		assert_int_equal(chain_root(&b.chain, HOLDER), -1);
		assert_int_equal(chain_root(&b.chain, ISSUER), ROOT);
		EVP_PKEY_free(key);
		teardown(state);
	}
}

static void any_changed_byte_breaks_the_chain(void **state)
{
	EVP_PKEY *key = make_key(2048, 65537);

	(void)state;
	build(key, true);
	for (size_t at = 4; at < b.der[HOLDER].len; at += 7) {
		struct buffer der = BUFFER_INIT;
		struct chain c;
		bool put;

		assert_int_equal(buffer_append(&der, b.der[HOLDER].data, b.der[HOLDER].len), RESULT_OK);
		der.data[at] ^= 0x20;
		chain_init(&c);
		assert_true(chain_put(&c, ROOT, &b.der[ROOT], &b.records[ROOT]));
		assert_true(chain_put(&c, ISSUER, &b.der[ISSUER], &b.records[ISSUER]));
		put = chain_put(&c, HOLDER, &der, &b.records[HOLDER]);
		chain_verify(&c);
		assert_true(!put || c.issuer[HOLDER] == CHAIN_FORGED);
		assert_int_equal(chain_root(&c, HOLDER), -1);
		chain_clear(&c);
		buffer_clear(&der);
	}
	EVP_PKEY_free(key);
}

static void what_is_not_the_records_certificate_is_not_put(void **state)
{
	EVP_PKEY *key = make_key(2048, 65537);
	struct p15_object small;
	struct chain c;

	(void)state;
	build(key, true);
	chain_init(&c);
	assert_false(chain_put(&c, 0, &b.der[ISSUER], &b.records[HOLDER]));
	assert_false(chain_put(&c, 0, &(struct buffer)BUFFER_INIT, &b.records[HOLDER]));
	assert_false(chain_put(&c, CHAIN_MAX, &b.der[HOLDER], &b.records[HOLDER]));
	small = b.records[HOLDER];
	small.has_range = true;
	small.length = (unsigned)b.der[HOLDER].len - 1;
	assert_false(chain_put(&c, 0, &b.der[HOLDER], &small));
	assert_int_equal(buffer_append_u8(&b.der[HOLDER], 0), RESULT_OK);
	assert_false(chain_put(&c, 0, &b.der[HOLDER], &b.records[HOLDER]));
	buffer_truncate(&b.der[HOLDER], b.der[HOLDER].len - 2);
	assert_false(chain_put(&c, 0, &b.der[HOLDER], &b.records[HOLDER]));
	assert_null(c.at[0]);
	chain_clear(&c);
	EVP_PKEY_free(key);
}

/* Two that signed each other: no end, and no root. */
static void a_circle_has_no_root(void **state)
{
	EVP_PKEY *one = make_key(2048, 65537), *two = ck_rsa(2048);

	(void)state;
	add(ROOT, make("one", one, "two", two, true));
	add(ISSUER, make("two", two, "one", one, true));
	chain_init(&b.chain);
	for (size_t i = 0; i < HOLDER; i++)
		assert_true(chain_put(&b.chain, i, &b.der[i], &b.records[i]));
	chain_verify(&b.chain);
	assert_int_equal(b.chain.issuer[ROOT], ISSUER);
	assert_int_equal(chain_root(&b.chain, ROOT), -1);
	assert_int_equal(chain_root(&b.chain, ISSUER), -1);
	assert_false(chain_is_above(&b.chain, HOLDER, ROOT));
	EVP_PKEY_free(one);
}

/* What the caller's pointer was does not count, and more bytes than there are, are not read. */
static void a_certificate_is_what_bytes_begin_with(void **state)
{
	static const uint8_t other[] = {0x30, 0x03, 0x02, 0x01, 0x05};
	EVP_PKEY *key = make_key(2048, 65537);
	uint8_t longer[2048];
	X509 *x;
	size_t used;

	(void)state;
	add(ROOT, make("one", key, "one", key, true));
	assert_true(b.der[ROOT].len < sizeof longer);
	memset(longer, 0xFF, sizeof longer);
	memcpy(longer, b.der[ROOT].data, b.der[ROOT].len);
	assert_int_equal(certificate_parse(longer, sizeof longer, &x, &used), RESULT_OK);
	assert_int_equal(used, b.der[ROOT].len);
	assert_int_equal(X509_cmp(x, b.x[ROOT]), 0);
	X509_free(x);
	x = (X509 *)longer;
	assert_int_equal(certificate_parse(longer, used - 1, &x, NULL), RESULT_BAD_DATA);
	assert_null(x);
	x = (X509 *)longer;
	assert_int_equal(certificate_parse(other, sizeof other, &x, NULL), RESULT_BAD_DATA);
	assert_null(x);
	assert_int_equal(ERR_peek_error(), 0);
	EVP_PKEY_free(key);
}

#define CHAIN_TEST(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHAIN_TEST(a_whole_chain_has_a_root),
		CHAIN_TEST(issuers_of_other_kinds_are_refused),
		CHAIN_TEST(any_changed_byte_breaks_the_chain),
		CHAIN_TEST(what_is_not_the_records_certificate_is_not_put),
		CHAIN_TEST(a_circle_has_no_root),
		CHAIN_TEST(a_certificate_is_what_bytes_begin_with),
	};

	return cmocka_run_group_tests_name("certificate chains", tests, NULL, NULL);
}
