/* Lines of the small files that people write: "NAME = VALUE". */
#ifndef TWCARD_APDU_LINE_H
#define TWCARD_APDU_LINE_H

#include <stddef.h>

/* What is left of a text without the blanks at its ends. It is not copied: a key may be in it. */
void line_trim(const char **text, size_t *len);

#endif
