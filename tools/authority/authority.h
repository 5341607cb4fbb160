/*
 * The authority, without its network: a question comes in, an answer goes out.
 * docs/AUTHORITY.md is the protocol.
 */
#ifndef TWCARD_AUTHORITY_AUTHORITY_H
#define TWCARD_AUTHORITY_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <json-c/json.h>
#include <openssl/x509.h>

#include "tools/authority/error.h"
#include "tools/authority/hex.h"
#include "tools/authority/nonce.h"
#include "tools/authority/rate.h"
#include "tools/authority/store.h"

#define AUTHORITY_PROTOCOL 1
#define AUTHORITY_CLIENT_MINIMUM "0.1.0"
#define AUTHORITY_NAME_MAX 128
#define AUTHORITY_ACTIVATION_KEY_LEN 16
#define AUTHORITY_CLOCK_SECONDS 600 /* a client's clock may be wrong by so much */
#define AUTHORITY_BODY_MAX 65536 /* bytes of a question */
#define AUTHORITY_KEEP_SECONDS (30 * 86400L) /* answers are repeated for so long */

/* Does not change while questions are answered, but for what locks itself. */
struct authority {
	struct store *store;      /* not owned */
	char name[AUTHORITY_NAME_MAX + 1];
	X509_STORE *trust;        /* owned */
	uint8_t secret[NONCE_SECRET_LEN];
	uint8_t *activation_key;  /* owned, in secure memory; NULL: there is none */
	struct json_object *terms; /* owned: {"version","text":{"en","zh_TW"}} */
	struct rates *signers, *addresses; /* owned */
	time_t (*now)(void);
};

struct authority_question {
	const char *method, *path, *type; /* type: Content-Type, or NULL */
	const uint8_t *body;
	size_t len;
	const char *address; /* whose it is, for the limit */
};

struct authority_answer {
	int status; /* of HTTP */
	char *body; /* JSON; owned by the caller: free(). NULL: out of memory */
	unsigned retry_after; /* seconds; 0: not said */
	/* for the log; no secrets, and no text that came from outside */
	enum error_code error;
	const char *operation; /* "": none */
	char who[HEX_SHA256_LEN + 1], request[HEX_ID_LEN + 1];
	char problem[STORE_PROBLEM_SIZE]; /* of the database */
};

/*
 * Takes name, store and what the options said, which may still be NULL, and makes
 * the rest: secret, limits, terms. False: out of memory.
 */
bool authority_init(struct authority *a, struct store *store, const char *name);
void authority_clear(struct authority *a);

/* Any number of threads. *out is cleared by its body's free(). */
void authority_ask(struct authority *a, const struct authority_question *q, struct authority_answer *out);

/* Forgets answers that are too old to be repeated. For a quiet hour. */
enum store_result authority_tidy(struct authority *a, char problem[STORE_PROBLEM_SIZE]);

/* The cryptogram that opens a card's data area: 3DES-CBC over its challenge of 8 bytes. */
#define AUTHORITY_CHALLENGE_LEN 8
#define AUTHORITY_CRYPTOGRAM_LEN 16
bool authority_cryptogram(const uint8_t key[AUTHORITY_ACTIVATION_KEY_LEN],
			  const uint8_t challenge[AUTHORITY_CHALLENGE_LEN], uint8_t out[AUTHORITY_CRYPTOGRAM_LEN]);

#endif
