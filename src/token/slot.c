#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "apdu/log.h"
#include "src/base/config_file.h"
#include "src/base/rv.h"
#include "src/crypto/context.h"
#include "src/token/internal.h"
#include "src/token/readers.h"
#include "src/token/slot.h"
#include "src/token/warm.h"

#define SETTLE_STEP_MS 50
#define SETTLE_STEPS 40 /* pcscd looks at a reader every 400 ms, later on a busy machine */
#define EXIT_TRIES 5 /* of 50 ms: how long an exit handler tries to come between others' commands */

enum result slot_new(CK_SLOT_ID id, const char *reader, uint32_t state, struct slot **out)
{
	struct slot *slot = calloc(1, sizeof *slot);

	*out = NULL;
	if (slot)
		slot->reader = strdup(reader);
	if (!slot || !slot->reader) {
		free(slot);
		return RESULT_NO_MEMORY;
	}
	slot->id = id;
	slot->state = state;
	pthread_mutex_init(&slot->turn, NULL);
	token_init(&slot->token);
	*out = slot;
	return RESULT_OK;
}

void slot_lock(struct slot *slot)
{
	pthread_mutex_lock(&slot->token.lock);
}

void slot_unlock(struct slot *slot)
{
	pthread_mutex_unlock(&slot->token.lock);
}

/* ---- what ends with a card ---- */

/* Under the lock: all sessions end, those that a call is in when it leaves. */
static void close_sessions(struct slot *slot)
{
	struct session *s, *next;

	HASH_ITER(hh, slot->sessions.all, s, next) {
		token_end_session_objects(&slot->token, s->handle, false);
		session_close(&slot->sessions, s);
		s->lost_card = slot->token.gone;
		if (session_release(s))
			session_free(s);
	}
}

/* Under the lock: the card that was here is nobody's any more. What is known of it goes with the turn. */
static void end_card(struct slot *slot)
{
	slot->token.gone = true;
	slot->token.login++;
	close_sessions(slot);
	token_end_session_objects(&slot->token, 0, false);
}

/* With the turn, outside a transaction: forgets a card that is gone. */
static void forget_card(struct slot *slot)
{
	struct card *card = NULL;

	slot_lock(slot);
	if (!slot->token.gone) {
		slot_unlock(slot);
		return;
	}
	card = token_clear(&slot->token);
	slot_unlock(slot);
	card_free(&card);
	pcsc_close(&slot->context);
}

/* ---- the turn ---- */

/* Its address tells threads apart. */
static _Thread_local char this_thread;

static bool has_turn(const struct slot *slot)
{
	return atomic_load(&slot->turn_owner) == &this_thread;
}

/* With the turn: the login ends, in all sessions. */
static void log_out(struct slot *slot)
{
	token_logout(&slot->token);
	slot_lock(slot);
	session_table_end_private(&slot->sessions);
	slot_unlock(slot);
}

static void own_turn(struct slot *slot)
{
	atomic_store(&slot->turn_owner, &this_thread);
	forget_card(slot);
}

static void take_turn(struct slot *slot)
{
	if (has_turn(slot))
		return;
	pthread_mutex_lock(&slot->turn);
	own_turn(slot);
}

/* Without waiting. False: another thread has it. */
static bool try_turn(struct slot *slot)
{
	if (has_turn(slot))
		return true;
	if (pthread_mutex_trylock(&slot->turn) != 0)
		return false;
	own_turn(slot);
	return true;
}

/*
 * The one place where a transaction ends, and with it, if the token says so,
 * the card's verified state. A reset that fails is owed until one succeeds.
 */
static void end_transaction(struct slot *slot)
{
	struct token *t = &slot->token;
	bool reset = token_wants_reset(t) && t->card, was_reset;
	enum result r;

	if (!slot->in_transaction && reset)
		slot->in_transaction = card_begin(t->card, &was_reset) == RESULT_OK;
	if (!slot->in_transaction)
		return;
	if (!slot->drop_card && !atomic_load(&slot->abandoned))
		warm_save(t);
	token_close_area(t); /* others may change it from now on */
	r = card_end(t->card, reset);
	slot->in_transaction = false;
	if (reset && (r == RESULT_OK || r == RESULT_CARD_REMOVED))
		token_was_reset(t);
	/* all others wait for a transaction that did not end, until its connection does */
	if (r != RESULT_OK && r != RESULT_CARD_REMOVED) {
		slot->drop_card = t->card != NULL;
		t->verified = false;
	}
}

