#include "config.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>
#include <time.h>

#include "tools/authority/store_schema.h"
#include "tools/authority/store_sql.h"

/*
 * Types that both databases know: BIGINT, TEXT, and BLOB, which PostgreSQL gets
 * as a name for its own. Never change a step that was released: add one.
 */
const struct schema_step schema_steps[] = {
	{1, DB_POSTGRESQL, "CREATE DOMAIN blob AS BYTEA"},
	{1, DB_BOTH,
	 "CREATE TABLE meta (id BIGINT PRIMARY KEY CHECK (id = 1), version BIGINT NOT NULL,"
	 " secret BLOB NOT NULL, created BIGINT NOT NULL)"},
	{1, DB_BOTH,
	 "CREATE TABLE request (id TEXT PRIMARY KEY, nonce TEXT NOT NULL UNIQUE, sha256 BLOB NOT NULL,"
	 " status BIGINT NOT NULL, response TEXT NOT NULL, at BIGINT NOT NULL)"},
	{1, DB_BOTH, "CREATE INDEX request_at ON request (at)"},
	{1, DB_BOTH,
	 "CREATE TABLE sequence (authorizer TEXT PRIMARY KEY, last_number BIGINT NOT NULL CHECK (last_number > 0))"},
	{1, DB_BOTH,
	 "CREATE TABLE certificate (number BIGINT PRIMARY KEY, reservation TEXT NOT NULL UNIQUE, serial TEXT UNIQUE,"
	 " kind TEXT NOT NULL, state TEXT NOT NULL, authorizer TEXT NOT NULL, holder TEXT NOT NULL,"
	 " authorizer_der BLOB NOT NULL, holder_der BLOB NOT NULL, primary_der BLOB, sequence BIGINT NOT NULL,"
	 " not_before BIGINT NOT NULL, not_after BIGINT NOT NULL, content TEXT NOT NULL, der BLOB, sha256 BLOB NOT NULL,"
	 " created BIGINT NOT NULL, changed BIGINT NOT NULL, UNIQUE (authorizer, sequence))"},
	{1, DB_BOTH, "CREATE INDEX certificate_authorizer ON certificate (authorizer, number)"},
	{1, DB_BOTH, "CREATE INDEX certificate_holder ON certificate (holder, number)"},
	{1, DB_BOTH,
	 "CREATE TABLE activation (card TEXT PRIMARY KEY, activated BIGINT NOT NULL, changed BIGINT NOT NULL,"
	 " salt BLOB, hash BLOB, tries BIGINT NOT NULL)"},
	{1, DB_BOTH,
	 "CREATE TABLE catalogue (id BIGINT PRIMARY KEY CHECK (id = 1), version BIGINT NOT NULL,"
	 " document TEXT NOT NULL, changed BIGINT NOT NULL)"},
	{1, DB_BOTH,
	 "CREATE TABLE audit (number BIGINT PRIMARY KEY, at BIGINT NOT NULL, signer TEXT NOT NULL,"
	 " operation TEXT NOT NULL, request TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL,"
	 " previous BLOB NOT NULL, hash BLOB NOT NULL)"},
	/* where the audit ends: also what every writer on PostgreSQL locks first */
	{1, DB_BOTH,
	 "CREATE TABLE chain (id BIGINT PRIMARY KEY CHECK (id = 1), number BIGINT NOT NULL, hash BLOB NOT NULL)"},
	{1, DB_SQLITE, "INSERT INTO chain VALUES (1, 0, zeroblob(32))"},
	{1, DB_POSTGRESQL, "INSERT INTO chain VALUES (1, 0, decode(repeat('00', 32), 'hex'))"},
	{1, DB_SQLITE,
	 "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit"
	 " BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END;"
	 "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit"
	 " BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END;"
	 "CREATE TRIGGER audit_no_gap BEFORE INSERT ON audit"
	 " WHEN NEW.number IS NOT 1 + (SELECT COALESCE(MAX(number), 0) FROM audit)"
	 " BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END;"},
	{1, DB_POSTGRESQL,
	 "CREATE FUNCTION audit_forbid() RETURNS trigger LANGUAGE plpgsql AS"
	 " 'BEGIN RAISE EXCEPTION ''the audit is only appended to''; END'"},
	{1, DB_POSTGRESQL,
	 "CREATE TRIGGER audit_only_append BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
	 " FOR EACH STATEMENT EXECUTE FUNCTION audit_forbid()"},
};
const size_t schema_step_count = sizeof schema_steps / sizeof *schema_steps;

