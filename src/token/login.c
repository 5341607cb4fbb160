/*
 * Who is logged in, and what follows for the card: the one place that sends a
 * PIN, and the one rule for when the card must lose its verified state.
 */
#include "config.h"

#include <string.h>

#include <openssl/crypto.h>

#include "apdu/log.h"
#include "src/base/config_file.h"
#include "src/token/internal.h"
#include "src/token/pin_watch.h"

bool token_wants_reset(const struct token *t)
{
	return t->owes_reset && (!t->logged_in || config_current()->verified_for_operation);
}

void token_was_reset(struct token *t)
{
	t->owes_reset = false;
	t->verified = false;
}

/* False: this error came before a VERIFY could go out. Of all others nothing is certain. */
static bool may_have_verified(enum result r)
{
	return r != RESULT_NO_KEYSET && r != RESULT_UNPROVEN && r != RESULT_PIN_LENGTH &&
	       r != RESULT_PIN_INVALID;
}

/* The one VERIFY. From here on the card may be verified, whatever is answered. */
static enum result verify(struct token *t, const uint8_t *pin, size_t len, int *tries)
{
	bool owed = t->owes_reset;
	enum result r;

	t->owes_reset = true;
	r = card_verify_pin(t->card, pin, len, tries);
	if (!may_have_verified(r))
		t->owes_reset = owed;
	pthread_mutex_lock(&t->lock);
	if (r == RESULT_OK || r == RESULT_PIN_WRONG || r == RESULT_PIN_LOCKED)
		t->tries_left = r == RESULT_OK ? -1 : *tries;
	if (r == RESULT_OK)
		t->pin_good = pin_watch_now();
	pthread_mutex_unlock(&t->lock);
	t->verified = r == RESULT_OK;
	return r;
}

/*
 * What will be needed after the login and would disturb it then: on a card
 * with a secure channel every plain read may close it. A key that is only
 * good for checking results is read, too: many programs ask for its modulus
 * before they sign, and a closed channel costs them a VERIFY. Not where
 * certificates are bound: then what is left has none, and few look at it.
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

		if (t->bound && token_key_for_check(t, &key))
			continue;
		r = token_public_key(t, &key, &ignored);
		if (SENDS_CARD_AWAY(r))
			return r;
	}
	/* a damaged directory is told when somebody looks for keys, not here */
	return RESULT_OK;
}

enum result token_login(struct token *t, const uint8_t *pin, size_t len, int *tries)
{
	struct secret copy = SECRET_INIT;
	enum result r;

	*tries = -1;
	if (len < t->pin_min || len > t->pin_max)
		return RESULT_PIN_LENGTH;
	r = secret_set(&copy, pin, len);
	/* whose PIN it is: after a reset by others it is given to no other card */
	if (r == RESULT_OK)
		r = token_read_number(t);
	if (r == RESULT_OK)
		r = read_ahead(t);
	if (r == RESULT_OK)
		r = verify(t, pin, len, tries);
	if (r != RESULT_OK) {
		secret_clear(&copy);
		return r;
	}
	pthread_mutex_lock(&t->lock);
	t->pin = copy;
	t->logged_in = true;
	pthread_mutex_unlock(&t->lock);
	return RESULT_OK;
}

/* ---- a new PIN ---- */

/* What is asked of the card. */
struct replacement {
	enum card_op op;
	enum result (*send)(struct card *card, const uint8_t *right, size_t right_len,
			    const uint8_t *pin, size_t len, int *tries);
	const uint8_t *right; /* the old PIN, or the unblocking code */
	size_t right_len;
	const uint8_t *pin;
	size_t len;
};

/* After this answer the PIN is what it was. */
static bool is_unchanged(enum result r)
{
	return r == RESULT_PIN_WRONG || r == RESULT_PIN_LOCKED || !may_have_verified(r);
}

/*
 * The one command. From here on the card may be verified, and other processes
 * that are logged in may hold a PIN that is none any more: the mark tells them.
 */
static enum result send_replacement(struct token *t, const struct replacement *new, int *tries)
{
	bool owed = t->owes_reset, verified = t->verified;
	uint64_t before = pin_watch_mark(t->data.serial);
	enum result r;

	t->owes_reset = true;
	t->verified = false;
	r = new->send(t->card, new->right, new->right_len, new->pin, new->len, tries);
	if (!may_have_verified(r)) {
		t->owes_reset = owed;
		t->verified = verified;
	}
	if (is_unchanged(r))
		pin_watch_unmark(t->data.serial, before);
	return r;
}

