#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/authority/store_row.h"

static const char *const kinds[] = {
	[STORE_APPLICATIONS] = "applications",
	[STORE_DELEGATION] = "delegation",
};
static const char *const states[] = {
	[STORE_RESERVED] = "reserved", [STORE_SIGNED] = "signed",       [STORE_WRITTEN] = "written",
	[STORE_REPLACED] = "replaced", [STORE_ACTIVE] = "active",       [STORE_DISABLED] = "disabled",
	[STORE_WITHDRAWN] = "withdrawn",
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static int word_of(const char *const *words, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(words[i], name))
			return (int)i;
	}
	return -1;
}

const char *store_kind_name(enum store_kind kind)
{
	return (size_t)kind < COUNT(kinds) ? kinds[kind] : NULL;
}

const char *store_state_name(enum store_state state)
{
	return (size_t)state < COUNT(states) ? states[state] : NULL;
}

bool store_kind_of(const char *name, enum store_kind *out)
{
	int found = word_of(kinds, COUNT(kinds), name);

	if (found >= 0)
		*out = (enum store_kind)found;
	return found >= 0;
}

bool store_state_of(const char *name, enum store_state *out)
{
	int found = word_of(states, COUNT(states), name);

	if (found >= 0)
		*out = (enum store_state)found;
	return found >= 0;
}

enum store_result store_bytes_set(struct store_bytes *b, const void *data, size_t len)
{
	uint8_t *copy = malloc(len + 1);

	if (!copy)
		return STORE_NO_MEMORY;
	if (len)
		memcpy(copy, data, len);
	*b = (struct store_bytes){copy, len};
	return STORE_OK;
}

static struct db_value param_of(enum column_type type, const void *at)
{
	const struct store_bytes *bytes = at;

	switch (type) {
	case COLUMN_TEXT:
		return db_text(*(char *const *)at);
	case COLUMN_BYTES:
		return db_bytes(bytes->data, bytes->len);
	case COLUMN_HASH:
		return db_bytes(at, STORE_HASH);
	case COLUMN_TIME:
		return db_number(*(const int64_t *)at);
	case COLUMN_NUMBER:
		return db_number((int64_t)*(const uint64_t *)at);
	case COLUMN_U32:
		return db_number(*(const uint32_t *)at);
	case COLUMN_INT:
		return db_number(*(const int *)at);
	case COLUMN_BOOL:
		return db_number(*(const bool *)at);
	case COLUMN_KIND:
		return db_text(store_kind_name(*(const enum store_kind *)at));
	case COLUMN_STATE:
		return db_text(store_state_name(*(const enum store_state *)at));
	}
	return (struct db_value){.type = DB_NULL};
}

void row_params(const struct column *columns, size_t count, const void *from, struct db_value *params)
{
	for (size_t i = 0; i < count; i++)
		params[i] = param_of(columns[i].type, (const char *)from + columns[i].offset);
}

static enum store_result load_text(const struct db_value *v, char **out)
{
	/* a NUL inside of it is none of ours */
	if (v->type != DB_TEXT || memchr(v->data, '\0', v->len))
		return v->type == DB_NULL ? STORE_OK : STORE_BROKEN;
	*out = strndup(v->data, v->len);
	return *out ? STORE_OK : STORE_NO_MEMORY;
}

static enum store_result load_word(const struct db_value *v, enum column_type type, void *at)
{
	char *word = NULL;
	enum store_result result = load_text(v, &word);

	if (result == STORE_OK && (!word || !(type == COLUMN_KIND ? store_kind_of(word, at) : store_state_of(word, at))))
		result = STORE_BROKEN;
	free(word);
	return result;
}

static enum store_result load_number(const struct db_value *v, enum column_type type, void *at)
{
	static const struct {
		int64_t min, max;
	} limits[] = {
		[COLUMN_TIME] = {INT64_MIN, INT64_MAX}, [COLUMN_NUMBER] = {0, INT64_MAX}, [COLUMN_U32] = {0, UINT32_MAX},
		[COLUMN_INT] = {INT_MIN, INT_MAX},      [COLUMN_BOOL] = {0, 1},
	};

	if (v->type != DB_NUMBER || v->number < limits[type].min || v->number > limits[type].max)
		return STORE_BROKEN;
	if (type == COLUMN_TIME)
		*(int64_t *)at = v->number;
	else if (type == COLUMN_NUMBER)
		*(uint64_t *)at = (uint64_t)v->number;
	else if (type == COLUMN_U32)
		*(uint32_t *)at = (uint32_t)v->number;
	else if (type == COLUMN_INT)
		*(int *)at = (int)v->number;
	else
		*(bool *)at = v->number != 0;
	return STORE_OK;
}

static enum store_result load(const struct db_value *v, enum column_type type, void *at)
{
	switch (type) {
	case COLUMN_TEXT:
		return load_text(v, at);
	case COLUMN_BYTES:
		if (v->type == DB_NULL)
			return STORE_OK;
		return v->type == DB_BYTES ? store_bytes_set(at, v->data, v->len) : STORE_BROKEN;
	case COLUMN_HASH:
		if (v->type != DB_BYTES || v->len != STORE_HASH)
			return STORE_BROKEN;
		memcpy(at, v->data, STORE_HASH);
		return STORE_OK;
	case COLUMN_KIND:
	case COLUMN_STATE:
		return load_word(v, type, at);
	default:
		return load_number(v, type, at);
	}
}

enum store_result row_load(const struct column *columns, size_t count, const struct db_row *row, void *to)
{
	enum store_result result = row->count == count ? STORE_OK : STORE_BROKEN;

	for (size_t i = 0; i < count && result == STORE_OK; i++)
		result = load(&row->values[i], columns[i].type, (char *)to + columns[i].offset);
	return result;
}

void row_clear(const struct column *columns, size_t count, void *at, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		void *field = (char *)at + columns[i].offset;

		if (columns[i].type == COLUMN_TEXT)
			free(*(char **)field);
		else if (columns[i].type == COLUMN_BYTES)
			free(((struct store_bytes *)field)->data);
	}
	memset(at, 0, size);
}
