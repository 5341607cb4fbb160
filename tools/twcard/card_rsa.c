/* As rsa_key.c. */
#define OPENSSL_API_COMPAT 0x10101000L

#include "config.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "tools/twcard/card_rsa.h"
#include "tools/twcard/rsa_key.h"

static bool operate(RSA *rsa, const uint8_t in[RSA_BLOCK], uint8_t out[RSA_BLOCK])
{
	const struct card_rsa *how = RSA_get_app_data(rsa);

	return how->operate(how->context, in, out);
}

/* False: no padding that a card's key is used with here; what is OAEP or PSS comes as a whole block. */
static bool scheme_of(int padding, struct rsa_scheme *out)
{
	*out = (struct rsa_scheme){.padding = padding == RSA_NO_PADDING ? RSA_PAD_NONE : RSA_PAD_PKCS1};
	return padding == RSA_NO_PADDING || padding == RSA_PKCS1_PADDING;
}

static int private_encrypt(int len, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
	struct rsa_scheme scheme;
	uint8_t block[RSA_BLOCK];

	if (!scheme_of(padding, &scheme) || len < 0 ||
	    rsa_pad_for_signing(&scheme, from, (size_t)len, block) != RESULT_OK)
		return -1;
	return operate(rsa, block, to) ? RSA_BLOCK : -1;
}

static int private_decrypt(int len, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
	struct rsa_scheme scheme;
	uint8_t in[RSA_BLOCK] = {0}, block[RSA_BLOCK];
	size_t n, bad;

	if (!scheme_of(padding, &scheme) || len < 1 || len > RSA_BLOCK)
		return -1;
	memcpy(in + RSA_BLOCK - len, from, (size_t)len);
	if (!operate(rsa, in, block))
		return -1;
	bad = rsa_unpad_masked(&scheme, block, to, &n);
	OPENSSL_cleanse(block, sizeof block);
	return (int)(n | bad); /* -1 without a branch on the padding */
}

static RSA_METHOD *method(void)
{
	static RSA_METHOD *kept;

	if (kept)
		return kept;
	kept = rsa_key_method(private_encrypt, private_decrypt);
	return kept;
}

bool card_rsa_fits(const X509 *x509)
{
	const EVP_PKEY *public = X509_get0_pubkey(x509);

	return public && EVP_PKEY_get_base_id(public) == EVP_PKEY_RSA &&
	       EVP_PKEY_get_size(public) == RSA_BLOCK;
}

EVP_PKEY *card_rsa_new(const X509 *x509, struct card_rsa *how)
{
	return rsa_key_new(x509, method(), how);
}

bool card_rsa_undoes(const X509 *x509, const uint8_t in[RSA_BLOCK], const uint8_t out[RSA_BLOCK])
{
	struct rsa_public rsa = {.exponent = 0};
	BIGNUM *n = NULL, *e = NULL;
	const EVP_PKEY *pkey = X509_get0_pubkey(x509);
	bool good = EVP_PKEY_get_bn_param(pkey, "n", &n) && EVP_PKEY_get_bn_param(pkey, "e", &e) &&
		    BN_bn2binpad(n, rsa.modulus, RSA_BLOCK) == RSA_BLOCK && BN_num_bits(e) <= 32;

	if (good)
		rsa.exponent = (uint32_t)BN_get_word(e);
	BN_free(n);
	BN_free(e);
	return good && rsa_undoes(&rsa, in, out);
}
