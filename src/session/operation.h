/*
 * An operation in a session: initialised with a mechanism and a key, fed, and
 * finished. One table row a mechanism (mechanism.h) says what happens, one
 * table of functions a family (struct family) does it.
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
struct mechanism_params;
struct operation;
struct operation_key;
struct unwrapped;

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

/*
 * What a family of mechanisms does, and in which direction. NULL: it does not.
 * Functions that may reach the card have the session as an argument; when they
 * come back, session and operation may have gone with the card.
 */
struct family {
	/* Takes what it needs of key and parameters; both end with the call. */
	CK_RV (*begin)(struct operation *op, const struct operation_key *key,
		       const struct mechanism_params *params);
	/* Takes bytes in; nothing comes out before the end. */
	CK_RV (*feed)(struct operation *op, const CK_BYTE *in, CK_ULONG len);
	/* Ciphers that need not wait: exactly stream_len() bytes come out at once. */
	size_t (*stream_len)(const struct operation *op, CK_ULONG len);
	CK_RV (*stream)(struct operation *op, const CK_BYTE *in, CK_ULONG len, CK_BYTE *out);
	/* The bytes that `len` bytes more and the end give; the most, unless it is exact. */
	size_t (*room)(const struct operation *op, size_t len);
	bool exact;
	bool holds_back; /* nothing may be in the caller's memory before the end was right */
	/* The last bytes, and what comes out; `out` has room() bytes. */
	CK_RV (*finish)(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
			CK_BYTE *out, size_t *out_len);
	/* True or false about what was fed: CKR_OK, CKR_SIGNATURE_INVALID … */
	CK_RV (*verify)(struct session *s, struct operation *op, const CK_BYTE *signature,
			CK_ULONG len);
	/* Checks a wrapped key's length, without the card; and takes the wrapping off (key.c). */
	CK_RV (*check_wrapped)(const struct operation *op, CK_ULONG len);
	CK_RV (*unwrap)(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
			struct unwrapped *out);
	/* Wipes and frees the family's state. */
	void (*end)(struct operation *op);
};

struct digest_state {
	EVP_MD_CTX *context;
	size_t size;
};

struct hmac_state {
	EVP_MAC_CTX *context;
	size_t size; /* bytes that are wanted */
};

struct rsa_state {
	struct rsa_scheme scheme;
	struct buffer label;  /* OAEP's, which the scheme points to */
	EVP_MD_CTX *digest;   /* of mechanisms that hash */
	EVP_PKEY *public;     /* a session's key; NULL: the card's */
	size_t key_len;       /* bytes of the modulus */
	bool any_block;       /* the card gets a block that may not be below the modulus */
};

struct cipher_state {
	EVP_CIPHER_CTX *context;
	size_t block;        /* bytes; 1: any number */
	bool encrypts, pads;
	size_t tag;          /* GCM, bytes */
	uint64_t most_bytes; /* CTR: before its counter would wrap */
	uint64_t in_bytes;   /* that went into the cipher */
	uint64_t out_bytes;  /* that came out */
};

struct operation {
	const struct mechanism *mechanism; /* NULL: not active */
	const struct family *family;
	CK_OBJECT_HANDLE key;
	bool needs_login;     /* its key is private: a logout ends it */
	bool fed;             /* an …Update was called: a single-part call comes too late */
	bool has_result;
	struct buffer data;   /* what families that need all at once were fed */
	struct buffer result; /* computed, and kept while the caller's buffer is too small */
	union {
		struct digest_state digest;
		struct hmac_state hmac;
		struct rsa_state rsa;
		struct cipher_state cipher;
	};
};

/* Wipes and frees; not active then. */
void operation_end(struct operation *op);

/* Frees all operations of a session. */
void operations_end(struct operation ops[OPERATION_KINDS]);

#endif
