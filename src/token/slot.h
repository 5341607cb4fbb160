/*
 * A slot: one reader, from the first time it was seen until C_Finalize. It
 * keeps its id while the reader is away, and has its own PC/SC context, so
 * that a reader that hangs holds up its own slot only.
 *
 * Two locks. The slot's lock guards its tables (token, objects, sessions); it
 * is held for moments: never while a card, PC/SC, another lock, or work in
 * proportion to a caller's data is waited for. What a table hands out is good
 * until slot_unlock().
 *
 * The card's turn is the right to talk to the card, and to change what is
 * known of it; a thread takes it when its call first needs the card, and keeps
 * it, with one PC/SC transaction, until the call ends. What is known of the
 * card is changed with both, so it may be read with either: by who has the
 * turn without the lock, by all others under the lock.
 *
 * Order: a session's lock, the turn, the slot's lock.
 */
#ifndef TWCARD_SRC_SLOT_H
#define TWCARD_SRC_SLOT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "apdu/pcsc.h"
#include "src/cryptoki.h"
#include "src/session/session.h"
#include "src/token/token.h"

struct slot {
	CK_SLOT_ID id;   /* 0 to SLOTS_MAX - 1, never reused */
	char *reader;    /* PC/SC name */
	uint32_t reported; /* the state last told by C_WaitForSlotEvent; under the events' lock */
	uint64_t reported_round; /* of readers_state() */
	pthread_mutex_t turn;
	_Atomic(const void *) turn_owner; /* a mark of the thread that has it */
	/* all below: with the turn */
	struct pcsc *context;
	bool in_transaction; /* begun in this turn, ended with it */
	bool drop_card;      /* it did not answer: to be connected anew next time */
	_Atomic bool abandoned; /* C_Finalize did not wait for this turn's end */
	/* all below: under the lock */
	uint32_t state;       /* PC/SC reader state as last looked at; 0: reader away */
	uint64_t state_round; /* of readers_state() */
	struct session_table sessions;
	struct token token;
};

#define SLOTS_MAX 2047

/* state: PC/SC's of now. */
MUST_USE enum result slot_new(CK_SLOT_ID id, const char *reader, uint32_t state,
			      struct slot **out);

/* Logs out, lets go of the card, frees. No call is inside. */
void slot_free(struct slot **slot);

/*
 * For a C_Finalize that may not free (a call hangs in the slot, or OpenSSL is
 * gone): wipes the PIN, and resets a card that may be verified; if a call is
 * inside, that is done when it leaves.
 */
void slot_abandon(struct slot *slot);

/*
 * For an exit handler: the same, never waiting for a lock, a card or another
 * program (which may cost the reset, if one is in a transaction just then).
 */
void slot_at_exit(struct slot *slot);

/*
 * Wipes the PIN where it is, without a lock, and touches nothing else: for an
 * exit handler, and after fork() in our copy of the parent's memory.
 */
void slot_wipe_pin(struct slot *slot);

void slot_lock(struct slot *slot);
void slot_unlock(struct slot *slot);

/*
 * Looks (without any APDU) whether card and reader are still those of the
 * last look. If not, everything about the old card ends (sessions, handles,
 * login) and the answer is true. Called without the lock.
 */
bool slot_look(struct slot *slot);

/* Looks, and answers whether a card is there now. */
bool slot_look_for_card(struct slot *slot);

/*
 * Makes the card ready for commands: takes the turn (which may take as long as
 * other threads' card commands), connects, begins a transaction. All of that
 * lasts until slot_leave(); a second call does nothing. Called without the
 * lock.
 */
MUST_USE enum result slot_touch(struct slot *slot);

/* Ends the transaction and gives the turn back, if this thread has it. The end of every call. */
void slot_leave(struct slot *slot);

/* What C_GetTokenInfo tells. */
struct slot_token {
	struct token_data data;
	size_t pin_min, pin_max;
	int pin_tries, tries_left; /* of all, and as last seen: -1 if not known */
	bool can_login;            /* a PIN could be given: what it takes is installed */
	size_t sessions, rw_sessions;
};