/* The PIN that a login keeps was just found wrong, or may not be the card's any more. */
static bool spoils_login(struct token *t, const struct replacement *new, enum result r)
{
	if (!t->logged_in || r == RESULT_OK || !may_have_verified(r))
		return false;
	if (new->op == OP_UNBLOCK_PIN && is_unchanged(r)) /* that was about the code */
		return false;
	return r != RESULT_PIN_WRONG ||
	       (new->right_len == t->pin.len &&
		CRYPTO_memcmp(new->right, t->pin.data, t->pin.len) == 0);
}

/* The one place that says what holds after it. Takes `copy`, the new PIN. */
static void after_replacement(struct token *t, const struct replacement *new, enum result r,
			      int tries, struct secret *copy)
{
	bool spoilt;

	pthread_mutex_lock(&t->lock);
	if (r == RESULT_OK)
		t->tries_left = -1;
	else if (new->op == OP_CHANGE_PIN && tries >= 0)
		t->tries_left = tries;
	/* C_Finalize in another thread may have taken the old one away: then none is kept */
	if (r == RESULT_OK && t->logged_in && t->pin.len) {
		secret_clear(&t->pin);
		t->pin = *copy;
		*copy = (struct secret)SECRET_INIT;
		t->pin_good = pin_watch_now();
	}
	spoilt = spoils_login(t, new, r);
	pthread_mutex_unlock(&t->lock);
	if (spoilt) {
		log_line(LOG_ERROR, "%s: %s: the PIN that is kept may be wrong: the login ends",
			 card_op_name(new->op), result_text(r));
		token_logout(t);
	}
}

static enum result replace_pin(struct token *t, const struct replacement *new, int *tries)
{
	struct secret copy = SECRET_INIT;
	enum result r;

	*tries = -1;
	r = card_check_new_pin(t->card, new->op, new->right, new->right_len, new->pin, new->len);
	if (r == RESULT_OK)
		r = secret_set(&copy, new->pin, new->len);
	if (r == RESULT_OK)
		r = token_read_number(t);
	if (r == RESULT_OK) {
		r = send_replacement(t, new, tries);
		after_replacement(t, new, r, *tries, &copy);
	}
	secret_clear(&copy);
	return r;
}

enum result token_change_pin(struct token *t, const uint8_t *old, size_t old_len,
			     const uint8_t *new, size_t new_len, int *tries)
{
	const struct replacement change = {OP_CHANGE_PIN, card_change_pin, old, old_len, new, new_len};

	return replace_pin(t, &change, tries);
}

enum result token_unblock_pin(struct token *t, const uint8_t *code, size_t code_len,
			      const uint8_t *new, size_t new_len, int *tries)
{
	const struct replacement unblock = {OP_UNBLOCK_PIN, card_unblock_pin, code, code_len, new, new_len};

	return replace_pin(t, &unblock, tries);
}

/* ---- the kept PIN ---- */

/* The PIN must never be offered to another card than the one it opened. */
static enum result is_same_card(struct token *t)
{
	char now[sizeof t->data.serial];
	enum result r = card_read_number_again(t->card, now, sizeof now);

	if (r == RESULT_OK && strcmp(now, t->data.serial) != 0) {
		log_line(LOG_ERROR, "another card answers: the login is dropped");
		r = RESULT_SECURITY_STATUS;
	}
	return r;
}

/*
 * In secure memory, too. C_Finalize in another thread may have taken the PIN
 * away: then there is none to give.
 */
static enum result copy_pin(struct token *t, struct secret *out)
{
	enum result r = RESULT_SECURITY_STATUS;

	pthread_mutex_lock(&t->lock);
	if (t->pin.len)
		r = secret_set(out, t->pin.data, t->pin.len);
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* Gives the kept PIN, unless somebody has found it wrong since it was last right. */
static enum result give_kept_pin(struct token *t)
{
	struct secret pin = SECRET_INIT;
	uint64_t before;
	int tries = -1;
	enum result r;

	if (pin_watch_failed(t->data.serial, t->pin_good)) {
		log_line(LOG_ERROR, "the PIN that is kept was found wrong by another program: not sent");
		return RESULT_SECURITY_STATUS;
	}
	r = copy_pin(t, &pin);
	if (r != RESULT_OK)
		return r;
	before = pin_watch_mark(t->data.serial);
	r = verify(t, pin.data, pin.len, &tries);
	if (r == RESULT_OK || !may_have_verified(r))
		pin_watch_unmark(t->data.serial, before);
	secret_clear(&pin);
	return r;
}

/*
 * Once, with the PIN that was right before; if it is not any more, the login
 * ends. A card that is not known to be verified is compared before: PC/SC may
 * not have told of all. (One whose secure channel we ended ourselves must have
 * this card's keys to get as far as a VERIFY.)
 */
static enum result verify_again(struct token *t)
{
	enum result r = t->verified ? RESULT_OK : is_same_card(t);

