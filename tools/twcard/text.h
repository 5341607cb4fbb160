/* Texts that come from cards, files and people, on their way to a terminal. */
#ifndef TWCARD_TOOLS_TEXT_H
#define TWCARD_TOOLS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A copy that is UTF-8, with bytes that are not as U+FFFD; owned by the
 * caller. NULL: out of memory.
 */
char *text_valid(const char *text);

/*
 * The same, and safe on a terminal: control characters and those that turn the
 * direction of writing become U+FFFD.
 */
char *text_safe(const char *text);

/* Columns that a terminal takes for UTF-8: two for wide characters, none for combining ones. */
size_t text_width(const char *text);

#endif
