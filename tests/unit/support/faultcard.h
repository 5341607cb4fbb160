/*
 * A card of either generation at the card library's interface (no module, no
 * PC/SC), whose answer to one command can be spoilt: what one bad moment on
 * the way to a card looks like. What was sent and answered is kept.
 */
#ifndef TESTS_FAULTCARD_H
#define TESTS_FAULTCARD_H

#include "profiles/card.h"
#include "testcard.h"
#include "wire.h"

enum moment {
	MOMENT_NONE,
	MOMENT_NOTHING,  /* done, and an answer of no bytes */
	MOMENT_MUTE,     /* done, and the transport has no answer */
	MOMENT_ONE_BYTE, /* done, and the first byte of the answer */
	MOMENT_GARBLED,  /* done, and bits of every byte of the data are flipped, or of SW2 */
	MOMENT_6F00,     /* not done */
	MOMENT_6982,
	MOMENT_6A82,
	MOMENT_IDLE_6282, /* that word, not done either */
	MOMENT_6282,     /* done, with the data and that status word */
	MOMENT_CUT,      /* done, half of the data and 9000 */
	MOMENT_RESET,    /* the card loses its state before it, and nobody is told */
	MOMENTS
};

const char *moment_name(enum moment m);
/* How a moment answers instead of the card: the status word, or 0. */
uint16_t moment_sw(enum moment m);

#define ANY_INS (-1)

struct faultcard {
	int generation;
	struct vcard *vcard;
	struct wire wire;
	struct card *card; /* NULL: not open */
	enum moment moment;
	unsigned at;       /* the command that it strikes, counted from 1; 0: none */
	int ins;           /* only commands with this INS count; ANY_INS */
	uint16_t sw;       /* not 0: the moment is this status word instead */
	unsigned more;     /* commands after it that it strikes, too, of those that count */
	bool flip;         /* a bit of the first byte of the answer is flipped, too */
	unsigned counted;
	unsigned sent[256]; /* commands by INS */
	uint8_t command[300], answer[300]; /* the last with the INS `keep` */
	size_t command_len, answer_len;
	int keep;
};

/* Loads the card; not open yet. Generation 2 can log in: the test key set is installed. */
void faultcard_load(struct faultcard *f, int generation);
/* card_open() on a card that has just got power. */
MUST_USE enum result faultcard_open(struct faultcard *f);
/* The same, which must work, and nothing selected. */
void faultcard_must_open(struct faultcard *f);
/* Ends the transaction and begins another: nothing is believed to be selected. */
void faultcard_next_call(struct faultcard *f);
/* The nth command from now on. */
void faultcard_strike(struct faultcard *f, enum moment moment, int ins, unsigned nth);
void faultcard_clear(struct faultcard *f);

#endif
