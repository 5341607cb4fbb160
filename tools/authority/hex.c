#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "tools/authority/hex.h"

void hex_write(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_read(const char *text, uint8_t *out, size_t len)
{
	if (strlen(text) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool hex_random_id(char out[HEX_ID_LEN + 1])
{
	uint8_t bytes[HEX_ID_LEN / 2];

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	hex_write(bytes, sizeof bytes, out);
	return true;
}

void hex_time_write(time_t t, char out[HEX_TIME_MAX])
{
	struct tm tm = {.tm_year = 70, .tm_mday = 1};

	gmtime_r(&t, &tm);
	if (!strftime(out, HEX_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
		*out = '\0';
}

bool hex_time_read(const char *text, time_t *out)
{
	struct tm tm = {.tm_isdst = 0};
	char again[HEX_TIME_MAX];
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (!end || *end)
		return false;
	*out = timegm(&tm);
	/* what is no day (February 30) comes back as another */
	hex_time_write(*out, again);
	return strcmp(text, again) == 0;
}

uint8_t *hex_base64_read(const char *text, size_t max, size_t *len)
{
	size_t n = strlen(text), padding = 0;
	uint8_t *out;
	int got;

	if (n == 0 || n % 4 || n / 4 * 3 > max + 2)
		return NULL;
	/* EVP_DecodeBlock() skips white space, which is not asked for */
	if (strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != n)
		return NULL;
	while (padding < 2 && text[n - 1 - padding] == '=')
		padding++;
	out = malloc(n / 4 * 3);
	got = out ? EVP_DecodeBlock(out, (const unsigned char *)text, (int)n) : -1;
	if (got < 0 || (size_t)got - padding > max) {
		free(out);
		return NULL;
	}
	*len = (size_t)got - padding;
	return out;
}

char *hex_base64_write(const uint8_t *bytes, size_t len)
{
	char *out = malloc((len + 2) / 3 * 4 + 1);

	if (out)
		EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
	return out;
}
