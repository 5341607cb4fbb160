/* As tools/twcard/rsa_key.c. */
#define OPENSSL_API_COMPAT 0x10101000L

#include "config.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tools/agent/work_key.h"
#include "tools/twcard/rsa_key.h"

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
	kept = rsa_key_method(private_encrypt, private_decrypt);
}

static RSA_METHOD *method(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, make_method);
	return kept;
}

EVP_PKEY *work_key_new(const X509 *x509, struct work_key *key)
{
	return rsa_key_new(x509, method(), key);
}
