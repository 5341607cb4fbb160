#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "apdu/log.h"
#include "profiles/area.h"
#include "profiles/area_index.h"
#include "profiles/internal.h"

_Static_assert(AREA_RECORD_MAX == AREA_BLOCK * AREA_RECORD_BLOCKS, "area.h says what fits");
_Static_assert(AREA_BLOCK <= CARD_BLOCK_SIZE, "a block is one command");
_Static_assert(AREA_HEADER_SIZE + AREA_RECORDS_MAX * 14 + AREA_BLOCKS + AREA_CHECK_SIZE <=
		       AREA_INDEX_SIZE,
	       "the longest index fits its file");

#define NO_COPY (-1)

/* What is known of the area, from area_open() to the first error while it is changed. */
struct area {
	struct card *card;
	struct area_index copy[AREA_COPIES];
	bool whole[AREA_COPIES];
	int newest;  /* the copy that counts */
	bool stale;  /* what the card has is not certain any more */
};

static const struct area_index *current(const struct area *area)
{
	return &area->copy[area->newest];
}

/* ---- opening ---- */

/* The first bytes of a copy, and what follows if it says that it is longer. */
static enum result read_copy(struct card *card, const struct card_path *file, struct buffer *out)
{
	unsigned length = 0;
	enum result r = card_read_guarded(card, file, 0, AREA_BLOCK, out);

	if (r != RESULT_OK)
		return r;
	if (area_index_head(out->data, &length) == AREA_COPY_WHOLE && length > AREA_BLOCK)
		r = card_read_guarded(card, file, AREA_BLOCK, length - AREA_BLOCK, out);
	return r;
}

/* A file that is not there, or too short, is a copy that was never written. */
static enum result read_and_parse(struct area *area, int i, enum area_copy *state)
{
	struct buffer bytes = BUFFER_INIT;
	enum result r = read_copy(area->card, &area_layout.index[i], &bytes);

	*state = AREA_COPY_BLANK;
	if (r == RESULT_OK)
		r = area_index_parse(area->card->options.libctx, bytes.data, bytes.len,
				     &area->copy[i], state);
	else if (r == RESULT_NOT_FOUND || r == RESULT_END_OF_FILE)
		r = RESULT_OK;
	area->whole[i] = r == RESULT_OK && *state == AREA_COPY_WHOLE;
	buffer_clear(&bytes);
	return r;
}

/*
 * If the newer copy were not seen for a moment, the older one would count, and
 * the next change would be written over the newer: what is not whole is looked
 * at once more, from the directory on.
 */
static enum result take_copy(struct area *area, int i, enum area_copy *state)
{
	enum result r = read_and_parse(area, i, state);

	if (r != RESULT_OK || *state == AREA_COPY_WHOLE)
		return r;
	r = card_find_directory(area->card, &area_layout.dir);
	return r == RESULT_OK ? read_and_parse(area, i, state) : r;
}

/* Which copy counts? RESULT_AREA_NOT_ACTIVATED, RESULT_INDEX_FORMAT: none. */
static enum result choose(struct area *area, const enum area_copy state[AREA_COPIES])
{
	bool blank = false;

	area->newest = NO_COPY;
	for (int i = 0; i < AREA_COPIES; i++) {
		if (state[i] == AREA_COPY_UNKNOWN) {
			log_line(LOG_ERROR, "data area: its index is of another version than %d",
				 area_layout.version);
			return RESULT_INDEX_FORMAT;
		}
		blank |= state[i] == AREA_COPY_BLANK;
		if (area->whole[i] && (area->newest == NO_COPY ||
				       area->copy[i].generation > current(area)->generation))
			area->newest = i;
	}
	if (area->newest != NO_COPY)
		return RESULT_OK;
	/* the second copy is written with the first record: before that nothing can be lost */
	return blank ? RESULT_AREA_NOT_ACTIVATED : RESULT_INDEX_FORMAT;
}

static enum result take_copies(struct area *area, enum area_copy state[AREA_COPIES])
{
	enum result r = card_find_directory(area->card, &area_layout.dir);

	if (r == RESULT_NOT_FOUND)
		return RESULT_AREA_NOT_ACTIVATED;
	for (int i = 0; r == RESULT_OK && i < AREA_COPIES; i++)
		r = take_copy(area, i, &state[i]);
	return r;
}

/* No change leaves two copies of one generation: one file was shown in the place of the other. */
static bool is_one_twice(const struct area *area)
{
	return area->whole[0] && area->whole[1] && area->copy[0].generation == area->copy[1].generation;
}

