/*
 * The authority's database as a whole, on SQLite or PostgreSQL: its audit, its
 * versions, its file and its backup.
 */
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_world.h"

/* ---- audit ---- */

/* The end of the chain, or how far it was read. */
struct chain {
	uint64_t number, stop_at; /* stop_at: the last row that is wanted; 0: all */
	uint8_t hash[STORE_HASH];
};

static enum store_result head(struct store_tx *tx, void *context)
{
	struct chain *a = context;

	return store_audit_head(tx, &a->number, a->hash);
}

static void append_rows(struct world *w, int count)
{
	char id[16];

	for (int i = 1; i <= count; i++) {
		snprintf(id, sizeof id, "request-%d", i);
		world_good(w, call_audit(w->store, "reserve", id));
	}
}

static enum store_result verify(struct world *w, uint64_t *count, uint64_t *bad)
{
	return store_audit_verify(w->store, count, bad, w->problem);
}

static void an_empty_audit_is_whole(void **state)
{
	struct world *w = *state;
	uint64_t count = 9, bad = 9;
	struct chain a = {.number = 9};
	uint8_t none[STORE_HASH] = {0};

	world_good(w, verify(w, &count, &bad));
	assert_int_equal(count, 0);
	assert_int_equal(bad, 0);
	world_good(w, store_look(w->store, head, &a, w->problem));
	assert_int_equal(a.number, 0);
	assert_memory_equal(a.hash, none, sizeof none);
}

static enum store_result see_row(const struct store_audit *row, void *context)
{
	struct chain *a = context;

	assert_int_equal(row->number, ++a->number);
	assert_memory_equal(row->previous, a->hash, STORE_HASH);
	memcpy(a->hash, row->hash, STORE_HASH);
	return a->number == a->stop_at ? STORE_STOP : STORE_OK;
}

static void rows_are_read_in_their_order(void **state)
{
	struct world *w = *state;
	uint64_t count, bad;
	struct chain a = {.number = 0}, b = {.number = 0};

	append_rows(w, 450); /* more than two pages */
	world_good(w, store_audit_each(w->store, 0, see_row, &a, w->problem));
	assert_int_equal(a.number, 450);
	world_good(w, store_look(w->store, head, &b, w->problem));
	assert_int_equal(b.number, 450);
	assert_memory_equal(a.hash, b.hash, STORE_HASH);
	world_good(w, verify(w, &count, &bad));
	assert_int_equal(count, 450);
	a = (struct chain){.stop_at = 3};
	assert_int_equal(store_audit_each(w->store, 1, see_row, &a, w->problem), STORE_STOP);
	assert_int_equal(a.number, 3);
}

/* The bytes that are hashed are written down: another program can check them. */
static void the_hash_is_that_of_the_documentation(void **state)
{
	static const char wanted[] = "b75ce6e4177fc43188eb0c0f0e0a1da711c9a6df060f1fd59f597df65721cffa";
	struct world *w = *state;
	struct chain a = {.number = 0};
	char got[65];

	world_good(w, call_audit(w->store, "reserve", "request-1"));
	world_good(w, store_look(w->store, head, &a, w->problem));
	for (size_t i = 0; i < STORE_HASH; i++)
		snprintf(got + 2 * i, 3, "%02x", a.hash[i]);
	assert_string_equal(got, wanted);
}

static void the_database_forbids_to_change_the_audit(void **state)
{
	static const char *const tries[] = {
		"UPDATE audit SET outcome = 'ok' WHERE number = 2",
		"DELETE FROM audit WHERE number = 2",
		"DELETE FROM audit",
	};
	struct world *w = *state;
	uint64_t count, bad;

	append_rows(w, 3);
	for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
		assert_int_equal(world_execute(w, tries[i]), STORE_BROKEN);
		assert_non_null(strstr(w->problem, "only appended"));
	}
	assert_int_not_equal(world_execute(w, w->postgresql ? "TRUNCATE audit"
	                                                   : "INSERT OR REPLACE INTO audit SELECT * FROM audit"), STORE_OK);
	world_good(w, verify(w, &count, &bad));
	assert_int_equal(count, 3);
}

