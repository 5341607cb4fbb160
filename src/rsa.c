/*
 * The padding functions below are deprecated in OpenSSL 3 in favour of EVP,
 * which cannot pad without also holding the key. They are asked for by the
 * API level that had them.
 */
#define OPENSSL_API_COMPAT 0x10101000L

#include "config.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "src/rsa.h"

#define RSA_BITS (8 * RSA_BLOCK)

/* DigestInfo (RFC 8017, 9.2): the digest with the name of its algorithm. */
static enum result digest_info(const EVP_MD *hash, const uint8_t *digest, size_t len,
			       struct buffer *out)
{
	X509_SIG *info = X509_SIG_new();
	unsigned char *der = NULL;
	enum result r = RESULT_CRYPTO;
	X509_ALGOR *algorithm;
	ASN1_OCTET_STRING *value;
	int n;

	if (!info)
		return RESULT_NO_MEMORY;
	X509_SIG_getm(info, &algorithm, &value);
	if (X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(hash)), V_ASN1_NULL, NULL) &&
	    ASN1_OCTET_STRING_set(value, digest, (int)len)) {
		n = i2d_X509_SIG(info, &der);
		if (n > 0)
			r = buffer_append(out, der, (size_t)n);
	}
	OPENSSL_free(der);
	X509_SIG_free(info);
	return r;
}

static enum result pad_pkcs1(const struct rsa_scheme *s, const uint8_t *data, size_t len,
			     uint8_t block[RSA_BLOCK])
{
	struct buffer content = BUFFER_INIT;
	enum result r;

	r = s->hash ? digest_info(s->hash, data, len, &content)
		    : buffer_append(&content, data, len);
	if (r == RESULT_OK && content.len > RSA_BLOCK - RSA_PKCS1_OVERHEAD)
		r = RESULT_ARGUMENT;
	if (r == RESULT_OK && RSA_padding_add_PKCS1_type_1(block, RSA_BLOCK, content.data,
							   (int)content.len) != 1)
		r = RESULT_CRYPTO;
	buffer_clear(&content);
	return r;
}

static enum result pad_none(const uint8_t *data, size_t len, uint8_t block[RSA_BLOCK])
{
	if (len > RSA_BLOCK)
		return RESULT_ARGUMENT;
	memset(block, 0, RSA_BLOCK - len);
	if (len)
		memcpy(block + RSA_BLOCK - len, data, len);
	return RESULT_OK;
}

/* PSS only asks the key for its length: any modulus of that length will do. */
static RSA *stand_in_key(void)
{
	BIGNUM *n = BN_new(), *e = BN_new();
	RSA *rsa = RSA_new();

	if (n && e && rsa && BN_set_bit(n, RSA_BITS - 1) && BN_set_bit(n, 0) && BN_set_word(e, 65537) &&
	    RSA_set0_key(rsa, n, e, NULL))
		return rsa;
	BN_free(n);
	BN_free(e);
	RSA_free(rsa);
	return NULL;
}

static enum result pad_pss(const struct rsa_scheme *s, const uint8_t *digest,
			   uint8_t block[RSA_BLOCK])
{
	RSA *rsa = stand_in_key();
	int ok = rsa && RSA_padding_add_PKCS1_PSS_mgf1(rsa, block, digest, s->hash, s->mgf,
						       (int)s->salt_len) == 1;

	RSA_free(rsa);
	return ok ? RESULT_OK : RESULT_CRYPTO;
}

enum result rsa_pad_for_signing(const struct rsa_scheme *s, const uint8_t *data, size_t len,
				uint8_t block[RSA_BLOCK])
{
	if (s->hash && len != (size_t)EVP_MD_get_size(s->hash))
		return RESULT_ARGUMENT;
	switch (s->padding) {
	case RSA_PAD_PKCS1:
		return pad_pkcs1(s, data, len, block);
	case RSA_PAD_NONE:
		return pad_none(data, len, block);
	case RSA_PAD_PSS:
		return pad_pss(s, data, block);
	default:
		return RESULT_ARGUMENT;
	}
}

