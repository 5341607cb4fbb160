/* An RSA_METHOD is deprecated, and does all that is needed here without a provider (see card_rsa.c). */
#define OPENSSL_API_COMPAT 0x10101000L

#include "config.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tools/agent/work_key.h"

CK_RV work_key_sign(struct work_key *key, const unsigned char *data, size_t len, unsigned char *out,
		    size_t *out_len)
{
	CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
	CK_ULONG n = *out_len;

	key->rv = key->w->f->C_SignInit(key->session, &mechanism, key->object);
	if (key->rv == CKR_OK)
		key->rv = key->w->f->C_Sign(key->session, (unsigned char *)data, len, out, &n);
	*out_len = key->rv == CKR_OK ? n : 0;
	return key->rv;
}

CK_RV work_key_decrypt(struct work_key *key, CK_MECHANISM_TYPE type, const unsigned char *data,
		       size_t len, unsigned char *out, size_t *out_len)
{
	CK_MECHANISM mechanism = {type, NULL, 0};
	CK_ULONG n = *out_len;

	key->rv = key->w->f->C_DecryptInit(key->session, &mechanism, key->object);
	if (key->rv == CKR_OK)
		key->rv = key->w->f->C_Decrypt(key->session, (unsigned char *)data, len, out, &n);
	*out_len = key->rv == CKR_OK ? n : 0;
	return key->rv;
}

/* ---- what OpenSSL calls ---- */

static int private_encrypt(int len, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
	struct work_key *key = RSA_get_app_data(rsa);
	size_t n = (size_t)RSA_size(rsa);

	if (padding != RSA_PKCS1_PADDING || len < 0)
		return -1;
	return work_key_sign(key, from, (size_t)len, to, &n) == CKR_OK && n == (size_t)RSA_size(rsa) ? (int)n : -1;
}

static int private_decrypt(int len, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
	struct work_key *key = RSA_get_app_data(rsa);
	CK_MECHANISM_TYPE type = padding == RSA_NO_PADDING ? CKM_RSA_X_509 : CKM_RSA_PKCS;
	size_t n = (size_t)RSA_size(rsa);

	if ((padding != RSA_NO_PADDING && padding != RSA_PKCS1_PADDING) || len < 0)
		return -1;
	return work_key_decrypt(key, type, from, (size_t)len, to, &n) == CKR_OK ? (int)n : -1;
}

/* Made once; threads that come at the same time wait for the first. */
static RSA_METHOD *kept;

static void make_method(void)
{
	kept = RSA_meth_dup(RSA_PKCS1_OpenSSL());
	if (kept && RSA_meth_set_priv_enc(kept, private_encrypt) && RSA_meth_set_priv_dec(kept, private_decrypt))
		return;
	RSA_meth_free(kept);
	kept = NULL;
}

static RSA_METHOD *method(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, make_method);
	return kept;
}

EVP_PKEY *work_key_new(const X509 *x509, struct work_key *key)
{
	BIGNUM *n = NULL, *e = NULL;
	RSA *rsa = RSA_new();
	EVP_PKEY *pkey = EVP_PKEY_new();
	const EVP_PKEY *public = X509_get0_pubkey(x509);

	if (rsa && pkey && method() && EVP_PKEY_get_bn_param(public, "n", &n) &&
	    EVP_PKEY_get_bn_param(public, "e", &e) && RSA_set0_key(rsa, n, e, NULL)) {
		n = e = NULL; /* rsa's */
		if (RSA_set_method(rsa, method()) && RSA_set_app_data(rsa, key) && EVP_PKEY_assign_RSA(pkey, rsa))
			return pkey;
	}
	BN_free(n);
	BN_free(e);
	RSA_free(rsa);
	EVP_PKEY_free(pkey);
	return NULL;
}
