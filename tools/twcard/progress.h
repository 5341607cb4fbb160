/*
 * How far a long piece of work is: one line on standard error that is written
 * over, for people at a terminal only. Nothing is shown in the first half
 * second, nothing under --json, and nothing stays behind.
 */
#ifndef TWCARD_TOOLS_PROGRESS_H
#define TWCARD_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* translated; not owned */
	uint64_t total;   /* bytes; 0: not known */
	uint64_t done;    /* bytes */
	int64_t next;     /* when to look at the clock's result again, milliseconds */
	bool possible;    /* a terminal is there */
	bool shown;
};

void progress_start(struct progress *p, const char *what, uint64_t total);

/* `bytes` more are done. Costs a look at the clock. */
void progress_add(struct progress *p, uint64_t bytes);

/* Takes the line away. Also for one that is all zeros. */
void progress_end(struct progress *p);

#endif
