/*
 * A PIN that somebody changed: every process that is logged in still holds the
 * old one, and each would spend a try when it gives it again after a reset. So
 * whoever is about to give a kept PIN again leaves a mark first, and takes it
 * back when the PIN was right; a mark that stays tells the others that what
 * they hold was found wrong, or may have been, since they last used it.
 *
 * One small file a card, in $XDG_RUNTIME_DIR/twcard, else in /tmp: shared by
 * the processes of one user, or of those who have no such directory. Where it
 * cannot be written, each process is on its own.
 */
#ifndef TWCARD_SRC_TOKEN_PIN_WATCH_H
#define TWCARD_SRC_TOKEN_PIN_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/* Now, on a clock that all processes share and that starts with the machine. */
uint64_t pin_watch_now(void);

/* True: of the card with this number, a kept PIN failed later than `since`. */
bool pin_watch_failed(const char *number, uint64_t since);

/* Leaves the mark; answers what was there before, for pin_watch_unmark(). */
uint64_t pin_watch_mark(const char *number);

/* The PIN was right: the mark of before is put back. */
void pin_watch_unmark(const char *number, uint64_t before);

#endif