/* Who may drop the triggers can change a row; the chain tells. */
static void a_change_by_hand_is_found(void **state)
{
	static const struct {
		const char *sql;
		uint64_t bad;
		const char *says;
	} spoilt[] = {
		{"UPDATE audit SET outcome = 'rule' WHERE number = 4", 4, "row 4 of the audit was changed"},
		{"UPDATE audit SET at = at + 1 WHERE number = 1", 1, "was changed"},
		{"UPDATE audit SET signer = 'signe', operation = 'rreserve' WHERE number = 3", 3, "was changed"},
		{"UPDATE audit SET hash = previous WHERE number = 5", 5, "was changed"},
		{"UPDATE audit SET previous = hash WHERE number = 5", 5, "does not follow"},
		{"DELETE FROM audit WHERE number = 2", 2, "missing"},
		{"DELETE FROM audit WHERE number = 1", 1, "missing"},
		{"DELETE FROM audit WHERE number = 6", 6, "missing"},
		{"DELETE FROM audit", 1, "missing"},
		{"UPDATE chain SET number = 5", 5, "not the end"},
		{"UPDATE chain SET number = 5, hash = (SELECT hash FROM audit WHERE number = 5)", 6, "after the end"},
		{"UPDATE chain SET hash = (SELECT hash FROM audit WHERE number = 2)", 6, "not the end"},
	};

	for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
		void *own = NULL;
		struct world *w;
		uint64_t count, bad = 0;

		world_make(&own);
		w = own;
		append_rows(w, 6);
		assert_int_equal(world_execute(w, w->postgresql ? "DROP TRIGGER audit_only_append ON audit"
		                                                : "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete"),
		                 STORE_OK);
		assert_int_equal(world_execute(w, spoilt[i].sql), STORE_OK);
		assert_int_equal(verify(w, &count, &bad), STORE_BROKEN);
		if (bad != spoilt[i].bad || !strstr(w->problem, spoilt[i].says))
			fail_msg("%s: row %llu, %s", spoilt[i].sql, (unsigned long long)bad, w->problem);
		world_end(&own);
	}
	(void)state;
}

static void the_export_is_one_object_a_line(void **state)
{
	struct world *w = *state;
	char line[4096], *text = NULL;
	size_t size = 0, lines = 0;
	FILE *out = open_memstream(&text, &size), *in;

	world_good(w, call_audit(w->store, "re\"ser\nve", "r1"));
	append_rows(w, 2);
	world_good(w, store_audit_export(w->store, 0, out, w->problem));
	fclose(out);
	in = fmemopen(text, size, "r");
	while (fgets(line, sizeof line, in)) {
		struct json_object *o = json_tokener_parse(line);

		assert_non_null(o);
		assert_int_equal(json_object_get_int(json_object_object_get(o, "number")), ++lines);
		assert_string_equal(json_object_get_string(json_object_object_get(o, "at")), "2025-11-21T22:00:00Z");
		assert_string_equal(json_object_get_string(json_object_object_get(o, "signer")), "signer");
		assert_string_equal(json_object_get_string(json_object_object_get(o, "operation")),
		                    lines == 1 ? "re\"ser\nve" : "reserve");
		assert_int_equal(json_object_get_string_len(json_object_object_get(o, "hash")), 64);
		json_object_put(o);
	}
	assert_int_equal(lines, 3);
	fclose(in);
	free(text);
	out = fopen("/dev/full", "w");
	assert_non_null(out);
	assert_int_equal(store_audit_export(w->store, 0, out, w->problem), STORE_FULL);
	fclose(out);
}

/* ---- versions ---- */

static void a_newer_database_is_left_alone(void **state)
{
	struct world *w = *state;
	uint32_t number;

	world_good(w, call_sequence(w->store, "one", &number));
	assert_int_equal(world_execute(w, "UPDATE meta SET version = 99"), STORE_OK);
	store_close(&w->store);
	assert_int_equal(store_open(w->url, &w->store, w->problem), STORE_NEWER);
	assert_null(w->store);
	assert_non_null(strstr(w->problem, "version 99"));
	assert_int_equal(world_execute(w, "UPDATE meta SET version = 1"), STORE_OK);
	world_good(w, store_open(w->url, &w->store, w->problem));
	world_good(w, call_sequence(w->store, "one", &number));
	assert_int_equal(number, 2);
}

static struct schema_step *steps_with(const char *sql, size_t *count)
{
	struct schema_step *steps = calloc(schema_step_count + 2, sizeof *steps);

	assert_non_null(steps);
	memcpy(steps, schema_steps, schema_step_count * sizeof *steps);
	steps[schema_step_count] = (struct schema_step){2, DB_BOTH, "CREATE TABLE later (id BIGINT PRIMARY KEY)"};
	steps[schema_step_count + 1] = (struct schema_step){2, DB_BOTH, sql};
	*count = schema_step_count + 2;
	return steps;
}