static enum result read_index(struct area *area)
{
	enum area_copy state[AREA_COPIES];
	enum result r = take_copies(area, state);

	if (r == RESULT_OK && is_one_twice(area))
		r = take_copies(area, state);
	return r == RESULT_OK ? choose(area, state) : r;
}

enum result area_open(struct card *card, struct area **out)
{
	struct area *area = calloc(1, sizeof *area);
	enum result r = area ? RESULT_OK : RESULT_NO_MEMORY;

	*out = NULL;
	if (r == RESULT_OK) {
		area->card = card;
		r = read_index(area);
	}
	if (r != RESULT_OK) {
		log_line(LOG_INFO, "data area: %s", result_text(r));
		area_free(&area);
	}
	*out = area;
	return r;
}

enum result area_look(struct card *card)
{
	enum result r = card_look_for_directory(card, &area_layout.dir);

	return r == RESULT_NOT_FOUND ? RESULT_AREA_NOT_ACTIVATED : r;
}

void area_free(struct area **area)
{
	if (*area)
		OPENSSL_cleanse(*area, sizeof **area);
	free(*area);
	*area = NULL;
}

/* ---- looking ---- */

enum result area_list(const struct area *area, struct area_record *out, size_t *count)
{
	size_t room = *count;

	if (area->stale)
		return RESULT_NOT_READ;
	*count = current(area)->count;
	if (!out)
		return RESULT_OK;
	if (room < *count)
		return RESULT_BUFFER_TOO_SMALL;
	for (size_t i = 0; i < *count; i++)
		out[i] = (struct area_record){current(area)->entry[i].sno,
					      current(area)->entry[i].length};
	return RESULT_OK;
}

/* Neighbouring blocks in one go. */
static enum result read_blocks(struct card *card, const struct area_entry *e, struct buffer *out)
{
	enum result r = RESULT_OK;

	for (unsigned i = 0, run; r == RESULT_OK && i < e->block_count; i += run) {
		size_t left = e->length - out->len, want;

		for (run = 1; i + run < e->block_count && e->block[i + run] == e->block[i] + run;)
			run++;
		want = run * AREA_BLOCK < left ? run * AREA_BLOCK : left;
		r = card_read_guarded(card, &area_layout.data, e->block[i] * AREA_BLOCK,
				      (unsigned)want, out);
	}
	return r;
}

static enum result read_record_once(struct card *card, const struct area_entry *e, struct buffer *out)
{
	uint8_t check[AREA_CHECK_SIZE];
	enum result r = read_blocks(card, e, out);

	if (r == RESULT_OK)
		r = area_check(card->options.libctx, out->data, out->len, check);
	if (r == RESULT_OK && memcmp(check, e->check, sizeof check) != 0)
		r = RESULT_BAD_DATA;
	/* the index says that it is there: anything else is damage */
	return r == RESULT_NOT_FOUND || r == RESULT_END_OF_FILE ? RESULT_BAD_DATA : r;
}

/* Damage lasts; a bad moment, or a file that was only said to be selected, does not. */
static enum result read_record(struct card *card, const struct area_entry *e, struct buffer *out)
{
	enum result r = read_record_once(card, e, out);

	if (r != RESULT_BAD_DATA)
		return r;
	buffer_clear(out);
	files_forget(card);
	return read_record_once(card, e, out);
}

enum result area_read(struct area *area, uint32_t sno, uint8_t *out, size_t *len)
{
	struct buffer bytes = BUFFER_INIT;
	const struct area_entry *e;
	size_t room = *len;
	enum result r;

	if (area->stale)
		return RESULT_NOT_READ;
	e = area_index_find(current(area), sno);
	if (!e)
		return RESULT_SNO_UNKNOWN;
	*len = e->length;
	if (!out)
		return RESULT_OK;
	if (room < e->length)
		return RESULT_BUFFER_TOO_SMALL;
	r = read_record(area->card, e, &bytes);
	if (r != RESULT_OK)
		log_line(LOG_ERROR, "data area: record %lu: %s", (unsigned long)sno, result_text(r));
	else if (bytes.len)
		memcpy(out, bytes.data, bytes.len);
	buffer_clear(&bytes);
	return r;
}

static unsigned blocks_of(size_t len)
{
	return (unsigned)((len + AREA_BLOCK - 1) / AREA_BLOCK);
}

static unsigned count_free(const bool used[AREA_BLOCKS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < AREA_BLOCKS; i++)
		n += !used[i];
	return n;
}

