/*
 * What PC/SC knows of the readers, without any APDU and without waiting for a
 * card: one context of its own that is only ever asked what is known already.
 * One thread asks at a time (a second one on the same context would stop every
 * PC/SC call of the process); who comes meanwhile gets his answer in the next
 * round, so nobody waits for more than two.
 */
#ifndef TWCARD_SRC_TOKEN_READERS_H
#define TWCARD_SRC_TOKEN_READERS_H

#include <stdint.h>

#include "apdu/pcsc.h"

/* The readers there are. No service: RESULT_NO_SERVICE and none. */
MUST_USE enum result readers_list(struct pcsc_readers *out);

/*
 * The PC/SC state of a reader; 0 if it is away. *round grows from one asking
 * to the next: of two answers the one with the higher round is newer. A question
 * that failed (no memory, say) has no answer: its round is 0, older than all.
 */
uint32_t readers_state(const char *reader, uint64_t *round);

/* Frees the context, unless somebody is still asking. */
void readers_close(void);

/* After fork(): the context and the locks are the parent's, and are left alone. */
void readers_abandon(void);

#endif
