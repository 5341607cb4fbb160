#include "config.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "src/crypto/certificate.h"
#include "src/token/chain.h"

#define ISSUER_BITS_MIN 2048
#define ISSUER_EXPONENT 65537 /* a free exponent would let a forger choose a key for a signature */

void chain_init(struct chain *c)
{
	for (size_t i = 0; i < CHAIN_MAX; i++) {
		c->at[i] = NULL;
		c->issuer[i] = CHAIN_NO_ISSUER;
	}
}

void chain_clear(struct chain *c)
{
	for (size_t i = 0; i < CHAIN_MAX; i++)
		X509_free(c->at[i]);
	chain_init(c);
}

/* ---- one certificate ---- */

/* A record need not have the field. */
static bool agrees(const struct buffer *field, unsigned char *der, int len)
{
	bool same = len > 0 && (field->len == 0 || (field->len == (size_t)len &&
						    memcmp(field->data, der, field->len) == 0));

	OPENSSL_free(der);
	return same;
}

static bool fits(const X509 *x, size_t size, const struct p15_object *record)
{
	unsigned char *subject = NULL, *issuer = NULL, *serial = NULL;
	int subject_len = i2d_X509_NAME(X509_get_subject_name(x), &subject);
	int issuer_len = i2d_X509_NAME(X509_get_issuer_name(x), &issuer);
	int serial_len = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &serial);
	bool same = agrees(&record->subject, subject, subject_len);

	same = agrees(&record->issuer, issuer, issuer_len) && same;
	same = agrees(&record->serial, serial, serial_len) && same;
	return same && (!record->has_range || size <= record->length);
}

bool chain_put(struct chain *c, size_t place, const struct buffer *der,
	       const struct p15_object *record)
{
	size_t used;
	X509 *x;

	if (place >= CHAIN_MAX || c->at[place] ||
	    certificate_parse(der->data, der->len, &x, &used) != RESULT_OK)
		return false;
	ERR_set_mark();
	if (used == der->len && fits(x, der->len, record)) {
		c->at[place] = x;
		x = NULL;
	}
	X509_free(x);
	ERR_pop_to_mark();
	return c->at[place] != NULL;
}

/* ---- signatures ---- */

static bool is_good_key(EVP_PKEY *key)
{
	BIGNUM *e = NULL;
	bool good = key && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= ISSUER_BITS_MIN &&
		    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) &&
		    BN_is_word(e, ISSUER_EXPONENT);

	BN_free(e);
	return good;
}

static bool signed_by(X509 *x, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);

	return X509_check_issued(issuer, x) == X509_V_OK && X509_check_ca(issuer) != 0 &&
	       is_good_key(key) && X509_verify(x, key) == 1;
}

static int find_issuer(const struct chain *c, size_t place)
{
	const X509_NAME *wanted = X509_get_issuer_name(c->at[place]);
	int found = CHAIN_NO_ISSUER;

	for (size_t i = 0; i < CHAIN_MAX; i++) {
		if (!c->at[i] || X509_NAME_cmp(X509_get_subject_name(c->at[i]), wanted) != 0)
			continue;
		if (signed_by(c->at[place], c->at[i]))
			return (int)i;
		found = CHAIN_FORGED;
	}
	return found;
}

void chain_verify(struct chain *c)
{
	ERR_set_mark();
	for (size_t i = 0; i < CHAIN_MAX; i++)
		if (c->at[i])
			c->issuer[i] = find_issuer(c, i);
	ERR_pop_to_mark();
}

int chain_root(const struct chain *c, size_t place)
{
	int at = (int)place;

	for (size_t steps = 0; steps < CHAIN_MAX; steps++) {
		if (!c->at[at] || c->issuer[at] < 0)
			return -1;
		if (c->issuer[at] == at)
			return at;
		at = c->issuer[at];
	}
	return -1;
}

bool chain_is_issuer(const struct chain *c, size_t place)
{
	for (size_t i = 0; i < CHAIN_MAX; i++)
		if (i != place && c->at[i] && c->issuer[i] == (int)place)
			return true;
	return false;
}

bool chain_is_above(const struct chain *c, size_t above, size_t place)
{
	for (size_t steps = 0; steps < CHAIN_MAX; steps++) {
		if (above == place)
			return true;
		if (!c->at[place] || c->issuer[place] < 0)
			return false;
		place = (size_t)c->issuer[place];
	}
	return false;
}

/* ---- keys ---- */

bool chain_take_key(const EVP_PKEY *key, struct rsa_public *out)
{
	BIGNUM *n = NULL, *e = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) &&
		  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) && BN_num_bits(e) <= 32 &&
		  BN_num_bits(n) == 8 * CARD_MODULUS_SIZE &&
		  BN_bn2binpad(n, out->modulus, CARD_MODULUS_SIZE) == CARD_MODULUS_SIZE;

	if (ok)
		out->exponent = (uint32_t)BN_get_word(e);
	BN_free(n);
	BN_free(e);
	return ok;
}

bool chain_key(const struct chain *c, size_t place, struct rsa_public *out)
{
	EVP_PKEY *key = c->at[place] ? X509_get0_pubkey(c->at[place]) : NULL;

	return key && chain_take_key(key, out);
}

bool chain_allows(const struct chain *c, size_t place, unsigned usage)
{
	static const struct {
		unsigned usage, key_usage;
	} rules[] = {
		{P15_VERIFY | P15_VERIFY_RECOVER | P15_SIGN | P15_SIGN_RECOVER,
		 KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION},
		{P15_ENCRYPT | P15_WRAP | P15_DECRYPT | P15_UNWRAP,
		 KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT},
	};
	uint32_t allowed = c->at[place] ? X509_get_key_usage(c->at[place]) : 0;

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (usage & rules[i].usage && !(allowed & rules[i].key_usage))
			return false;
	return true;
}
