#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "rsamech.h"

#define PSS_ROW(row_name, type, hash_name, hash_type, mgf_type, salt, does_hash) \
	{row_name, type, hash_name, RSA_PKCS1_PSS_PADDING, does_hash, {hash_type, mgf_type, salt}}
#define PKCS1_ROW(row_name, type, hash_name) \
	{row_name, type, hash_name, RSA_PKCS1_PADDING, true, {0, 0, 0}}

const struct rsa_way rsa_ways[] = {
	{"RSA-PKCS", CKM_RSA_PKCS, NULL, RSA_PKCS1_PADDING, false, {0, 0, 0}},
	{"RSA-X-509", CKM_RSA_X_509, NULL, RSA_NO_PADDING, false, {0, 0, 0}},
	PKCS1_ROW("SHA1-RSA-PKCS", CKM_SHA1_RSA_PKCS, "SHA1"),
	PKCS1_ROW("SHA256-RSA-PKCS", CKM_SHA256_RSA_PKCS, "SHA256"),
	PKCS1_ROW("SHA384-RSA-PKCS", CKM_SHA384_RSA_PKCS, "SHA384"),
	PKCS1_ROW("SHA512-RSA-PKCS", CKM_SHA512_RSA_PKCS, "SHA512"),
	PSS_ROW("PSS of a SHA-1 digest", CKM_RSA_PKCS_PSS, "SHA1", CKM_SHA_1, CKG_MGF1_SHA1, 20, false),
	PSS_ROW("PSS of a SHA-256 digest", CKM_RSA_PKCS_PSS, "SHA256", CKM_SHA256, CKG_MGF1_SHA256, 32,
		false),
	PSS_ROW("PSS of a SHA-512 digest", CKM_RSA_PKCS_PSS, "SHA512", CKM_SHA512, CKG_MGF1_SHA512, 64,
		false),
	PSS_ROW("SHA1 PSS", CKM_SHA1_RSA_PKCS_PSS, "SHA1", CKM_SHA_1, CKG_MGF1_SHA1, 20, true),
	PSS_ROW("SHA256 PSS", CKM_SHA256_RSA_PKCS_PSS, "SHA256", CKM_SHA256, CKG_MGF1_SHA256, 32, true),
	PSS_ROW("SHA256 PSS without salt", CKM_SHA256_RSA_PKCS_PSS, "SHA256", CKM_SHA256,
		CKG_MGF1_SHA256, 0, true),
	PSS_ROW("SHA256 PSS with the most salt", CKM_SHA256_RSA_PKCS_PSS, "SHA256", CKM_SHA256,
		CKG_MGF1_SHA256, 256 - 32 - 2, true),
	PSS_ROW("SHA256 PSS with another mask hash", CKM_SHA256_RSA_PKCS_PSS, "SHA256", CKM_SHA256,
		CKG_MGF1_SHA1, 32, true),
	PSS_ROW("SHA384 PSS", CKM_SHA384_RSA_PKCS_PSS, "SHA384", CKM_SHA384, CKG_MGF1_SHA384, 48, true),
	PSS_ROW("SHA512 PSS", CKM_SHA512_RSA_PKCS_PSS, "SHA512", CKM_SHA512, CKG_MGF1_SHA512, 64, true),
};
const size_t rsa_way_count = sizeof rsa_ways / sizeof *rsa_ways;

CK_MECHANISM rsa_mechanism(const struct rsa_way *way)
{
	bool pss = way->padding == RSA_PKCS1_PSS_PADDING;

	return (CK_MECHANISM){way->mechanism, pss ? (void *)&way->pss : NULL,
			      pss ? sizeof way->pss : 0};
}

size_t rsa_input(const struct rsa_way *way, const unsigned char *message, size_t len,
		 unsigned char out[SIGNATURE_SIZE])
{
	unsigned n = 0;

	if (way->padding == RSA_NO_PADDING) { /* a block below the modulus */
		memset(out, 0, SIGNATURE_SIZE);
		memcpy(out + SIGNATURE_SIZE - len, message, len);
		return SIGNATURE_SIZE;
	}
	if (way->hash && !way->hashes) {
		EVP_Digest(message, len, out, &n, EVP_get_digestbyname(way->hash), NULL);
		return n;
	}
	memcpy(out, message, len);
	return len;
}

static const EVP_MD *mask_hash(const struct rsa_way *way)
{
	return way->pss.mgf == CKG_MGF1_SHA1 ? EVP_sha1() : EVP_get_digestbyname(way->hash);
}

bool rsa_good(const struct rsa_way *way, EVP_PKEY *key, const unsigned char *message, size_t len,
	      const unsigned char *signature)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	unsigned char data[SIGNATURE_SIZE], back[SIGNATURE_SIZE];
	size_t back_len = sizeof back;
	unsigned n = 0;
	bool good = false;

	if (!ctx)
		return false;
	if (way->hash)
		EVP_Digest(message, len, data, &n, EVP_get_digestbyname(way->hash), NULL);
	if (way->hash && EVP_PKEY_verify_init(ctx) > 0 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, way->padding) > 0 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(way->hash)) > 0 &&
	    (way->padding != RSA_PKCS1_PSS_PADDING ||
	     (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, mask_hash(way)) > 0 &&
	      EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)way->pss.sLen) > 0)))
		good = EVP_PKEY_verify(ctx, signature, SIGNATURE_SIZE, data, n) == 1;
	/* without a hash: what the signature undoes to is what was signed */
	if (!way->hash && EVP_PKEY_verify_recover_init(ctx) > 0 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, way->padding) > 0 &&
	    EVP_PKEY_verify_recover(ctx, back, &back_len, signature, SIGNATURE_SIZE) > 0) {
		len = rsa_input(way, message, len, data);
		good = back_len == len && memcmp(back, data, len) == 0;
	}
	EVP_PKEY_CTX_free(ctx);
	return good;
}

bool rsamech_encrypt(EVP_PKEY *key, int padding, const char *hash, const void *label, size_t label_len,
		 const unsigned char *plain, size_t len, unsigned char out[SIGNATURE_SIZE])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	void *copy = label_len ? OPENSSL_memdup(label, label_len) : NULL;
	size_t out_len = SIGNATURE_SIZE;
	bool ok = ctx && EVP_PKEY_encrypt_init(ctx) > 0 &&
		  EVP_PKEY_CTX_set_rsa_padding(ctx, padding) > 0;

	if (ok && hash)
		ok = EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_get_digestbyname(hash)) > 0 &&
		     EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_get_digestbyname(hash)) > 0;
	if (ok && copy) { /* the context takes it over */
		ok = EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, (int)label_len) > 0;
		if (ok)
			copy = NULL;
	}
	ok = ok && EVP_PKEY_encrypt(ctx, out, &out_len, plain, len) > 0 && out_len == SIGNATURE_SIZE;
	OPENSSL_free(copy);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}