/* Blocks of the longest record. */
static unsigned longest(const struct area_index *index)
{
	unsigned most = 0;

	for (unsigned i = 0; i < index->count; i++)
		if (index->entry[i].block_count > most)
			most = index->entry[i].block_count;
	return most;
}

enum result area_space(const struct area *area, struct area_space *out)
{
	bool used[AREA_BLOCKS] = {false};
	unsigned free_blocks, reserve, most;

	if (area->stale)
		return RESULT_NOT_READ;
	area_index_mark(current(area), used);
	free_blocks = count_free(used);
	reserve = longest(current(area));
	/* it, and as much again or the longest of the others, must be free */
	most = free_blocks > reserve ? free_blocks - reserve : 0;
	if (most > free_blocks / 2)
		most = free_blocks / 2;
	if (most > AREA_RECORD_BLOCKS)
		most = AREA_RECORD_BLOCKS;
	*out = (struct area_space){.total = AREA_BLOCKS * AREA_BLOCK,
				   .used = (AREA_BLOCKS - free_blocks) * AREA_BLOCK,
				   .records = AREA_RECORDS_MAX - current(area)->count};
	out->insert = out->records ? most * AREA_BLOCK : 0;
	return RESULT_OK;
}

/* ---- changing ---- */

static enum result write_copy(struct card *card, int i, const struct area_index *index)
{
	struct buffer bytes = BUFFER_INIT;
	enum result r = area_index_build(card->options.libctx, index, &bytes);

	if (r == RESULT_OK)
		r = card_update_file(card, &area_layout.index[i], 0, bytes.data, bytes.len);
	buffer_clear(&bytes);
	return r;
}

/*
 * Over the copy that does not count, with the next generation: until its last
 * byte is on the card it is not whole, and the other one counts.
 */
static enum result commit(struct area *area, struct area_index *next)
{
	int to = area->newest == 0 ? 1 : 0;
	enum result r;

	if (current(area)->generation == UINT32_MAX)
		return RESULT_INDEX_FORMAT;
	next->generation = current(area)->generation + 1;
	area->stale = true;
	r = write_copy(area->card, to, next);
	if (r != RESULT_OK)
		return r;
	area->copy[to] = *next;
	area->whole[to] = true;
	area->newest = to;
	area->stale = false;
	return RESULT_OK;
}

/*
 * Blocks that no whole copy names. If those of the older copy are needed, it is
 * made to name the same as the newer one first.
 */
static enum result find_blocks(struct area *area, struct area_entry *e)
{
	struct area_index same = *current(area);
	bool used[AREA_BLOCKS] = {false};
	unsigned found = 0;
	enum result r = RESULT_OK;

	for (int i = 0; i < AREA_COPIES; i++)
		area_index_mark(area->whole[i] ? &area->copy[i] : NULL, used);
	if (count_free(used) < e->block_count) {
		memset(used, 0, sizeof used);
		area_index_mark(&same, used);
		r = count_free(used) < e->block_count ? RESULT_NO_SPACE : commit(area, &same);
	}
	for (unsigned i = 0; r == RESULT_OK && found < e->block_count; i++)
		if (!used[i])
			e->block[found++] = (uint8_t)i;
	return r;
}

/* A block is one command; neighbouring ones in one go, so that the last is the shortest. */
static enum result write_blocks(struct area *area, const struct area_entry *e, const uint8_t *data)
{
	enum result r = RESULT_OK;

	area->stale = true;
	for (unsigned i = 0; r == RESULT_OK && i < e->block_count; i++) {
		size_t at = (size_t)i * AREA_BLOCK, left = e->length - at;

		r = card_update_file(area->card, &area_layout.data, e->block[i] * AREA_BLOCK,
				     data + at, left < AREA_BLOCK ? left : AREA_BLOCK);
	}
	area->stale = r != RESULT_OK;
	return r;
}

/* Is there room for it, beside what is kept free? The index as it would be is in *next. */
static enum result plan(const struct area *area, const struct area_entry *e, struct area_index *next)
{
	bool used[AREA_BLOCKS] = {false};
	unsigned total = 0, free_now;

	*next = *current(area);
	area_index_mark(next, used);
	free_now = count_free(used);
	if (!area_index_put(next, e))
		return RESULT_NO_SPACE;
	for (unsigned i = 0; i < next->count; i++)
		total += next->entry[i].block_count;
	if (e->block_count > free_now || total + longest(next) > AREA_BLOCKS)
		return RESULT_NO_SPACE;
	return RESULT_OK;
}

