/* The catalogue: one document, replaced as a whole. */
#include "config.h"

#include <stdlib.h>

#include "tools/authority/store_internal.h"

struct catalogue {
	char *document;
	uint32_t version;
};

static const struct column columns[] = {
	{COLUMN_TEXT, offsetof(struct catalogue, document)},
	{COLUMN_U32, offsetof(struct catalogue, version)},
};

enum store_result store_catalogue_get(struct store_tx *tx, char **document, uint32_t *version)
{
	static const struct tx_form form = {columns, 2, sizeof(struct catalogue)};
	struct catalogue found;
	enum store_result result = tx_find(tx, SQL_CATALOGUE_GET, NULL, 0, &form, &found);

	if (result != STORE_OK)
		return result;
	*document = found.document;
	*version = found.version;
	return STORE_OK;
}

static enum store_result take_version(const struct db_row *row, void *context)
{
	static const struct column version = {COLUMN_U32, 0};

	return row_load(&version, 1, row, context);
}

enum store_result store_catalogue_set(struct store_tx *tx, const char *document, int64_t at, uint32_t *version)
{
	struct db_value params[] = {db_text(document), db_number(at)};

	return tx_ask(tx, SQL_CATALOGUE_SET, params, 2, take_version, version, NULL);
}
