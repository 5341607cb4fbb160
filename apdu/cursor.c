#include "config.h"

#include "apdu/cursor.h"

struct cursor cursor_of(const void *data, size_t len)
{
	return (struct cursor){data, len};
}

bool cursor_u8(struct cursor *c, uint8_t *out)
{
	if (c->left < 1)
		return false;
	*out = *c->p++;
	c->left--;
	return true;
}

bool cursor_u16be(struct cursor *c, uint16_t *out)
{
	if (c->left < 2)
		return false;
	*out = (uint16_t)(c->p[0] << 8 | c->p[1]);
	c->p += 2;
	c->left -= 2;
	return true;
}

bool cursor_bytes(struct cursor *c, size_t len, struct cursor *out)
{
	if (c->left < len)
		return false;
	*out = cursor_of(c->p, len);
	c->p += len;
	c->left -= len;
	return true;
}

/* ISO/IEC 7816-4, 5.2.2.1: bits 1..5 all set announce further tag bytes. */
static enum tlv_state read_tag(struct cursor *c, uint32_t *tag)
{
	uint8_t b;

	if (!cursor_u8(c, &b))
		return TLV_MORE;
	*tag = b;
	if ((b & 0x1F) != 0x1F)
		return TLV_OK;
	for (int i = 0; i < 3; i++) {
		if (!cursor_u8(c, &b))
			return TLV_MORE;
		*tag = *tag << 8 | b;
		if (!(b & 0x80))
			return TLV_OK;
	}
	return TLV_BAD;
}

static enum tlv_state read_length(struct cursor *c, size_t *len)
{
	uint8_t b;
	int count;

	if (!cursor_u8(c, &b))
		return TLV_MORE;
	*len = b;
	if (b < 0x80)
		return TLV_OK;
	count = b & 0x7F;
	if (count == 0 || count > 4)
		return TLV_BAD;
	*len = 0;
	while (count--) {
		if (!cursor_u8(c, &b))
			return TLV_MORE;
		*len = *len << 8 | b;
	}
	return TLV_OK;
}

enum tlv_state cursor_tlv(struct cursor *c, struct tlv *out, size_t *need)
{
	struct cursor at = *c;
	enum tlv_state state;
	size_t len;

	state = read_tag(&at, &out->tag);
	if (state == TLV_OK)
		state = read_length(&at, &len);
	if (state != TLV_OK) {
		if (need)
			*need = c->left + 1;
		return state;
	}
	if (!cursor_bytes(&at, len, &out->value)) {
		if (need)
			*need = (size_t)(at.p - c->p) + len;
		return TLV_MORE;
	}
	out->size = c->left - at.left;
	*c = at;
	return TLV_OK;
}
