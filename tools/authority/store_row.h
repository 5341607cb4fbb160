/* How a struct lies in the columns of a table: written, read and emptied by one description. */
#ifndef TWCARD_AUTHORITY_STORE_ROW_H
#define TWCARD_AUTHORITY_STORE_ROW_H

#include <stddef.h>

#include "tools/authority/db.h"

enum column_type {
	COLUMN_TEXT,   /* char *, owned; NULL only where the table allows it */
	COLUMN_BYTES,  /* struct store_bytes, the same */
	COLUMN_HASH,   /* uint8_t[STORE_HASH] */
	COLUMN_TIME,   /* int64_t */
	COLUMN_NUMBER, /* uint64_t */
	COLUMN_U32,
	COLUMN_INT,
	COLUMN_BOOL,
	COLUMN_KIND,   /* enum store_kind, by its name */
	COLUMN_STATE,  /* enum store_state, by its name */
};

struct column {
	enum column_type type;
	size_t offset;
};

/* The struct's values as parameters; they point into it. */
void row_params(const struct column *columns, size_t count, const void *from, struct db_value *params);

/* Fills an empty struct. STORE_BROKEN: the row is of another form; the struct is to be cleared then too. */
STORE_MUST_USE enum store_result row_load(const struct column *columns, size_t count, const struct db_row *row,
                                          void *to);

/* Frees the texts and bytes, and sets all `size` bytes of it to 0. */
void row_clear(const struct column *columns, size_t count, void *at, size_t size);

#endif
