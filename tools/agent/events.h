/*
 * What there is, told to a page of the card manager as it changes: one
 * connection that stays open (server-sent events), with a sign of life in between.
 */
#ifndef TWCARD_AGENT_EVENTS_H
#define TWCARD_AGENT_EVENTS_H

#include <stddef.h>
#include <sys/types.h>

struct agent;
struct events;

#define EVENTS_MAX 16         /* streams at once; a page beyond them asks again each second */
#define EVENTS_BEAT_MS 10000  /* a connection without a byte would be ended */
#define EVENTS_LOOK_MS 200    /* a change is told so soon */

/* token: the page's. NULL: there are too many, or out of memory. */
struct events *events_new(struct agent *a, const char *token);
void events_free(struct events *e); /* NULL: nothing */

/* Waits until there is something to tell. -1: the agent ends, or the token is no longer good. */
ssize_t events_read(struct events *e, char *to, size_t room);

/* What is told now, as text for one event. NULL: out of memory. Owned by the caller: free(). */
char *events_text(struct agent *a);

#endif
