/* Reading files of cards that answer in every way that the facts leave open, and of hostile ones. */
#include <string.h>
#include <unistd.h>

#include "der.h"
#include "apdu/status.h"
#include "profiles/internal.h"
#include "wire.h"

#define RECORD "30{ 30{ 0C'k1' } 30{ 04'SIGN' 03:0520 02:01 } A1{ 30{ 30{ 04:3F0050300810 } } } }"

enum past_end { END_SHORT, END_6282, END_6B00, END_6C, END_6700 };

/* A card with one file, whatever is selected. */
struct file_card {
	struct buffer file;
	enum past_end past_end;
	unsigned read_max;   /* above: limit_sw; 0: none */
	uint16_t limit_sw;   /* 6700, or 6C00: with the limit in it */
	unsigned short_max;  /* never more than that many bytes; 0: none */
	bool endless;        /* every read gets data */
	/* one bad moment: what the nth read, counted from 1, gets */
	unsigned bad_read;
	uint16_t bad_sw;       /* 9000: bad_len bytes at most */
	unsigned bad_len;
	unsigned reads;
	/* SELECTs of the file, from the first on, that get 6A82 */
	unsigned absent;
	uint16_t absent_sw;    /* or another status word */
	unsigned parent_refused; /* the same of its directory */
};

static enum result answer_sw(uint8_t *answer, size_t *len, uint16_t sw)
{
	answer[(*len)++] = (uint8_t)(sw >> 8);
	answer[(*len)++] = (uint8_t)sw;
	return RESULT_OK;
}

static enum result read_at(const struct file_card *f, size_t at, size_t le, uint8_t *answer,
			   size_t *len)
{
	size_t there = at < f->file.len ? f->file.len - at : 0;

	if (f->endless) {
		*len = f->short_max && f->short_max < le ? f->short_max : le;
		memset(answer, f->file.data[0], *len);
		return answer_sw(answer, len, SW_OK);
	}
	if (f->read_max && le > f->read_max)
		return answer_sw(answer, len, f->limit_sw == 0x6C00 ? (uint16_t)(0x6C00 | f->read_max)
								     : f->limit_sw);
	if (there == 0)
		return answer_sw(answer, len, f->past_end == END_6282 ? 0x6282 : 0x6B00);
	if (f->short_max && le > f->short_max)
		le = f->short_max;
	if (le > there) {
		if (f->past_end == END_6C)
			return answer_sw(answer, len, (uint16_t)(0x6C00 | there));
		if (f->past_end == END_6700)
			return answer_sw(answer, len, 0x6700);
		memcpy(answer, f->file.data + at, there);
		*len = there;
		return answer_sw(answer, len, f->past_end == END_6282 ? 0x6282 : SW_OK);
	}
	memcpy(answer, f->file.data + at, le);
	*len = le;
	return answer_sw(answer, len, SW_OK);
}

static uint16_t select_sw(struct file_card *f, uint16_t fid)
{
	unsigned *left = fid == 0x4104 ? &f->absent : fid == 0x5030 ? &f->parent_refused : NULL;

	if (!left || !*left)
		return SW_OK;
	--*left;
	return f->absent_sw ? f->absent_sw : 0x6A82;
}

static enum result answer(void *context, const uint8_t *cmd, size_t len, uint8_t *out, size_t cap,
			  size_t *out_len)
{
	struct file_card *f;

	(void)cap;
	assert_int_equal(cmd[0], 0x80);
	if (cmd[1] == 0xA4)
		return answer_sw(out, out_len, select_sw(context, (uint16_t)(cmd[5] << 8 | cmd[6])));
	assert_int_equal(cmd[1], 0xB0);
	assert_int_equal(len, 5);
	f = context;
	if (++f->reads == f->bad_read) {
		struct file_card cut = *f;

		if (f->bad_sw != SW_OK || !f->bad_len)
			return answer_sw(out, out_len, f->bad_sw);
		cut.short_max = f->bad_len;
		return read_at(&cut, (size_t)cmd[2] << 8 | cmd[3], cmd[4] ? cmd[4] : 256, out, out_len);
	}
	return read_at(context, (size_t)cmd[2] << 8 | cmd[3], cmd[4] ? cmd[4] : 256, out, out_len);
}

static const struct card_path path = {2, {0x5030, 0x4104}};
static struct wire wire;

static struct card open_file(struct file_card *f)
{
	return (struct card){.channel = wire_function(&wire, answer, f), .profile = &profile_hicos_v3,
			     .read_size = 248, .read_max = 248};
}

