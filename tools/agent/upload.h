/*
 * Files that the card manager's page sends, of any size: they are not kept in
 * memory. Of data that are or were signed only the digests stay; a signature
 * goes into a file without a name, as it may bring its data along. By any thread.
 */
#ifndef TWCARD_AGENT_UPLOAD_H
#define TWCARD_AGENT_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/types.h>

#include "tools/agent/popups.h"

struct uploads;

#define UPLOADS_MAX 8       /* at once; then the oldest is forgotten */
#define UPLOADS_SECONDS 900 /* until it is forgotten */
#define UPLOAD_DIGESTS 5

enum upload_kind {
	UPLOAD_DATA,     /* its digests */
	UPLOAD_SIGNATURE /* the file */
};

struct upload {
	enum upload_kind kind;
	char token[TOKEN_LEN + 1];
	uint64_t size; /* bytes */
	bool failed;   /* something was not kept: of no use */
	EVP_MD_CTX *digests[UPLOAD_DIGESTS]; /* UPLOAD_DATA: SHA-256 first; not finished. Owned */
	FILE *file;    /* UPLOAD_SIGNATURE. Owned */
	int64_t until; /* ms of the agent's clock */
};

/* NULL: out of memory, of random bytes, or of room for temporary files. */
struct upload *upload_new(enum upload_kind kind);
void upload_free(struct upload *u); /* NULL: nothing */

/* A piece more. False: it failed, as all that follows. */
bool upload_add(struct upload *u, const void *data, size_t len);

/* The SHA-256 of what came so far. False: OpenSSL failed, or it has none. */
bool upload_sha256(const struct upload *u, unsigned char out[32]);

/* BIOs with the digests, as if the data had gone through them. NULL: OpenSSL failed. Owned by the caller: BIO_free_all(). */
BIO *upload_bio(const struct upload *u);

struct uploads *uploads_new(void);
void uploads_free(struct uploads *all); /* NULL: nothing */

/* Takes it over; a full list forgets the oldest. now: ms. */
void uploads_put(struct uploads *all, struct upload *u, int64_t now);

/* Takes out the one with this token, which is the caller's then. NULL: there is none of this kind any more. */
struct upload *uploads_take(struct uploads *all, const char *token, enum upload_kind kind, int64_t now);

#endif