static enum result check_write(const struct area *area, uint32_t sno, enum area_mode mode,
			       const uint8_t *data, size_t len)
{
	enum result r = card_allow(area->card, OP_WRITE_FILE);
	bool there;

	if (r != RESULT_OK)
		return r;
	if (area->stale)
		return RESULT_NOT_READ;
	if (!sno || !data || !len)
		return RESULT_ARGUMENT;
	if (len > AREA_RECORD_MAX)
		return RESULT_DATA_TOO_LARGE;
	there = area_index_find(current(area), sno);
	if (there && mode == AREA_INSERT)
		return RESULT_SNO_EXISTS;
	return !there && mode == AREA_REPLACE ? RESULT_SNO_UNKNOWN : RESULT_OK;
}

enum result area_write(struct area *area, uint32_t sno, enum area_mode mode, const uint8_t *data,
		       size_t len)
{
	struct area_entry e = {.sno = sno, .length = (uint16_t)len,
			       .block_count = (uint8_t)blocks_of(len)};
	struct area_index next;
	enum result r = check_write(area, sno, mode, data, len);

	if (r != RESULT_OK)
		return r;
	r = plan(area, &e, &next);
	if (r == RESULT_OK)
		r = area_check(area->card->options.libctx, data, len, e.check);
	if (r == RESULT_OK)
		r = find_blocks(area, &e);
	if (r == RESULT_OK)
		r = write_blocks(area, &e, data);
	if (r == RESULT_OK && !area_index_put(&next, &e))
		r = RESULT_NO_SPACE;
	return r == RESULT_OK ? commit(area, &next) : r;
}

enum result area_delete(struct area *area, uint32_t sno)
{
	enum result r = card_allow(area->card, OP_WRITE_FILE);
	struct area_index next;

	if (r != RESULT_OK)
		return r;
	if (area->stale)
		return RESULT_NOT_READ;
	if (!area_index_find(current(area), sno))
		return RESULT_SNO_UNKNOWN;
	next = *current(area);
	area_index_remove(&next, sno);
	return commit(area, &next);
}

/* ---- activation ---- */

static enum result allow_activation(const struct card *card)
{
	static const enum card_op needed[] = {OP_CHALLENGE, OP_AUTHENTICATE_ISSUER, OP_CREATE_FILE,
					      OP_WRITE_FILE};
	enum result r = RESULT_OK;

	for (size_t i = 0; r == RESULT_OK && i < sizeof needed / sizeof *needed; i++)
		r = card_allow(card, needed[i]);
	return r;
}

static enum result authenticate(struct card *card, area_authority *authority, void *context)
{
	const struct card_path above = path_parent(&area_layout.dir);
	uint8_t challenge[CARD_CHALLENGE_SIZE], cryptogram[CARD_CRYPTOGRAM_SIZE];
	enum result r = card_get_challenge(card, &above, challenge);

	if (r == RESULT_OK)
		r = authority(context, challenge, cryptogram);
	if (r == RESULT_OK)
		r = card_authenticate_issuer(card, cryptogram);
	OPENSSL_cleanse(cryptogram, sizeof cryptogram);
	return r;
}

/* What an activation that was broken off has made is there already. */
static enum result make_files(struct card *card)
{
	const struct {
		const struct card_path *path;
		unsigned size;
	} files[] = {
		{&area_layout.dir, 0},
		{&area_layout.index[0], area_layout.index_size},
		{&area_layout.index[1], area_layout.index_size},
		{&area_layout.data, area_layout.data_size},
	};
	enum result r = RESULT_OK;

	for (size_t i = 0; r == RESULT_OK && i < sizeof files / sizeof *files; i++) {
		r = card_create_file(card, files[i].path, files[i].size);
		if (r == RESULT_FILE_EXISTS)
			r = RESULT_OK;
	}
	return r;
}

enum result area_activate(struct card *card, area_authority *authority, void *context)
{
	const struct area_index empty = {.generation = 1};
	struct area *area = NULL;
	enum result r = allow_activation(card);

	if (r != RESULT_OK)
		return r;
	r = area_open(card, &area);
	area_free(&area);
	if (r != RESULT_AREA_NOT_ACTIVATED)
		return r == RESULT_OK ? RESULT_SNO_EXISTS : r;
	r = authenticate(card, authority, context);
	if (r == RESULT_OK)
		r = make_files(card);
	return r == RESULT_OK ? write_copy(card, 0, &empty) : r;
}
