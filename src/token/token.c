#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "apdu/log.h"
#include "src/crypto/rsa.h"
#include "src/token/token.h"

void token_init(struct token *t)
{
	memset(t, 0, sizeof *t);
	t->next_handle = 1;
	t->tries_left = -1;
}

/* The handles of one list die; the records stay. */
static void drop_objects(struct token *t, struct object_list *list)
{
	for (size_t i = 0; list->items && i < list->count; i++) {
		HASH_DEL(t->handles, &list->items[i]);
		object_release(&list->items[i]);
	}
	free(list->items);
	list->items = NULL;
	list->count = 0;
}

void token_clear(struct token *t)
{
	CK_OBJECT_HANDLE next = t->next_handle;

	token_end_session_objects(t, 0, false);
	for (size_t i = 0; i < P15_CLASSES; i++) {
		drop_objects(t, &t->lists[i]);
		p15_list_clear(&t->lists[i].records);
		buffer_clear(&t->lists[i].raw);
	}
	cache_clear(&t->cache);
	secret_clear(&t->pin);
	card_free(&t->card);
	token_init(t);
	t->next_handle = next;
}

enum result token_read_data(struct token *t)
{
	enum result r = RESULT_OK;

	if (!t->has_data)
		r = card_read_token(t->card, &t->data);
	t->has_data = r == RESULT_OK;
	return r;
}

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
				drop_objects(t, list);
				return RESULT_NO_MEMORY;
			}
		}
	}
	return RESULT_OK;
}

enum result token_load(struct token *t, enum p15_class kind)
{
	struct object_list *list = &t->lists[kind];
	enum result r = RESULT_OK;

	if (!list->loaded)
		r = card_read_directory(t->card, kind, &list->records, &list->raw);
	if (r != RESULT_OK) {
		buffer_clear(&list->raw);
		return r;
	}
	t->dirty = t->dirty || (!list->loaded && kind != P15_PRIVATE_KEY);
	list->loaded = true;
	/* private keys have no handles before login; a logout takes them away */
	if (kind == P15_PRIVATE_KEY && !t->logged_in)
		return RESULT_OK;
	return add_objects(t, list);
}

struct object *token_object(struct token *t, CK_OBJECT_HANDLE handle)
{
	struct object *o = NULL;

	HASH_FIND(hh, t->handles, &handle, sizeof handle, o);
	return o && o->is_private && !t->logged_in ? NULL : o;
}

/* Certificates: the DER object at the front, which may be shorter than the room it has. */
static enum result trim_certificate(const struct object *o, struct buffer *value)
{
	struct cursor c = cursor_of(value->data, value->len);
	struct tlv tlv;

	if (cursor_tlv(&c, &tlv, NULL) != TLV_OK || tlv.tag != 0x30) {
		log_line(LOG_ERROR, "certificate \"%.*s\": what is on the card (%zu bytes) is no certificate",
			 (int)o->record->label.len, (const char *)o->record->label.data, value->len);
		return RESULT_BAD_DATA;
	}
	buffer_truncate(value, tlv.size);
	return RESULT_OK;
}

/* The certificate from the disk cache, if that was found to be this card's. */
static bool from_cache(const struct token *t, struct object *o)
{
	const struct buffer *known;

	if (o->klass != CKO_CERTIFICATE)
		return false;
	known = cache_get(&t->cache, CACHE_CERTIFICATE,
			  (unsigned)(o->record - t->lists[P15_CERTIFICATE].records.items));
	o->value_read = known && buffer_append(&o->value, known->data, known->len) == RESULT_OK;
	return o->value_read;
}

bool token_has_value(const struct token *t, struct object *o)
{
	return o->value_read || from_cache(t, o);
}

enum result token_read_value(struct token *t, struct object *o)
{
	struct buffer value = BUFFER_INIT;
	enum result r;

	if (o->value_read)
		return RESULT_OK;
	if (from_cache(t, o))
		return RESULT_OK;
	r = card_read_object(t->card, o->record, &value);
	if (r == RESULT_OK && o->klass == CKO_CERTIFICATE)
		r = trim_certificate(o, &value);
	if (r == RESULT_OK) {
		buffer_move(&o->value, &value);
		o->value_read = true;
		t->dirty = t->dirty || o->klass == CKO_CERTIFICATE;
	}
	buffer_clear(&value);
	return r;
}

/* The old handle dies, and what was read of the object is forgotten. */
static void renew_handle(struct token *t, struct object *o)
{
	HASH_DEL(t->handles, o);
	object_release(o);
	o->handle = t->next_handle++;
	HASH_ADD(hh, t->handles, handle, sizeof o->handle, o);
}

void token_logout(struct token *t)
{
	secret_clear(&t->pin);
	t->logged_in = t->verified = false;
	token_end_session_objects(t, 0, true);
	drop_objects(t, &t->lists[P15_PRIVATE_KEY]);
	for (size_t k = 0; k < P15_CLASSES; k++)
		for (size_t i = 0; t->lists[k].items && i < t->lists[k].count; i++)
			if (t->lists[k].items[i].is_private)
				renew_handle(t, &t->lists[k].items[i]);
}
