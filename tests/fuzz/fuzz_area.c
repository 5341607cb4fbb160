/*
 * The data area: a card whose index files and data are the input is listed,
 * read, written and deleted from. Whatever the index says, what is read is
 * inside the files and as long as it says; what was written is there
 * afterwards, and no other record has changed.
 *
 * Byte 0: bit 0, 1: the check of the first, second index is made right before
 * it is used, as no fuzzer can guess it. Bytes 1 to 4: the lengths of the two
 * indexes, big-endian. They follow, and then the data.
 */
#include "profiles/area.h"
#include "profiles/area_index.h"
#include "profiles/card.h"
#include "fuzz.h"
#include "script.h"

#define HEADER 5
#define DATA_SIZE (AREA_BLOCK * AREA_BLOCKS)
#define OS_TEXT "CHT V32N                "
#define NEW_SNO 7
#define SAMPLES 3 /* lengths that are written */

static const uint8_t atr[] = {0x3B, 0xB8, 0x13, 0x00, 0x81, 0x31, 0xFA, 0x52, 0x43,
			      0x48, 0x54, 0x4D, 0x4F, 0x49, 0x43, 0x41, 0xA5};

struct area_card {
	uint8_t index[AREA_COPIES][AREA_INDEX_SIZE], data[DATA_SIZE];
	size_t index_len[AREA_COPIES]; /* may be less than the file should have */
	uint16_t selected;
	unsigned commands;
};

/* ---- the card ---- */

static size_t put_status(uint8_t *answer, size_t at, uint16_t sw)
{
	answer[at] = (uint8_t)(sw >> 8);
	answer[at + 1] = (uint8_t)sw;
	return at + 2;
}

static uint8_t *content(struct area_card *c, size_t *len)
{
	switch (c->selected) {
	case 0x0881:
	case 0x0882:
		*len = c->index_len[c->selected - 0x0881];
		return c->index[c->selected - 0x0881];
	case 0x0883:
		*len = sizeof c->data;
		return c->data;
	default:
		*len = sizeof OS_TEXT - 1;
		return (uint8_t *)OS_TEXT;
	}
}

static size_t read_binary(struct area_card *c, const uint8_t *cmd, uint8_t *answer)
{
	size_t offset = (size_t)cmd[2] << 8 | cmd[3], le = cmd[4] ? cmd[4] : 256, len;
	const uint8_t *bytes = content(c, &len);

	if (offset >= len)
		return put_status(answer, 0, 0x6B00);
	le = le < len - offset ? le : len - offset;
	memcpy(answer, bytes + offset, le);
	return put_status(answer, le, 0x9000);
}

static size_t update_binary(struct area_card *c, const uint8_t *cmd, size_t cmd_len, uint8_t *answer)
{
	size_t offset = (size_t)cmd[2] << 8 | cmd[3], len;
	uint8_t *bytes = content(c, &len);

	MUST(c->selected >= 0x0881 && c->selected <= 0x0883 && cmd_len == 5u + cmd[4]);
	if (c->selected != 0x0883 && len < sizeof c->index[0])
		len = c->index_len[c->selected - 0x0881] = sizeof c->index[0];
	MUST(offset + cmd[4] <= len); /* never beyond what activation made */
	memcpy(bytes + offset, cmd + 5, cmd[4]);
	return put_status(answer, 0, 0x9000);
}

static enum result area_transmit(void *self, const uint8_t *cmd, size_t len, uint8_t *answer, size_t cap,
				 size_t *answer_len)
{
	struct area_card *c = self;

	MUST(len >= 4 && len <= COMMAND_MAX_SIZE && cap >= TRANSPORT_ANSWER_MAX);
	MUST(++c->commands < 4000);
	if (cmd[1] == 0xA4 && len == 7)
		c->selected = (uint16_t)(cmd[5] << 8 | cmd[6]);
	if (cmd[1] == 0xB0 && len == 5)
		*answer_len = read_binary(c, cmd, answer);
	else if (cmd[1] == 0xD6)
		*answer_len = update_binary(c, cmd, len, answer);
	else
		*answer_len = put_status(answer, 0, 0x9000);
	return RESULT_OK;
}

static enum result area_begin(void *self, bool *was_reset)
{
	(void)self;
	*was_reset = false;
	return RESULT_OK;
}

static enum result area_end(void *self, bool reset)
{
	(void)self;
	(void)reset;
	return RESULT_OK;
}

static const struct transport_ops area_ops = {area_begin, area_end, area_transmit, script_close};

/* ---- the input ---- */

static void repair(uint8_t *index, size_t len)
{
	uint8_t check[AREA_CHECK_SIZE];
	unsigned whole;

	if (len < AREA_HEADER_SIZE || area_index_head(index, &whole) != AREA_COPY_WHOLE || whole > len)
		return;
	MUST(whole >= AREA_HEADER_SIZE + AREA_CHECK_SIZE && whole <= AREA_INDEX_SIZE);
	MUST(area_check(NULL, index, whole - AREA_CHECK_SIZE, check) == RESULT_OK);
	memcpy(index + whole - AREA_CHECK_SIZE, check, sizeof check);
}

