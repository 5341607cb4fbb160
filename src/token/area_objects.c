/*
 * The records of the data area as objects: which there are, and which of them
 * are attribute certificates. They begin with a search of who is logged in and
 * end with the login.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "apdu/log.h"
#include "authz/twcard-authz.h"
#include "src/crypto/certificate.h"
#include "src/token/internal.h"

#define LABEL_MAX sizeof "SNO 4294967295"

/* ---- the area of this transaction ---- */

void token_close_area(struct token *t)
{
	area_free(&t->area);
}

/* After a change that broke off it does not count any more, and says so. */
static bool is_certain(const struct token *t)
{
	size_t count = 0;

	return t->area && area_list(t->area, NULL, &count) == RESULT_OK;
}

enum result token_open_area(struct token *t)
{
	if (is_certain(t))
		return RESULT_OK;
	token_close_area(t);
	return area_open(t->card, &t->area);
}

/* ---- one record ---- */

static void release(struct token *t, struct object *o)
{
	if (o->handle)
		HASH_DEL(t->handles, o);
	object_release(o);
}

static void free_record(struct token *t, struct area_objects *record)
{
	if (!record)
		return;
	release(t, &record->data);
	release(t, &record->certificate);
	buffer_clear(&record->data_record.label);
	buffer_clear(&record->data_record.application);
	buffer_clear(&record->certificate_record.label);
	free(record);
}

/* False: out of memory; then it has no handle. */
static bool give_handle(struct token *t, struct object *o)
{
	o->handle = t->next_handle;
	HASH_ADD(hh, t->handles, handle, sizeof o->handle, o);
	if (!o->hh.tbl)
		o->handle = 0;
	else
		t->next_handle++;
	return o->handle;
}

static enum result describe(struct area_objects *record, const struct area_record *from)
{
	struct p15_object *both[] = {&record->data_record, &record->certificate_record};
	char label[LABEL_MAX];
	enum result r = RESULT_OK;
	int len = snprintf(label, sizeof label, TOKEN_RECORD_LABEL "%lu", (unsigned long)from->sno);

	for (size_t i = 0; r == RESULT_OK && i < sizeof both / sizeof *both; i++) {
		both[i]->is_private = true;
		both[i]->length = (unsigned)from->length;
		r = buffer_append(&both[i]->label, label, (size_t)len);
	}
	if (r == RESULT_OK)
		r = buffer_append(&record->data_record.application, TOKEN_RECORD_APPLICATION,
				  sizeof TOKEN_RECORD_APPLICATION - 1);
	return r;
}

static struct object object_of(const struct token *t, uint32_t sno, const struct p15_object *record)
{
	return (struct object){.klass = object_class(record->kind),
			       .record = record,
			       .is_private = true,
			       .is_attribute = record->kind == P15_CERTIFICATE,
			       .sno = sno,
			       .may_change = t->may_write};
}

/* Without handles. */
static enum result make_record(const struct token *t, const struct area_record *from,
			       struct area_objects **out)
{
	struct area_objects *record = calloc(1, sizeof *record);

	*out = record;
	if (!record)
		return RESULT_NO_MEMORY;
	record->sno = from->sno;
	record->data_record.kind = P15_DATA;
	record->certificate_record.kind = P15_CERTIFICATE;
	record->data = object_of(t, from->sno, &record->data_record);
	record->certificate = object_of(t, from->sno, &record->certificate_record);
	return describe(record, from);
}

/* Behind those with smaller numbers, as the area lists them. */
static void put_in_order(struct token *t, struct area_objects *record)
{
	struct area_objects *at = t->records;

	while (at && at->sno < record->sno)
		at = at->next;
	if (at)
		DL_PREPEND_ELEM(t->records, at, record);
	else
		DL_APPEND(t->records, record);
}

static enum result add_record(struct token *t, const struct area_record *from)
{
	struct area_objects *record;
	enum result r = make_record(t, from, &record);

	if (r == RESULT_OK && !give_handle(t, &record->data))
		r = RESULT_NO_MEMORY;
	if (r == RESULT_OK)
		put_in_order(t, record);
	else
		free_record(t, record);
	return r;
}

static struct area_objects *find_record(const struct token *t, uint32_t sno)
{
	struct area_objects *record = t->records;

	while (record && record->sno != sno)
		record = record->next;
	return record;
}

static void drop_record(struct token *t, struct area_objects *record)
{
	DL_DELETE(t->records, record);
	free_record(t, record);
}

void token_drop_records(struct token *t)
{
	while (t->records)
		drop_record(t, t->records);
	t->records_known = false;
}

/* ---- which there are ---- */

enum attached { ATTACHED_NO, ATTACHED_YES, ATTACHED_NOT_KNOWN };

static enum attached told_by(const struct object *o)
{
	enum attached answer = ATTACHED_NOT_KNOWN;
	struct authz_card card;
	X509 *x;