/* With the turn: a card that did not answer is connected anew next time. */
static void drop_card(struct slot *slot)
{
	struct card *card;

	slot_lock(slot);
	card = slot->token.card;
	slot->token.card = NULL;
	slot->token.recognized = false;
	slot_unlock(slot);
	slot->drop_card = false;
	card_free(&card);
}

static void end_turn(struct slot *slot)
{
	if (atomic_load(&slot->abandoned))
		token_logout(&slot->token);
	end_transaction(slot);
	if (slot->drop_card)
		drop_card(slot);
	forget_card(slot);
}

void slot_leave(struct slot *slot)
{
	bool knew_of_it;

	if (!has_turn(slot))
		return;
	knew_of_it = atomic_load(&slot->abandoned);
	end_turn(slot);
	atomic_store(&slot->turn_owner, NULL);
	pthread_mutex_unlock(&slot->turn);
	/* C_Finalize found the turn taken, but came too late for this end of it */
	if (!knew_of_it && atomic_load(&slot->abandoned) && try_turn(slot))
		slot_leave(slot);
}

/* Forgets a card that is gone at once, if nobody is talking to it; otherwise he does it. */
static void forget_if_free(struct slot *slot)
{
	if (!has_turn(slot) && try_turn(slot))
		slot_leave(slot);
}

/* ---- looking ---- */

static bool has_card(uint32_t state)
{
	return pcsc_reader_present(state) && pcsc_card_present(state);
}

/* Takes an answer of PC/SC, unless a newer one was taken already. True: another card, or none. */
static bool take_state(struct slot *slot, uint32_t now, uint64_t round)
{
	bool changed, had;

	slot_lock(slot);
	had = has_card(slot->state);
	changed = round > slot->state_round && pcsc_card_changed(slot->state, now);
	if (round > slot->state_round) {
		slot->state = now;
		slot->state_round = round;
	}
	if (changed)
		end_card(slot);
	slot_unlock(slot);
	if (changed && had)
		log_line(LOG_INFO, "%s: the card or reader was taken away", slot->reader);
	return changed;
}

bool slot_look(struct slot *slot)
{
	uint64_t round;
	uint32_t now = readers_state(slot->reader, &round);
	bool changed = take_state(slot, now, round);

	if (changed)
		forget_if_free(slot);
	return changed;
}

bool slot_look_for_card(struct slot *slot)
{
	bool there;

	slot_look(slot);
	slot_lock(slot);
	there = has_card(slot->state);
	slot_unlock(slot);
	return there;
}

enum result slot_check_card(struct slot *slot)
{
	bool unknown;

	if (!slot_look_for_card(slot))
		return RESULT_NO_CARD;
	slot_lock(slot);
	unknown = slot->token.unknown && !slot->token.gone;
	slot_unlock(slot);
	return unknown ? RESULT_UNKNOWN_CARD : RESULT_OK;
}

/* Looks whether the card that this call began with is gone; another thread may have seen it first. */
static bool is_gone(struct slot *slot)
{
	bool gone;

	(void)slot_look(slot);
	slot_lock(slot);
	gone = slot->token.gone || !has_card(slot->state);
	slot_unlock(slot);
	return gone;
}

/* ---- the way to the card ---- */

static enum result open_card(struct slot *slot, const struct card_options *options,
			     struct card **card)
{
	struct channel *channel;
	enum result r = pcsc_connect(slot->context, slot->reader, &channel);

	return r == RESULT_OK ? card_open(channel, options, card) : r;
}

