/* UTF-8 (RFC 3629), character by character. */
#ifndef TWCARD_SRC_UTF8_H
#define TWCARD_SRC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct utf8_range {
	uint32_t from, to;
};

#define UTF8_IN(ranges, c) utf8_in(ranges, sizeof(ranges) / sizeof *(ranges), c)

/*
 * Takes the character at text, which ends with a NUL. Answers its bytes, 0 at
 * the end; -1: it is not UTF-8, and *out is the byte.
 */
int utf8_next(const char *text, uint32_t *out);

bool utf8_in(const struct utf8_range *ranges, size_t count, uint32_t c);

/*
 * True for characters that do something to a terminal or to the text around
 * them: controls, marks and overrides of direction, separators of lines.
 */
bool utf8_is_unsafe(uint32_t c);

#endif
