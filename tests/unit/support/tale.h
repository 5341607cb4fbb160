/*
 * Tales of what a program does with the module, each told by a client in a
 * process of its own (farcard.h), with a card of each generation; at its
 * stages the client's memory is searched, and nothing may be left in it.
 */
#ifndef TESTS_TALE_H
#define TESTS_TALE_H

#include "farcard.h"

/* ---- for a tale: bench.slot and bench.session are the client's ---- */

void tale_begin(void);
void tale_begin_logged_in(void);
/* C_Finalize, and a stage. */
void tale_end(void);

bool tale_says_logged_in(void);

/* ---- for the test program ---- */

struct tale {
	const char *name;
	void (*tell)(void);
};

#define TALE(f) {#f, (f)}

/* The test program, or its client: what main() answers. */
int tale_main(int argc, char **argv, const char *title, const struct tale *tales, size_t count);

#endif