static void close_file(struct card *card, struct file_card *f)
{
	channel_free(&card->channel);
	buffer_clear(&f->file);
}

/* Records, padding up to `size`, and the content's length in the last two bytes. */
static size_t fill(struct file_card *f, unsigned records, size_t size, uint8_t pad)
{
	size_t content;

	for (unsigned i = 0; i < records; i++)
		der_put(&f->file, RECORD);
	content = f->file.len;
	while (f->file.len + 2 < size)
		assert_int_equal(buffer_append_u8(&f->file, pad), RESULT_OK);
	if (size) {
		assert_int_equal(buffer_append_u8(&f->file, (uint8_t)content), RESULT_OK);
		assert_int_equal(buffer_append_u8(&f->file, (uint8_t)(content >> 8)), RESULT_OK);
	}
	return content;
}

/*
 * All records and nothing else comes out. A length below 256 right after the
 * last record looks like an empty object ("6F 00"); the parser leaves it out.
 */
static void assert_directory(struct file_card *f, size_t content, unsigned records)
{
	struct card card = open_file(f);
	struct buffer out = BUFFER_INIT;
	struct p15_list list;

	assert_int_equal(files_read_directory(&card, &path, &out), RESULT_OK);
	assert_in_range(out.len, content, content + 2);
	if (content)
		assert_memory_equal(out.data, f->file.data, content);
	assert_int_equal(p15_parse(P15_PRIVATE_KEY, out.data, out.len, &list), RESULT_OK);
	assert_int_equal(list.count, records);
	p15_list_clear(&list);
	assert_in_range(wire.commands, 3, 60);
	buffer_clear(&out);
	close_file(&card, f);
}

static void directories_end_at_padding_trailer_or_the_files_end(void **state)
{
	(void)state;
	for (int end = END_SHORT; end <= END_6700; end++) {
		for (unsigned records = 0; records < 12; records += 3) {
			struct file_card f = {.past_end = (enum past_end)end};

			assert_directory(&f, fill(&f, records, 1024, 0xFF), records);
			assert_directory(&f, fill(&f, records, 1024, 0x00), records);
			if (records) { /* full: no padding, with and without the length */
				assert_directory(&f, fill(&f, records, 1, 0), records);
				assert_directory(&f, fill(&f, records, 0, 0), records);
			}
		}
	}
}

static void a_directory_that_ends_inside_a_record_is_bad_data(void **state)
{
	(void)state;
	for (int end = END_SHORT; end <= END_6700; end++) {
		struct file_card f = {.past_end = (enum past_end)end};
		struct card card = open_file(&f);
		struct buffer out = BUFFER_INIT;

		fill(&f, 8, 0, 0);
		buffer_truncate(&f.file, f.file.len - 5);
		assert_int_equal(files_read_directory(&card, &path, &out), RESULT_BAD_DATA);
		assert_int_equal(out.len, 0);
		buffer_clear(&out);
		close_file(&card, &f);
	}
}

static void a_card_that_refuses_long_reads_gets_200_from_then_on(void **state)
{
	static const uint16_t refusals[] = {0x6700, 0x6C00};

	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct file_card f = {.read_max = 200, .limit_sw = refusals[i]};
		struct card card = open_file(&f);
		struct buffer out = BUFFER_INIT;
		unsigned first;

		fill(&f, 0, 1000, 0xAA);
		assert_int_equal(files_read(&card, &path, 0, 1000, &out), RESULT_OK);
		assert_memory_equal(out.data, f.file.data, 1000);
		first = wire.commands;
		buffer_reset(&out);
		assert_int_equal(files_read(&card, &path, 0, 1000, &out), RESULT_OK);
		assert_int_equal(out.len, 1000);
		assert_int_equal(card.read_size, 200);
		assert_true(wire.commands - first <= 2 + 5); /* remembered: selects, five reads */
		buffer_clear(&out);
		close_file(&card, &f);
	}
}

static void a_card_that_gives_less_without_a_word_is_followed(void **state)
{
	struct file_card f = {.short_max = 100};
	struct card card = open_file(&f);
	struct buffer out = BUFFER_INIT;

	(void)state;
	fill(&f, 0, 1000, 0xAA);
	assert_int_equal(files_read(&card, &path, 10, 900, &out), RESULT_OK);
	assert_int_equal(out.len, 900);
	assert_memory_equal(out.data, f.file.data + 10, 900);
	assert_in_range(wire.commands, 9, 20);
	buffer_clear(&out);
	close_file(&card, &f);
}

