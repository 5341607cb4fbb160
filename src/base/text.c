#include "config.h"

#include <string.h>

#include "src/base/text.h"

void text_pad(unsigned char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len > size) {
		len = size;
		while (len && ((unsigned char)text[len] & 0xC0) == 0x80)
			len--;
	}
	memset(field, ' ', size);
	memcpy(field, text, len);
}

bool text_is_word(const char *text)
{
	size_t n = strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

	return n > 0 && !text[n];
}
