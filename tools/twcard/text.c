#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/twcard/text.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* ---- UTF-8 (RFC 3629) ---- */

/* Takes one character. Answers its bytes, 0 at the end; -1: not UTF-8. */
static int next_character(const char *text, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *b = (const uint8_t *)text;
	int len = *b < 0x80 ? 1 : *b >= 0xF0 && *b < 0xF8 ? 4 : *b >= 0xE0 ? 3 : 2;

	*out = *b;
	if (*b == 0)
		return 0;
	if (*b >= 0x80 && (*b < 0xC0 || *b >= 0xF8))
		return -1;
	if (len > 1)
		*out = *b & (0xFFu >> (len + 1));
	for (int i = 1; i < len; i++) {
		if ((b[i] & 0xC0) != 0x80)
			return -1;
		*out = *out << 6 | (b[i] & 0x3F);
	}
	if (*out < least[len] || *out > 0x10FFFF || (*out >= 0xD800 && *out < 0xE000))
		return -1;
	return len;
}

struct range {
	uint32_t from, to;
};

static bool is_in(const struct range *ranges, size_t count, uint32_t c)
{
	for (size_t i = 0; i < count; i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	return false;
}

#define IS_IN(ranges, c) is_in(ranges, sizeof(ranges) / sizeof *(ranges), c)

/* C0, DEL and C1; marks, overrides and isolates of direction; line and paragraph separators. */
static const struct range unsafe[] = {
	{0x00, 0x1F}, {0x7F, 0x9F}, {0x061C, 0x061C}, {0x200E, 0x200F}, {0x2028, 0x202E},
	{0x2066, 0x2069}, {0xFEFF, 0xFEFF},
};

/* Unicode's East Asian Width W and F, as blocks. */
static const struct range wide[] = {
	{0x1100, 0x115F}, {0x2E80, 0x303E}, {0x3041, 0x33FF}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF},
	{0xA000, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE30, 0xFE6F}, {0xFF00, 0xFF60},
	{0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
};

static const struct range combining[] = {
	{0x0300, 0x036F}, {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
};

static char *copy(const char *text, bool safe)
{
	char *out = malloc(3 * strlen(text) + 1), *at = out;
	uint32_t c;
	int len;

	while (out && (len = next_character(text, &c)) != 0) {
		bool good = len > 0 && !(safe && IS_IN(unsafe, c));
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

	while ((len = next_character(text, &c)) != 0) {
		if (len < 0 || !IS_IN(combining, c))
			width += len > 0 && IS_IN(wide, c) ? 2 : 1;
		text += len > 0 ? len : 1;
	}
	return width;
}
