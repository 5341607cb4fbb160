/*
 * The queue of processes that want the same card.
 *
 * pcscd gives a card to whoever asks in the moment it is free, and one that
 * found it taken looks again only every 200 ms (pcsc-lite 1.9.9: 100 ms in the
 * daemon, 100 ms in its library). Who has just given the card back is the
 * fastest to ask again: eight processes that sign wait up to 23 s each.
 * So the processes of one user wait for each other here first, in order.
 *
 * It is only advice: nothing depends on it, and no wait is without end. Without
 * $XDG_RUNTIME_DIR, in set-user-id programs, and where anything is not as it
 * should be, there is no queue, and all is as it would be without.
 */
#ifndef TWCARD_APDU_QUEUE_H
#define TWCARD_APDU_QUEUE_H

struct queue;

/* NULL: no queue here; every function takes that, too. Not for two threads at once. */
struct queue *queue_new(const char *reader);
void queue_free(struct queue **q);

/* Waits until all who came before have left; the longest waits are in queue.c. */
void queue_enter(struct queue *q);
void queue_leave(struct queue *q);

#endif