static void an_older_database_is_brought_up_to_date(void **state)
{
	struct world *w = *state;
	uint8_t before[32], after[32];
	uint32_t number;
	size_t count;
	struct schema_step *steps = steps_with("INSERT INTO later VALUES (7)", &count);

	store_secret(w->store, before);
	world_good(w, call_sequence(w->store, "one", &number));
	store_close(&w->store);
	world_good(w, store_open_steps(w->url, steps, count, &w->store, w->problem));
	store_secret(w->store, after);
	assert_memory_equal(before, after, sizeof after);
	world_good(w, call_sequence(w->store, "one", &number));
	assert_int_equal(number, 2);
	assert_int_equal(world_execute(w, "INSERT INTO later VALUES (7)"), STORE_BROKEN); /* it is there */
	store_close(&w->store);
	world_good(w, store_open_steps(w->url, steps, count, &w->store, w->problem)); /* and not made again */
	store_close(&w->store);
	assert_int_equal(store_open(w->url, &w->store, w->problem), STORE_NEWER);
	free(steps);
}

static void half_a_migration_is_none(void **state)
{
	struct world *w = *state;
	uint32_t number;
	size_t count;
	struct schema_step *steps = steps_with("INSERT INTO nowhere VALUES (7)", &count);

	world_good(w, call_sequence(w->store, "one", &number));
	store_close(&w->store);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_open_steps(w->url, steps, count, &w->store, w->problem), STORE_BROKEN);
		assert_non_null(strstr(w->problem, "nowhere"));
		assert_int_equal(world_execute(w, "INSERT INTO later VALUES (1)"), STORE_BROKEN);
	}
	world_good(w, store_open(w->url, &w->store, w->problem));
	world_good(w, call_sequence(w->store, "one", &number));
	assert_int_equal(number, 2);
	free(steps);
}

static void anothers_database_is_left_alone(void **state)
{
	struct world *w = *state;
	struct db *db = NULL;

	store_close(&w->store);
	if (w->postgresql) {
		assert_int_equal(world_execute(w, "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
		                                  "CREATE TABLE invoice (id BIGINT)"), STORE_OK);
	} else {
		unlink(world_path(w, "authority.db"));
		assert_int_equal(db_sqlite.open(w->url, true, &db), STORE_OK);
		assert_int_equal(db_sqlite.execute(db, "PRAGMA application_id=0; CREATE TABLE invoice (id BIGINT)"), STORE_OK);
		db_sqlite.close(db);
	}
	assert_int_equal(store_open(w->url, &w->store, w->problem), STORE_BROKEN);
	assert_null(w->store);
	assert_string_not_equal(w->problem, "");
}

static void an_address_that_leads_nowhere_is_said(void **state)
{
	static const char *const urls[] = {
		"sqlite:", "", "/nonexistent/folder/authority.db", "sqlite:/tmp", "postgresql:///x?host=/nonexistent",
		"postgres://%", "postgresql://me:geheim@[", "postgresql://me:geheim@localhost:x/%",
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		struct store *s = NULL;

		w->problem[0] = '\0';
		if (store_open(urls[i], &s, w->problem) == STORE_OK)
			fail_msg("opened: %s", urls[i]);
		assert_null(s);
		assert_string_not_equal(w->problem, "");
		assert_null(strstr(w->problem, "geheim"));
	}
}

/* ---- the file ---- */