static enum result connect_card(struct slot *slot)
{
	const struct config *config = config_current();
	const struct card_options options = {.libctx = crypto_context(),
					     .allow_unproven = config->allow_unproven,
					     .keyset_dirs = config->keyset_dirs};
	struct card *card;
	enum result r = RESULT_OK;

	if (!slot->context)
		r = pcsc_open(&slot->context);
	if (r == RESULT_OK)
		r = open_card(slot, &options, &card);
	/* pcscd lets in who waits, then resets the card for a killed program: nothing is lost yet */
	if (r == RESULT_CARD_RESET)
		r = open_card(slot, &options, &card);
	if (r == RESULT_OK) {
		token_take_card(&slot->token, card);
		/* here it costs two commands, later the way there again */
		if (config->cache && token_read_number(&slot->token) == RESULT_CARD_REMOVED)
			r = RESULT_CARD_REMOVED;
	} else if (r == RESULT_UNKNOWN_CARD) {
		slot_lock(slot);
		slot->token.unknown = true;
		slot_unlock(slot);
	} else {
		log_line(LOG_ERROR, "%s: no way to the card: %s", slot->reader, result_text(r));
	}
	if (r == RESULT_NO_SERVICE)
		pcsc_close(&slot->context);
	return r;
}

enum result slot_touch(struct slot *slot)
{
	bool was_reset = false, is_new;
	enum result r;

	take_turn(slot);
	if (slot->in_transaction)
		return RESULT_OK;
	is_new = !slot->token.card;
	if (is_new)
		r = connect_card(slot); /* begins the transaction, too */
	else
		r = card_begin(slot->token.card, &was_reset);
	slot->in_transaction = r == RESULT_OK;
	if (was_reset)
		slot->token.verified = false;
	/* a handle to a card that was exchanged and then reset is told of the reset only */
	if (r == RESULT_OK && (is_new || was_reset) && is_gone(slot))
		r = RESULT_CARD_REMOVED;
	return r;
}

enum result slot_after_error(struct slot *slot, enum result r)
{
	switch (r) {
	case RESULT_BAD_ANSWER: /* perhaps torn off by who pulled the card */
	case RESULT_CHANNEL:    /* the same, of an answer that was to open one */
	case RESULT_SECURITY_STATUS: /* or to take a login up again */
		return is_gone(slot) ? RESULT_CARD_REMOVED : r;
	case RESULT_CARD_MUTE: /* perhaps it was pulled out: look; if not, start anew next time */
	case RESULT_CARD_RESET:
		if (is_gone(slot))
			return RESULT_CARD_REMOVED;
		take_turn(slot);
		log_out(slot);
		slot->drop_card = slot->token.card != NULL;
		return r;
	case RESULT_CARD_REMOVED:
	case RESULT_NO_READER:
	case RESULT_NO_SERVICE:
		log_line(LOG_INFO, "%s: %s", slot->reader, result_text(r));
		slot_lock(slot);
		end_card(slot);
		slot_unlock(slot);
		return r;
	default:
		return r;
	}
}

/*
 * A card that was pulled is mute some time before PC/SC notices that it is
 * gone: who asks about the token itself gets the truer answer.
 */
static enum result settle(struct slot *slot, enum result r)
{
	const struct timespec step = {0, SETTLE_STEP_MS * 1000000};

	for (int i = 0; r == RESULT_CARD_MUTE && i < SETTLE_STEPS; i++) {
		nanosleep(&step, NULL);
		if (is_gone(slot))
			r = RESULT_CARD_REMOVED;
	}
	return r;
}

/* ---- what is read of a card ---- */

/*
 * A key set may be installed while the card waits for it: that is looked for
 * again, unless another thread talks to the card, for which nobody waits here.
 */
static void look_for_login(struct slot *slot)
{
	struct token *t = &slot->token;
	bool missing;

	slot_lock(slot);
	missing = !t->can_login && !t->gone;
	slot_unlock(slot);
	if (missing && try_turn(slot) && t->card)
		token_look_for_login(t);
}

enum result slot_token_info(struct slot *slot, struct slot_token *out)
{
	const struct token *t = &slot->token;
	enum result r = slot_check_card(slot);
	bool known;

