#include "config.h"

#include "src/base/utf8.h"

int utf8_next(const char *text, uint32_t *out)
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

bool utf8_in(const struct utf8_range *ranges, size_t count, uint32_t c)
{
	for (size_t i = 0; i < count; i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	return false;
}

bool utf8_is_unsafe(uint32_t c)
{
	/* C0, DEL and C1; marks, overrides and isolates of direction; line and paragraph separators */
	static const struct utf8_range unsafe[] = {
		{0x00, 0x1F}, {0x7F, 0x9F}, {0x061C, 0x061C}, {0x200E, 0x200F}, {0x2028, 0x202E},
		{0x2066, 0x2069}, {0xFEFF, 0xFEFF},
	};

	return UTF8_IN(unsafe, c);
}