static void a_new_file_is_its_owners_alone(void **state)
{
	struct world *w = *state;
	struct stat st;
	mode_t old;

	store_close(&w->store);
	unlink(world_path(w, "authority.db"));
	old = umask(0);
	world_good(w, store_open(w->url, &w->store, w->problem));
	umask(old);
	append_rows(w, 1);
	assert_int_equal(stat(world_path(w, "authority.db"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(world_path(w, "authority.db-wal"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void a_file_that_is_no_database_is_left_alone(void **state)
{
	static const char text[] = "Dear Sir or Madam, this is a letter and no database, and it is to stay one.\n";
	struct world *w = *state;
	char back[200] = "";
	FILE *file;

	store_close(&w->store);
	unlink(world_path(w, "authority.db"));
	write_file(world_path(w, "authority.db"), text);
	assert_int_equal(store_open(w->url, &w->store, w->problem), STORE_BROKEN);
	file = fopen(world_path(w, "authority.db"), "r");
	assert_non_null(fgets(back, sizeof back, file));
	fclose(file);
	assert_string_equal(back, text);
}

static void a_file_that_is_gone_is_noticed(void **state)
{
	struct world *w = *state;
	uint32_t number;
	char moved[512];

	world_good(w, call_sequence(w->store, "one", &number));
	snprintf(moved, sizeof moved, "%s", world_path(w, "moved.db"));
	assert_int_equal(rename(world_path(w, "authority.db"), moved), 0);
	assert_int_equal(call_sequence(w->store, "one", &number), STORE_UNAVAILABLE);
	assert_int_not_equal(store_check(w->store, w->problem), STORE_OK);
	assert_int_equal(access(world_path(w, "authority.db"), F_OK), -1); /* no empty one in its place */
	assert_int_equal(rename(moved, world_path(w, "authority.db")), 0);
	world_good(w, call_sequence(w->store, "one", &number));
	assert_int_equal(number, 2);
}

static void a_sound_database_passes_the_check(void **state)
{
	struct world *w = *state;

	append_rows(w, 3);
	world_good(w, store_check(w->store, w->problem));
}

static void damage_is_found(void **state)
{
	struct world *w = *state;
	char junk[4096];
	FILE *file;

	append_rows(w, 300);
	world_good(w, store_check(w->store, w->problem));
	store_close(&w->store); /* all of it is in the file now */
	memset(junk, 0x5A, sizeof junk);
	file = fopen(world_path(w, "authority.db"), "r+");
	for (long page = 25; page < 32; page++) {
		fseek(file, page * 4096, SEEK_SET);
		fwrite(junk, 1, sizeof junk, file);
	}
	fclose(file);
	world_good(w, store_open(w->url, &w->store, w->problem));
	assert_int_equal(store_check(w->store, w->problem), STORE_BROKEN);
	assert_non_null(strstr(w->problem, "damaged"));
}

/* ---- backup ---- */

static void a_backup_is_the_whole_database(void **state)
{
	struct world *w = *state;
	struct store *copy = NULL;
	uint64_t count, bad;
	struct stat st;
	uint8_t a[32], b[32];

	append_rows(w, 5);
	if (w->postgresql) {
		assert_int_equal(store_backup(w->store, world_path(w, "copy.db"), false, w->problem), STORE_REFUSED);
		assert_non_null(strstr(w->problem, "pg_dump"));
		assert_int_equal(world_files(w, "copy.db"), 0);
		return;
	}
	world_good(w, store_backup(w->store, world_path(w, "copy.db"), false, w->problem));
	assert_int_equal(stat(world_path(w, "copy.db"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	append_rows(w, 1);
	world_good(w, store_open(world_path(w, "copy.db"), &copy, w->problem));
	world_good(w, store_audit_verify(copy, &count, &bad, w->problem));
	assert_int_equal(count, 5);
	store_secret(w->store, a);
	store_secret(copy, b);
	assert_memory_equal(a, b, sizeof a);
	store_close(&copy);
	assert_int_equal(world_files(w, "copy.db"), 1);
}

static void a_backup_replaces_only_when_told(void **state)
{
	struct world *w = *state;
	char text[16] = "";
	FILE *file;

	write_file(world_path(w, "copy.db"), "precious");
	assert_int_equal(store_backup(w->store, world_path(w, "copy.db"), false, w->problem), STORE_EXISTS);
	file = fopen(world_path(w, "copy.db"), "r");
	assert_non_null(fgets(text, sizeof text, file));
	fclose(file);
	assert_string_equal(text, "precious");
	world_good(w, store_backup(w->store, world_path(w, "copy.db"), true, w->problem));
	assert_int_equal(store_backup(w->store, world_path(w, "authority.db"), true, w->problem), STORE_REFUSED);
	assert_int_equal(store_backup(w->store, "/nonexistent/folder/copy.db", false, w->problem), STORE_UNAVAILABLE);
	world_good(w, store_check(w->store, w->problem));
	assert_int_equal(world_files(w, "copy.db"), 1);
	assert_int_equal(world_files(w, "authority.db."), 0);
}

#define FILE_CASES 5
#define CASE(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_empty_audit_is_whole),
		CASE(rows_are_read_in_their_order),
		CASE(the_hash_is_that_of_the_documentation),
		CASE(the_database_forbids_to_change_the_audit),
		cmocka_unit_test(a_change_by_hand_is_found),
		CASE(the_export_is_one_object_a_line),
		CASE(a_newer_database_is_left_alone),
		CASE(an_older_database_is_brought_up_to_date),
		CASE(half_a_migration_is_none),
		CASE(anothers_database_is_left_alone),
		CASE(an_address_that_leads_nowhere_is_said),
		CASE(a_backup_is_the_whole_database),
		CASE(a_sound_database_passes_the_check),
		/* of files: not on PostgreSQL */
		CASE(a_new_file_is_its_owners_alone),
		CASE(a_file_that_is_no_database_is_left_alone),
		CASE(a_file_that_is_gone_is_noticed),
		CASE(damage_is_found),
		CASE(a_backup_replaces_only_when_told),
	};
	size_t count = sizeof tests / sizeof *tests - (getenv("TWCARD_TEST_STORE") ? FILE_CASES : 0);

	return _cmocka_run_group_tests("store as a whole", tests, count, NULL, NULL);
}