enum result rsa_unpad_decrypted(const struct rsa_scheme *s, const uint8_t block[RSA_BLOCK],
				uint8_t out[RSA_BLOCK], size_t *len)
{
	int n = -1;

	ERR_set_mark();
	switch (s->padding) {
	case RSA_PAD_NONE:
		memcpy(out, block, RSA_BLOCK);
		n = RSA_BLOCK;
		break;
	case RSA_PAD_PKCS1:
		n = RSA_padding_check_PKCS1_type_2(out, RSA_BLOCK, block, RSA_BLOCK, RSA_BLOCK);
		break;
	case RSA_PAD_OAEP:
		n = RSA_padding_check_PKCS1_OAEP_mgf1(out, RSA_BLOCK, block, RSA_BLOCK, RSA_BLOCK,
						      s->label, (int)s->label_len, s->hash, s->mgf);
		break;
	default:
		break;
	}
	ERR_pop_to_mark();
	*len = n < 0 ? 0 : (size_t)n;
	return n < 0 ? RESULT_BAD_DATA : RESULT_OK;
}

size_t rsa_max_plaintext(const struct rsa_scheme *s)
{
	switch (s->padding) {
	case RSA_PAD_PKCS1:
		return RSA_BLOCK - RSA_PKCS1_OVERHEAD;
	case RSA_PAD_OAEP:
		return RSA_BLOCK - 2 * (size_t)EVP_MD_get_size(s->hash) - 2;
	default:
		return RSA_BLOCK;
	}
}

bool rsa_undoes(const struct rsa_public *key, const uint8_t in[RSA_BLOCK],
		const uint8_t out[RSA_BLOCK])
{
	BIGNUM *n = BN_bin2bn(key->modulus, sizeof key->modulus, NULL);
	BIGNUM *s = BN_bin2bn(out, RSA_BLOCK, NULL);
	BIGNUM *m = BN_bin2bn(in, RSA_BLOCK, NULL);
	BIGNUM *e = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	bool ok;

	ok = n && s && m && e && ctx && BN_set_word(e, key->exponent) && BN_cmp(s, n) < 0 &&
	     BN_mod_exp(s, s, e, n, ctx) && BN_cmp(s, m) == 0;
	BN_CTX_free(ctx);
	BN_free(e);
	BN_clear_free(m);
	BN_clear_free(s);
	BN_free(n);
	return ok;
}

bool rsa_in_range(const struct rsa_public *key, const uint8_t block[RSA_BLOCK])
{
	return memcmp(block, key->modulus, RSA_BLOCK) < 0;
}

EVP_PKEY *rsa_public_key(OSSL_LIB_CTX *libctx, const struct rsa_public *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(key->modulus, sizeof key->modulus, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (ctx && build && n && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_ulong(build, OSSL_PKEY_PARAM_RSA_E, key->exponent))
		params = OSSL_PARAM_BLD_to_param(build);
	if (params && (EVP_PKEY_fromdata_init(ctx) <= 0 ||
		       EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0))
		pkey = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static bool set_verify_scheme(EVP_PKEY_CTX *ctx, const struct rsa_scheme *s)
{
	int padding = s->padding == RSA_PAD_PSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;

	if (EVP_PKEY_CTX_set_rsa_padding(ctx, padding) <= 0)
		return false;
	if (s->hash && EVP_PKEY_CTX_set_signature_md(ctx, s->hash) <= 0)
		return false;
	return s->padding != RSA_PAD_PSS ||
	       (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, s->mgf) > 0 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)s->salt_len) > 0);
}

enum result rsa_verify(OSSL_LIB_CTX *libctx, const struct rsa_public *key,
		       const struct rsa_scheme *s, const uint8_t *data, size_t len,
		       const uint8_t signature[RSA_BLOCK])
{
	uint8_t block[RSA_BLOCK];
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	enum result r = RESULT_CRYPTO;

	if (s->padding == RSA_PAD_NONE) { /* the signature undoes to the data */
		r = pad_none(data, len, block);
		return r != RESULT_OK ? r : rsa_undoes(key, block, signature) ? RESULT_OK
									      : RESULT_BAD_SIGNATURE;
	}
	ERR_set_mark();
	pkey = rsa_public_key(libctx, key);
	if (pkey)
		ctx = EVP_PKEY_CTX_new_from_pkey(libctx, pkey, NULL);
	if (ctx && EVP_PKEY_verify_init(ctx) > 0 && set_verify_scheme(ctx, s))
		r = EVP_PKEY_verify(ctx, signature, RSA_BLOCK, data, len) == 1 ? RESULT_OK
									       : RESULT_BAD_SIGNATURE;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_pop_to_mark();
	return r;
}
