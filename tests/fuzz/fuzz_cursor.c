/* The cursor: whatever the bytes, a read stays inside them, and a failed one moves nothing. */
#include "apdu/atr.h"
#include "apdu/cursor.h"
#include "profiles/path.h"
#include "fuzz.h"
#include "script.h"

#define DEPTH 12

static void walk(struct cursor c, int depth);

/* An object that was read must lie inside what it was read from. */
static void check_object(const struct cursor *before, const struct cursor *after,
			 const struct tlv *tlv)
{
	MUST(tlv->size >= 2 && tlv->size <= before->left);
	MUST(after->p == before->p + tlv->size && after->left == before->left - tlv->size);
	MUST(tlv->value.left <= tlv->size - 2);
	MUST(tlv->value.p + tlv->value.left == after->p);
}

/* More bytes were asked for: with fewer than `need` nothing may become clearer. */
static void check_need(const struct cursor *c, size_t need)
{
	MUST(need > c->left);
}

/* A shorter piece of a good object is never bad, and never good. */
static void check_prefixes(const struct cursor *whole, size_t size)
{
	size_t step = size / 16 + 1;

	for (size_t len = 0; len < size; len += step) {
		struct cursor c = cursor_of(whole->p, len);
		struct tlv tlv;
		size_t need = 0;

		MUST(cursor_tlv(&c, &tlv, &need) == TLV_MORE);
		MUST(c.left == len && need > len && need <= size);
	}
}

static void walk(struct cursor c, int depth)
{
	for (;;) {
		struct cursor before = c;
		struct tlv tlv;
		size_t need = 0;

		switch (cursor_tlv(&c, &tlv, &need)) {
		case TLV_OK:
			check_object(&before, &c, &tlv);
			if (depth == 0)
				check_prefixes(&before, tlv.size);
			if (depth < DEPTH)
				walk(tlv.value, depth + 1);
			break;
		case TLV_MORE:
			MUST(c.p == before.p && c.left == before.left);
			check_need(&c, need);
			return;
		default:
			MUST(c.p == before.p && c.left == before.left);
			return;
		}
	}
}

/* The plain reads, with lengths that the input says. */
static void read_plain(struct cursor c)
{
	struct cursor piece;
	uint16_t word;
	uint8_t byte;

	while (cursor_u8(&c, &byte)) {
		size_t left = c.left;

		if (byte & 1) {
			MUST(cursor_bytes(&c, byte, &piece) == (left >= byte));
			MUST(c.left == (left >= byte ? left - byte : left));
		} else {
			MUST(cursor_u16be(&c, &word) == (left >= 2));
			MUST(c.left == (left >= 2 ? left - 2 : left));
		}
	}
	MUST(!cursor_bytes(&c, SIZE_MAX, &piece) && c.left == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor all = cursor_of(data, size);
	struct card_path path;
	char text[PATH_TEXT];
	unsigned n;

	walk(all, 0);
	read_plain(all);
	n = atr_read_size(data, size < ATR_MAX ? size : ATR_MAX);
	MUST(n >= 200 && n <= 256);
	MUST(atr_ifsc(data, size < ATR_MAX ? size : ATR_MAX) <= 255);
	if (path_parse(all, &path)) {
		MUST(size % 2 == 0 && path.count <= PATH_DEPTH);
		MUST(strlen(path_text(&path, text)) == 4 + 5u * path.count);
	}
	return 0;
}
