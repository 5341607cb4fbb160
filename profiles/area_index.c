#include "config.h"

#include <string.h>

#include <openssl/evp.h>

#include "apdu/cursor.h"
#include "profiles/area_index.h"
#include "profiles/internal.h"

#define FID_AREA 0x0880
#define FID_INDEX 0x0881 /* and the one after it */
#define FID_DATA 0x0883
#define MAGIC 0x5457
#define INDEX_VERSION 1
#define VERSION_AT 2
#define COUNT_AT 8
#define BLOCKS_AT 9
#define LENGTH_AT 10
#define ENTRY_HEAD 14    /* number, length, check */
#define SHA256_SIZE 32

/* docs/PROTOCOL.md, "Files that the PIN opens": all of it is ours, assumed. */
const struct area_layout area_layout = {
	.version = INDEX_VERSION,
	.dir = {2, {FID_PKI, FID_AREA}},
	.index = {{3, {FID_PKI, FID_AREA, FID_INDEX}}, {3, {FID_PKI, FID_AREA, FID_INDEX + 1}}},
	.data = {3, {FID_PKI, FID_AREA, FID_DATA}},
	.index_size = AREA_INDEX_SIZE,
	.data_size = AREA_BLOCKS * AREA_BLOCK,
};

enum result area_check(OSSL_LIB_CTX *libctx, const uint8_t *data, size_t len,
		       uint8_t out[AREA_CHECK_SIZE])
{
	uint8_t digest[SHA256_SIZE];
	size_t n = 0;

	if (!EVP_Q_digest(libctx, "SHA256", NULL, data, len, digest, &n) || n != sizeof digest)
		return RESULT_CRYPTO;
	memcpy(out, digest, AREA_CHECK_SIZE);
	return RESULT_OK;
}

/* ---- reading ---- */

static bool is_filled_with(const uint8_t *head, uint8_t byte)
{
	for (size_t i = 0; i < AREA_HEADER_SIZE; i++)
		if (head[i] != byte)
			return false;
	return true;
}

enum area_copy area_index_head(const uint8_t head[AREA_HEADER_SIZE], unsigned *length)
{
	unsigned entries = (unsigned)(head[LENGTH_AT] << 8 | head[LENGTH_AT + 1]);

	*length = 0;
	if (is_filled_with(head, 0xFF) || is_filled_with(head, 0x00))
		return AREA_COPY_BLANK;
	/* the complement tells another version from a byte that was spoilt */
	if ((head[0] << 8 | head[1]) != MAGIC ||
	    (head[VERSION_AT] ^ head[VERSION_AT + 1]) != 0xFF)
		return AREA_COPY_DAMAGED;
	if (head[VERSION_AT] != INDEX_VERSION)
		return AREA_COPY_UNKNOWN;
	if (head[BLOCKS_AT] != AREA_BLOCKS || head[COUNT_AT] > AREA_RECORDS_MAX ||
	    entries > AREA_INDEX_SIZE - AREA_HEADER_SIZE - AREA_CHECK_SIZE)
		return AREA_COPY_DAMAGED;
	*length = AREA_HEADER_SIZE + entries + AREA_CHECK_SIZE;
	return AREA_COPY_WHOLE;
}

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Blocks that are there, and not another's: `used` gets them, too. */
static bool take_blocks(struct cursor *c, struct area_entry *e, bool used[AREA_BLOCKS])
{
	struct cursor blocks;

	e->block_count = (uint8_t)((e->length + AREA_BLOCK - 1) / AREA_BLOCK);
	if (!cursor_bytes(c, e->block_count, &blocks))
		return false;
	for (unsigned i = 0; i < e->block_count; i++) {
		if (blocks.p[i] >= AREA_BLOCKS || used[blocks.p[i]])
			return false;
		used[blocks.p[i]] = true;
		e->block[i] = blocks.p[i];
	}
	return true;
}

static bool take_entries(struct cursor c, unsigned count, struct area_index *out)
{
	bool used[AREA_BLOCKS] = {false};
	struct cursor head;
	uint32_t last = 0;

	for (unsigned i = 0; i < count; i++) {
		struct area_entry *e = &out->entry[i];

		if (!cursor_bytes(&c, ENTRY_HEAD, &head))
			return false;
		e->sno = get_u32(head.p);
		e->length = (uint16_t)(head.p[4] << 8 | head.p[5]);
		memcpy(e->check, head.p + 6, AREA_CHECK_SIZE);
		if (e->sno <= last || !e->length || e->length > AREA_RECORD_BLOCKS * AREA_BLOCK ||
		    !take_blocks(&c, e, used))
			return false;
		last = e->sno;
	}
	out->count = count;
	return c.left == 0;
}

