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
#define RSA_LABEL_MAX 0x10000 /* bytes of OAEP's label; OpenSSL counts with int */

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

/*
 * The same for who must not tell even that much: a mask, all ones if the
 * padding is wrong (then *len is 0 and `out` holds anything). Nothing branches
 * on the padding.
 */
size_t rsa_unpad_masked(const struct rsa_scheme *scheme, const uint8_t block[RSA_BLOCK],
			uint8_t out[RSA_BLOCK], size_t *len);

/* The most bytes that a key of key_len bytes can encrypt with the scheme, which bounds plaintexts. */
size_t rsa_max_plaintext(const struct rsa_scheme *scheme, size_t key_len);

/* True if raising `out` to the public exponent gives `in` again. */
bool rsa_undoes(const struct rsa_public *key, const uint8_t in[RSA_BLOCK],
		const uint8_t out[RSA_BLOCK]);

/*
 * The same for a key that is asked again and again: what follows from the
 * modulus is computed once. One thread at a time. NULL: out of memory, or no
 * RSA key (an even modulus or exponent).
 */
struct rsa_check;
struct rsa_check *rsa_check_new(const struct rsa_public *key);
bool rsa_check_undoes(struct rsa_check *check, const uint8_t in[RSA_BLOCK],
		      const uint8_t out[RSA_BLOCK]);
void rsa_check_free(struct rsa_check **check);

/* A public key for OpenSSL from big-endian numbers, NULL on failure. The caller frees it. */
EVP_PKEY *rsa_public_key(OSSL_LIB_CTX *libctx, const uint8_t *modulus, size_t modulus_len,
			 const uint8_t *exponent, size_t exponent_len);

/*
 * Checks a signature of the key's length. `data` as in rsa_pad_for_signing().
 * RESULT_OK: good. RESULT_BAD_SIGNATURE: not.
 */
MUST_USE enum result rsa_verify(OSSL_LIB_CTX *libctx, EVP_PKEY *key,
				const struct rsa_scheme *scheme, const uint8_t *data, size_t len,
				const uint8_t *signature, size_t signature_len);

/* Appends the data that a signature carries. RESULT_BAD_SIGNATURE: the padding is wrong. */
MUST_USE enum result rsa_recover(OSSL_LIB_CTX *libctx, EVP_PKEY *key,
				 const struct rsa_scheme *scheme, const uint8_t *signature,
				 size_t signature_len, struct buffer *out);

/* Appends the encrypted data. RESULT_ARGUMENT: too long for the key. */
MUST_USE enum result rsa_encrypt(OSSL_LIB_CTX *libctx, EVP_PKEY *key,
				 const struct rsa_scheme *scheme, const uint8_t *data, size_t len,
				 struct buffer *out);

#endif
