#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <dirent.h>

#include "store_world.h"

struct db *world_connect(struct world *w)
{
	const struct db_driver *driver = db_driver_of(w->url);
	struct db *db = NULL;

	if (driver->open(w->url, false, &db) != STORE_OK)
		fail_msg("no connection: %s", db ? db->problem : "no memory");
	/* what a case does by hand may take its time on a slow machine */
	if (driver->kind == DB_POSTGRESQL)
		assert_int_equal(driver->execute(db, "SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 0;"
		                                     "SET statement_timeout = 0"), STORE_OK);
	return db;
}

enum store_result world_execute(struct world *w, const char *sql)
{
	struct db *db = world_connect(w);
	enum store_result result = db->driver->execute(db, sql);

	snprintf(w->problem, sizeof w->problem, "%s", db->problem);
	db->driver->close(db);
	return result;
}

static enum store_result take_number(const struct db_row *row, void *context)
{
	*(int64_t *)context = row->values[0].number;
	return STORE_OK;
}

int64_t world_number(struct world *w, const char *sql)
{
	struct db *db = world_connect(w);
	int64_t number = -1;

	if (db->driver->query(db, (struct db_statement){0, sql}, NULL, 0, take_number, &number, NULL) != STORE_OK)
		fail_msg("%s: %s", sql, db->problem);
	db->driver->close(db);
	return number;
}

int world_make(void **state)
{
	const char *url = getenv("TWCARD_TEST_STORE");
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	snprintf(w->folder, sizeof w->folder, "/tmp/twcard-store.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	w->postgresql = url != NULL;
	if (url) {
		snprintf(w->url, sizeof w->url, "%s", url);
		assert_int_equal(world_execute(w, "DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public"), STORE_OK);
	} else {
		snprintf(w->url, sizeof w->url, "sqlite:%s/authority.db", w->folder);
	}
	*state = w;
	world_good(w, store_open(w->url, &w->store, w->problem));
	return 0;
}

int world_end(void **state)
{
	struct world *w = *state;
	DIR *folder = opendir(w->folder);
	struct dirent *entry;

	store_close(&w->store);
	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			unlink(world_path(w, entry->d_name));
	if (folder)
		closedir(folder);
	assert_int_equal(rmdir(w->folder), 0); /* nothing hidden is left either */
	free(w);
	return 0;
}

const char *world_path(const struct world *w, const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", w->folder, name);
	return path;
}

int world_files(const struct world *w, const char *begin)
{
	DIR *folder = opendir(w->folder);
	struct dirent *entry;
	int count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		count += !strncmp(entry->d_name, begin, strlen(begin));
	closedir(folder);
	return count;
}

void world_good(struct world *w, enum store_result result)
{
	if (result != STORE_OK)
		fail_msg("%s: %s", store_result_text(result), w->problem);
}

/* ---- calls ---- */

struct call {
	const char *id, *nonce, *text, *authorizer;
	uint32_t number;
};

static enum store_result put_request(struct store_tx *tx, void *context)
{
	struct call *c = context;
	struct store_request r = {(char *)c->id, (char *)c->nonce, {1, 2, 3}, 200, (char *)c->text, 1000};

	return store_request_put(tx, &r);
}

enum store_result call_put_request(struct store *s, const char *id, const char *nonce, const char *response)
{
	struct call c = {.id = id, .nonce = nonce, .text = response};

	return store_run(s, put_request, &c, NULL);
}

static enum store_result next_number(struct store_tx *tx, void *context)
{
	struct call *c = context;

	return store_sequence_next(tx, c->authorizer, &c->number);
}

enum store_result call_sequence(struct store *s, const char *authorizer, uint32_t *out)
{
	struct call c = {.authorizer = authorizer};
	enum store_result result = store_run(s, next_number, &c, NULL);

	*out = c.number;
	return result;
}

static enum store_result append(struct store_tx *tx, void *context)
{
	struct call *c = context;
	struct store_audit a = {.at = 1763762400, .signer = (char *)"signer", .operation = (char *)c->text,
	                        .request = (char *)c->id, .outcome = (char *)"ok", .detail = (char *)"{\"a\":1}"};

	return store_audit_append(tx, &a);
}

enum store_result call_audit(struct store *s, const char *operation, const char *request)
{
	struct call c = {.text = operation, .id = request};

	return store_run(s, append, &c, NULL);
}

static enum store_result put_all(struct store_tx *tx, void *context)
{
	static const char der[1200];
	struct call *c = context;
	struct store_bytes bytes = {(uint8_t *)der, sizeof der};
	struct store_certificate row = {
		.reservation = (char *)c->id, .serial = (char *)c->id, .kind = STORE_APPLICATIONS,
		.state = STORE_SIGNED, .authorizer = (char *)c->authorizer, .holder = (char *)"holder",
		.authorizer_der = bytes, .holder_der = bytes, .content = (char *)"{}", .der = bytes,
		.created = 1000, .not_before = 1000, .not_after = 2000,
	};
	enum store_result result = store_sequence_next(tx, c->authorizer, &row.sequence);

	c->nonce = c->id;
	c->text = "register";
	if (result == STORE_OK)
		result = put_request(tx, c);
	if (result == STORE_OK)
		result = store_certificate_put(tx, &row);
	if (result == STORE_OK)
		result = append(tx, c);
	c->number = row.sequence;
	return result;
}

enum store_result call_register(struct store *s, const char *id, const char *authorizer, uint32_t *sequence)
{
	struct call c = {.id = id, .authorizer = authorizer};
	enum store_result result = store_run(s, put_all, &c, NULL);

	*sequence = c.number;
	return result;
}
