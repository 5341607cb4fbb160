/*
 * A virtual card that is watched and tampered with on its way to the reader:
 * commands are counted by what they are, one fault strikes where a test wants
 * it, and another card can take its place without the reader noticing.
 */
#ifndef TESTS_SPYCARD_H
#define TESTS_SPYCARD_H

#include "testcard.h"

enum { SPY_VERIFY = 0x20, SPY_PRIVATE_OP = 0xEA, SPY_REST = 0xC1, SPY_GET_RESPONSE = 0xC0, SPY_ANY = -1 };
enum { SPY_EVER = 0x7FFFFFFF };

#define SPY_PART 120

enum spy_kind {
	SPY_CLEAN,
	SPY_LOST,         /* executed; the answer is lost, the card goes on */
	SPY_MUTE,         /* executed; the answer is lost, and all others until a reset */
	SPY_ONE_BYTE,     /* executed; the first byte arrives */
	SPY_GARBLED,      /* executed; bits of the data, or of SW2, are flipped */
	SPY_STATUS,       /* not executed; this status word */
	SPY_WARNING,      /* executed; this status word for 9000, with the data */
	SPY_SILENT_RESET, /* before it the card was reset, and PC/SC does not know */
	SPY_SILENT_SWAP,  /* before it another card came (spy->other), and PC/SC does not know */
	SPY_SPOILT,       /* executed; the answer is what spy->spoil() makes of it */
};

/* Changes an answer in its place; answers its length, 0: it is lost. */
typedef size_t spy_spoil(uint8_t answer[FAKE_ANSWER_MAX], size_t len);

struct spy_fault {
	const char *name;
	enum spy_kind kind;
	uint16_t sw;
};

struct spy {
	struct vcard *card;  /* who answers */
	struct vcard *other; /* who takes its place at a swap, or at the next power-on; or NULL */
	bool swap_at_power;
	bool in_parts;       /* data come with GET RESPONSE only, SPY_PART bytes at a time */
	unsigned commands, verifies, private_ops; /* as they came, since spy_watch() */
	bool struck;         /* the fault had its turn */
	spy_spoil *spoil;    /* for SPY_SPOILT */
	struct spy_fault fault;
	int ins;             /* of the commands that are counted for it */
	unsigned from, to;   /* which of them it strikes, from 1 on */
	unsigned seen;
	uint8_t rest[FAKE_ANSWER_MAX]; /* the answer that GET RESPONSE brings, with its status word */
	size_t rest_len, rest_at;
};

/* Puts it into the reader. Spy and card stay the caller's and must outlive their stay. */
void spy_insert(struct spy *spy, const char *reader, struct vcard *card);

/*
 * The module with a card of this generation and its spy in the reader, and a
 * session; home_make() was called.
 */
void spy_bench(struct spy *spy, int generation);

/* The bench's card once more, as it was made, in a module that begins anew. */
void spy_bench_again(struct spy *spy);

/* Counts from 0 again; no fault any more. */
void spy_watch(struct spy *spy);

/* From now on: the nth command with this instruction, and `times` - 1 more that follow. */
void spy_strike(struct spy *spy, const struct spy_fault *fault, int ins, unsigned nth, unsigned times);

/*
 * What another program without a PIN can do: sends a private operation to a
 * first-generation card; a second-generation card is looked into, as nobody
 * else has its channel. False also for a card that is mute. No fault strikes
 * him, and he is not counted.
 */
bool spy_stranger_can_sign(struct spy *spy, const char *reader);

#endif
