/* The audit: rows that are appended, and how one sees that none was changed. */
#include "config.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/authority/store_internal.h"

#define FIELD(name) offsetof(struct store_audit, name)
static const struct column columns[] = {
	{COLUMN_NUMBER, FIELD(number)},  {COLUMN_TIME, FIELD(at)},      {COLUMN_TEXT, FIELD(signer)},
	{COLUMN_TEXT, FIELD(operation)}, {COLUMN_TEXT, FIELD(request)}, {COLUMN_TEXT, FIELD(outcome)},
	{COLUMN_TEXT, FIELD(detail)},    {COLUMN_HASH, FIELD(previous)}, {COLUMN_HASH, FIELD(hash)},
};
#define COLUMNS (sizeof columns / sizeof *columns)
#define PAGE 200 /* rows of one question */

void store_audit_clear(struct store_audit *a)
{
	row_clear(columns, COLUMNS, a, sizeof *a);
}

/* ---- the chain ---- */

static bool add_number(EVP_MD_CTX *md, uint64_t number)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(number >> (8 * (sizeof bytes - 1 - i)));
	return EVP_DigestUpdate(md, bytes, sizeof bytes) == 1;
}

/*
 * SHA-256 over "twcard audit 1" with its NUL, the hash before, number and time
 * (8 bytes each, the high one first), and each text with its length before it:
 * nothing of one field can pass for another's.
 */
static enum store_result hash_row(const struct store_audit *a, uint8_t out[STORE_HASH])
{
	static const char form[] = "twcard audit 1";
	const char *const texts[] = {a->signer, a->operation, a->request, a->outcome, a->detail};
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	            EVP_DigestUpdate(md, form, sizeof form) == 1 &&
	            EVP_DigestUpdate(md, a->previous, STORE_HASH) == 1 && add_number(md, a->number) &&
	            add_number(md, (uint64_t)a->at);

	for (size_t i = 0; good && i < sizeof texts / sizeof *texts; i++)
		good = add_number(md, strlen(texts[i])) && EVP_DigestUpdate(md, texts[i], strlen(texts[i])) == 1;
	good = good && EVP_DigestFinal_ex(md, out, NULL) == 1;
	EVP_MD_CTX_free(md);
	return good ? STORE_OK : STORE_NO_MEMORY;
}

struct head {
	uint64_t number;
	uint8_t hash[STORE_HASH];
};

static const struct column head_columns[] = {
	{COLUMN_NUMBER, offsetof(struct head, number)},
	{COLUMN_HASH, offsetof(struct head, hash)},
};

static enum store_result get_head(struct store_tx *tx, struct head *out)
{
	static const struct tx_form form = {head_columns, 2, sizeof(struct head)};
	enum store_result result = tx_find(tx, SQL_CHAIN_GET, NULL, 0, &form, out);

	return result == STORE_NONE ? tx_problem(tx, STORE_BROKEN, "the audit has lost its end") : result;
}

enum store_result store_audit_head(struct store_tx *tx, uint64_t *number, uint8_t hash[STORE_HASH])
{
	struct head head;
	enum store_result result = get_head(tx, &head);

	if (result != STORE_OK)
		return result;
	*number = head.number;
	memcpy(hash, head.hash, STORE_HASH);
	return STORE_OK;
}

enum store_result store_audit_append(struct store_tx *tx, const struct store_audit *in)
{
	static char none[] = "";
	struct store_audit row = *in;
	struct db_value params[COLUMNS];
	struct head head;
	enum store_result result = get_head(tx, &head);

	if (result != STORE_OK)
		return result;
	row.number = head.number + 1;
	memcpy(row.previous, head.hash, STORE_HASH);
	for (size_t i = 0; i < COLUMNS; i++) {
		char **text = (char **)((char *)&row + columns[i].offset);

		if (columns[i].type == COLUMN_TEXT && !*text)
			*text = none;
	}
	result = hash_row(&row, row.hash);
	row_params(columns, COLUMNS, &row, params);
	if (result == STORE_OK)
		result = tx_ask(tx, SQL_AUDIT_APPEND, params, COLUMNS, NULL, NULL, NULL);
	params[0] = db_number((int64_t)row.number);
	params[1] = db_bytes(row.hash, STORE_HASH);
	return result == STORE_OK ? tx_change(tx, SQL_CHAIN_SET, params, 2, STORE_BROKEN) : result;
}

/* ---- reading ---- */

struct page {
	uint64_t from;
	struct store_audit rows[PAGE];
	size_t count;
};

static void clear_page(struct page *page)
{
	for (size_t i = 0; i < page->count; i++)
		store_audit_clear(&page->rows[i]);
	page->count = 0;
}

static enum store_result take_row(const struct db_row *row, void *context)
{
	struct page *page = context;

	if (page->count == PAGE)
		return STORE_BROKEN;
	memset(&page->rows[page->count], 0, sizeof page->rows[0]);
	return row_load(columns, COLUMNS, row, &page->rows[page->count++]);
}

static enum store_result read_page(struct store_tx *tx, void *context)
{
	struct page *page = context;
	struct db_value params[] = {db_number((int64_t)page->from), db_number(PAGE)};

	clear_page(page);
	return tx_ask(tx, SQL_AUDIT_PAGE, params, 2, take_row, page, NULL);
}