	if (o->is_authority || o->is_attribute || !o->value_read ||
	    certificate_parse(o->value.data, o->value.len, &x, NULL) != RESULT_OK)
		return answer;
	if (authz_card_read(x, &card) == AUTHZ_GOOD)
		answer = card.rank == AUTHZ_RANK_ATTACHED ? ATTACHED_YES : ATTACHED_NO;
	X509_free(x);
	return answer;
}

/* What the holder's certificates say, as far as they were read for somebody. */
static enum attached is_attached(const struct token *t)
{
	const struct object_list *list = &t->lists[P15_CERTIFICATE];
	enum attached answer = ATTACHED_NOT_KNOWN;

	for (size_t i = 0; list->items && i < list->count && answer != ATTACHED_YES; i++) {
		const enum attached told = told_by(&list->items[i]);

		if (told != ATTACHED_NOT_KNOWN)
			answer = told;
	}
	return answer;
}

bool token_wants_records(const struct token *t, bool certificates)
{
	const struct area_objects *record;

	if (t->no_records)
		return false;
	if (!t->records_known)
		return is_attached(t) != ATTACHED_NO;
	DL_FOREACH(t->records, record)
		if (certificates && !record->judged)
			return true;
	return false;
}

static enum result take_list(struct token *t)
{
	struct area_record *records = NULL;
	size_t count = 0;
	enum result r = area_list(t->area, NULL, &count);

	if (r == RESULT_OK && count) {
		records = calloc(count, sizeof *records);
		r = records ? area_list(t->area, records, &count) : RESULT_NO_MEMORY;
	}
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; r == RESULT_OK && i < count; i++)
		r = add_record(t, &records[i]);
	if (r == RESULT_OK)
		t->records_known = true;
	else
		token_drop_records(t);
	pthread_mutex_unlock(&t->lock);
	free(records);
	return r;
}

/* One answer may say so, in a bad moment. */
static bool is_one_refusal(enum result r)
{
	return r == RESULT_AREA_LOCKED || r == RESULT_NOT_SUPPORTED;
}

/*
 * Errors of a card that has no area for us, each looked at twice; of others the
 * search is told. `sure`: the PIN was wanted before it was given again, too.
 */
static bool means_none(enum result r, bool sure)
{
	return r == RESULT_AREA_NOT_ACTIVATED || r == RESULT_INDEX_FORMAT || r == RESULT_UNPROVEN ||
	       is_one_refusal(r) || (r == RESULT_SECURITY_STATUS && sure);
}

static enum result look_once(struct token *t)
{
	enum result r = is_attached(t) == ATTACHED_NOT_KNOWN ? area_look(t->card) : RESULT_OK;

	if (r == RESULT_OK)
		r = token_open_area(t);
	return r == RESULT_OK ? take_list(t) : r;
}

static enum result look(struct token *t, bool sure)
{
	enum result r = look_once(t);

	if (is_one_refusal(r))
		r = look_once(t);
	if (!means_none(r, sure))
		return r;
	log_line(LOG_INFO, "data area: no records are shown: %s", result_text(r));
	pthread_mutex_lock(&t->lock);
	t->no_records = true;
	pthread_mutex_unlock(&t->lock);
	return RESULT_OK;
}

/* ---- what is in them ---- */

/* Want of memory says nothing of the bytes: it must not be kept as an answer. */
static enum result look_at(const struct buffer *der, bool *is_certificate)
{
	struct authz_parts parts;
	enum authz_reason reason = authz_parts_read(der->data, der->len, &parts);

	authz_parts_clear(&parts);
	*is_certificate = reason == AUTHZ_GOOD;
	return reason == AUTHZ_NO_MEMORY ? RESULT_NO_MEMORY : RESULT_OK;
}

/* With the bytes it is clear whether it is a certificate, too. Under the lock; takes *value. */
static enum result take_value(struct token *t, struct area_objects *record, struct buffer *value)
{
	struct object *o = &record->certificate;
	bool certificate = false;
	enum result r = record->judged ? RESULT_OK : look_at(value, &certificate);

	if (r == RESULT_OK && certificate) {
		r = buffer_append(&o->value, value->data, value->len);
		o->value_read = r == RESULT_OK;
		if (r == RESULT_OK && !give_handle(t, o))
			r = RESULT_NO_MEMORY;
	}
	if (r == RESULT_OK) {
		buffer_move(&record->data.value, value);
		record->data.value_read = record->judged = true;
	}
	return r;
}

/* RESULT_SNO_UNKNOWN: another program has deleted it, and its objects end. */
static enum result read_value(struct token *t, struct area_objects *record)
{
	struct buffer value = BUFFER_INIT;
	size_t len = 0;
	enum result r = token_open_area(t);

	if (r == RESULT_OK)
		r = area_read(t->area, record->sno, NULL, &len);
	if (r == RESULT_OK)
		r = buffer_reserve(&value, len);
	if (r == RESULT_OK)
		r = area_read(t->area, record->sno, value.data, &len);
	value.len = r == RESULT_OK ? len : 0;
	pthread_mutex_lock(&t->lock);
	if (r == RESULT_OK)
		r = take_value(t, record, &value);
	else if (r == RESULT_SNO_UNKNOWN)
		drop_record(t, record);
	pthread_mutex_unlock(&t->lock);
	buffer_clear(&value);
	return r;
}

