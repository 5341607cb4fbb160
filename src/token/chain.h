/*
 * What the certificates of a card say of each other: whose key signed which.
 * It knows directory records and DER, no card and no file. What follows from
 * it is argued in docs/SECURITY.md.
 */
#ifndef TWCARD_SRC_TOKEN_CHAIN_H
#define TWCARD_SRC_TOKEN_CHAIN_H

#include <stdbool.h>

#include <openssl/types.h>

#include "profiles/card.h"

#define CHAIN_MAX 64 /* places: a directory has no more records */

enum {
	CHAIN_NO_ISSUER = -1, /* no certificate here has the issuer's name */
	CHAIN_FORGED = -2     /* one has, and its key did not sign */
};

struct chain {
	X509 *at[CHAIN_MAX];   /* by place in the directory; NULL: not there */
	int issuer[CHAIN_MAX]; /* whose key signed it: a place, or one of the above */
};

void chain_init(struct chain *c);
void chain_clear(struct chain *c);

/*
 * Adds a certificate. False, and not added: the bytes are not exactly one
 * certificate, or not the one of the record (subject, issuer, serial number).
 */
bool chain_put(struct chain *c, size_t place, const struct buffer *der,
	       const struct p15_object *record);

/* Verifies every signature whose issuer is there; *issuer is filled. */
void chain_verify(struct chain *c);

/* The place of the self-signed certificate above; -1: it is not there, or not all signatures hold. */
int chain_root(const struct chain *c, size_t place);

/* True if it is there, and signed another one that is there. */
bool chain_is_issuer(const struct chain *c, size_t place);

/* True if `above` is `place` or one of those above it. */
bool chain_is_above(const struct chain *c, size_t above, size_t place);

/* An RSA-2048 key with an exponent of up to 32 bits, as this project has keys; false: another. */
bool chain_take_key(const EVP_PKEY *key, struct rsa_public *out);

/* The key that is certified; false: not RSA of the one size that cards have. */
bool chain_key(const struct chain *c, size_t place, struct rsa_public *out);

/* True if the certificate lets its key do what a key's record says (enum p15_usage). */
bool chain_allows(const struct chain *c, size_t place, unsigned usage);

#endif
