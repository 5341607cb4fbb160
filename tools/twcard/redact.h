/*
 * Takes what tells whose card and computer it is out of a text that is to be
 * made public. The same secret always becomes the same placeholder, so that a
 * reader sees what belongs together.
 */
#ifndef TWCARD_TOOLS_REDACT_H
#define TWCARD_TOOLS_REDACT_H

#include <stdbool.h>
#include <stddef.h>

struct redact_secret {
	char *text;              /* owned */
	char *placeholder;       /* owned */
};

struct redactor {
	struct redact_secret *secrets;
	size_t count;
	bool failed; /* one could not be kept: redact_text() answers NULL from then on */
};

#define REDACTOR_INIT {NULL, 0, false}

/* Copies of both. NULL, and texts of one character, are no secrets. */
void redact_add(struct redactor *r, const char *secret, const char *placeholder);
void redact_clear(struct redactor *r);

/*
 * A copy without the secrets, where they stand as whole words, and without
 * anything that looks as a card number or national ID does. NULL: out of
 * memory. Owned by the caller.
 */
char *redact_text(const struct redactor *r, const char *text);

/*
 * A reader's name as its vendor has it: what stands in parentheses, and other
 * long numbers, tell one reader from all others of its kind. NULL: out of memory.
 */
char *redact_reader(const char *name);

#endif