/*
 * From memory once it was read for this insertion. RESULT_NO_CARD,
 * RESULT_UNKNOWN_CARD (also from memory).
 */
MUST_USE enum result slot_token_info(struct slot *slot, struct slot_token *out);

/* RESULT_OK, RESULT_NO_CARD, RESULT_UNKNOWN_CARD; looks, but never talks to the card. */
MUST_USE enum result slot_check_card(struct slot *slot);

/* Reads the directory of the kind if that was not done yet. */
MUST_USE enum result slot_load(struct slot *slot, enum p15_class kind);

/*
 * Looks at the data area's records, for who is logged in, and tells which of
 * them are certificates, if that was not done since the login. A card without
 * an area has none. `early`: directories may have to be read, which ends a
 * secure channel: only what is better done before that.
 */
MUST_USE enum result slot_load_records(struct slot *slot, bool certificates, bool early);

/* What of an object must be read from the card before it can be told. */
enum slot_need {
	SLOT_NEEDS_VALUE = 1 << 0,     /* a certificate's or data object's bytes */
	SLOT_NEEDS_PUBLIC_KEY = 1 << 1, /* a key's public half */
	SLOT_NEEDS_NUMBER = 1 << 2,    /* the number of the card that it is on */
	SLOT_NEEDS_NAMES = 1 << 3      /* the directories that tell whose it is, and what for */
};
#define SLOT_NEEDS 4

/*
 * Reads what is needed of an object of the card and is not known yet.
 * Called without the lock. RESULT_NOT_FOUND: the object is gone, or the card
 * does not have it.
 */
MUST_USE enum result slot_fetch(struct slot *slot, CK_OBJECT_HANDLE object, unsigned needs);

/*
 * The public half of a key of the card; from memory, or read (slot_fetch).
 * Called without the lock. Errors as slot_fetch().
 */
MUST_USE enum result slot_public_key(struct slot *slot, CK_OBJECT_HANDLE key,
				     struct rsa_public *out);

/* ---- sessions and login: without the lock ---- */

/* An unknown card is asked again here: it may have had a bad moment. CKR_SESSION_COUNT … */
CK_RV slot_open_session(struct slot *slot, CK_FLAGS flags, CK_SESSION_HANDLE *session);

/* The last one takes the login with it (PKCS#11 5.6). */
void slot_close_session(struct slot *slot, struct session *session);
void slot_close_all_sessions(struct slot *slot);

/* One VERIFY. CKR_USER_ALREADY_LOGGED_IN, and what RESULT_PIN_… become; *tries: left, or -1. */
CK_RV slot_login(struct slot *slot, const struct session *session, const uint8_t *pin, size_t len,
		 int *tries);

/* CKR_USER_NOT_LOGGED_IN. Resets the card. */
CK_RV slot_logout(struct slot *slot);

bool slot_logged_in(struct slot *slot);

/*
 * One CHANGE REFERENCE DATA, see token_change_pin(): with a login or without.
 * What RESULT_PIN_… become; CKR_DEVICE_REMOVED: the session's card is gone.
 */
CK_RV slot_change_pin(struct slot *slot, const struct session *session, const uint8_t *old,
		      size_t old_len, const uint8_t *new, size_t new_len);

/*
 * The private operation of a key of the card, see token_private_op().
 * CKR_KEY_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN: the key went with its login.
 */
CK_RV slot_private_op(struct slot *slot, CK_OBJECT_HANDLE key, bool any_block,
		      const uint8_t in[CARD_MODULUS_SIZE], uint8_t out[CARD_MODULUS_SIZE]);

/*
 * Does what only works on a verified card, see token_with_pin(), and what
 * follows from its result. RESULT_SECURITY_STATUS: nobody is logged in, or the
 * login ended with it.
 */
MUST_USE enum result slot_with_pin(struct slot *slot, token_job *job, void *context);

/*
 * After a card operation failed with r: what follows for the slot (the card
 * is gone, or did not answer). Answers r, or the truer RESULT_CARD_REMOVED.
 */
MUST_USE enum result slot_after_error(struct slot *slot, enum result r);

#endif
