#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "der.h"
#include "wire.h"

static uint8_t hex_byte(const char **at)
{
	unsigned byte = 0;

	assert_true(isxdigit((unsigned char)(*at)[0]) && isxdigit((unsigned char)(*at)[1]));
	assert_int_equal(sscanf(*at, "%2x", &byte), 1);
	*at += 2;
	return (uint8_t)byte;
}

static void put_header(struct buffer *out, uint8_t tag, size_t len)
{
	assert_int_equal(buffer_append_u8(out, tag), RESULT_OK);
	assert_true(len < 0x10000);
	if (len > 0xFF)
		assert_int_equal(buffer_append_u8(out, 0x82), RESULT_OK);
	else if (len > 0x7F)
		assert_int_equal(buffer_append_u8(out, 0x81), RESULT_OK);
	if (len > 0xFF)
		assert_int_equal(buffer_append_u8(out, (uint8_t)(len >> 8)), RESULT_OK);
	assert_int_equal(buffer_append_u8(out, (uint8_t)len), RESULT_OK);
}

static void put_elements(struct buffer *out, const char **at);

static void put_element(struct buffer *out, const char **at)
{
	struct buffer value = BUFFER_INIT;
	uint8_t tag = hex_byte(at);
	char form = *(*at)++;

	if (form == '{') {
		put_elements(&value, at);
		assert_int_equal(*(*at)++, '}');
	} else if (form == '\'') {
		const char *end = strchr(*at, '\'');

		assert_non_null(end);
		assert_int_equal(buffer_append(&value, *at, (size_t)(end - *at)), RESULT_OK);
		*at = end + 1;
	} else {
		assert_int_equal(form, ':');
		while (isxdigit((unsigned char)**at))
			assert_int_equal(buffer_append_u8(&value, hex_byte(at)), RESULT_OK);
	}
	put_header(out, tag, value.len);
	assert_int_equal(buffer_append(out, value.data, value.len), RESULT_OK);
	buffer_clear(&value);
}

static void put_elements(struct buffer *out, const char **at)
{
	for (;;) {
		while (**at == ' ')
			++*at;
		if (!**at || **at == '}')
			return;
		put_element(out, at);
	}
}

void der_put(struct buffer *out, const char *text)
{
	put_elements(out, &text);
	assert_int_equal(*text, '\0');
}
