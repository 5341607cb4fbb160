/* Directories: read or taken from the disk cache, and the handles of what they list. */
#include "config.h"

#include <stdlib.h>

#include "src/token/internal.h"
#include "src/token/warm.h"

/* A CA's certificate: its record says so, or it issued one that is on the card. */
static bool is_authority(const struct p15_list *list, size_t which)
{
	const struct p15_object *o = &list->items[which];

	for (size_t i = 0; i < list->count && !o->is_authority; i++)
		if (buffer_same(&list->items[i].issuer, &o->subject))
			return true;
	return o->is_authority;
}

/* Handle and place in the table; false: out of memory. */
static bool add_object(struct token *t, struct object_list *list, size_t record, bool authority)
{
	struct object *o = &list->items[list->count];

	o->record = &list->records.items[record];
	o->klass = object_class(o->record->kind);
	o->is_private = o->record->kind == P15_PRIVATE_KEY || o->record->is_private;
	o->is_authority = authority;
	o->is_attribute = o->record->is_attribute;
	o->handle = t->next_handle++;
	HASH_ADD(hh, t->handles, handle, sizeof o->handle, o);
	if (!o->hh.tbl)
		return false;
	list->count++;
	return true;
}

/*
 * The order that callers see: the card's, but the holder's certificates before
 * the CAs', for programs that take the first one.
 */
static enum result add_objects(struct token *t, struct object_list *list)
{
	if (list->items || !list->records.count)
		return RESULT_OK;
	list->items = calloc(list->records.count, sizeof *list->items);
	if (!list->items)
		return RESULT_NO_MEMORY;
	for (int authorities = 0; authorities < 2; authorities++) {
		for (size_t i = 0; i < list->records.count; i++) {
			bool authority = list->records.items[i].kind == P15_CERTIFICATE &&
					 is_authority(&list->records, i);

			if (authority != (bool)authorities)
				continue;
			if (!add_object(t, list, i, authority)) {
				token_drop_objects(t, list);
				return RESULT_NO_MEMORY;
			}
		}
	}
	return RESULT_OK;
}

enum result token_load(struct token *t, enum p15_class kind)
{
	struct object_list *list = &t->lists[kind];
	struct p15_list records = {NULL, 0};
	struct buffer raw = BUFFER_INIT;
	enum result r = RESULT_OK;

	if (!list->loaded)
		r = card_read_directory(t->card, kind, &records, &raw);
	pthread_mutex_lock(&t->lock);
	if (r == RESULT_OK && !list->loaded) {
		list->records = records;
		buffer_move(&list->raw, &raw);
		list->loaded = true;
		t->dirty = t->dirty || kind != P15_PRIVATE_KEY;
		warm_compare_names(t);
	}
	/* private keys have no handles before login; a logout takes them away */
	if (r == RESULT_OK && (kind != P15_PRIVATE_KEY || t->logged_in))
		r = add_objects(t, list);
	warm_fill(t);
	pthread_mutex_unlock(&t->lock);
	buffer_clear(&raw);
	return r;
}

enum result token_load_names(struct token *t)
{
	static const enum p15_class kinds[] = {P15_CERTIFICATE, P15_PUBLIC_KEY};
	enum result r = warm_start(t);

	for (size_t i = 0; r == RESULT_OK && i < sizeof kinds / sizeof *kinds; i++) {
		r = token_load(t, kinds[i]);
		if (r == RESULT_BAD_DATA) /* damaged, which was looked at twice */
			r = RESULT_OK;
	}
	if (r != RESULT_OK)
		return r;
	pthread_mutex_lock(&t->lock);
	t->names_tried = true;
	pthread_mutex_unlock(&t->lock);
	return RESULT_OK;
}
