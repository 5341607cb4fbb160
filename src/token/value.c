/* The bytes of certificates and data objects: read when they are asked for, and looked at twice. */
#include "config.h"

#include "apdu/log.h"
#include "src/token/internal.h"
#include "src/token/warm.h"

#define READINGS_MORE 2 /* of what nothing proves: three that all differ are no answer */

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

bool token_has_value(const struct token *t, const struct object *o)
{
	(void)t;
	return o->value_read;
}

static enum result read_from_card(struct token *t, const struct object *o, struct buffer *value)
{
	enum result r = card_read_object(t->card, o->record, value);

	if (r == RESULT_OK && o->klass == CKO_CERTIFICATE)
		r = trim_certificate(o, value);
	if (r != RESULT_OK)
		buffer_clear(value);
	return r;
}

/* Another certificate that can tell whether this one was read right; NULL: none. */
static struct object *issuer_of(struct token *t, const struct object *o)
{
	struct object_list *list = &t->lists[P15_CERTIFICATE];

	for (size_t i = 0; i < list->count; i++)
		if (buffer_same(&list->items[i].record->subject, &o->record->issuer))
			return &list->items[i] != o ? &list->items[i] : NULL;
	return NULL;
}

/*
 * The issuer's certificate is read, too, if it was not: a program that wants
 * all of them pays nothing for it. It is a draft until it was checked itself.
 */
static enum result read_issuer(struct token *t, struct object *issuer, bool anew)
{
	enum result r;

	if (!issuer || issuer->value_read || (issuer->draft.len && !anew))
		return RESULT_OK;
	buffer_clear(&issuer->draft);
	r = read_from_card(t, issuer, &issuer->draft);
	return SENDS_CARD_AWAY(r) ? r : RESULT_OK;
}

/* *value cannot be right, or its issuer's draft cannot. *value becomes what the card says twice. */
static enum result read_again(struct token *t, const struct object *o, struct object *issuer,
			      struct buffer *value)
{
	struct buffer again = BUFFER_INIT;
	enum result r;
	bool same;

	log_line(LOG_INFO, "certificate \"%.*s\" is not what it should be: reading it again",
		 (int)o->record->label.len, (const char *)o->record->label.data);
	card_select_again(t->card);
	r = read_from_card(t, o, &again);
	if (r != RESULT_OK)
		return r;
	same = buffer_same(value, &again);
	buffer_move(value, &again);
	if (warm_doubts(t, o, value))
		r = read_issuer(t, issuer, true);
	/* two readings alike are what the card holds, whatever it is; two that differ are no answer */
	if (r == RESULT_OK && !same && warm_doubts(t, o, value))
		r = RESULT_BAD_ANSWER;
	return r;
}

static enum result read_certificate(struct token *t, struct object *o, struct buffer *value)
{
	struct object *issuer = issuer_of(t, o);
	enum result r = RESULT_OK;

	if (o->draft.len)
		buffer_move(value, &o->draft);
	else
		r = read_from_card(t, o, value);
	if (r == RESULT_OK)
		r = read_issuer(t, issuer, false);
	return r == RESULT_OK && warm_doubts(t, o, value) ? read_again(t, o, issuer, value) : r;
}

/*
 * No signature tells that a data object was read right, and what was read is
 * kept as long as the card stays: only what the card says twice is its value.
 */
static enum result read_twice(struct token *t, const struct object *o, struct buffer *value)
{
	struct buffer before = BUFFER_INIT;
	enum result r = read_from_card(t, o, value);
	bool same = false;

	for (int more = 0; r == RESULT_OK && !same && more < READINGS_MORE; more++) {
		buffer_move(&before, value);
		card_select_again(t->card);
		r = read_from_card(t, o, value);
		same = before.len == 0 ? value->len == 0 : buffer_same(&before, value);
	}
	buffer_clear(&before);
	return r == RESULT_OK && !same ? RESULT_BAD_ANSWER : r;
}

enum result token_read_value(struct token *t, struct object *o)
{
	bool certificate = o->klass == CKO_CERTIFICATE && !o->is_attribute;
	struct buffer value = BUFFER_INIT;
	enum result r = RESULT_OK;

	if (!o->value_read && certificate)
		r = warm_bind(t);
	if (r != RESULT_OK || o->value_read)
		return r;
	r = certificate ? read_certificate(t, o, &value) : read_twice(t, o, &value);
	if (r == RESULT_OK) {
		pthread_mutex_lock(&t->lock);
		buffer_move(&o->value, &value);
		o->value_read = true;
		t->dirty = t->dirty || certificate;
		pthread_mutex_unlock(&t->lock);
	}
	buffer_clear(&value);
	return r;
}
