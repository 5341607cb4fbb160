/*
 * The directory reader: a card all of whose files have the input as their
 * content is listed, and every record's value is read. Byte 0 says how the
 * card reads its files:
 *   bit 0     generation
 *   bits 1-2  what a read beyond the end gets: short data, 6282, 6Cxx, 6700
 *   bits 3-4  the most it reads at once: 256, 200, 128, 16
 * With bit 7 set the rest is a script of raw answers instead (script.h).
 */
#include "profiles/card.h"
#include "profiles/pkcs15.h"
#include "fuzz.h"
#include "script.h"

#define RAW_ANSWERS 0x80

static const uint8_t atr_gen1[] = {0x3B, 0xB8, 0x13, 0x00, 0x81, 0x31, 0xFA, 0x52, 0x43,
				   0x48, 0x54, 0x4D, 0x4F, 0x49, 0x43, 0x41, 0xA5};
static const uint8_t atr_gen2[] = {0x3B, 0xD8, 0x96, 0x00, 0x81, 0xB1, 0xFE, 0x45, 0x1F, 0x07,
				   0x43, 0x48, 0x54, 0x47, 0x50, 0x4B, 0x49, 0x4A, 0xDD};

/* A card with one content in all its files. */
struct file_card {
	const uint8_t *content;
	size_t len;
	uint8_t options;
	unsigned commands;
};

static size_t put_status(uint8_t *answer, size_t at, uint16_t sw)
{
	answer[at] = (uint8_t)(sw >> 8);
	answer[at + 1] = (uint8_t)sw;
	return at + 2;
}

static size_t read_binary(const struct file_card *f, const uint8_t *cmd, size_t len, uint8_t *answer)
{
	static const size_t most[] = {256, 200, 128, 16};
	size_t offset = (size_t)cmd[2] << 8 | cmd[3], le = len == 5 ? cmd[4] : 0, rest;

	le = le ? le : 256;
	if (le > most[f->options >> 3 & 3])
		return put_status(answer, 0, 0x6700);
	if (offset >= f->len)
		return put_status(answer, 0, 0x6B00);
	rest = f->len - offset;
	if (le > rest && (f->options >> 1 & 3) == 2)
		return put_status(answer, 0, (uint16_t)(0x6C00 | (rest & 0xFF)));
	if (le > rest && (f->options >> 1 & 3) == 3)
		return put_status(answer, 0, 0x6700);
	memcpy(answer, f->content + offset, le < rest ? le : rest);
	return put_status(answer, le < rest ? le : rest,
			  le > rest && (f->options >> 1 & 3) == 1 ? 0x6282 : 0x9000);
}

static enum result file_transmit(void *self, const uint8_t *cmd, size_t len, uint8_t *answer,
				 size_t cap, size_t *answer_len)
{
	struct file_card *f = self;

	MUST(len >= 4 && len <= COMMAND_MAX_SIZE && cap >= TRANSPORT_ANSWER_MAX);
	MUST(++f->commands < 400000);
	MUST(cmd[1] != 0x20 && cmd[1] != 0xEA && cmd[1] != 0x50); /* nobody logs in here */
	if (cmd[1] == 0xB0)
		*answer_len = read_binary(f, cmd, len, answer);
	else
		*answer_len = put_status(answer, 0, 0x9000);
	return RESULT_OK;
}

static enum result file_begin(void *self, bool *was_reset)
{
	(void)self;
	*was_reset = false;
	return RESULT_OK;
}

static enum result file_end(void *self, bool reset)
{
	(void)self;
	(void)reset;
	return RESULT_OK;
}

static const struct transport_ops file_ops = {file_begin, file_end, file_transmit, script_close};

/* ---- the card as a listing reads it ---- */

static void check_object(const struct p15_object *o, enum p15_class kind)
{
	MUST(o->kind == kind && o->path.count <= PATH_DEPTH && o->key_ref <= 255);
	MUST(!o->label.len || o->label.data);
}

/* What is kept of a directory makes the same records again. */
static void check_raw(const struct p15_list *list, enum p15_class kind, const struct buffer *raw)
{
	struct p15_list again;

	MUST(p15_parse(kind, raw->data, raw->len, &again) == RESULT_OK);
	MUST(again.count == list->count);
	p15_list_clear(&again);
}

static void read_kind(struct card *card, enum p15_class kind)
{
	struct p15_list list;
	struct buffer value = BUFFER_INIT, raw = BUFFER_INIT;

	if (card_read_directory(card, kind, &list, &raw) != RESULT_OK) {
		buffer_clear(&raw);
		return;
	}
	check_raw(&list, kind, &raw);
	buffer_clear(&raw);
	for (size_t i = 0; i < list.count; i++) {
		check_object(&list.items[i], kind);
		if (card_read_object(card, &list.items[i], &value) != RESULT_OK)
			MUST(value.len == 0);
		buffer_reset(&value);
	}
	buffer_clear(&value);
	p15_list_clear(&list);
}

static void read_card(struct channel *ch)
{
	const struct card_options options = {0};
	struct token_data data;
	struct rsa_public key;
	struct card *card;

	if (card_open(ch, &options, &card) != RESULT_OK)
		return;
	for (enum p15_class kind = 0; kind < P15_CLASSES; kind++)
		read_kind(card, kind);
	if (card_read_token(card, &data) == RESULT_OK)
		MUST(strlen(data.label) < sizeof data.label && strlen(data.model) < sizeof data.model);
	(void)!card_read_public_key(card, 0x01, &key);
	(void)!card_end(card, false);
	card_free(&card);
}

/* ---- the parser alone, as bytes arrive ---- */

static void scan_and_parse(const uint8_t *data, size_t size)
{
	size_t content = 0, need = 0, before = 0;
	struct p15_token_info info;
	enum p15_scan state = P15_MORE;

	for (size_t len = 0; state == P15_MORE && len <= size; len = need) {
		state = p15_scan(data, len, &content, &need);
		MUST(content <= len && content >= before);
		MUST(state != P15_MORE || need > len);
		before = content;
	}
	for (enum p15_class kind = 0; kind < P15_CLASSES; kind++) {
		struct p15_list list;

		if (p15_parse(kind, data, content, &list) == RESULT_OK)
			p15_list_clear(&list);
	}
	(void)!p15_parse_token_info(data, size, &info);
	p15_token_info_clear(&info);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file_card files;
	struct script script = {0};
	struct channel *ch = NULL;
	bool gen2;

	if (size < 1)
		return 0;
	files = (struct file_card){.content = data + 1, .len = size - 1, .options = data[0]};
	gen2 = data[0] & 1;
	script.in = cursor_of(data + 1, size - 1);
	if (data[0] & RAW_ANSWERS) {
		ch = gen2 ? script_channel(&script, atr_gen2, sizeof atr_gen2)
			  : script_channel(&script, atr_gen1, sizeof atr_gen1);
	} else {
		scan_and_parse(data + 1, size - 1);
		MUST(channel_new(&file_ops, &files, "files", gen2 ? atr_gen2 : atr_gen1,
				 gen2 ? sizeof atr_gen2 : sizeof atr_gen1, &ch) == RESULT_OK);
	}
	if (ch)
		read_card(ch);
	return 0;
}
