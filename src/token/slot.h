/*
 * A slot: one reader, from the first time it was seen until C_Finalize. It
 * keeps its id while the reader is away, and its lock covers everything in
 * it. A slot has its own PC/SC context, so that a reader that hangs holds up
 * its own slot only.
 */
#ifndef TWCARD_SRC_SLOT_H
#define TWCARD_SRC_SLOT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "apdu/pcsc.h"
#include "src/cryptoki.h"
#include "src/session/session.h"
#include "src/token/token.h"

struct slot {
	CK_SLOT_ID id;   /* 1..SLOT_ID_MAX, never reused */
	char *reader;    /* PC/SC name */
	uint32_t reported; /* the state last told by C_WaitForSlotEvent; under module.wait_lock */
	pthread_mutex_t lock;
	/* all below: under the lock */
	struct pcsc *context;
	uint32_t state;  /* PC/SC reader state as last looked at; 0: reader away */
	struct token token;
	bool in_transaction; /* begun in this call, ended when it leaves */
	bool reset_at_end;   /* a logout: the card must lose its verified state */
	struct session *sessions;
	uint32_t next_session;
	size_t session_count, rw_session_count;
};

#define SLOT_ID_MAX 2047

MUST_USE enum result slot_new(CK_SLOT_ID id, const char *reader, struct slot **out);
/* Logs out, lets go of the card, frees. */
void slot_free(struct slot **slot);

/*
 * Looks (without any APDU) whether card and reader are still those of the
 * last look. If not, everything about the old card ends (sessions, handles,
 * login) and the answer is true. slot_has_card() then tells what is there now.
 */
bool slot_look(struct slot *slot);

bool slot_has_card(const struct slot *slot);

/*
 * Makes the card ready for commands: connected, known, in a transaction that
 * lasts until slot_leave(). A second call in the same Cryptoki call does nothing.
 */
MUST_USE enum result slot_touch(struct slot *slot);

/* Ends the transaction, if one was begun. Called once at the end of every Cryptoki call. */
void slot_leave(struct slot *slot);

/* The token's data, reading them if that was not done yet. */
MUST_USE enum result slot_token_data(struct slot *slot, const struct token_data **out);

/* Reads the directory of the kind if that was not done yet. */
MUST_USE enum result slot_load(struct slot *slot, enum p15_class kind);

/* Wipes the login and ends the card's verified state. */
void slot_logout(struct slot *slot);

/*
 * The tables of a slot (token, objects, sessions) are guarded by its lock,
 * which is held for moments only: never while a card, PC/SC, another lock but
 * this one, or work in proportion to a caller's data is waited for. What a
 * table hands out (an object, a value) is good until slot_unlock(), unless
 * this thread has the card's turn (slot_touch() before): then objects of the
 * card stay as they are until the call leaves.
 */
void slot_lock(struct slot *slot);
void slot_unlock(struct slot *slot);

/* What of an object must be read from the card before it can be told. */
enum slot_need {
	SLOT_NEEDS_VALUE = 1 << 0,     /* a certificate's or data object's bytes */
	SLOT_NEEDS_PUBLIC_KEY = 1 << 1 /* a key's public half */
};

/*
 * Reads what is needed of an object of the card and is not known yet, taking
 * the card's turn for the rest of the call. Called without the lock.
 * RESULT_NOT_FOUND: the object is gone, or the card does not have it.
 */
MUST_USE enum result slot_fetch(struct slot *slot, CK_OBJECT_HANDLE object, unsigned needs);

/*
 * The public half of a key of the card; from memory, or read (slot_fetch).
 * Called without the lock. Errors as slot_fetch().
 */
MUST_USE enum result slot_public_key(struct slot *slot, CK_OBJECT_HANDLE key,
				     struct rsa_public *out);

/*
 * After a card operation failed with r: what follows for the slot (the card
 * is gone, or did not answer). Answers r, or the truer RESULT_CARD_REMOVED.
 */
MUST_USE enum result slot_after_error(struct slot *slot, enum result r);

#endif
