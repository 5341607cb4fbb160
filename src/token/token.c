#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "apdu/log.h"
#include "src/crypto/rsa.h"
#include "src/token/internal.h"
#include "src/token/warm.h"

/* What belongs to one insertion is new. */
static void begin_insertion(struct token *t)
{
	const size_t kept = offsetof(struct token, card);

	memset((char *)t + kept, 0, sizeof *t - kept);
	t->tries_left = -1;
}

void token_init(struct token *t)
{
	memset(t, 0, sizeof *t);
	pthread_mutex_init(&t->lock, NULL);
	t->next_handle = 1;
	begin_insertion(t);
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

struct card *token_clear(struct token *t)
{
	struct card *card = t->card;

	token_end_session_objects(t, 0, false);
	for (size_t i = 0; i < P15_CLASSES; i++) {
		drop_objects(t, &t->lists[i]);
		p15_list_clear(&t->lists[i].records);
		buffer_clear(&t->lists[i].raw);
	}
	token_forget_checks(t);
	cache_clear(&t->cache);
	cache_clear(&t->refuted);
	secret_clear(&t->pin);
	begin_insertion(t);
	t->gone = false;
	t->owes_reset = false; /* without power there is no verified state */
	return card;
}

void token_take_card(struct token *t, struct card *card)
{
	bool can_login = card_can_login(card);

	pthread_mutex_lock(&t->lock);
	t->card = card;
	t->recognized = true;
	t->unknown = false;
	card_pin_limits(card, &t->pin_min, &t->pin_max, &t->pin_tries);
	t->can_login = can_login;
	pthread_mutex_unlock(&t->lock);
}

enum result token_read_data(struct token *t)
{
	struct token_data data;
	enum result r;

	if (t->has_data)
		return RESULT_OK;
	r = card_read_token(t->card, &data);
	if (r != RESULT_OK)
		return r;
	pthread_mutex_lock(&t->lock);
	t->data = data;
	t->has_data = true;
	pthread_mutex_unlock(&t->lock);
	return RESULT_OK;
}

enum result token_read_number(struct token *t)
{
	char number[sizeof t->data.serial];
	enum result r = card_read_number(t->card, number, sizeof number);

	if (result_is_refusal(r)) /* a card may have it in its token information only */
		return token_read_data(t);
	if (r != RESULT_OK)
		return r;
	pthread_mutex_lock(&t->lock);
	memcpy(t->data.serial, number, sizeof number);
	pthread_mutex_unlock(&t->lock);
	return RESULT_OK;
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

struct object *token_object(struct token *t, CK_OBJECT_HANDLE handle)
{
	struct object *o = NULL;

	HASH_FIND(hh, t->handles, &handle, sizeof handle, o);
	return o && (t->gone || (o->is_private && !t->logged_in)) ? NULL : o;
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
	pthread_mutex_lock(&t->lock);
	secret_clear(&t->pin);
	t->login++;
	t->logged_in = t->verified = false;
	token_end_session_objects(t, 0, true);
	drop_objects(t, &t->lists[P15_PRIVATE_KEY]);
	for (size_t k = 0; k < P15_CLASSES; k++)
		for (size_t i = 0; t->lists[k].items && i < t->lists[k].count; i++)
			if (t->lists[k].items[i].is_private)
				renew_handle(t, &t->lists[k].items[i]);
	pthread_mutex_unlock(&t->lock);
}
