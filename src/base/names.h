/*
 * The names that a person gives to cards, by the card's number, in the user's
 * file $XDG_CONFIG_HOME/twcard/names: a line "NUMBER = NAME" for each. A card
 * tells its number itself: a name helps people, and proves nothing.
 */
#ifndef TWCARD_SRC_NAMES_H
#define TWCARD_SRC_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define NAMES_NAME_MAX 32 /* bytes: as long as a token's label */
#define NAMES_SIZE (NAMES_NAME_MAX + 1)

/* Why a name cannot be one. */
enum names_fault {
	NAMES_GOOD,
	NAMES_EMPTY,
	NAMES_LONG,    /* more than NAMES_NAME_MAX bytes */
	NAMES_NO_UTF8,
	NAMES_UNSAFE,  /* characters that do something to a terminal */
	NAMES_BLANKS   /* at an end: a label is filled up with them */
};

enum names_fault names_check(const char *name);

/*
 * The name of the card with this number. False, with *out empty: it has none,
 * or the file cannot be read; a line that is no good counts as none.
 */
bool names_get(const char *number, char out[NAMES_SIZE]);

enum names_change {
	NAMES_CHANGED,
	NAMES_SAME,    /* it was so before; nothing was written */
	NAMES_FAILED   /* errno says why, and the file is as it was; EBADMSG: the number is none */
};

/*
 * Gives a card a name, or (NULL) takes it away. The name is one that
 * names_check() finds good. All other lines stay as they are, also those that
 * are not understood. One program at a time: it waits two seconds for others
 * (EWOULDBLOCK). ENOENT: the user has no home. EFBIG: the file is none of ours.
 */
enum names_change names_set(const char *number, const char *name);

#endif
