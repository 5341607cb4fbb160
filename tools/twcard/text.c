#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/utf8.h"
#include "tools/twcard/text.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* Unicode's East Asian Width W and F, as blocks. */
static const struct utf8_range wide[] = {
	{0x1100, 0x115F}, {0x2E80, 0x303E}, {0x3041, 0x33FF}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF},
	{0xA000, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE30, 0xFE6F}, {0xFF00, 0xFF60},
	{0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
};

static const struct utf8_range combining[] = {
	{0x0300, 0x036F}, {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
};

static char *copy(const char *text, bool safe)
{
	char *out = malloc(3 * strlen(text) + 1), *at = out;
	uint32_t c;
	int len;

	while (out && (len = utf8_next(text, &c)) != 0) {
		bool good = len > 0 && !(safe && utf8_is_unsafe(c));
		size_t bytes = good ? (size_t)len : sizeof REPLACEMENT - 1;

		memcpy(at, good ? text : REPLACEMENT, bytes);
		at += bytes;
		text += len > 0 ? len : 1;
	}
	if (out)
		*at = '\0';
	return out;
}

char *text_valid(const char *text)
{
	return copy(text, false);
}

char *text_safe(const char *text)
{
	return copy(text, true);
}

size_t text_width(const char *text)
{
	size_t width = 0;
	uint32_t c;
	int len;

	while ((len = utf8_next(text, &c)) != 0) {
		if (len < 0 || !UTF8_IN(combining, c))
			width += len > 0 && UTF8_IN(wide, c) ? 2 : 1;
		text += len > 0 ? len : 1;
	}
	return width;
}
