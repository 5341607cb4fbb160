/* A request that a card has signed: a CMS message, whose signature, and whose it is, are checked here. */
#ifndef TWCARD_AUTHORITY_SIGNED_H
#define TWCARD_AUTHORITY_SIGNED_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <openssl/x509.h>

#include "tools/authority/error.h"
#include "tools/authority/hex.h"

#define SIGNED_MAX 65536 /* bytes of a message */
#define SIGNED_CERTIFICATES_MAX 10

struct signed_message {
	uint8_t *content; /* owned, of len bytes */
	size_t len;
	X509 *signer;             /* owned */
	STACK_OF(X509) *others;   /* owned: what came with it, to build chains */
	char who[HEX_SHA256_LEN + 1]; /* the signer's certificate: signed_who() */
	uint8_t sha256[32];       /* of the content and the signer's certificate */
};

/*
 * Reads and checks one. ERROR_BAD_REQUEST: no such message; ERROR_BAD_SIGNATURE;
 * ERROR_SIGNER_NOT_TRUSTED: its chain, its time or what its key is for;
 * ERROR_SIGNER_REVOKED, ERROR_REVOCATION_UNKNOWN: revocation.h; ERROR_INTERNAL: out of memory. *out is cleared by signed_clear(), whatever the answer.
 */
enum error_code signed_read(const uint8_t *der, size_t len, X509_STORE *trust, time_t now,
			    struct signed_message *out);
void signed_clear(struct signed_message *m);

/* What a certificate is known by: the SHA-256 of its DER. */
void signed_who(const X509 *x, char out[HEX_SHA256_LEN + 1]);

/* Does it lead to a trusted certificate, at a time, and is none of them revoked? others may be NULL. */
bool signed_chain_good(X509_STORE *trust, X509 *x, STACK_OF(X509) *others, time_t at);

#endif
