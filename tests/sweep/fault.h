/*
 * What can go wrong at a command: in the card, in its answer, in the reader or
 * in the service behind it; and what mends it afterwards.
 */
#ifndef TESTS_SWEEP_FAULT_H
#define TESTS_SWEEP_FAULT_H

#include "scene.h"

/* What a call may answer that meets it, apart from the right value. */
enum fault_blame {
	BLAME_CARD,   /* the card cannot be worked with, or is not a card that is known */
	BLAME_PIN,    /* that, or that the PIN is wrong or locked: the card said so */
	BLAME_COMMAND, /* that, or that there is no such function: the card said so */
	BLAME_GONE,   /* card, reader or service are not there any more */
	BLAME_MEMORY, /* what the service says of itself */
	BLAME_NOBODY, /* no error at all */
	BLAME_ANYBODY, /* a lie: see `lie` */
};

/*
 * A lie is in its right form, and false: nothing in the protocol tells it from
 * the truth (what readers and T=1 carry has check codes, and files have none).
 * Asked is then that what keys give is right, that nothing is left open or
 * verified, and that all is right when the card was put in again. What is still believed
 * of it while it is there is the lie's; what is kept on the disk is, where it shows (`told`), not.
 */

struct fault {
	const char *name;
	enum fault_blame blame;
	enum spy_kind kind; /* in the card; SPY_CLEAN: see `happen` */
	uint16_t sw;
	unsigned times;     /* commands in a row */
	spy_spoil *spoil;
	void (*happen)(void); /* in the reader, before the command */
	void (*mend)(void);   /* what people do then; NULL: nothing */
	bool lie;
	bool told; /* a lie, and one that shows: not to be kept for who comes next */
};

extern const struct fault faults[];
extern const size_t fault_count;

/* NULL: there is none of that name. */
const struct fault *fault_find(const char *name);

/* One or two faults, each at a command that is counted from 1. */
struct strike {
	const struct fault *fault;
	unsigned command;
};

/* From now on; up to two, the first one first. The strikes must stay. */
void fault_arm(const struct strike *strikes, size_t count);
/* Nothing goes wrong any more; answers how many of them struck. */
size_t fault_disarm(void);
/* Commands since fault_arm(). */
unsigned fault_commands(void);

/* Who is to blame for the one that struck first, or second (0, 1), at the command that it met. */
enum fault_blame fault_blame(size_t which);

/* Mends what those that struck have left. */
void fault_mend(void);

#endif