enum result area_index_parse(OSSL_LIB_CTX *libctx, const uint8_t *data, size_t len,
			     struct area_index *out, enum area_copy *copy)
{
	uint8_t check[AREA_CHECK_SIZE];
	unsigned length, before;
	enum result r;

	memset(out, 0, sizeof *out);
	*copy = len < AREA_HEADER_SIZE ? AREA_COPY_DAMAGED : area_index_head(data, &length);
	if (*copy != AREA_COPY_WHOLE)
		return RESULT_OK;
	*copy = AREA_COPY_DAMAGED;
	if (length > len)
		return RESULT_OK;
	before = length - AREA_CHECK_SIZE;
	r = area_check(libctx, data, before, check);
	if (r != RESULT_OK)
		return r;
	out->generation = get_u32(data + 4);
	if (memcmp(check, data + before, sizeof check) == 0 && out->generation &&
	    take_entries(cursor_of(data + AREA_HEADER_SIZE, before - AREA_HEADER_SIZE),
			 data[COUNT_AT], out))
		*copy = AREA_COPY_WHOLE;
	else
		memset(out, 0, sizeof *out);
	return RESULT_OK;
}

/* ---- writing ---- */

static void put_u32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static enum result append_entry(const struct area_entry *e, struct buffer *out)
{
	uint8_t head[ENTRY_HEAD];
	enum result r;

	put_u32(head, e->sno);
	head[4] = (uint8_t)(e->length >> 8);
	head[5] = (uint8_t)e->length;
	memcpy(head + 6, e->check, AREA_CHECK_SIZE);
	r = buffer_append(out, head, sizeof head);
	return r == RESULT_OK ? buffer_append(out, e->block, e->block_count) : r;
}

enum result area_index_build(OSSL_LIB_CTX *libctx, const struct area_index *index,
			     struct buffer *out)
{
	uint8_t head[AREA_HEADER_SIZE] = {MAGIC >> 8, MAGIC & 0xFF, INDEX_VERSION, (uint8_t)~INDEX_VERSION};
	uint8_t check[AREA_CHECK_SIZE];
	size_t start = out->len, entries;
	enum result r;

	put_u32(head + 4, index->generation);
	head[COUNT_AT] = (uint8_t)index->count;
	head[BLOCKS_AT] = AREA_BLOCKS;
	r = buffer_append(out, head, sizeof head);
	for (unsigned i = 0; r == RESULT_OK && i < index->count; i++)
		r = append_entry(&index->entry[i], out);
	if (r != RESULT_OK)
		return r;
	entries = out->len - start - sizeof head;
	out->data[start + LENGTH_AT] = (uint8_t)(entries >> 8);
	out->data[start + LENGTH_AT + 1] = (uint8_t)entries;
	r = area_check(libctx, out->data + start, out->len - start, check);
	return r == RESULT_OK ? buffer_append(out, check, sizeof check) : r;
}

/* ---- in memory ---- */

static unsigned place_of(const struct area_index *index, uint32_t sno)
{
	unsigned i = 0;

	while (i < index->count && index->entry[i].sno < sno)
		i++;
	return i;
}

const struct area_entry *area_index_find(const struct area_index *index, uint32_t sno)
{
	unsigned i = place_of(index, sno);

	return i < index->count && index->entry[i].sno == sno ? &index->entry[i] : NULL;
}

void area_index_remove(struct area_index *index, uint32_t sno)
{
	unsigned i = place_of(index, sno);

	if (!area_index_find(index, sno))
		return;
	index->count--;
	memmove(&index->entry[i], &index->entry[i + 1],
		(index->count - i) * sizeof index->entry[0]);
}

bool area_index_put(struct area_index *index, const struct area_entry *entry)
{
	unsigned i = place_of(index, entry->sno);

	if (area_index_find(index, entry->sno)) {
		index->entry[i] = *entry;
		return true;
	}
	if (index->count == AREA_RECORDS_MAX)
		return false;
	memmove(&index->entry[i + 1], &index->entry[i],
		(index->count - i) * sizeof index->entry[0]);
	index->entry[i] = *entry;
	index->count++;
	return true;
}

void area_index_mark(const struct area_index *index, bool used[AREA_BLOCKS])
{
	for (unsigned i = 0; index && i < index->count; i++)
		for (unsigned b = 0; b < index->entry[i].block_count; b++)
			used[index->entry[i].block[b]] = true;
}
