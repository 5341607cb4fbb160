/* HMAC with session secret keys, both ways. */
#include "config.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "src/crypto/context.h"
#include "src/operation/internal.h"

static CK_RV begin(struct operation *op, const struct operation_key *key,
		   const struct mechanism_params *params)
{
	OSSL_PARAM settings[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
						 (char *)EVP_MD_get0_name(params->hash), 0),
		OSSL_PARAM_construct_end()};
	EVP_MAC *mac = EVP_MAC_fetch(crypto_context(), "HMAC", NULL);
	CK_RV rv = CKR_FUNCTION_FAILED;

	op->hmac.size = params->mac_len;
	op->hmac.context = mac ? EVP_MAC_CTX_new(mac) : NULL;
	if (op->hmac.context &&
	    EVP_MAC_init(op->hmac.context, key->value.data, key->value.len, settings))
		rv = CKR_OK;
	EVP_MAC_free(mac);
	return rv;
}

static CK_RV feed(struct operation *op, const CK_BYTE *in, CK_ULONG len)
{
	return EVP_MAC_update(op->hmac.context, in, len) ? CKR_OK : CKR_FUNCTION_FAILED;
}

static size_t room(const struct operation *op, size_t len)
{
	(void)len;
	return op->hmac.size;
}

static CK_RV compute(struct operation *op, uint8_t out[EVP_MAX_MD_SIZE])
{
	size_t n = 0;

	return EVP_MAC_final(op->hmac.context, out, &n, EVP_MAX_MD_SIZE) ? CKR_OK
									: CKR_FUNCTION_FAILED;
}

static CK_RV finish(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		    CK_BYTE *out, size_t *out_len)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	CK_RV rv = feed(op, in, len);

	(void)s;
	if (rv == CKR_OK)
		rv = compute(op, mac);
	if (rv == CKR_OK) {
		memcpy(out, mac, op->hmac.size);
		*out_len = op->hmac.size;
	}
	OPENSSL_cleanse(mac, sizeof mac);
	return rv;
}

static CK_RV verify(struct session *s, struct operation *op, const CK_BYTE *signature, CK_ULONG len)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	CK_RV rv;

	(void)s;
	if (len != op->hmac.size)
		return CKR_SIGNATURE_LEN_RANGE;
	rv = compute(op, mac);
	if (rv == CKR_OK && CRYPTO_memcmp(mac, signature, len) != 0)
		rv = CKR_SIGNATURE_INVALID;
	OPENSSL_cleanse(mac, sizeof mac);
	return rv;
}

static void end(struct operation *op)
{
	EVP_MAC_CTX_free(op->hmac.context);
}

const struct family hmac_family = {
	.begin = begin, .feed = feed, .room = room, .exact = true, .finish = finish,
	.verify = verify, .end = end,
};
