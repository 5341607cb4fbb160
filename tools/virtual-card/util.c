/* util.c - hex and error texts. */
#include "internal.h"

#include <stdarg.h>
#include <string.h>

void
vc_error(char *err, size_t errlen, const char *format, ...)
{
	va_list args;

	if (err == NULL || errlen == 0)
		return;
	va_start(args, format);
	vsnprintf(err, errlen, format, args);
	va_end(args);
}

void
vc_hex(const uint8_t *data, size_t len, char *hex)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t i;

	for (i = 0; i < len; i++) {
		hex[2 * i] = digits[data[i] >> 4];
		hex[2 * i + 1] = digits[data[i] & 0x0F];
	}
	hex[2 * len] = '\0';
}

static bool
hex_digit(char c, unsigned *value)
{
	if (c >= '0' && c <= '9')
		*value = (unsigned)(c - '0');
	else if (c >= 'A' && c <= 'F')
		*value = (unsigned)(c - 'A' + 10);
	else if (c >= 'a' && c <= 'f')
		*value = (unsigned)(c - 'a' + 10);
	else
		return false;
	return true;
}

bool
vc_unhex(const char *hex, uint8_t *data, size_t cap, size_t *len)
{
	size_t digits = strlen(hex), i;
	unsigned high, low;

	if (digits % 2 != 0 || digits / 2 > cap)
		return false;
	for (i = 0; i < digits / 2; i++) {
		if (!hex_digit(hex[2 * i], &high) || !hex_digit(hex[2 * i + 1], &low))
			return false;
		data[i] = (uint8_t)(high << 4 | low);
	}
	*len = digits / 2;
	return true;
}
