#include "config.h"

#include <string.h>

#include <openssl/crypto.h>

#include "apdu/log.h"
#include "src/crypto/rsa.h"
#include "src/token/internal.h"

/*
 * What will be needed after the login and would disturb it then: on a card
 * with a secure channel every plain read may close it.
 */
static enum result read_ahead(struct token *t)
{
	struct object_list *list = &t->lists[P15_PRIVATE_KEY];
	enum result r = token_load(t, P15_PRIVATE_KEY);

	if (SENDS_CARD_AWAY(r))
		return r;
	for (size_t i = 0; !card_reads_keys_freely(t->card) && i < list->records.count; i++) {
		const struct object key = {.record = &list->records.items[i]};
		const struct rsa_public *ignored;

		r = token_public_key(t, &key, &ignored);
		if (SENDS_CARD_AWAY(r))
			return r;
	}
	/* a damaged directory is told when somebody looks for keys, not here */
	return RESULT_OK;
}

enum result token_login(struct token *t, const uint8_t *pin, size_t len)
{
	struct secret copy = SECRET_INIT;
	int tries = -1;
	size_t min, max;
	enum result r;

	card_pin_limits(t->card, &min, &max, &tries);
	tries = -1;
	if (len < min || len > max)
		return RESULT_PIN_LENGTH;
	r = secret_set(&copy, pin, len);
	/* whose PIN it is: after a reset by others it is given to no other card */
	if (r == RESULT_OK)
		r = card_read_number(t->card, t->data.serial, sizeof t->data.serial);
	if (r == RESULT_OK)
		r = read_ahead(t);
	if (r == RESULT_OK)
		r = card_verify_pin(t->card, pin, len, &tries);
	if (r == RESULT_OK || r == RESULT_PIN_WRONG || r == RESULT_PIN_LOCKED)
		t->tries_left = r == RESULT_OK ? -1 : tries;
	if (r != RESULT_OK) {
		secret_clear(&copy);
		return r;
	}
	t->pin = copy;
	t->logged_in = t->verified = true;
	return RESULT_OK;
}

/* The PIN must never be offered to another card than the one it opened. */
static enum result is_same_card(struct token *t)
{
	char now[sizeof t->data.serial];
	enum result r = card_read_number(t->card, now, sizeof now);

	if (r == RESULT_OK && strcmp(now, t->data.serial) != 0) {
		log_line(LOG_ERROR, "another card answers: the login is dropped");
		r = RESULT_SECURITY_STATUS;
	}
	return r;
}

/* Once, with the PIN that was right before; if it is not any more, the login ends. */
static enum result verify_again(struct token *t)
{
	int tries = -1;
	enum result r = t->verified ? RESULT_OK : is_same_card(t); /* not verified: it was reset */

	if (r == RESULT_OK)
		r = card_verify_pin(t->card, t->pin.data, t->pin.len, &tries);
	t->verified = r == RESULT_OK;
	if (r == RESULT_OK)
		return r;
	if (tries >= 0)
		t->tries_left = tries;
	log_line(LOG_ERROR, "the login could not be re-established: %s", result_text(r));
	token_logout(t);
	return SENDS_CARD_AWAY(r) ? r : RESULT_SECURITY_STATUS;
}

/*
 * The public half, if it can be had without disturbing the login. *out is
 * NULL, and that is no error, where it cannot or the card does not have it.
 */
static enum result key_for_check(struct token *t, const struct object *key,
				 const struct rsa_public **out)
{
	enum result r;

	*out = NULL;
	if (!token_has_public_key(t, key) && !card_reads_keys_freely(t->card))
		return RESULT_OK;
	r = token_public_key(t, key, out);
	return r == RESULT_NOT_FOUND ? RESULT_OK : r;
}

/* A result that does not undo with the public key must not leave the module. */
static enum result check_result(struct token *t, const struct object *key,
				const uint8_t in[CARD_MODULUS_SIZE],
				const uint8_t out[CARD_MODULUS_SIZE])
{
	const struct rsa_public *rsa;
	enum result r = key_for_check(t, key, &rsa);

	if (r == RESULT_OK && rsa && !rsa_undoes(rsa, in, out)) {
		log_line(LOG_ERROR, "key %02X: the card's result does not fit the public key",
			 key->record->key_ref);
		r = RESULT_BAD_SIGNATURE;
	}
	return r;
}

/* Cards are not asked for what RSA does not define. */
static enum result check_block(struct token *t, const struct object *key,
			       const uint8_t in[CARD_MODULUS_SIZE])
{
	const struct rsa_public *rsa;
	enum result r = key_for_check(t, key, &rsa);

	if (r == RESULT_OK && rsa && memcmp(in, rsa->modulus, CARD_MODULUS_SIZE) >= 0)
		r = RESULT_OUT_OF_RANGE;
	return r;
}

enum result token_private_op(struct token *t, const struct object *key, bool any_block,
			     const uint8_t in[CARD_MODULUS_SIZE], uint8_t out[CARD_MODULUS_SIZE])
{
	bool verified_now = false;
	enum result r = RESULT_OK;

	if (!t->logged_in)
		return RESULT_SECURITY_STATUS;
	if (any_block)
		r = check_block(t, key, in);
	if (r != RESULT_OK)
		return r;
	if (!t->verified || card_wants_pin_again(t->card)) {
		r = verify_again(t);
		if (r != RESULT_OK)
			return r;
		verified_now = true;
	}
	r = card_private_op(t->card, key->record->key_ref, in, out);
	if (r == RESULT_SECURITY_STATUS && !verified_now) {
		log_line(LOG_INFO, "the card forgot the PIN without a reset: giving it again, once");
		r = verify_again(t);
		if (r == RESULT_OK)
			r = card_private_op(t->card, key->record->key_ref, in, out);
	}
	if (r == RESULT_OK)
		r = check_result(t, key, in, out);
	if (r != RESULT_OK)
		OPENSSL_cleanse(out, CARD_MODULUS_SIZE);
	/* after an answer that makes no sense nothing about the card's state is certain */
	if (r == RESULT_SECURITY_STATUS || r == RESULT_CARD_MUTE)
		token_logout(t);
	return r;
}
