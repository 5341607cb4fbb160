/* Certificates, from their reservation to their end. */
#include "config.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/authority/store_internal.h"

#define FIELD(name) offsetof(struct store_certificate, name)
static const struct column columns[] = {
	{COLUMN_TEXT, FIELD(reservation)},     {COLUMN_TEXT, FIELD(serial)},        {COLUMN_KIND, FIELD(kind)},
	{COLUMN_STATE, FIELD(state)},          {COLUMN_TEXT, FIELD(authorizer)},    {COLUMN_TEXT, FIELD(holder)},
	{COLUMN_BYTES, FIELD(authorizer_der)}, {COLUMN_BYTES, FIELD(holder_der)},   {COLUMN_BYTES, FIELD(primary_der)},
	{COLUMN_U32, FIELD(sequence)},         {COLUMN_TIME, FIELD(not_before)},    {COLUMN_TIME, FIELD(not_after)},
	{COLUMN_TEXT, FIELD(content)},         {COLUMN_BYTES, FIELD(der)},          {COLUMN_HASH, FIELD(sha256)},
	{COLUMN_TIME, FIELD(created)},         {COLUMN_TIME, FIELD(changed)},       {COLUMN_NUMBER, FIELD(number)},
};
#define COLUMNS (sizeof columns / sizeof *columns)
#define PUT (COLUMNS - 1) /* the number is the store's */
#define LIMIT_MAX 1000

static const struct tx_form form = {columns, COLUMNS, sizeof(struct store_certificate)};

void store_certificate_clear(struct store_certificate *c)
{
	row_clear(columns, COLUMNS, c, sizeof *c);
}

void store_certificates_clear(struct store_certificates *list)
{
	for (size_t i = 0; i < list->count; i++)
		store_certificate_clear(&list->rows[i]);
	free(list->rows);
	memset(list, 0, sizeof *list);
}

static enum store_result hash_of(const struct store_bytes *der, uint8_t out[STORE_HASH])
{
	memset(out, 0, STORE_HASH);
	if (!der->data)
		return STORE_OK;
	return EVP_Digest(der->data, der->len, out, NULL, EVP_sha256(), NULL) == 1 ? STORE_OK : STORE_NO_MEMORY;
}

enum store_result store_certificate_put(struct store_tx *tx, const struct store_certificate *in)
{
	struct store_certificate row = *in;
	struct db_value params[PUT];
	enum store_result result = hash_of(&in->der, row.sha256);

	row.changed = in->created;
	row_params(columns, PUT, &row, params);
	return result == STORE_OK ? tx_change(tx, SQL_CERTIFICATE_PUT, params, PUT, STORE_EXISTS) : result;
}

enum store_result store_certificate_by_reservation(struct store_tx *tx, const char *reservation,
                                                   struct store_certificate *out)
{
	struct db_value param = db_text(reservation);

	return tx_find(tx, SQL_CERTIFICATE_BY_RESERVATION, &param, 1, &form, out);
}

enum store_result store_certificate_by_serial(struct store_tx *tx, const char *serial, struct store_certificate *out)
{
	struct db_value param = db_text(serial);

	return tx_find(tx, SQL_CERTIFICATE_BY_SERIAL, &param, 1, &form, out);
}

enum store_result store_certificate_set_signed(struct store_tx *tx, const char *reservation, const char *serial,
                                               const struct store_bytes *der, enum store_state state, int64_t at)
{
	uint8_t hash[STORE_HASH];
	struct store_certificate other;
	enum store_result result = hash_of(der, hash);
	struct db_value params[] = {
		db_text(reservation), db_text(serial),                  db_bytes(der->data, der->len),
		db_bytes(hash, sizeof hash), db_text(store_state_name(state)), db_number(at),
	};
	bool own;

	if (result != STORE_OK)
		return result;
	/* asked and not tried: after an error PostgreSQL goes on with nothing */
	result = store_certificate_by_serial(tx, serial, &other);
	if (result == STORE_OK) {
		own = !strcmp(other.reservation, reservation);
		store_certificate_clear(&other);
		if (!own)
			return STORE_EXISTS;
	} else if (result != STORE_NONE) {
		return result;
	}
	return tx_change(tx, SQL_CERTIFICATE_SET_SIGNED, params, sizeof params / sizeof *params, STORE_NONE);
}

enum store_result store_certificate_set_state(struct store_tx *tx, const char *reservation, enum store_state state,
                                              int64_t at)
{
	struct db_value params[] = {db_text(reservation), db_text(store_state_name(state)), db_number(at)};

	return tx_change(tx, SQL_CERTIFICATE_SET_STATE, params, 3, STORE_NONE);
}

enum store_result store_certificate_move(struct store_tx *tx, const char *holder, enum store_kind kind,
                                         enum store_state from, enum store_state to, const char *except, int64_t at)
{
	struct db_value params[] = {
		db_text(store_state_name(to)),  db_number(at),
		db_text(holder),                db_text(store_kind_name(kind)),
		db_text(store_state_name(from)), db_text(except ? except : ""),
	};

	return tx_ask(tx, SQL_CERTIFICATE_MOVE, params, sizeof params / sizeof *params, NULL, NULL, NULL);
}

struct listing {
	struct store_certificates *out;
	size_t limit;
};

static enum store_result take_certificate(const struct db_row *row, void *context)
{
	struct listing *l = context;
	struct store_certificate *at;

	if (l->out->count == l->limit) {
		l->out->more = true;
		return STORE_OK;
	}
	at = &l->out->rows[l->out->count++];
	return row_load(columns, COLUMNS, row, at);
}

/* ",signed,written,": what LIKE looks into */
static void name_states(unsigned int states, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (enum store_state s = STORE_RESERVED; states && s <= STORE_WITHDRAWN; s++) {
		if (states & (1U << s))
			len += (size_t)snprintf(out + len, size - len, "%s%s,", len ? "" : ",", store_state_name(s));
	}
}

enum store_result store_certificate_list(struct store_tx *tx, const struct store_filter *filter,
                                         struct store_certificates *out)
{
	size_t limit = filter->limit < 1 ? 1 : filter->limit > LIMIT_MAX ? LIMIT_MAX : filter->limit;
	struct listing listing = {out, limit};
	char states[128];
	struct db_value params[] = {
		db_text(filter->authorizer ? filter->authorizer : ""),
		db_text(filter->holder ? filter->holder : ""),
		db_text(filter->kind ? store_kind_name(*filter->kind) : ""),
		{.type = DB_NULL}, /* the states, below */
		db_number(filter->from),
		db_number(filter->to ? filter->to : INT64_MAX),
		db_number(filter->before && filter->before <= INT64_MAX ? (int64_t)filter->before : INT64_MAX),
		db_number((int64_t)limit + 1),
	};
	enum statement number = filter->authorizer ? SQL_CERTIFICATE_LIST_AUTHORIZER
	                        : filter->holder   ? SQL_CERTIFICATE_LIST_HOLDER
	                                           : SQL_CERTIFICATE_LIST;
	enum store_result result;

	memset(out, 0, sizeof *out);
	name_states(filter->states, states, sizeof states);
	params[3] = db_text(states);
	out->rows = calloc(limit, sizeof *out->rows);
	if (!out->rows)
		return STORE_NO_MEMORY;
	result = tx_ask(tx, number, params, sizeof params / sizeof *params, take_certificate, &listing, NULL);
	if (result != STORE_OK)
		store_certificates_clear(out);
	return result;
}
