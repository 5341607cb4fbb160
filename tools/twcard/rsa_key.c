/*
 * OpenSSL 3 takes a private key that is somewhere else from a provider, which
 * is a library of its own, or from an RSA_METHOD, which is deprecated and does
 * all that is needed here. It is asked for by the API level that had it.
 */
#define OPENSSL_API_COMPAT 0x10101000L

#include "config.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "tools/twcard/rsa_key.h"

RSA_METHOD *rsa_key_method(rsa_key_function *private_encrypt, rsa_key_function *private_decrypt)
{
	RSA_METHOD *method = RSA_meth_dup(RSA_PKCS1_OpenSSL());

	if (method && RSA_meth_set_priv_enc(method, private_encrypt) && RSA_meth_set_priv_dec(method, private_decrypt))
		return method;
	RSA_meth_free(method);
	return NULL;
}

EVP_PKEY *rsa_key_new(const X509 *x509, const RSA_METHOD *method, void *data)
{
	BIGNUM *n = NULL, *e = NULL;
	RSA *rsa = RSA_new();
	EVP_PKEY *pkey = EVP_PKEY_new();
	const EVP_PKEY *public = X509_get0_pubkey(x509);

	if (rsa && pkey && method && EVP_PKEY_get_bn_param(public, "n", &n) &&
	    EVP_PKEY_get_bn_param(public, "e", &e) && RSA_set0_key(rsa, n, e, NULL)) {
		n = e = NULL; /* rsa's */
		if (RSA_set_method(rsa, method) && RSA_set_app_data(rsa, data) && EVP_PKEY_assign_RSA(pkey, rsa))
			return pkey;
	}
	BN_free(n);
	BN_free(e);
	RSA_free(rsa);
	EVP_PKEY_free(pkey);
	return NULL;
}
