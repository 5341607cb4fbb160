/* Cryptoki's fixed-width text fields. */
#ifndef TWCARD_SRC_TEXT_H
#define TWCARD_SRC_TEXT_H

#include <stddef.h>

/* Copies UTF-8 text, padded with blanks, never NUL-terminated; cut at a whole character. */
void text_pad(unsigned char *field, size_t size, const char *text);

#endif
