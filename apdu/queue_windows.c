/*
 * Windows' resource manager wakes who waits for a card, one after the other:
 * pcscd, for which queue.c is, lets each look again every 100 ms. So there is no
 * queue, and no file.
 */
#include "config.h"

#include <stddef.h>

#include "apdu/queue.h"

struct queue *queue_new(const char *reader)
{
	(void)reader;
	return NULL;
}

void queue_free(struct queue **q)
{
	*q = NULL;
}

void queue_enter(struct queue *q)
{
	(void)q;
}

void queue_leave(struct queue *q)
{
	(void)q;
}
