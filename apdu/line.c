#include "config.h"

#include <stdbool.h>

#include "apdu/line.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

void line_trim(const char **text, size_t *len)
{
	while (*len && is_blank(**text)) {
		(*text)++;
		(*len)--;
	}
	while (*len && is_blank((*text)[*len - 1]))
		(*len)--;
}