	slot_lock(slot);
	known = t->has_data && !t->gone;
	slot_unlock(slot);
	if (r == RESULT_OK && !known) {
		r = slot_touch(slot);
		if (r == RESULT_OK)
			r = token_read_data(&slot->token);
		r = settle(slot, slot_after_error(slot, r));
	}
	if (r == RESULT_OK)
		look_for_login(slot);
	slot_lock(slot);
	if (r == RESULT_OK && (t->gone || !t->has_data)) /* it went meanwhile */
		r = RESULT_CARD_REMOVED;
	*out = (struct slot_token){.data = t->data,
				   .pin_min = t->pin_min,
				   .pin_max = t->pin_max,
				   .pin_tries = t->pin_tries,
				   .tries_left = t->tries_left,
				   .can_login = t->can_login,
				   .sessions = slot->sessions.count,
				   .rw_sessions = slot->sessions.rw_count};
	slot_unlock(slot);
	return r;
}

enum result slot_load(struct slot *slot, enum p15_class kind)
{
	const struct object_list *list = &slot->token.lists[kind];
	enum result r = RESULT_OK;
	bool known;

	slot_lock(slot);
	known = list->loaded && !slot->token.gone && (list->items || !list->records.count);
	slot_unlock(slot);
	if (known)
		return RESULT_OK;
	r = slot_touch(slot);
	if (r == RESULT_OK && !list->loaded && kind != P15_PRIVATE_KEY)
		r = warm_start(&slot->token);
	if (r == RESULT_OK)
		r = token_load(&slot->token, kind);
	return slot_after_error(slot, r);
}

enum result slot_load_records(struct slot *slot, bool certificates, bool early)
{
	struct token_records_wanted what = {.certificates = certificates};
	struct token *t = &slot->token;
	enum result r = RESULT_OK;
	bool wanted;

	slot_lock(slot);
	wanted = !t->gone && t->logged_in && token_wants_records(t, certificates);
	slot_unlock(slot);
	if (!wanted)
		return RESULT_OK;
	if (early)
		r = slot_touch(slot);
	if (r != RESULT_OK)
		return slot_after_error(slot, r);
	/* where there is no channel, or it has ended, nothing is won */
	if (early && (card_reads_keys_freely(t->card) || card_wants_pin_again(t->card)))
		return RESULT_OK;
	return slot_with_pin(slot, token_load_records, &what);
}

/* With the turn: an object of the card. NULL: it is gone, or a session's. */
static struct object *card_object(struct slot *slot, CK_OBJECT_HANDLE handle)
{
	struct object *o;

	slot_lock(slot);
	o = token_object(&slot->token, handle);
	if (o && o->attributes)
		o = NULL;
	slot_unlock(slot);
	return o;
}

enum result slot_fetch(struct slot *slot, CK_OBJECT_HANDLE handle, unsigned needs)
{
	const struct rsa_public *ignored;
	struct object *o = NULL;
	enum result r = slot_touch(slot);

	if (r == RESULT_OK) {
		o = card_object(slot, handle);
		r = o ? RESULT_OK : RESULT_NOT_FOUND;
	}
	if (r == RESULT_OK && needs & SLOT_NEEDS_VALUE)
		r = o->sno ? slot_with_pin(slot, token_read_record, o) : token_read_value(&slot->token, o);
	if (r == RESULT_OK && needs & SLOT_NEEDS_NUMBER)
		r = token_read_number(&slot->token);
	if (r == RESULT_OK && needs & SLOT_NEEDS_NAMES)
		r = token_load_names(&slot->token);
	if (r == RESULT_OK && needs & SLOT_NEEDS_PUBLIC_KEY)
		r = token_public_key(&slot->token, o, &ignored);
	return slot_after_error(slot, r);
}

/* Under the lock. False: not in memory. */
static bool known_key(struct slot *slot, CK_OBJECT_HANDLE handle, struct rsa_public *out,
		      enum result *r)
{
	struct object *o = token_object(&slot->token, handle);
	const struct rsa_public *key;

