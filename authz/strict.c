#include "config.h"

#include <stdint.h>

#include "authz/strict.h"

#define DEPTH_MAX 24 /* a certificate that is none too deep has about ten */

/* ---- DER ---- */

#define TAG_CLASS 0xC0
#define TAG_CONSTRUCTED 0x20
#define TAG_NUMBER 0x1F
#define TAG_BOOLEAN 1
#define TAG_INTEGER 2
#define TAG_NULL 5
#define TAG_ENUMERATED 10
#define TAG_SEQUENCE 16
#define TAG_SET 17

struct piece {
	const unsigned char *p;
	size_t left;
};

static bool take(struct piece *from, unsigned char *byte)
{
	if (!from->left)
		return false;
	*byte = *from->p++;
	from->left--;
	return true;
}

/* A tag of more than one byte is for numbers from 31 on, without a leading 0. */
static bool skip_long_tag(struct piece *from)
{
	uint32_t number = 0;
	unsigned char byte;

	do {
		if (!take(from, &byte) || (number == 0 && byte == 0x80) || number >> 24)
			return false;
		number = number << 7 | (byte & 0x7F);
	} while (byte & 0x80);
	return number >= TAG_NUMBER;
}

static bool take_length(struct piece *from, size_t *len)
{
	unsigned char byte, count;

	if (!take(from, &byte))
		return false;
	*len = byte;
	if (byte < 0x80)
		return true;
	count = byte & 0x7F;
	if (count == 0 || count > 4)
		return false;
	*len = 0;
	for (unsigned i = 0; i < count; i++) {
		if (!take(from, &byte) || (i == 0 && byte == 0))
			return false;
		*len = *len << 8 | byte;
	}
	return *len >= 0x80;
}

/* What the encoding of a universal type may be. */
static bool universal_ok(unsigned char tag, const unsigned char *value, size_t len)
{
	unsigned number = tag & TAG_NUMBER;
	bool constructed = tag & TAG_CONSTRUCTED;

	if (constructed != (number == TAG_SEQUENCE || number == TAG_SET || number == 8 || number == 11))
		return false;
	switch (number) {
	case 0:
		return false;
	case TAG_BOOLEAN:
		return len == 1 && (value[0] == 0 || value[0] == 0xFF);
	case TAG_INTEGER:
	case TAG_ENUMERATED:
		return len == 1 || (len > 1 && !(value[0] == 0 && value[1] < 0x80) &&
				    !(value[0] == 0xFF && value[1] >= 0x80));
	case TAG_NULL:
		return len == 0;
	default:
		return true;
	}
}

static bool take_object(struct piece *from, int depth)
{
	struct piece inside;
	unsigned char tag;
	size_t len;

	if (depth > DEPTH_MAX || !take(from, &tag))
		return false;
	if ((tag & TAG_NUMBER) == TAG_NUMBER && !skip_long_tag(from))
		return false;
	if (!take_length(from, &len) || len > from->left)
		return false;
	if ((tag & TAG_CLASS) == 0 && !universal_ok(tag, from->p, len))
		return false;
	inside = (struct piece){from->p, len};
	from->p += len;
	from->left -= len;
	while (tag & TAG_CONSTRUCTED && inside.left)
		if (!take_object(&inside, depth + 1))
			return false;
	return true;
}

bool strict_der(const unsigned char *bytes, size_t len)
{
	struct piece all = {bytes, len};

	return take_object(&all, 0) && all.left == 0;
}

/* ---- texts ---- */

/* One character; false: it is not UTF-8. */
static bool take_character(struct piece *from, uint32_t *out)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	unsigned char byte;
	unsigned more;

	if (!take(from, &byte))
		return false;
	if (byte < 0x80) {
		*out = byte;
		return true;
	}
	if (byte < 0xC2 || byte > 0xF4)
		return false;
	more = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
	*out = byte & (0x3F >> more);
	for (unsigned i = 0; i < more; i++) {
		if (!take(from, &byte) || (byte & 0xC0) != 0x80)
			return false;
		*out = *out << 6 | (byte & 0x3F);
	}
	return *out >= least[more] && *out <= 0x10FFFF && !(*out >= 0xD800 && *out <= 0xDFFF);
}

/* First and last: C0, C1, marks of direction, breaks of lines, embeddings, isolates, BOM. */
static const uint32_t hidden[][2] = {
	{0x00, 0x1F},     {0x7F, 0x9F},     {0x061C, 0x061C}, {0x200B, 0x200F},
	{0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB},
};

bool strict_text(const void *bytes, size_t len, size_t max)
{
	struct piece rest = {bytes, len};
	uint32_t c;

	if (len == 0 || len > max)
		return false;
	while (rest.left) {
		if (!take_character(&rest, &c))
			return false;
		for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
			if (c >= hidden[i][0] && c <= hidden[i][1])
				return false;
	}
	return true;
}
