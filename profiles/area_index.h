/*
 * The data area's index: what a copy of it on the card says, and bytes to
 * write one. Nothing here talks to a card. The layout is ours (assumed): the
 * vendor's is not public; area_layout is the one place that has it.
 */
#ifndef TWCARD_PROFILES_AREA_INDEX_H
#define TWCARD_PROFILES_AREA_INDEX_H

#include <openssl/types.h>

#include "apdu/buffer.h"
#include "apdu/result.h"
#include "profiles/path.h"

#define AREA_COPIES 2
#define AREA_BLOCK 200       /* bytes of the data file; one UPDATE BINARY */
#define AREA_BLOCKS 80
#define AREA_RECORDS_MAX 24
#define AREA_RECORD_BLOCKS 20
#define AREA_CHECK_SIZE 8    /* of a SHA-256 */
#define AREA_INDEX_SIZE 512  /* of the file; the longest index of these numbers has 436 bytes */
#define AREA_HEADER_SIZE 12

/* Files and sizes: what activation makes. */
struct area_layout {
	uint8_t version;
	struct card_path dir;
	struct card_path index[AREA_COPIES];
	struct card_path data;
	unsigned index_size, data_size; /* bytes */
};

extern const struct area_layout area_layout;

struct area_entry {
	uint32_t sno;    /* not 0 */
	uint16_t length; /* bytes, not 0 */
	uint8_t check[AREA_CHECK_SIZE];
	uint8_t block_count;
	uint8_t block[AREA_RECORD_BLOCKS]; /* in the order of the data */
};

struct area_index {
	uint32_t generation;
	unsigned count;
	struct area_entry entry[AREA_RECORDS_MAX]; /* by sno, ascending */
};

enum area_copy {
	AREA_COPY_BLANK,   /* never written */
	AREA_COPY_DAMAGED, /* not whole, or with something that cannot be */
	AREA_COPY_UNKNOWN, /* of another version */
	AREA_COPY_WHOLE
};

/*
 * What the first bytes are of; for a copy of our version (said as
 * AREA_COPY_WHOLE, the rest is not looked at) *length is that of the whole
 * copy, never more than AREA_INDEX_SIZE.
 */
enum area_copy area_index_head(const uint8_t head[AREA_HEADER_SIZE], unsigned *length);

/* Of a whole copy, *out is filled in. Every number in it is checked. RESULT_CRYPTO, else RESULT_OK. */
MUST_USE enum result area_index_parse(OSSL_LIB_CTX *libctx, const uint8_t *data, size_t len,
				      struct area_index *out, enum area_copy *copy);

/* Appends the bytes of a copy. */
MUST_USE enum result area_index_build(OSSL_LIB_CTX *libctx, const struct area_index *index,
				      struct buffer *out);

/* NULL: there is none. */
const struct area_entry *area_index_find(const struct area_index *index, uint32_t sno);

/* Puts it in, or in the place of that with its number; false: there is no room. */
bool area_index_put(struct area_index *index, const struct area_entry *entry);

/* Takes it out, if it is there. */
void area_index_remove(struct area_index *index, uint32_t sno);

/* used[n] becomes true for each block that is named; NULL index: none. */
void area_index_mark(const struct area_index *index, bool used[AREA_BLOCKS]);

/* The first bytes of the SHA-256. RESULT_CRYPTO. */
MUST_USE enum result area_check(OSSL_LIB_CTX *libctx, const uint8_t *data, size_t len,
				uint8_t out[AREA_CHECK_SIZE]);

#endif