static void a_read_beyond_the_end_is_end_of_file_in_every_dialect(void **state)
{
	(void)state;
	for (int end = END_SHORT; end <= END_6700; end++) {
		struct file_card f = {.past_end = (enum past_end)end};
		struct card card = open_file(&f);
		struct buffer out = BUFFER_INIT;

		fill(&f, 0, 500, 0xAA);
		assert_int_equal(buffer_append(&out, "kept", 4), RESULT_OK);
		assert_int_equal(files_read(&card, &path, 400, 101, &out), RESULT_END_OF_FILE);
		assert_int_equal(files_read(&card, &path, 500, 1, &out), RESULT_END_OF_FILE);
		assert_int_equal(files_read(&card, &path, 4000, 10, &out), RESULT_END_OF_FILE);
		assert_int_equal(out.len, 4);
		assert_int_equal(files_read(&card, &path, 400, 100, &out), RESULT_OK);
		assert_int_equal(out.len, 104);
		assert_in_range(wire.commands, 5, 60);
		buffer_clear(&out);
		close_file(&card, &f);
	}
}

static void what_cannot_be_in_a_file_is_not_asked_for(void **state)
{
	struct file_card f = {.past_end = END_SHORT};
	struct card card = open_file(&f);
	struct buffer out = BUFFER_INIT;

	(void)state;
	fill(&f, 0, 500, 0xAA);
	assert_int_equal(files_read(&card, &path, 0x8000, 1, &out), RESULT_END_OF_FILE);
	assert_int_equal(files_read(&card, &path, 0, 0x8001, &out), RESULT_END_OF_FILE);
	assert_int_equal(files_read(&card, &path, 0x7FFF, 0xFFFFFFFF, &out), RESULT_END_OF_FILE);
	assert_int_equal(files_read(&card, &path, 0xFFFFFFFF, 2, &out), RESULT_END_OF_FILE);
	assert_int_equal(wire.commands, 0);
	buffer_clear(&out);
	close_file(&card, &f);
}

static void an_object_is_read_whole_and_no_further(void **state)
{
	struct file_card f = {.past_end = END_6B00};
	struct card card = open_file(&f);
	struct buffer out = BUFFER_INIT;
	size_t size;

	(void)state;
	size = fill(&f, 1, 3000, 0xFF);
	assert_int_equal(files_read_object(&card, &path, &out), RESULT_OK);
	assert_int_equal(out.len, size);
	assert_int_equal(wire.commands, 4);
	buffer_clear(&out);
	close_file(&card, &f);
}

static void what_is_no_object_is_the_whole_file(void **state)
{
	struct file_card f = {.past_end = END_6B00};
	struct card card = open_file(&f);
	struct buffer out = BUFFER_INIT;

	(void)state;
	fill(&f, 0, 700, 0x00);
	assert_int_equal(files_read_object(&card, &path, &out), RESULT_OK);
	assert_int_equal(out.len, 700);
	buffer_clear(&out);
	close_file(&card, &f);
}

/* ---- one bad moment ---- */

static enum result read_directory_of(struct file_card *f, size_t *len)
{
	struct card card = open_file(f);
	struct buffer out = BUFFER_INIT;
	enum result r;

	f->reads = 0;
	r = files_read_directory(&card, &path, &out);
	*len = out.len;
	buffer_clear(&out);
	channel_free(&card.channel);
	return r;
}

static void a_missing_directory_is_believed_when_it_was_said_twice(void **state)
{
	struct file_card f = {.past_end = END_SHORT};
	size_t content = fill(&f, 3, 500, 0xFF), len;

	(void)state;
	f.absent = 1;
	assert_int_equal(read_directory_of(&f, &len), RESULT_OK);
	assert_int_equal(len, content);
	f.absent = 2;
	assert_int_equal(read_directory_of(&f, &len), RESULT_NOT_FOUND);
	assert_int_equal(wire.commands, 6); /* the whole way, twice */
	buffer_clear(&f.file);
}

