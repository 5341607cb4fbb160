/* Text that comes from a card or goes to a program. */
#ifndef TWCARD_SRC_TEXT_H
#define TWCARD_SRC_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Copies UTF-8 text, padded with blanks, never NUL-terminated; cut at a whole character. */
void text_pad(unsigned char *field, size_t size, const char *text);

/* True for letters and digits of ASCII and nothing else, at least one: safe as a file's name. */
bool text_is_word(const char *text);

#endif