	*r = RESULT_NOT_FOUND;
	if (!o || o->attributes)
		return true;
	if (!token_has_public_key(&slot->token, o))
		return false;
	*r = token_public_key(&slot->token, o, &key);
	if (*r == RESULT_OK)
		*out = *key;
	return true;
}

enum result slot_public_key(struct slot *slot, CK_OBJECT_HANDLE handle, struct rsa_public *out)
{
	enum result r;
	bool known;

	slot_lock(slot);
	known = known_key(slot, handle, out, &r);
	slot_unlock(slot);
	if (known)
		return r;
	r = slot_fetch(slot, handle, SLOT_NEEDS_PUBLIC_KEY);
	slot_lock(slot);
	if (r == RESULT_OK)
		(void)known_key(slot, handle, out, &r);
	slot_unlock(slot);
	return r;
}

/* ---- sessions ---- */

static CK_RV add_session(struct slot *slot, CK_FLAGS flags, CK_SESSION_HANDLE *handle)
{
	CK_RV rv = CKR_TOKEN_NOT_PRESENT;

	slot_lock(slot);
	if (has_card(slot->state))
		rv = session_open(&slot->sessions, slot, slot->id, flags, handle);
	slot_unlock(slot);
	return rv;
}

CK_RV slot_open_session(struct slot *slot, CK_FLAGS flags, CK_SESSION_HANDLE *handle)
{
	enum result r = RESULT_OK;
	bool recognized;

	if (!slot_look_for_card(slot))
		return CKR_TOKEN_NOT_PRESENT;
	slot_lock(slot);
	recognized = slot->token.recognized && !slot->token.gone;
	slot_unlock(slot);
	if (!recognized)
		r = settle(slot, slot_after_error(slot, slot_touch(slot)));
	return r == RESULT_OK ? add_session(slot, flags, handle) : rv_of(r);
}

static bool is_logged_in_without_session(struct slot *slot)
{
	bool it_is;

	slot_lock(slot);
	it_is = slot->token.logged_in && !slot->token.gone && !slot->sessions.count;
	slot_unlock(slot);
	return it_is;
}

/* A session that was opened in the meantime takes the login over. */
static void log_out_after_last(struct slot *slot)
{
	if (!is_logged_in_without_session(slot))
		return;
	take_turn(slot);
	if (is_logged_in_without_session(slot))
		log_out(slot);
}

void slot_close_session(struct slot *slot, struct session *s)
{
	slot_lock(slot);
	if (!s->closed) {
		token_end_session_objects(&slot->token, s->handle, false);
		session_close(&slot->sessions, s);
		(void)!session_release(s); /* the caller is in it still */
	}
	slot_unlock(slot);
	log_out_after_last(slot);
}

void slot_close_all_sessions(struct slot *slot)
{
	slot_lock(slot);
	close_sessions(slot);
	slot_unlock(slot);
	log_out_after_last(slot);
}

/* ---- login ---- */

bool slot_logged_in(struct slot *slot)
{
	bool it_is;

	slot_lock(slot);
	it_is = slot->token.logged_in && !slot->token.gone;
	slot_unlock(slot);
	return it_is;
}

/* With the turn: while others had it, the session's card may have left the reader. */
static CK_RV may_log_in(struct slot *slot, const struct session *s)
{
	CK_RV rv = CKR_OK;

	slot_lock(slot);
	if (s->closed)
		rv = CKR_DEVICE_REMOVED;
	else if (slot->token.logged_in)
		rv = CKR_USER_ALREADY_LOGGED_IN;
	slot_unlock(slot);
	return rv;
}

CK_RV slot_login(struct slot *slot, const struct session *s, const uint8_t *pin, size_t len,
		 int *tries)
{
	enum result r;
	CK_RV rv;

	*tries = -1;
	if (slot_logged_in(slot))
		return CKR_USER_ALREADY_LOGGED_IN;
	r = slot_touch(slot);
	if (r == RESULT_OK) {
		rv = may_log_in(slot, s);
		if (rv != CKR_OK)
			return rv;
		r = token_login(&slot->token, pin, len, tries);
	}
	return rv_of(slot_after_error(slot, r));
}