static enum store_result take_number(const struct db_row *row, void *context)
{
	*(int64_t *)context = row->count ? row->values[0].number : 0;
	return STORE_OK;
}

struct state {
	int64_t version;
	uint8_t *secret;
};

static enum store_result take_state(const struct db_row *row, void *context)
{
	struct state *state = context;

	if (row->count != 2 || row->values[0].type != DB_NUMBER || row->values[1].len != 32)
		return STORE_BROKEN;
	state->version = row->values[0].number;
	memcpy(state->secret, row->values[1].data, 32);
	return STORE_OK;
}

/* The version is 0 where there is nothing at all. */
static enum store_result read_state(struct db *db, struct state *state)
{
	enum statement tables = db->driver->kind == DB_SQLITE ? SQL_SQLITE_TABLES : SQL_POSTGRESQL_TABLES;
	enum statement meta = db->driver->kind == DB_SQLITE ? SQL_SQLITE_META : SQL_POSTGRESQL_META;
	int64_t all = 0, ours = 0;
	enum store_result result;

	state->version = 0;
	result = db->driver->query(db, store_sql(tables), NULL, 0, take_number, &all, NULL);
	if (result == STORE_OK && all)
		result = db->driver->query(db, store_sql(meta), NULL, 0, take_number, &ours, NULL);
	if (result != STORE_OK || !all)
		return result;
	if (ours)
		result = db->driver->query(db, store_sql(SQL_META_GET), NULL, 0, take_state, state, NULL);
	if (result == STORE_OK && !state->version)
		result = STORE_BROKEN;
	if (result == STORE_BROKEN)
		db_problem(db, result, "the database has tables, but not those of an authority: give it one of its own");
	return result;
}

static enum store_result run_steps(struct db *db, const struct schema_step *steps, size_t count, int64_t from)
{
	for (size_t i = 0; i < count; i++) {
		enum store_result result = STORE_OK;

		if (steps[i].version > from && (steps[i].kinds & db->driver->kind))
			result = db->driver->execute(db, steps[i].sql);
		if (result != STORE_OK)
			return result;
	}
	return STORE_OK;
}

static enum store_result note_version(struct db *db, int64_t version, struct state *state)
{
	struct db_value params[] = {db_number(version), db_bytes(state->secret, 32), db_number(time(NULL))};

	if (state->version)
		return db->driver->query(db, store_sql(SQL_META_VERSION), params, 1, NULL, NULL, NULL);
	if (RAND_bytes(state->secret, 32) != 1)
		return db_problem(db, STORE_UNAVAILABLE, "no random numbers");
	return db->driver->query(db, store_sql(SQL_META_MAKE), params, 3, NULL, NULL, NULL);
}

static enum store_result bring(struct db *db, const struct schema_step *steps, size_t count, struct state *state)
{
	int64_t newest = count ? (int64_t)steps[count - 1].version : 0;
	enum store_result result = read_state(db, state);

	if (result != STORE_OK || state->version == newest)
		return result;
	if (state->version > newest)
		return db_problem(db, STORE_NEWER,
		                  "the database has version %lld, this program knows up to %lld: use a newer program",
		                  (long long)state->version, (long long)newest);
	result = run_steps(db, steps, count, state->version);
	return result == STORE_OK ? note_version(db, newest, state) : result;
}

enum store_result schema_bring(struct db *db, const struct schema_step *steps, size_t count, uint8_t secret[32])
{
	struct state state = {0, secret};
	enum store_result result = db->driver->begin(db, DB_ALONE);

	if (result != STORE_OK)
		return result;
	result = bring(db, steps, count, &state);
	if (result == STORE_OK)
		result = db->driver->commit(db);
	else
		db->driver->rollback(db);
	if (result != STORE_OK)
		OPENSSL_cleanse(secret, 32);
	return result;
}
