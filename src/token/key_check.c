/* Checking what a card computed with a private key against the key's public half. */
#include "config.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "apdu/log.h"
#include "src/crypto/context.h"
#include "src/crypto/rsa.h"
#include "src/token/internal.h"

/* An RSA-2048 key with an exponent of up to 32 bits, as this project has keys. */
static bool take_key(const EVP_PKEY *key, struct rsa_public *out)
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

enum result token_certificate_key(const struct buffer *der, struct rsa_public *out)
{
	const unsigned char *p = der->data;
	X509 *x = X509_new_ex(crypto_context(), NULL);
	enum result r = RESULT_BAD_DATA;

	if (!x)
		return RESULT_NO_MEMORY;
	ERR_set_mark();
	if (d2i_X509(&x, &p, (long)der->len) && X509_get0_pubkey(x) &&
	    take_key(X509_get0_pubkey(x), out))
		r = RESULT_OK;
	ERR_pop_to_mark();
	X509_free(x);
	return r;
}

/* The key in the certificate of the same id; RESULT_NOT_FOUND: there is no such certificate. */
static enum result key_of_certificate(struct token *t, const struct object *key,
				      struct rsa_public *out)
{
	struct object_list *list = &t->lists[P15_CERTIFICATE];
	enum result r = token_load(t, P15_CERTIFICATE);

	if (r != RESULT_OK)
		return r;
	for (size_t i = 0; i < list->count; i++) {
		struct object *o = &list->items[i];

		if (!buffer_same(&o->record->id, &key->record->id))
			continue;
		r = token_read_value(t, o);
		return r == RESULT_OK ? token_certificate_key(&o->value, out) : r;
	}
	return RESULT_NOT_FOUND;
}

enum result token_check_private_op(struct token *t, const struct object *key,
				   const uint8_t in[CARD_MODULUS_SIZE],
				   const uint8_t out[CARD_MODULUS_SIZE])
{
	const struct rsa_public *rsa;
	struct rsa_public other;
	enum result r = token_public_key(t, key, &rsa), second;

	if (r == RESULT_OK)
		return token_result_undoes(t, key, in, out) ? RESULT_OK : RESULT_BAD_SIGNATURE;
	if (SENDS_CARD_AWAY(r))
		return r;
	second = key_of_certificate(t, key, &other);
	if (second != RESULT_OK) /* one bad record is no proof that there is no key */
		return second == RESULT_NOT_FOUND ? r : second;
	return rsa_undoes(&other, in, out) ? RESULT_OK : RESULT_BAD_SIGNATURE;
}
