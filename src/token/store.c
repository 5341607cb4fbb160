#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "src/token/store.h"

void store_clear(struct store *s)
{
	for (size_t i = 0; i < s->count; i++)
		buffer_clear(&s->items[i].value);
	free(s->items);
	*s = (struct store){NULL, 0};
}

static struct stored *find(const struct store *s, CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].type == type)
			return &s->items[i];
	return NULL;
}

const struct buffer *store_get(const struct store *s, CK_ATTRIBUTE_TYPE type)
{
	const struct stored *item = find(s, type);

	return item ? &item->value : NULL;
}

enum result store_set(struct store *s, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	struct stored *item = find(s, type);
	struct buffer copy = BUFFER_INIT;
	struct stored *more;
	enum result r = buffer_append(&copy, value, len);

	if (r != RESULT_OK)
		return r;
	if (!item) {
		more = realloc(s->items, (s->count + 1) * sizeof *more);
		if (!more) {
			buffer_clear(&copy);
			return RESULT_NO_MEMORY;
		}
		s->items = more;
		item = &s->items[s->count++];
		*item = (struct stored){type, BUFFER_INIT};
	}
	buffer_move(&item->value, &copy);
	return RESULT_OK;
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
	const struct buffer *value = store_get(s, type);

	return value && value->len == sizeof(CK_BBOOL) && *value->data;
}

CK_ULONG store_ulong(const struct store *s, CK_ATTRIBUTE_TYPE type)
{
	const struct buffer *value = store_get(s, type);
	CK_ULONG out = CK_UNAVAILABLE_INFORMATION;

	if (value && value->len == sizeof out)
		memcpy(&out, value->data, sizeof out);
	return out;
}

enum result store_copy(const struct store *from, struct store *to)
{
	enum result r = RESULT_OK;

	for (size_t i = 0; r == RESULT_OK && i < from->count; i++)
		r = store_set(to, from->items[i].type, from->items[i].value.data,
			      from->items[i].value.len);
	return r;
}
