/* RSA mechanisms as Cryptoki names them, and the same done by OpenSSL. */
#ifndef TESTS_RSAMECH_H
#define TESTS_RSAMECH_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include "src/cryptoki.h"

#define SIGNATURE_SIZE 256

/* One way of signing. */
struct rsa_way {
	const char *name;
	CK_MECHANISM_TYPE mechanism;
	const char *hash;   /* of the data; NULL: the data are taken as they are */
	int padding;        /* RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_NO_PADDING */
	bool hashes;        /* the mechanism hashes; otherwise it gets the digest */
	CK_RSA_PKCS_PSS_PARAMS pss;
};

/* All that the module announces for signing, PSS with salt 0, hash length and maximum. */
extern const struct rsa_way rsa_ways[];
extern const size_t rsa_way_count;

/* The mechanism with its parameters, which stay the row's. */
CK_MECHANISM rsa_mechanism(const struct rsa_way *way);

/* What is given to C_Sign for the message: itself, its digest, or a block. */
size_t rsa_input(const struct rsa_way *way, const unsigned char *message, size_t len,
		 unsigned char out[SIGNATURE_SIZE]);

/* True if OpenSSL finds the signature good for that input or message. */
bool rsa_good(const struct rsa_way *way, EVP_PKEY *key, const unsigned char *message, size_t len,
	      const unsigned char *signature);

/* Encrypts to the key; hash and label are OAEP's. 256 bytes. */
bool rsamech_encrypt(EVP_PKEY *key, int padding, const char *hash, const void *label, size_t label_len,
		 const unsigned char *plain, size_t len, unsigned char out[SIGNATURE_SIZE]);

#endif
