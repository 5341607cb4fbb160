/*
 * Everything around the bare RSA operation that the card does: padding,
 * unpadding, public-key operations. OpenSSL does it all; this is the only file
 * that calls its low-level padding functions, because a card that takes whole
 * blocks leaves no higher-level way.
 */
#ifndef TWCARD_SRC_RSA_H
#define TWCARD_SRC_RSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "apdu/buffer.h"
#include "profiles/card.h"

#define RSA_BLOCK CARD_MODULUS_SIZE
#define RSA_PKCS1_OVERHEAD 11

enum rsa_padding { RSA_PAD_PKCS1, RSA_PAD_NONE, RSA_PAD_PSS, RSA_PAD_OAEP };

struct rsa_scheme {
	enum rsa_padding padding;
	const EVP_MD *hash;  /* PKCS1: NULL = the data are put in as they are; PSS, OAEP: required */
	const EVP_MD *mgf;   /* PSS, OAEP */
	size_t salt_len;     /* PSS, bytes */
	const uint8_t *label;/* OAEP; not owned */
	size_t label_len;
};

/*
 * Builds the block to sign. `data` is the digest if scheme->hash is set,
 * otherwise the data. RESULT_ARGUMENT: too long, or not a digest's length.
 */
MUST_USE enum result rsa_pad_for_signing(const struct rsa_scheme *scheme, const uint8_t *data,
					 size_t len, uint8_t block[RSA_BLOCK]);

/*
 * Takes the padding off a decrypted block. PKCS#1 v1.5 in constant time up to
 * the one answer good or bad. *len gets the plaintext's bytes. RESULT_BAD_DATA.
 */
MUST_USE enum result rsa_unpad_decrypted(const struct rsa_scheme *scheme,
					 const uint8_t block[RSA_BLOCK], uint8_t out[RSA_BLOCK],
					 size_t *len);

/* The most bytes that fit the scheme when encrypting, which bounds the plaintext. */
size_t rsa_max_plaintext(const struct rsa_scheme *scheme);

/* True if raising `out` to the public exponent gives `in` again. */
bool rsa_undoes(const struct rsa_public *key, const uint8_t in[RSA_BLOCK],
		const uint8_t out[RSA_BLOCK]);

/* True if the value of the block is below the modulus, as RSA wants it. */
bool rsa_in_range(const struct rsa_public *key, const uint8_t block[RSA_BLOCK]);

/* A public key for OpenSSL, NULL on failure. The caller frees it. */
EVP_PKEY *rsa_public_key(OSSL_LIB_CTX *libctx, const struct rsa_public *key);

/* RESULT_OK: the signature is good. RESULT_BAD_SIGNATURE: it is not. */
MUST_USE enum result rsa_verify(OSSL_LIB_CTX *libctx, const struct rsa_public *key,
				const struct rsa_scheme *scheme, const uint8_t *data, size_t len,
				const uint8_t signature[RSA_BLOCK]);

#endif
