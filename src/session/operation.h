/*
 * An operation in a session: initialised with a mechanism and a key, fed, and
 * finished. One table row a mechanism (mechanism.h) says what happens.
 */
#ifndef TWCARD_SRC_OPERATION_H
#define TWCARD_SRC_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "apdu/buffer.h"
#include "src/cryptoki.h"
#include "src/crypto/rsa.h"

struct session;
struct mechanism;

enum operation_kind {
	OPERATION_DIGEST,
	OPERATION_SIGN,
	OPERATION_VERIFY,
	OPERATION_ENCRYPT,
	OPERATION_DECRYPT,
	OPERATION_SIGN_RECOVER,
	OPERATION_VERIFY_RECOVER,
	OPERATION_KINDS
};

struct operation {
	const struct mechanism *mechanism; /* NULL: not active */
	CK_OBJECT_HANDLE key;
	bool needs_login;       /* its key is private: a logout ends it */
	size_t key_len;         /* bytes of an RSA key's modulus */
	EVP_MD *hash, *mgf;     /* fetched; owned */
	EVP_MD_CTX *digest;     /* of mechanisms that hash; owned */
	EVP_MAC_CTX *mac;       /* HMAC; owned */
	EVP_CIPHER_CTX *cipher; /* owned */
	bool encrypts;          /* which way the cipher goes */
	struct rsa_scheme scheme;
	bool takes_any_block;   /* an RSA block that may not be below the modulus */
	size_t mac_len;         /* bytes of HMAC that are wanted */
	size_t tag_len;         /* GCM */
	uint64_t most_bytes;    /* CTR: before its counter would wrap */
	uint64_t in_bytes;      /* that went into the cipher */
	uint64_t out_bytes;     /* that came out */
	struct buffer iv, label;/* label: OAEP's label, GCM's additional data */
	struct buffer data;     /* what mechanisms that need all at once were fed */
	struct buffer result;   /* computed, and kept while the caller's buffer is too small */
	bool has_result;
	bool fed;               /* an …Update was called: a single-part call comes too late */
};

/* Wipes and frees; not active then. */
void operation_end(struct operation *op);

/* Frees all operations of a session. */
void operations_end(struct operation ops[OPERATION_KINDS]);

#endif
