/* Checking what a card computed with a private key against the key's public half. */
#include "config.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "apdu/log.h"
#include "src/crypto/certificate.h"
#include "src/crypto/rsa.h"
#include "src/token/chain.h"
#include "src/token/internal.h"

enum result token_certificate_key(const struct buffer *der, struct rsa_public *out)
{
	X509 *x;
	enum result r = certificate_parse(der->data, der->len, &x, NULL);

	if (r != RESULT_OK)
		return r;
	ERR_set_mark();
	if (!X509_get0_pubkey(x) || !chain_take_key(X509_get0_pubkey(x), out))
		r = RESULT_BAD_DATA;
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
	const struct rsa_public *rsa = token_key_for_check(t, key);
	struct rsa_public other;
	enum result r, second;

	if (rsa && token_result_undoes(t, key, in, out))
		return RESULT_OK;
	if (rsa)
		token_doubt_key(t, key);
	r = token_public_key(t, key, &rsa);
	if (r == RESULT_OK && token_result_undoes(t, key, in, out))
		return RESULT_OK;
	if (r == RESULT_OK) { /* the result, or the key as it was read just now */
		token_doubt_key(t, key);
		return RESULT_BAD_SIGNATURE;
	}
	if (SENDS_CARD_AWAY(r))
		return r;
	second = key_of_certificate(t, key, &other);
	if (second != RESULT_OK) /* one bad record is no proof that there is no key */
		return second == RESULT_NOT_FOUND ? r : second;
	return rsa_undoes(&other, in, out) ? RESULT_OK : RESULT_BAD_SIGNATURE;
}