static void nothing_else_makes_a_directory_missing(void **state)
{
	static const uint16_t words[] = {0x6A82, 0x6A83, 0x6A88, 0x6F00, 0x6982, 0x6B00, 0x6282};
	struct file_card f = {.past_end = END_SHORT};
	size_t len;

	(void)state;
	fill(&f, 3, 500, 0xFF);
	for (size_t i = 0; i < COUNT(words); i++) {
		enum result r;

		f.absent_sw = words[i];
		for (unsigned times = 1; times <= 3; times++) {
			f.parent_refused = times;
			r = read_directory_of(&f, &len);
			assert_true(r != RESULT_OK && r != RESULT_NOT_FOUND);
		}
		f.parent_refused = 0;
		f.absent = i ? 3 : 0; /* 6A82 of the file itself is the other test */
		r = read_directory_of(&f, &len);
		assert_true(i == 0 || (r != RESULT_OK && r != RESULT_NOT_FOUND));
		f.absent = 0;
		f.bad_sw = words[i];
		f.bad_read = 1;
		r = read_directory_of(&f, &len);
		assert_true(r != RESULT_NOT_FOUND && (r != RESULT_OK || len > 0));
		f.bad_read = 0;
		assert_int_equal(read_directory_of(&f, &len), RESULT_OK);
	}
	buffer_clear(&f.file);
}

/* 6B00, 6282 and nothing at all could be the file's end: twice, it is. */
static void an_end_in_the_middle_is_believed_when_it_was_said_twice(void **state)
{
	static const uint16_t words[] = {0x6B00, 0x6282, 0x9000};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		for (unsigned at = 1; at <= 4; at++) {
			struct file_card f = {.past_end = END_SHORT, .bad_sw = words[i], .bad_read = at};
			size_t content = fill(&f, 20, 1000, 0xFF), len;
			enum result r = read_directory_of(&f, &len);

			assert_true(r == RESULT_OK || (at == 1 && words[i] == 0x6B00));
			assert_int_equal(len, r == RESULT_OK ? content : 0);
			buffer_clear(&f.file);
		}
	}
}

static void a_file_of_no_bytes_is_no_directory(void **state)
{
	struct file_card f = {.past_end = END_6282};
	size_t len;

	(void)state;
	assert_int_equal(read_directory_of(&f, &len), RESULT_END_OF_FILE);
	assert_int_equal(len, 0);
}

/* The commands that reading 7,000 bytes takes. */
static unsigned cost_of_7000(struct card *card, const struct file_card *f)
{
	unsigned before = wire.commands;
	struct buffer out = BUFFER_INIT;

	assert_int_equal(files_read(card, &path, 0, 7000, &out), RESULT_OK);
	assert_memory_equal(out.data, f->file.data, 7000);
	buffer_clear(&out);
	return wire.commands - before;
}

static void one_short_answer_does_not_make_the_others_short(void **state)
{
	static const struct {
		uint16_t sw;
		unsigned len;
	} moments[] = {{SW_OK, 16}, {SW_OK, 100}, {0x6700, 0}, {0x6C10, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(moments); i++) {
		struct file_card f = {.past_end = END_6B00, .bad_sw = moments[i].sw,
				      .bad_len = moments[i].len, .bad_read = 3};
		struct card card = open_file(&f);

		fill(&f, 0, 8000, 0xAA);
		assert_in_range(cost_of_7000(&card, &f), 3 + 29, 3 + 29 + 6);
		assert_int_equal(card.read_size, 248);
		assert_in_range(cost_of_7000(&card, &f), 29, 3 + 29);
		close_file(&card, &f);
	}
}

/* Asked for more again and again, but ever more rarely. */
static void a_card_with_a_real_limit_costs_few_commands_more(void **state)
{
	static const struct {
		unsigned read_max;
		uint16_t limit_sw;
		unsigned short_max;
		unsigned least; /* commands for 7,000 bytes */
	} cards[] = {{200, 0x6700, 0, 35}, {200, 0x6C00, 0, 35}, {128, 0x6700, 0, 70}, {0, 0, 100, 70},
		     {0, 0, 16, 438}};

	(void)state;
	for (size_t i = 0; i < COUNT(cards); i++) {
		struct file_card f = {.past_end = END_6B00, .read_max = cards[i].read_max,
				      .limit_sw = cards[i].limit_sw, .short_max = cards[i].short_max};
		struct card card = open_file(&f);
		unsigned first, second;

		fill(&f, 0, 8000, 0xAA);
		first = cost_of_7000(&card, &f);
		second = cost_of_7000(&card, &f);
		print_message("# limit %u%s: %u, then %u commands for 7000 bytes\n",
			      cards[i].read_max + cards[i].short_max,
			      cards[i].short_max ? ", not told" : "", first, second);
		assert_in_range(first, cards[i].least, cards[i].least + 16);
		assert_in_range(second, cards[i].least - 3, cards[i].least + 8);
		close_file(&card, &f);
	}
}

/* ---- hostile cards ---- */

static void answers_of_one_byte_end_in_bounded_work(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x30, 0x82, 0xFF, 0x04};

	(void)state;
	for (size_t i = 0; i < COUNT(bytes); i++) {
		struct file_card f = {.endless = true, .short_max = 1};
		struct card card = open_file(&f);
		struct buffer out = BUFFER_INIT;

		assert_int_equal(buffer_append_u8(&f.file, bytes[i]), RESULT_OK);
		(void)!files_read_directory(&card, &path, &out);
		(void)!files_read_object(&card, &path, &out);
		assert_int_not_equal(files_read(&card, &path, 0, 0x7000, &out), RESULT_OK);
		assert_in_range(wire.commands, 3, 3 * 100);
		buffer_clear(&out);
		close_file(&card, &f);
	}
}