static void take_input(struct area_card *c, const uint8_t *data, size_t size)
{
	const uint8_t *p = data + HEADER;
	size_t left = size - HEADER;

	memset(c, 0, sizeof *c);
	memset(c->data, 0xFF, sizeof c->data);
	for (int i = 0; i < AREA_COPIES; i++) {
		size_t len = (size_t)data[1 + 2 * i] << 8 | data[2 + 2 * i];

		len = len < left ? len : left;
		len = len < AREA_INDEX_SIZE ? len : AREA_INDEX_SIZE;
		memcpy(c->index[i], p, len);
		c->index_len[i] = len;
		p += len;
		left -= len;
		if (data[0] >> i & 1)
			repair(c->index[i], len);
	}
	memcpy(c->data, p, left < sizeof c->data ? left : sizeof c->data);
}

/* ---- what is done with it ---- */

struct record {
	struct area_record is;
	bool read;
	uint8_t bytes[AREA_RECORD_MAX];
};

static struct record before[AREA_RECORDS_MAX], after[AREA_RECORDS_MAX];

static size_t read_all(struct area *area, struct record *out)
{
	struct area_record records[AREA_RECORDS_MAX];
	struct area_space space;
	size_t count = AREA_RECORDS_MAX;

	MUST(area_list(area, records, &count) == RESULT_OK && count <= AREA_RECORDS_MAX);
	MUST(area_space(area, &space) == RESULT_OK);
	MUST(space.used <= space.total && space.insert <= AREA_RECORD_MAX);
	for (size_t i = 0; i < count; i++) {
		size_t len = AREA_RECORD_MAX;

		MUST(records[i].sno && records[i].length && records[i].length <= AREA_RECORD_MAX);
		MUST(i == 0 || records[i].sno > records[i - 1].sno);
		out[i].is = records[i];
		memset(out[i].bytes, 0, sizeof out[i].bytes);
		out[i].read = area_read(area, records[i].sno, out[i].bytes, &len) == RESULT_OK;
		MUST(!out[i].read || len == records[i].length);
	}
	return count;
}

/* All but one number are as they were. */
static void compare(size_t count_before, size_t count_after, uint32_t but)
{
	size_t j = 0;

	for (size_t i = 0; i < count_before; i++) {
		if (before[i].is.sno == but)
			continue;
		while (j < count_after && after[j].is.sno < before[i].is.sno)
			j++;
		MUST(j < count_after && after[j].is.sno == before[i].is.sno);
		MUST(after[j].is.length == before[i].is.length && after[j].read == before[i].read);
		MUST(!before[i].read ||
		     memcmp(before[i].bytes, after[j].bytes, before[i].is.length) == 0);
	}
}

/* What follows is another call, which has as many commands again. */
static void next_call(struct card *card)
{
	bool was_reset;

	MUST(card_end(card, false) == RESULT_OK && card_begin(card, &was_reset) == RESULT_OK && !was_reset);
}

static void change(struct card *card, struct area *area, size_t len)
{
	static const uint8_t zeros[AREA_RECORD_MAX];
	size_t count = read_all(area, before), again, got = AREA_RECORD_MAX;
	uint8_t bytes[AREA_RECORD_MAX];
	struct area *now;
	enum result r;

	next_call(card);
	r = len ? area_write(area, NEW_SNO, AREA_PUT, zeros, len) : area_delete(area, NEW_SNO);
	next_call(card);
	MUST(area_open(card, &now) == RESULT_OK);
	again = read_all(now, after);
	compare(count, again, r == RESULT_OK ? NEW_SNO : 0);
	if (r == RESULT_OK && len)
		MUST(area_read(now, NEW_SNO, bytes, &got) == RESULT_OK && got == len &&
		     memcmp(bytes, zeros, len) == 0);
	if (r == RESULT_OK && !len)
		MUST(area_read(now, NEW_SNO, NULL, &got) == RESULT_SNO_UNKNOWN);
	area_free(&now);
	next_call(card);
}

static void use(struct card *card)
{
	static const size_t lengths[SAMPLES] = {1, 1229, AREA_RECORD_MAX};
	struct area *area;

	if (area_open(card, &area) != RESULT_OK)
		return;
	for (size_t i = 0; i < SAMPLES; i++) {
		change(card, area, lengths[i]);
		change(card, area, 0);
	}
	area_free(&area);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct card_options options = {.allow_unproven = true};
	static struct area_card files;
	struct channel *ch = NULL;
	struct card *card;

	if (size < HEADER)
		return 0;
	take_input(&files, data, size);
	MUST(channel_new(&area_ops, &files, "area", atr, sizeof atr, &ch) == RESULT_OK);
	MUST(card_open(ch, &options, &card) == RESULT_OK);
	use(card);
	(void)!card_end(card, false);
	card_free(&card);
	return 0;
}
