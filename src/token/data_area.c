#include "config.h"

#include "apdu/log.h"
#include "src/token/data_area.h"

/* What is asked of the area; each question uses what it needs. */
struct question {
	enum result (*ask)(struct area *area, struct question *q);
	uint32_t sno;
	struct area_record *records;
	size_t *count;
	struct area_space *space;
	struct buffer *bytes;
	enum area_mode mode;
	const uint8_t *data;
	size_t len;
};

static enum result ask(struct token *t, bool last, void *context)
{
	struct question *q = context;
	enum result r = token_open_area(t);

	(void)last;
	return r == RESULT_OK ? q->ask(t->area, q) : r;
}

/* Would it be refused? Before the PIN is given again, or the index read. */
static enum result allow(struct slot *slot, enum card_op op)
{
	enum result r = slot_logged_in(slot) ? slot_touch(slot) : RESULT_SECURITY_STATUS;

	if (r == RESULT_OK)
		r = card_allow(slot->token.card, op);
	return slot_after_error(slot, r);
}

static enum result change(struct slot *slot, struct question *q)
{
	enum result r = slot_with_pin(slot, ask, q);

	if (r == RESULT_OK) {
		token_record_changed(&slot->token, q->sno, q->data, q->len);
		return r;
	}
	log_line(LOG_ERROR, "data area: record %lu: %s", (unsigned long)q->sno, result_text(r));
	token_area_doubtful(&slot->token);
	return r;
}

static enum result list(struct area *area, struct question *q)
{
	return area_list(area, q->records, q->count);
}

enum result data_area_list(struct slot *slot, struct area_record *out, size_t *count)
{
	struct question q = {.ask = list, .records = out, .count = count};

	return slot_with_pin(slot, ask, &q);
}

static enum result read_record(struct area *area, struct question *q)
{
	size_t len = 0;
	enum result r = area_read(area, q->sno, NULL, &len);

	buffer_clear(q->bytes);
	if (r == RESULT_OK)
		r = buffer_reserve(q->bytes, len);
	if (r == RESULT_OK)
		r = area_read(area, q->sno, q->bytes->data, &len);
	if (r == RESULT_OK)
		q->bytes->len = len;
	else
		buffer_clear(q->bytes);
	return r;
}

enum result data_area_read(struct slot *slot, uint32_t sno, struct buffer *out)
{
	struct question q = {.ask = read_record, .sno = sno, .bytes = out};

	buffer_clear(out);
	return slot_with_pin(slot, ask, &q);
}

static enum result write_record(struct area *area, struct question *q)
{
	return area_write(area, q->sno, q->mode, q->data, q->len);
}

enum result data_area_write(struct slot *slot, uint32_t sno, enum area_mode mode,
			    const uint8_t *data, size_t len)
{
	struct question q = {.ask = write_record, .sno = sno, .mode = mode, .data = data, .len = len};
	enum result r = allow(slot, OP_WRITE_FILE);

	return r == RESULT_OK ? change(slot, &q) : r;
}

static enum result delete_record(struct area *area, struct question *q)
{
	return area_delete(area, q->sno);
}

enum result data_area_delete(struct slot *slot, uint32_t sno)
{
	struct question q = {.ask = delete_record, .sno = sno};
	enum result r = allow(slot, OP_WRITE_FILE);

	return r == RESULT_OK ? change(slot, &q) : r;
}

static enum result tell_space(struct area *area, struct question *q)
{
	return area_space(area, q->space);
}

enum result data_area_space(struct slot *slot, struct area_space *out)
{
	struct question q = {.ask = tell_space, .space = out};

	return slot_with_pin(slot, ask, &q);
}

/* ---- activation ---- */

struct activation {
	area_authority *authority;
	void *context;
	bool asked;
};

static enum result ask_authority(void *context, const uint8_t challenge[CARD_CHALLENGE_SIZE],
				 uint8_t cryptogram[CARD_CRYPTOGRAM_SIZE])
{
	struct activation *a = context;

	a->asked = true;
	return a->authority(a->context, challenge, cryptogram);
}

/* A card that wants something else after the authority was asked is not asked to begin anew. */
static enum result activate(struct token *t, bool last, void *context)
{
	struct activation *a = context;

	(void)last;
	token_close_area(t);
	return a->asked ? RESULT_SECURITY_STATUS : area_activate(t->card, ask_authority, a);
}

enum result data_area_activate(struct slot *slot, area_authority *authority, void *context)
{
	struct activation a = {.authority = authority, .context = context};
	enum result r = allow(slot, OP_CREATE_FILE);

	if (r == RESULT_OK)
		r = slot_with_pin(slot, activate, &a);
	if (r == RESULT_OK)
		token_area_made(&slot->token);
	return r;
}