static void a_file_without_end_ends_at_the_largest_one(void **state)
{
	static const uint8_t bytes[] = {0x30, 0x04, 0x82};

	(void)state;
	for (size_t i = 0; i < COUNT(bytes); i++) {
		struct file_card f = {.endless = true};
		struct card card = open_file(&f);
		struct buffer out = BUFFER_INIT;

		assert_int_equal(buffer_append_u8(&f.file, bytes[i]), RESULT_OK);
		(void)!files_read_directory(&card, &path, &out);
		assert_true(out.len <= 0x8000 + 256);
		assert_in_range(wire.commands, 3, 200);
		buffer_clear(&out);
		close_file(&card, &f);
	}
}

/* No object is at its front, one that is never complete, or nothing but padding: it is read once, and that is all. */
static void an_object_in_a_file_without_end_is_the_largest_file(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x30, 0x82, 0xFF};

	(void)state;
	for (size_t i = 0; i < COUNT(bytes); i++) {
		struct file_card f = {.endless = true};
		struct card card = open_file(&f);
		struct buffer out = BUFFER_INIT;

		alarm(20);
		assert_int_equal(buffer_append_u8(&f.file, bytes[i]), RESULT_OK);
		assert_int_equal(buffer_append_u8(&out, 'x'), RESULT_OK);
		assert_int_equal(files_read_object(&card, &path, &out), RESULT_OK);
		assert_int_equal(out.len, bytes[i] == 0x30 ? 1 + 2 + 0x30 : 1 + 0x8000);
		assert_in_range(wire.commands, 3, 200);
		alarm(0);
		buffer_clear(&out);
		close_file(&card, &f);
	}
}

static void an_object_longer_than_any_file_is_cut(void **state)
{
	struct file_card f = {.past_end = END_6B00};
	struct card card = open_file(&f);
	struct buffer out = BUFFER_INIT;

	(void)state;
	assert_int_equal(buffer_append(&f.file, "\x30\x84\xFF\xFF\xFF\xFF", 6), RESULT_OK);
	fill(&f, 3, 600, 0xFF);
	(void)!files_read_object(&card, &path, &out);
	assert_true(out.len <= 600);
	assert_in_range(wire.commands, 3, 20);
	buffer_clear(&out);
	close_file(&card, &f);
}

/* ---- paths ---- */

static bool parse_path(const char *hex, struct card_path *out)
{
	uint8_t bytes[32];

	return path_parse(cursor_of(bytes, wire_unhex(hex, bytes, sizeof bytes)), out);
}