CK_RV slot_change_pin(struct slot *slot, const struct session *s, const uint8_t *old,
		      size_t old_len, const uint8_t *new, size_t new_len)
{
	enum result r = slot_touch(slot);
	bool closed, had_login;
	int tries;

	if (r == RESULT_OK) {
		slot_lock(slot);
		closed = s->closed;
		had_login = slot->token.logged_in;
		slot_unlock(slot);
		if (closed) /* while others had the turn, its card may have left the reader */
			return CKR_DEVICE_REMOVED;
		r = token_change_pin(&slot->token, old, old_len, new, new_len, &tries);
		if (had_login && !slot_logged_in(slot)) /* it was dropped */
			log_out(slot);
	}
	return rv_of(slot_after_error(slot, r));
}

CK_RV slot_logout(struct slot *slot)
{
	if (!slot_logged_in(slot))
		return CKR_USER_NOT_LOGGED_IN;
	take_turn(slot);
	if (!slot_logged_in(slot))
		return CKR_USER_NOT_LOGGED_IN;
	log_out(slot);
	return CKR_OK;
}

enum result slot_with_pin(struct slot *slot, token_job *job, void *context)
{
	enum result r = slot_touch(slot);

	if (r == RESULT_OK) {
		if (!slot_logged_in(slot))
			return RESULT_SECURITY_STATUS;
		r = token_with_pin(&slot->token, job, context);
		token_after_pin(&slot->token, r);
		if (!slot_logged_in(slot)) /* it was dropped */
			log_out(slot);
	}
	return slot_after_error(slot, r);
}

CK_RV slot_private_op(struct slot *slot, CK_OBJECT_HANDLE handle, bool any_block,
		      const uint8_t in[CARD_MODULUS_SIZE], uint8_t out[CARD_MODULUS_SIZE])
{
	struct object *key;
	enum result r = slot_touch(slot);

	if (r == RESULT_OK) {
		key = card_object(slot, handle);
		if (!key)
			return slot_logged_in(slot) ? CKR_KEY_HANDLE_INVALID : CKR_USER_NOT_LOGGED_IN;
		r = token_private_op(&slot->token, key, any_block, in, out);
		if (!slot_logged_in(slot)) /* it was dropped */
			log_out(slot);
	}
	return rv_of(slot_after_error(slot, r));
}

/* ---- the end ---- */

void slot_free(struct slot **slot)
{
	struct slot *s = *slot;

	if (!s)
		return;
	take_turn(s);
	if (slot_logged_in(s))
		token_logout(&s->token);
	end_transaction(s);
	slot_lock(s);
	end_card(s);
	slot_unlock(s);
	slot_leave(s);
	pthread_mutex_destroy(&s->turn);
	pthread_mutex_destroy(&s->token.lock);
	free(s->reader);
	free(s);
	*slot = NULL;
}

void slot_abandon(struct slot *slot)
{
	atomic_store(&slot->abandoned, true);
	slot_lock(slot);
	secret_clear(&slot->token.pin);
	slot_unlock(slot);
	if (try_turn(slot)) /* otherwise who has it sees the mark when he leaves */
		slot_leave(slot);
}

void slot_wipe_pin(struct slot *slot)
{
	if (slot->token.pin.data)
		OPENSSL_cleanse(slot->token.pin.data, slot->token.pin.len);
}

void slot_at_exit(struct slot *slot)
{
	const struct timespec step = {0, 50 * 1000 * 1000};
	struct token *t = &slot->token;
	enum result r = RESULT_READER_BUSY;

	if (pthread_mutex_trylock(&slot->turn) != 0)
		return; /* a transaction that its process leaves behind is ended by pcscd, with a reset */
	for (int i = 0; t->owes_reset && t->card && r == RESULT_READER_BUSY && i < EXIT_TRIES; i++) {
		if (i)
			nanosleep(&step, NULL);
		r = card_reset_now(t->card);
	}
	slot_wipe_pin(slot);
}
