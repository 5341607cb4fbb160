/*
 * The private key of a certificate of the card, as OpenSSL takes it: what
 * OpenSSL asks of the key is given to a function.
 */
#ifndef TWCARD_TOOLS_CARD_RSA_H
#define TWCARD_TOOLS_CARD_RSA_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "src/crypto/rsa.h"

/* The private operation; false: it failed. */
typedef bool card_rsa_operate(void *context, const uint8_t in[RSA_BLOCK], uint8_t out[RSA_BLOCK]);

/* Stays where it is as long as the key is used. */
struct card_rsa {
	card_rsa_operate *operate;
	void *context;
};

/* The size that keys of these cards have, which is the one that this can do. */
bool card_rsa_fits(const X509 *x509);

/* NULL: out of memory. Of a certificate that fits. Owned by the caller. */
EVP_PKEY *card_rsa_new(const X509 *x509, struct card_rsa *how);

/* The card's result must be the certificate's key's, not only its own idea of it. */
bool card_rsa_undoes(const X509 *x509, const uint8_t in[RSA_BLOCK], const uint8_t out[RSA_BLOCK]);

#endif
