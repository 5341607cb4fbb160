#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "tools/authority/fields.h"
#include "tools/authority/ticket.h"

/* No request has such a nonce: theirs are hexadecimal digits. */
#define TICKET_NONCE "ticket-"
#define CHALLENGE_NONCE "challenge-"
#define NONCE_ROOM (HEX_ID_LEN + 16)

bool authority_cryptogram(const uint8_t key[AUTHORITY_ACTIVATION_KEY_LEN],
			  const uint8_t challenge[AUTHORITY_CHALLENGE_LEN], uint8_t out[AUTHORITY_CRYPTOGRAM_LEN])
{
	static const uint8_t iv[8];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "DES-EDE-CBC", NULL); /* K1, K2, K1 */
	int len = 0, rest = 0;
	bool ok = ctx && cipher && EVP_EncryptInit_ex2(ctx, cipher, key, iv, NULL) &&
		  EVP_EncryptUpdate(ctx, out, &len, challenge, AUTHORITY_CHALLENGE_LEN) &&
		  EVP_EncryptFinal_ex(ctx, out + len, &rest) && len + rest == AUTHORITY_CRYPTOGRAM_LEN;

	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return ok;
}

static char *name_of(const char *prefix, const char *ticket, char out[NONCE_ROOM])
{
	snprintf(out, NONCE_ROOM, "%s%s", prefix, ticket);
	return out;
}

enum store_result ticket_put(struct store_tx *tx, const char *who, time_t now, char out[HEX_ID_LEN + 1],
			     time_t *expires)
{
	char nonce[NONCE_ROOM], who_copy[HEX_SHA256_LEN + 1];
	struct store_request row = {.id = out, .response = who_copy, .at = now};

	if (!hex_random_id(out))
		return STORE_NO_MEMORY;
	*expires = now + TICKET_SECONDS;
	snprintf(who_copy, sizeof who_copy, "%s", who);
	row.nonce = name_of(TICKET_NONCE, out, nonce);
	return store_request_put(tx, &row);
}

/* ---- redeeming one ---- */

struct redemption {
	struct authority *a;
	const char *ticket;
	uint8_t challenge[AUTHORITY_CHALLENGE_LEN];
	uint8_t sha256[STORE_HASH];      /* of the challenge */
	char id[HEX_ID_LEN + 1];         /* of the row that remembers the answer */
	time_t now;
	enum error_code error;
	char *answer;
};

static bool set_hashes(struct redemption *x)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char text[NONCE_ROOM];
	size_t len = 0;

	name_of(CHALLENGE_NONCE, x->ticket, text);
	if (!EVP_Q_digest(NULL, "SHA256", NULL, text, strlen(text), digest, &len))
		return false;
	hex_write(digest, HEX_ID_LEN / 2, x->id);
	if (!EVP_Q_digest(NULL, "SHA256", NULL, x->challenge, sizeof x->challenge, digest, &len))
		return false;
	memcpy(x->sha256, digest, STORE_HASH);
	return true;
}

static char *make_answer(const struct redemption *x)
{
	uint8_t cryptogram[AUTHORITY_CRYPTOGRAM_LEN];
	char digits[2 * AUTHORITY_CRYPTOGRAM_LEN + 1], text[128];

	if (!authority_cryptogram(x->a->activation_key, x->challenge, cryptogram))
		return NULL;
	hex_write(cryptogram, sizeof cryptogram, digits);
	snprintf(text, sizeof text, "{\"cryptogram\":\"%s\"}", digits);
	return strdup(text);
}

/* Is it a ticket, and not too old? */
static enum store_result find_ticket(struct store_tx *tx, struct redemption *x, struct store_request *out)
{
	enum store_result r = store_request_find(tx, x->ticket, out);
	bool good = r == STORE_OK && strncmp(out->nonce, TICKET_NONCE, strlen(TICKET_NONCE)) == 0 &&
		    x->now < out->at + TICKET_SECONDS;

	if (!good)
		x->error = ERROR_NONCE;
	return r == STORE_NONE ? STORE_OK : r;
}

static enum store_result remember(struct store_tx *tx, struct redemption *x, const struct store_request *ticket)
{
	char nonce[NONCE_ROOM];
	struct store_request row = {.id = x->id, .nonce = name_of(CHALLENGE_NONCE, x->ticket, nonce),
				    .status = 200, .at = x->now};
	struct store_audit audit = {.at = x->now, .signer = ticket->response, .operation = (char *)"cryptogram",
				    .request = (char *)x->ticket, .outcome = (char *)"ok"};
	enum store_result r;

	x->answer = make_answer(x);
	row.response = x->answer;
	memcpy(row.sha256, x->sha256, sizeof row.sha256);
	r = x->answer ? store_request_put(tx, &row) : STORE_NO_MEMORY;
	return r == STORE_OK ? store_audit_append(tx, &audit) : r;
}

static enum store_result redeem(struct store_tx *tx, void *context)
{
	struct redemption *x = context;
	struct store_request ticket = {.id = NULL}, before = {.id = NULL};
	enum store_result r;

	free(x->answer);
	x->answer = NULL;
	x->error = ERROR_NONE;
	r = find_ticket(tx, x, &ticket);
	if (r == STORE_OK && x->error == ERROR_NONE) {
		r = store_request_find(tx, x->id, &before);
		if (r == STORE_NONE) {
			r = remember(tx, x, &ticket);
		} else if (r == STORE_OK && CRYPTO_memcmp(before.sha256, x->sha256, STORE_HASH) == 0) {
			x->answer = before.response;
			before.response = NULL;
		} else if (r == STORE_OK) {
			x->error = ERROR_REQUEST_REUSED;
		}
	}
	store_request_clear(&ticket);
	store_request_clear(&before);
	return r;
}

enum error_code ticket_redeem(struct authority *a, struct json_object *fields, char **answer,
			      char problem[STORE_PROBLEM_SIZE])
{
	uint8_t id[HEX_ID_LEN / 2];
	struct redemption x = {.a = a, .ticket = fields_text(fields, "ticket"), .now = a->now()};
	enum store_result r;

	if (!fields_hex(fields, "ticket", id, sizeof id) ||
	    !fields_hex(fields, "challenge", x.challenge, sizeof x.challenge))
		return ERROR_BAD_REQUEST;
	if (!a->activation_key)
		return ERROR_NO_ACTIVATION_KEY;
	if (!set_hashes(&x))
		return ERROR_INTERNAL;
	r = store_run(a->store, redeem, &x, problem);
	if (r == STORE_OK && x.error == ERROR_NONE) {
		*answer = x.answer;
		return x.answer ? ERROR_NONE : ERROR_INTERNAL;
	}
	free(x.answer);
	return r == STORE_OK ? x.error : r == STORE_NO_MEMORY ? ERROR_INTERNAL : ERROR_DATABASE;
}
