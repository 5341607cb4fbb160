#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "apdu/log.h"
#include "src/base/config_file.h"
#include "src/token/token.h"

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

void token_drop_objects(struct token *t, struct object_list *list)
{
	for (size_t i = 0; list->items && i < list->count; i++) {
		if (list->items[i].hh.tbl) /* no memory for its handle */
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
		token_drop_objects(t, &t->lists[i]);
		p15_list_clear(&t->lists[i].records);
		buffer_clear(&t->lists[i].raw);
	}
	token_forget_checks(t);
	token_drop_records(t);
	token_close_area(t);
	cache_clear(&t->cache);
	cache_clear(&t->refuted);
	secret_clear(&t->pin);
	begin_insertion(t);
	t->gone = false;
	t->owes_reset = false; /* without power there is no verified state */
	return card;
}

static bool may_write(const struct card *card)
{
	enum provenance mark;
	enum card_permission permission =
		card_profile_permits(card_profile_of(card), OP_WRITE_FILE, &mark);

	return permission == CARD_MAY ||
	       (permission == CARD_MAY_IF_ALLOWED && config_current()->allow_unproven);
}

void token_take_card(struct token *t, struct card *card)
{
	pthread_mutex_lock(&t->lock);
	t->card = card;
	t->recognized = true;
	t->unknown = false;
	t->may_write = may_write(card);
	card_pin_limits(card, &t->pin_min, &t->pin_max, &t->pin_tries);
	pthread_mutex_unlock(&t->lock);
	token_look_for_login(t);
}

void token_look_for_login(struct token *t)
{
	bool can_login = card_can_login(t->card);

	pthread_mutex_lock(&t->lock);
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

/*
 * The number, which was read anew after a reset, is not the one that was
 * known: another card, of which PC/SC did not tell, if it is so once more.
 */
static enum result compare_again(struct token *t, char *number, size_t size)
{
	enum result r = card_read_number_again(t->card, number, size);

	if (r != RESULT_OK || strcmp(number, t->data.serial) == 0)
		return r;
	log_line(LOG_ERROR, "another card answers: what was known of the one before is forgotten");
	return RESULT_CARD_REMOVED;
}

enum result token_read_number(struct token *t)
{
	char number[sizeof t->data.serial];
	enum result r = card_read_number(t->card, number, sizeof number);

	if (result_is_refusal(r)) /* a card may have it in its token information only */
		return token_read_data(t);
	if (r == RESULT_OK && t->data.serial[0] && strcmp(number, t->data.serial) != 0)
		r = compare_again(t, number, sizeof number);
	if (r != RESULT_OK)
		return r;
	pthread_mutex_lock(&t->lock);
	memcpy(t->data.serial, number, sizeof number);
	pthread_mutex_unlock(&t->lock);
	return RESULT_OK;
}

struct object *token_object(struct token *t, CK_OBJECT_HANDLE handle)
{
	struct object *o = NULL;

	HASH_FIND(hh, t->handles, &handle, sizeof handle, o);
	return o && (t->gone || (o->is_private && !t->logged_in)) ? NULL : o;
}

/* The old handle dies, and what was read of the object is forgotten. False: no memory for the new one. */
static bool renew_handle(struct token *t, struct object *o)
{
	HASH_DEL(t->handles, o);
	object_release(o);
	o->handle = t->next_handle++;
	HASH_ADD(hh, t->handles, handle, sizeof o->handle, o);
	return o->hh.tbl;
}

/* Without memory for a handle, all of the list lose theirs: who looks for objects has it made anew. */
static void renew_handles(struct token *t, struct object_list *list)
{
	for (size_t i = 0; list->items && i < list->count; i++)
		if (list->items[i].is_private && !renew_handle(t, &list->items[i]))
			token_drop_objects(t, list);
}

void token_logout(struct token *t)
{
	pthread_mutex_lock(&t->lock);
	secret_clear(&t->pin);
	t->login++;
	t->logged_in = t->verified = false;
	token_end_session_objects(t, 0, true);
	token_drop_objects(t, &t->lists[P15_PRIVATE_KEY]);
	token_drop_records(t);
	for (size_t k = 0; k < P15_CLASSES; k++)
		renew_handles(t, &t->lists[k]);
	pthread_mutex_unlock(&t->lock);
}