enum result token_read_record(struct token *t, bool last, void *object)
{
	const struct object *o = object;
	struct area_objects *record = find_record(t, o->sno);

	(void)last;
	if (!record)
		return RESULT_SNO_UNKNOWN;
	return o->value_read ? RESULT_OK : read_value(t, record);
}

/* One that is damaged, or gone, is none: others may be whole. */
static enum result judge(struct token *t, struct area_objects *record, bool sure)
{
	enum result r = record->judged ? RESULT_OK : read_value(t, record);

	if (r == RESULT_SNO_UNKNOWN)
		return RESULT_OK;
	if (r != RESULT_BAD_DATA && !(r == RESULT_SECURITY_STATUS && sure))
		return r;
	pthread_mutex_lock(&t->lock);
	record->judged = true;
	pthread_mutex_unlock(&t->lock);
	return RESULT_OK;
}

enum result token_load_records(struct token *t, bool last, void *wanted)
{
	struct token_records_wanted *w = wanted;
	const bool sure = last && w->pin_wanted;
	struct area_objects *record, *next;
	enum result r = t->records_known ? RESULT_OK : look(t, sure);

	for (record = t->records; record && r == RESULT_OK && w->certificates; record = next) {
		next = record->next;
		r = judge(t, record, sure);
	}
	if (r != RESULT_SECURITY_STATUS)
		return r;
	w->pin_wanted = true;
	return last ? RESULT_CARD_REFUSED : r; /* for a search no login ends */
}

size_t token_record_handles(const struct token *t, bool certificates, CK_OBJECT_HANDLE *out)
{
	const struct area_objects *record;
	size_t n = 0;

	DL_FOREACH(t->records, record) {
		CK_OBJECT_HANDLE handle = certificates ? record->certificate.handle : record->data.handle;

		if (handle && out)
			out[n] = handle;
		n += handle != 0;
	}
	return n;
}

CK_OBJECT_HANDLE token_record_handle(const struct token *t, uint32_t sno, bool certificate)
{
	const struct area_objects *record = find_record(t, sno);

	if (!record)
		return CK_INVALID_HANDLE;
	return certificate ? record->certificate.handle : record->data.handle;
}

/* ---- what changes ---- */

enum result token_imagine_record(const struct token *t, uint32_t sno, const uint8_t *data, size_t len,
				 struct area_objects **out)
{
	const struct area_record new = {sno, len};
	enum result r = make_record(t, &new, out);
	struct area_objects *record = *out;
	bool certificate = false;

	if (r == RESULT_OK)
		r = buffer_append(&record->data.value, data, len);
	if (record)
		record->data.value_read = r == RESULT_OK;
	if (r == RESULT_OK)
		r = look_at(&record->data.value, &certificate);
	if (r == RESULT_OK && certificate) {
		r = buffer_append(&record->certificate.value, data, len);
		record->certificate.value_read = r == RESULT_OK;
	}
	return r;
}

void token_forget_imagined(struct token *t, struct area_objects *record)
{
	free_record(t, record);
}

/* What is known of its bytes is not so any more. */
static void begin_anew(struct token *t, struct area_objects *record, size_t len)
{
	buffer_clear(&record->data.value);
	record->data.value_read = record->judged = false;
	release(t, &record->certificate);
	record->certificate = object_of(t, record->sno, &record->certificate_record);
	record->data_record.length = record->certificate_record.length = (unsigned)len;
}

/* The data object keeps its handle if there was one with that number. */
static enum result put_record(struct token *t, uint32_t sno, const uint8_t *data, size_t len)
{
	const struct area_record new = {sno, len};
	struct area_objects *record = find_record(t, sno);
	struct buffer value = BUFFER_INIT;
	enum result r = buffer_append(&value, data, len);

	if (record)
		begin_anew(t, record, len);
	else if (r == RESULT_OK)
		r = add_record(t, &new);
	if (r == RESULT_OK)
		r = take_value(t, find_record(t, sno), &value);
	buffer_clear(&value);
	return r;
}

void token_record_changed(struct token *t, uint32_t sno, const uint8_t *data, size_t len)
{
	bool certain = is_certain(t);
	struct area_objects *record;

	pthread_mutex_lock(&t->lock);
	record = find_record(t, sno);
	if (!data && record)
		drop_record(t, record);
	if (!certain || (t->records_known && data && put_record(t, sno, data, len) != RESULT_OK))
		token_drop_records(t);
	pthread_mutex_unlock(&t->lock);
}

void token_area_doubtful(struct token *t)
{
	if (is_certain(t))
		return;
	pthread_mutex_lock(&t->lock);
	token_drop_records(t);
	pthread_mutex_unlock(&t->lock);
}

void token_area_made(struct token *t)
{
	pthread_mutex_lock(&t->lock);
	token_drop_records(t);
	t->no_records = false;
	pthread_mutex_unlock(&t->lock);
}