static void a_path_starts_at_the_root_which_is_not_written(void **state)
{
	static const struct {
		const char *hex, *text, *parent;
	} good[] = {{"", "3F00", "3F00"},
		    {"3F00", "3F00", "3F00"},
		    {"7FFF", "3F00", "3F00"},
		    {"5030", "3F00/5030", "3F00"},
		    {"3F0050304104", "3F00/5030/4104", "3F00/5030"},
		    {"50303F00", "3F00/5030/3F00", "3F00/5030"},
		    {"3F007FFF", "3F00/7FFF", "3F00"},
		    {"3F00000100020003000400050006", "3F00/0001/0002/0003/0004/0005/0006",
		     "3F00/0001/0002/0003/0004/0005"}};
	static const char *const bad[] = {"3F", "3F0050", "0001000200030004000500060007"};
	struct card_path p = {1, {0x7777}}, parent;
	char text[PATH_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(parse_path(good[i].hex, &p));
		assert_string_equal(path_text(&p, text), good[i].text);
		parent = path_parent(&p);
		assert_string_equal(path_text(&parent, text), good[i].parent);
		assert_true(path_starts_with(&p, &parent));
		assert_int_equal(path_starts_with(&parent, &p), p.count == 0);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(parse_path(bad[i], &p));
	assert_int_equal(p.count, 6); /* as it was */
}

static void the_way_to_a_file_is_as_short_as_what_is_known(void **state)
{
	static const char *const script[] = {
		"80A40000023F00", "9000", "80A40000025030", "9000", "80A40000024104", "9000",
		/* the same: nothing; another one there: only that; further down: from there */
		"80A40000024105", "9000", "80A40000020810", "9000", "80A40000024201", "9000",
		/* up again, and elsewhere: from the root */
		"80A40000023F00", "9000", "80A40000025030", "9000", "80A40000024104", "9000",
		"80A40000023F00", "9000", "80A40000020900", "9000", "80A40000024104", "9000",
		/* forgotten; and refused, which is not known any more */
		"80A40000023F00", "9000", "80A40000020900", "9000", "80A40000024104", "9000",
		"80A40000024105", "6A82", "80A40000023F00", "9000", "80A40000020900", "9000",
		"80A40000024104", "9000", NULL};
	static const struct {
		struct card_path path;
		bool forgotten;
		enum result result;
		unsigned commands;
	} rows[] = {{{2, {0x5030, 0x4104}}, false, RESULT_OK, 3},
		    {{2, {0x5030, 0x4104}}, false, RESULT_OK, 3},
		    {{2, {0x5030, 0x4105}}, false, RESULT_OK, 4},
		    {{3, {0x5030, 0x0810, 0x4201}}, false, RESULT_OK, 6},
		    {{2, {0x5030, 0x4104}}, false, RESULT_OK, 9},
		    {{2, {0x0900, 0x4104}}, false, RESULT_OK, 12},
		    {{2, {0x0900, 0x4104}}, true, RESULT_OK, 15},
		    {{0, {0}}, false, RESULT_ARGUMENT, 15}, /* the root is no file */
		    {{2, {0x0900, 0x4105}}, false, RESULT_NOT_FOUND, 16},
		    {{2, {0x0900, 0x4104}}, false, RESULT_OK, 19}};
	struct card card = {.channel = wire_script(&wire, script), .profile = &profile_hicos_v3};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].forgotten)
			files_forget(&card);
		assert_int_equal(files_select(&card, &rows[i].path), rows[i].result);
		assert_int_equal(wire.commands, rows[i].commands);
	}
	channel_free(&card.channel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directories_end_at_padding_trailer_or_the_files_end),
		cmocka_unit_test(a_directory_that_ends_inside_a_record_is_bad_data),
		cmocka_unit_test(a_card_that_refuses_long_reads_gets_200_from_then_on),
		cmocka_unit_test(a_card_that_gives_less_without_a_word_is_followed),
		cmocka_unit_test(a_read_beyond_the_end_is_end_of_file_in_every_dialect),
		cmocka_unit_test(what_cannot_be_in_a_file_is_not_asked_for),
		cmocka_unit_test(an_object_is_read_whole_and_no_further),
		cmocka_unit_test(what_is_no_object_is_the_whole_file),
		cmocka_unit_test(a_missing_directory_is_believed_when_it_was_said_twice),
		cmocka_unit_test(nothing_else_makes_a_directory_missing),
		cmocka_unit_test(an_end_in_the_middle_is_believed_when_it_was_said_twice),
		cmocka_unit_test(a_file_of_no_bytes_is_no_directory),
		cmocka_unit_test(one_short_answer_does_not_make_the_others_short),
		cmocka_unit_test(a_card_with_a_real_limit_costs_few_commands_more),
		cmocka_unit_test(answers_of_one_byte_end_in_bounded_work),
		cmocka_unit_test(a_file_without_end_ends_at_the_largest_one),
		cmocka_unit_test(an_object_in_a_file_without_end_is_the_largest_file),
		cmocka_unit_test(an_object_longer_than_any_file_is_cut),
		cmocka_unit_test(a_path_starts_at_the_root_which_is_not_written),
		cmocka_unit_test(the_way_to_a_file_is_as_short_as_what_is_known),
	};

	return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
