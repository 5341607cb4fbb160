/* Requests that were answered, and sequences. */
#include "config.h"

#include "tools/authority/store_internal.h"

static const struct column columns[] = {
	{COLUMN_TEXT, offsetof(struct store_request, id)},       {COLUMN_TEXT, offsetof(struct store_request, nonce)},
	{COLUMN_HASH, offsetof(struct store_request, sha256)},   {COLUMN_INT, offsetof(struct store_request, status)},
	{COLUMN_TEXT, offsetof(struct store_request, response)}, {COLUMN_TIME, offsetof(struct store_request, at)},
};
#define COLUMNS (sizeof columns / sizeof *columns)

void store_request_clear(struct store_request *r)
{
	row_clear(columns, COLUMNS, r, sizeof *r);
}

enum store_result store_request_find(struct store_tx *tx, const char *id, struct store_request *out)
{
	static const struct tx_form form = {columns, COLUMNS, sizeof(struct store_request)};
	struct db_value param = db_text(id);

	return tx_find(tx, SQL_REQUEST_FIND, &param, 1, &form, out);
}

enum store_result store_request_put(struct store_tx *tx, const struct store_request *in)
{
	struct db_value params[COLUMNS];

	row_params(columns, COLUMNS, in, params);
	return tx_change(tx, SQL_REQUEST_PUT, params, COLUMNS, STORE_EXISTS);
}

static enum store_result take_any(const struct db_row *row, void *context)
{
	(void)row;
	*(bool *)context = true;
	return STORE_OK;
}

enum store_result store_nonce_used(struct store_tx *tx, const char *nonce)
{
	struct db_value param = db_text(nonce);
	bool found = false;
	enum store_result result = tx_ask(tx, SQL_NONCE_FIND, &param, 1, take_any, &found, NULL);

	return result == STORE_OK && !found ? STORE_NONE : result;
}

enum store_result store_requests_expire(struct store_tx *tx, int64_t before)
{
	struct db_value param = db_number(before);

	return tx_ask(tx, SQL_REQUEST_EXPIRE, &param, 1, NULL, NULL, NULL);
}

static enum store_result take_next(const struct db_row *row, void *context)
{
	static const struct column next = {COLUMN_U32, 0};

	return row_load(&next, 1, row, context);
}

enum store_result store_sequence_next(struct store_tx *tx, const char *authorizer, uint32_t *out)
{
	struct db_value param = db_text(authorizer);
	uint32_t next = 0;
	enum store_result result = tx_ask(tx, SQL_SEQUENCE_NEXT, &param, 1, take_next, &next, NULL);

	if (result != STORE_OK)
		return result;
	if (!next || next > STORE_SEQUENCE_MAX)
		return tx_problem(tx, STORE_REFUSED, "this authorizer has used up its numbers");
	*out = next;
	return STORE_OK;
}
