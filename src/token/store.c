#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "src/token/store.h"

#define VALUE_MAX (1u << 30) /* bytes; what is longer would not fit its length field */

void store_clear(struct store *s)
{
	buffer_clear(&s->block);
}

/* Bytes of an attribute in the block; the next one begins where a uint32_t may. */
static size_t room_of(size_t len)
{
	return sizeof(struct stored) + (len + 3) / 4 * 4;
}

const struct stored *store_next(const struct store *s, const struct stored *before)
{
	const uint8_t *at = s->block.data;

	if (before)
		at = (const uint8_t *)before + room_of(before->len);
	return s->block.len && at < s->block.data + s->block.len ? (const void *)at : NULL;
}

const struct stored *store_get(const struct store *s, CK_ATTRIBUTE_TYPE type)
{
	const struct stored *item = NULL;

	while ((item = store_next(s, item)) && item->type != type)
		;
	return item;
}

static void drop(struct store *s, const struct stored *item)
{
	size_t room = room_of(item->len), at = (size_t)((const uint8_t *)item - s->block.data);

	memmove(s->block.data + at, s->block.data + at + room, s->block.len - at - room);
	buffer_truncate(&s->block, s->block.len - room);
}

/* There is room for it. */
static void append(struct store *s, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	struct stored *item = (void *)(s->block.data + s->block.len);

	memset(item, 0, room_of(len));
	item->type = (uint32_t)type;
	item->len = (uint32_t)len;
	if (len)
		memcpy(item->data, value, len);
	s->block.len += room_of(len);
}

enum result store_set(struct store *s, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	const struct stored *item = store_get(s, type);
	struct buffer whole = BUFFER_INIT;
	enum result r;

	if (len > VALUE_MAX || type > UINT32_MAX)
		return RESULT_QUOTA;
	if (item && item->len == len) {
		if (len)
			memmove((uint8_t *)item->data, value, len);
		return RESULT_OK;
	}
	if (!item && s->block.cap - s->block.len >= room_of(len)) {
		append(s, type, value, len);
		return RESULT_OK;
	}
	/* into another block: the value may lie in this one */
	r = buffer_reserve(&whole, s->block.len + room_of(len));
	if (r == RESULT_OK)
		r = buffer_append(&whole, s->block.data, s->block.len);
	if (r == RESULT_OK) {
		struct store grown = {whole};

		item = store_get(&grown, type);
		if (item)
			drop(&grown, item);
		append(&grown, type, value, len);
		store_clear(s);
		*s = grown;
	} else {
		buffer_clear(&whole);
	}
	return r;
}

enum result store_set_bool(struct store *s, CK_ATTRIBUTE_TYPE type, bool value)
{
	CK_BBOOL byte = value ? CK_TRUE : CK_FALSE;

	return store_set(s, type, &byte, sizeof byte);
}

enum result store_set_ulong(struct store *s, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
	return store_set(s, type, &value, sizeof value);
}

bool store_bool(const struct store *s, CK_ATTRIBUTE_TYPE type)
{
	const struct stored *value = store_get(s, type);

	return value && value->len == sizeof(CK_BBOOL) && *value->data;
}

CK_ULONG store_ulong(const struct store *s, CK_ATTRIBUTE_TYPE type)
{
	const struct stored *value = store_get(s, type);
	CK_ULONG out = CK_UNAVAILABLE_INFORMATION;

	if (value && value->len == sizeof out)
		memcpy(&out, value->data, sizeof out);
	return out;
}

enum result store_copy(const struct store *from, struct store *to)
{
	struct buffer copy = {NULL, from->block.len, from->block.len};

	if (copy.len) {
		copy.data = malloc(copy.len);
		if (!copy.data)
			return RESULT_NO_MEMORY;
		memcpy(copy.data, from->block.data, copy.len);
	}
	buffer_move(&to->block, &copy);
	return RESULT_OK;
}