	if (r == RESULT_OK)
		r = give_kept_pin(t);
	if (r == RESULT_OK)
		return r;
	log_line(LOG_ERROR, "the login could not be re-established: %s", result_text(r));
	token_logout(t);
	return SENDS_CARD_AWAY(r) ? r : RESULT_SECURITY_STATUS;
}

/*
 * After the operation nothing can be disturbed that would not be given again:
 * the public half is read if it must be. RESULT_NOT_FOUND: neither the key's
 * record nor a certificate of the same id is on the card.
 */
static enum result check_result(struct token *t, const struct object *key,
				const uint8_t in[CARD_MODULUS_SIZE],
				const uint8_t out[CARD_MODULUS_SIZE])
{
	enum result r = token_check_private_op(t, key, in, out);

	if (r == RESULT_NOT_FOUND) {
		log_line(LOG_INFO, "key %02X: no public half on the card: its result is not checked",
			 key->record->key_ref);
		return RESULT_OK;
	}
	if (r == RESULT_BAD_SIGNATURE)
		log_line(LOG_ERROR, "key %02X: the card's result does not fit the public key",
			 key->record->key_ref);
	else if (r != RESULT_OK)
		log_line(LOG_ERROR, "key %02X: a result that cannot be checked is not given out: %s",
			 key->record->key_ref, result_text(r));
	return r;
}

/* Cards are not asked for what RSA does not define. */
static enum result check_block(struct token *t, const struct object *key,
			       const uint8_t in[CARD_MODULUS_SIZE])
{
	const struct rsa_public *rsa = token_key_for_check(t, key);
	enum result r;

	if (rsa ? memcmp(in, rsa->modulus, CARD_MODULUS_SIZE) < 0 : !card_reads_keys_freely(t->card))
		return RESULT_OK;
	r = token_public_key(t, key, &rsa);
	if (r == RESULT_OK && memcmp(in, rsa->modulus, CARD_MODULUS_SIZE) >= 0)
		return RESULT_OUT_OF_RANGE;
	return SENDS_CARD_AWAY(r) ? r : RESULT_OK;
}

enum result token_with_pin(struct token *t, token_job *job, void *context)
{
	bool verified_now = false;
	enum result r = RESULT_OK;

	if (!t->logged_in)
		return RESULT_SECURITY_STATUS;
	if (!t->verified || card_wants_pin_again(t->card)) {
		r = verify_again(t);
		verified_now = true;
	}
	if (r == RESULT_OK)
		r = job(t, verified_now, context);
	if (r != RESULT_SECURITY_STATUS || verified_now)
		return r;
	log_line(LOG_INFO, "the card forgot the PIN without a reset: giving it again, once");
	t->verified = false;
	r = verify_again(t);
	return r == RESULT_OK ? job(t, true, context) : r;
}

void token_after_pin(struct token *t, enum result r)
{
	if (r == RESULT_SECURITY_STATUS || r == RESULT_CARD_MUTE)
		token_logout(t);
}

struct private_op {
	unsigned key_ref;
	const uint8_t *in;
	uint8_t *out;
};

static enum result operate(struct token *t, bool last, void *context)
{
	const struct private_op *op = context;

	(void)last;
	return card_private_op(t->card, op->key_ref, op->in, op->out);
}

enum result token_private_op(struct token *t, const struct object *key, bool any_block,
			     const uint8_t in[CARD_MODULUS_SIZE], uint8_t out[CARD_MODULUS_SIZE])
{
	struct private_op op = {key->record->key_ref, in, out};
	enum result r = RESULT_OK;

	if (!t->logged_in)
		return RESULT_SECURITY_STATUS;
	if (any_block)
		r = check_block(t, key, in);
	if (r == RESULT_OK)
		r = token_with_pin(t, operate, &op);
	if (r == RESULT_OK)
		r = check_result(t, key, in, out);
	if (r != RESULT_OK)
		OPENSSL_cleanse(out, CARD_MODULUS_SIZE);
	token_after_pin(t, r);
	return r;
}
