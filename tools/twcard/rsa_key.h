/*
 * A private key that is somewhere else, as OpenSSL takes it: what it asks of the
 * key is given to functions.
 */
#ifndef TWCARD_TOOLS_RSA_KEY_H
#define TWCARD_TOOLS_RSA_KEY_H

#include <openssl/x509.h>

/* Of what OpenSSL has such functions do; RSA_get_app_data(rsa) is the key's `data`. -1: it failed. */
typedef int rsa_key_function(int len, const unsigned char *from, unsigned char *to, RSA *rsa, int padding);

/* For all keys of a kind. NULL: out of memory. Is kept until the program ends, or RSA_meth_free(). */
RSA_METHOD *rsa_key_method(rsa_key_function *private_encrypt, rsa_key_function *private_decrypt);

/* With the public half of a certificate. NULL: out of memory, or no method. Owned by the caller; `data` is not. */
EVP_PKEY *rsa_key_new(const X509 *x509, const RSA_METHOD *method, void *data);

#endif