/* The visits are outside of the transactions: they may be slow. */
enum store_result store_audit_each(struct store *s, uint64_t first, store_audit_visit *visit, void *context,
                                   char problem[STORE_PROBLEM_SIZE])
{
	struct page page = {.from = first, .count = 0};
	enum store_result result;
	size_t count;

	do {
		result = store_look(s, read_page, &page, problem);
		count = page.count;
		for (size_t i = 0; i < count && result == STORE_OK; i++) {
			page.from = page.rows[i].number + 1;
			result = visit(&page.rows[i], context);
			if (result != STORE_OK)
				store_say(result, NULL, problem);
		}
		clear_page(&page);
	} while (result == STORE_OK && count == PAGE);
	return result;
}

/* ---- is it whole? ---- */

struct verification {
	struct head last, before, after; /* the last row that was read; the head before and after the reading */
	bool met;                        /* the row that was the head before */
	const char *what;                /* is wrong */
};

static enum store_result verify_row(const struct store_audit *row, void *context)
{
	struct verification *v = context;
	uint8_t hash[STORE_HASH];
	enum store_result result;

	if (row->number != v->last.number + 1)
		v->what = "is missing";
	else if (memcmp(row->previous, v->last.hash, STORE_HASH) != 0)
		v->what = "does not follow the one before it";
	if (v->what)
		return STORE_BROKEN;
	if (!row->signer || !row->operation || !row->request || !row->outcome || !row->detail)
		return STORE_BROKEN;
	result = hash_row(row, hash);
	if (result == STORE_OK && memcmp(row->hash, hash, STORE_HASH) != 0) {
		v->what = "was changed";
		return STORE_BROKEN;
	}
	v->last.number = row->number;
	memcpy(v->last.hash, row->hash, STORE_HASH);
	if (v->last.number == v->before.number && memcmp(v->last.hash, v->before.hash, STORE_HASH) != 0) {
		v->what = "is not the end that was noted";
		v->last.number--;
		return STORE_BROKEN;
	}
	return result;
}

static enum store_result look_head(struct store_tx *tx, void *context)
{
	return get_head(tx, context);
}

enum store_result store_audit_verify(struct store *s, uint64_t *count, uint64_t *first_bad,
                                     char problem[STORE_PROBLEM_SIZE])
{
	struct verification v = {.what = NULL};
	enum store_result result = store_look(s, look_head, &v.before, problem);

	*count = *first_bad = 0;
	if (result == STORE_OK)
		result = store_audit_each(s, 0, verify_row, &v, problem);
	if (result == STORE_OK)
		result = store_look(s, look_head, &v.after, problem);
	if (result == STORE_OK && v.last.number < v.before.number)
		v.what = "is missing";
	else if (result == STORE_OK && v.last.number > v.after.number) {
		v.what = "is after the end that was noted";
		v.last.number = v.after.number;
	}
	*count = v.last.number;
	if (result == STORE_OK && v.what)
		result = STORE_BROKEN;
	if (result == STORE_BROKEN) {
		*first_bad = v.last.number + 1;
		if (problem)
			snprintf(problem, STORE_PROBLEM_SIZE, "row %llu of the audit %s", (unsigned long long)*first_bad,
			         v.what ? v.what : "cannot be read");
	}
	return result;
}

/* ---- export ---- */

static struct json_object *hex_of(const uint8_t hash[STORE_HASH])
{
	char text[2 * STORE_HASH + 1];

	for (size_t i = 0; i < STORE_HASH; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	return json_object_new_string(text);
}

static struct json_object *time_of(int64_t at)
{
	char text[64] = "";
	time_t seconds = (time_t)at;
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_object_new_string(text);
}

static enum store_result export_row(const struct store_audit *row, void *context)
{
	const struct {
		const char *key;
		struct json_object *value;
	} members[] = {
		{"number", json_object_new_int64((int64_t)row->number)},
		{"at", time_of(row->at)},
		{"signer", json_object_new_string(row->signer ? row->signer : "")},
		{"operation", json_object_new_string(row->operation ? row->operation : "")},
		{"request", json_object_new_string(row->request ? row->request : "")},
		{"outcome", json_object_new_string(row->outcome ? row->outcome : "")},
		{"detail", json_object_new_string(row->detail ? row->detail : "")},
		{"previous", hex_of(row->previous)},
		{"hash", hex_of(row->hash)},
	};
	struct json_object *object = json_object_new_object();
	bool good = object != NULL;
	const char *line;

	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		if (!good || !members[i].value || json_object_object_add(object, members[i].key, members[i].value)) {
			json_object_put(members[i].value);
			good = false;
		}
	}
	line = good ? json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE) : NULL;
	good = line && fprintf(context, "%s\n", line) > 0;
	json_object_put(object);
	return good ? STORE_OK : line ? STORE_FULL : STORE_NO_MEMORY;
}

enum store_result store_audit_export(struct store *s, uint64_t first, FILE *out, char problem[STORE_PROBLEM_SIZE])
{
	enum store_result result = store_audit_each(s, first, export_row, out, problem);

	if (result == STORE_OK && fflush(out))
		result = store_say(STORE_FULL, NULL, problem);
	return result;
}
