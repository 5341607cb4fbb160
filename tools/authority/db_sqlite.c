/*
 * SQLite: one file, beside it the log of what is not yet in it (WAL). Readers
 * see one moment and wait for nobody; a commit is on the disk when it returns
 * (synchronous=FULL).
 */
#include "config.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tools/authority/db.h"

#define COLUMNS_MAX 24
#define APPLICATION 0x54574155     /* "TWAU", for file(1) and for us */
#define BUSY_PAUSE_NS 1000000L     /* between two tries to become the writer … */
#define BUSY_TRIES 20000           /* … and so many of them */

struct sqlite {
	struct db db;
	sqlite3 *handle;
	sqlite3_stmt *prepared[DB_STATEMENTS];
	bool gave_up; /* waiting for another writer, the last time */
};

static struct sqlite *of(struct db *db)
{
	return (struct sqlite *)db;
}

/* Which answer an SQLite code is; all else makes no sense of the file or of our SQL. */
static const struct code {
	int code;
	enum store_result result;
} codes[] = {
	{SQLITE_OK, STORE_OK},
	{SQLITE_DONE, STORE_OK},
	{SQLITE_ROW, STORE_OK},
	{SQLITE_BUSY, STORE_CONFLICT},
	{SQLITE_LOCKED, STORE_CONFLICT},
	{SQLITE_FULL, STORE_FULL},
	{SQLITE_NOMEM, STORE_NO_MEMORY},
	{SQLITE_IOERR, STORE_UNAVAILABLE},
	{SQLITE_CANTOPEN, STORE_UNAVAILABLE},
	{SQLITE_READONLY, STORE_UNAVAILABLE},
	{SQLITE_PERM, STORE_UNAVAILABLE},
	{SQLITE_AUTH, STORE_UNAVAILABLE},
};

static bool is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* Why a file could not be written: the database's or that of its log, which no other function tells. */
static int error_of(sqlite3 *handle)
{
	static const int files[] = {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER};
	int error = 0;

	for (size_t i = 0; handle && i < sizeof files / sizeof *files && !is_full(error); i++) {
		sqlite3_file *file = NULL;

		if (!sqlite3_file_control(handle, "main", files[i], &file) && file && file->pMethods)
			file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
	}
	return error;
}

/* Keeps what SQLite says of its last failure. */
static enum store_result answer(struct sqlite *s, int code)
{
	enum store_result result = STORE_BROKEN;
	int error;

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		if (codes[i].code == (code & 0xFF))
			result = codes[i].result;
	}
	if (result == STORE_OK)
		return STORE_OK;
	error = result == STORE_UNAVAILABLE ? error_of(s->handle) : 0;
	if (is_full(error)) /* a limit of the process or the user is a full disk too */
		result = STORE_FULL;
	return db_problem(&s->db, result, "%s%s%s", s->handle ? sqlite3_errmsg(s->handle) : sqlite3_errstr(code),
	                  error ? ": " : "", error ? strerror(error) : "");
}

static int wait_for_writer(void *context, int times)
{
	struct timespec pause = {0, BUSY_PAUSE_NS};
	struct sqlite *s = context;

	s->gave_up = times >= BUSY_TRIES;
	if (s->gave_up)
		return 0;
	nanosleep(&pause, NULL);
	return 1;
}

static enum store_result sqlite_execute(struct db *db, const char *sql)
{
	return answer(of(db), sqlite3_exec(of(db)->handle, sql, NULL, NULL, NULL));
}

static void sqlite_close(struct db *db)
{
	struct sqlite *s = of(db);

	for (size_t i = 0; i < DB_STATEMENTS; i++)
		sqlite3_finalize(s->prepared[i]);
	sqlite3_close(s->handle);
	free(s);
}

static enum store_result number_of(struct sqlite *s, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(s->handle, sql, -1, &st, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return code == SQLITE_ROW ? STORE_OK : answer(s, code);
}

/*
 * A file of another program is not touched: before anything is changed in it. Another instance
 * may be making it just now: it says whose it is before it makes tables, so that is looked at last.
 */
static enum store_result look_whose(struct sqlite *s)
{
	int64_t application = 0, tables = 0;
	enum store_result result = number_of(s, "SELECT COUNT(*) FROM sqlite_master", &tables);

	if (result == STORE_OK)
		result = number_of(s, "PRAGMA application_id", &application);
	if (result == STORE_OK && application != APPLICATION && (application || tables))
		result = db_problem(&s->db, STORE_BROKEN, "the file is another program's database");
	return result;
}

/* Of two instances that want it at once one is told "busy" without having been let wait. */
static enum store_result keep_a_log(struct sqlite *s)
{
	int code, times = 0;

	s->gave_up = false;
	do
		code = sqlite3_exec(s->handle, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	while ((code & 0xFF) == SQLITE_BUSY && !s->gave_up && wait_for_writer(s, times++));
	return answer(s, code);
}

static enum store_result settle(struct sqlite *s)
{
	char id[64];
	enum store_result result;

	sqlite3_extended_result_codes(s->handle, 1);
	sqlite3_busy_handler(s->handle, wait_for_writer, s);
	sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	result = sqlite_execute(&s->db, "PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL;");
	if (result == STORE_OK)
		result = look_whose(s);
	if (result == STORE_OK)
		result = keep_a_log(s);
	snprintf(id, sizeof id, "PRAGMA application_id=%d", APPLICATION);
	if (result == STORE_OK)
		result = sqlite_execute(&s->db, id);
	return result;
}

static const char *path_of(const char *url)
{
	static const char scheme[] = "sqlite:";

	return strncmp(url, scheme, sizeof scheme - 1) ? url : url + sizeof scheme - 1;
}

static enum store_result sqlite_open(const char *url, bool create, struct db **out)
{
	struct sqlite *s = calloc(1, sizeof *s);
	const char *path = path_of(url);
	int code;

	*out = s ? &s->db : NULL;
	if (!s)
		return STORE_NO_MEMORY;
	s->db.driver = &db_sqlite;
	if (!*path)
		return db_problem(&s->db, STORE_REFUSED, "the database has no name");
	/* For its owner alone. Not open(): to close it would drop the locks that another thread has on it. */
	if (create && mknod(path, S_IFREG | 0600, 0) && errno != EEXIST)
		return db_problem(&s->db, is_full(errno) ? STORE_FULL : STORE_UNAVAILABLE, "%s: %s",
		                  path, strerror(errno));
	code = sqlite3_open_v2(path, &s->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	return code == SQLITE_OK ? settle(s) : answer(s, code);
}

/* A file that was moved away takes what is written to it along: nobody would notice. */
static enum store_result look_where(struct sqlite *s)
{
	int moved = 0;

	sqlite3_file_control(s->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (!moved)
		return STORE_OK;
	s->db.lost = true;
	return db_problem(&s->db, STORE_UNAVAILABLE, "the database's file was moved or removed");
}

static enum store_result sqlite_begin(struct db *db, enum db_mode mode)
{
	enum store_result result = look_where(of(db));

	if (result == STORE_OK)
		result = sqlite_execute(db, mode == DB_READ ? "BEGIN" : "BEGIN IMMEDIATE");
	return result;
}

static void sqlite_rollback(struct db *db)
{
	/* an error may have ended it already */
	if (!sqlite3_get_autocommit(of(db)->handle) && sqlite3_exec(of(db)->handle, "ROLLBACK", NULL, NULL, NULL))
		db->lost = true;
}

static enum store_result sqlite_commit(struct db *db)
{
	enum store_result result = sqlite_execute(db, "COMMIT");

	if (result != STORE_OK)
		sqlite_rollback(db);
	return result;
}

/* SQLite's own form of "$1" is ?1: a number, and not a name. */
static enum store_result prepare(struct sqlite *s, struct db_statement st, sqlite3_stmt **out)
{
	char sql[2048];
	size_t len = strlen(st.sql);
	enum store_result result;

	if (st.id >= DB_STATEMENTS || len >= sizeof sql)
		return db_problem(&s->db, STORE_BROKEN, "statement %u is too long", st.id);
	if (!s->prepared[st.id]) {
		memcpy(sql, st.sql, len + 1);
		for (char *at = sql; *at; at++)
			*at = *at == '$' ? '?' : *at;
		result = answer(s, sqlite3_prepare_v3(s->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->prepared[st.id], NULL));
		if (result != STORE_OK)
			return result;
	}
	*out = s->prepared[st.id];
	return STORE_OK;
}

static int bind(sqlite3_stmt *st, int at, const struct db_value *v)
{
	switch (v->type) {
	case DB_NUMBER:
		return sqlite3_bind_int64(st, at, v->number);
	case DB_TEXT:
		return sqlite3_bind_text64(st, at, v->data, v->len, SQLITE_STATIC, SQLITE_UTF8);
	case DB_BYTES:
		return sqlite3_bind_blob64(st, at, v->len ? v->data : "", v->len, SQLITE_STATIC);
	case DB_NULL:
		break;
	}
	return sqlite3_bind_null(st, at);
}

static struct db_value value_of(sqlite3_stmt *st, int at)
{
	struct db_value v = {.type = DB_NULL};

	switch (sqlite3_column_type(st, at)) {
	case SQLITE_INTEGER:
		return db_number(sqlite3_column_int64(st, at));
	case SQLITE_TEXT:
		v.type = DB_TEXT;
		v.data = sqlite3_column_text(st, at);
		break;
	case SQLITE_BLOB:
		v.type = DB_BYTES;
		v.data = sqlite3_column_blob(st, at);
		break;
	default: /* a floating point number was never written: as if it were not there */
		return v;
	}
	v.len = (size_t)sqlite3_column_bytes(st, at);
	if (!v.data)
		v.data = "";
	return v;
}

static enum store_result visit_row(sqlite3_stmt *st, db_visit *visit, void *context)
{
	struct db_value values[COLUMNS_MAX];
	struct db_row row = {values, (size_t)sqlite3_column_count(st)};

	if (row.count > COLUMNS_MAX)
		row.count = COLUMNS_MAX;
	for (size_t i = 0; i < row.count; i++)
		values[i] = value_of(st, (int)i);
	return visit ? visit(&row, context) : STORE_OK;
}

static enum store_result sqlite_query(struct db *db, struct db_statement statement, const struct db_value *params,
                                      size_t count, db_visit *visit, void *context, size_t *changed)
{
	struct sqlite *s = of(db);
	sqlite3_stmt *st = NULL;
	int code = SQLITE_OK;
	enum store_result result = prepare(s, statement, &st);

	if (result != STORE_OK)
		return result;
	for (size_t i = 0; i < count && code == SQLITE_OK; i++)
		code = bind(st, (int)i + 1, &params[i]);
	if (code == SQLITE_OK)
		code = sqlite3_step(st);
	while (code == SQLITE_ROW && result == STORE_OK) {
		result = visit_row(st, visit, context);
		if (result == STORE_OK)
			code = sqlite3_step(st);
	}
	if (result == STORE_OK)
		result = answer(s, code);
	if (changed)
		*changed = (size_t)sqlite3_changes(s->handle);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return result;
}

/* The first line of what a check found; "ok" is the only good one. */
static int hear_check(void *context, int columns, char **values, char **names)
{
	struct db *db = context;

	(void)names;
	if (columns > 0 && values[0] && strcmp(values[0], "ok") != 0 && !db->problem[0])
		db_problem(db, STORE_BROKEN, "the database is damaged: %s", values[0]);
	return 0;
}

static enum store_result check_handle(struct sqlite *s, sqlite3 *handle)
{
	static const char sql[] = "PRAGMA integrity_check(1); PRAGMA foreign_key_check;";
	int code;

	s->db.problem[0] = '\0';
	code = sqlite3_exec(handle, sql, hear_check, &s->db, NULL);
	if (code != SQLITE_OK && !s->db.problem[0])
		db_problem(&s->db, STORE_BROKEN, "%s", sqlite3_errmsg(handle));
	if ((code & 0xFF) == SQLITE_IOERR || (code & 0xFF) == SQLITE_BUSY)
		return STORE_UNAVAILABLE;
	return s->db.problem[0] ? STORE_BROKEN : STORE_OK;
}

static enum store_result sqlite_check(struct db *db)
{
	enum store_result result = look_where(of(db));

	return result == STORE_OK ? check_handle(of(db), of(db)->handle) : result;
}

static enum store_result copy_pages(struct sqlite *s, sqlite3 *to)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", s->handle, "main");
	int code;

	if (!backup)
		return db_problem(&s->db, STORE_UNAVAILABLE, "%s", sqlite3_errmsg(to));
	sqlite3_backup_step(backup, -1); /* all at once: one moment; in WAL mode no writer waits for it */
	code = sqlite3_backup_finish(backup);
	if (code == SQLITE_OK) /* one file, without a log beside it */
		code = sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		return check_handle(s, to);
	return db_problem(&s->db, (code & 0xFF) == SQLITE_FULL || is_full(error_of(to)) ? STORE_FULL : STORE_UNAVAILABLE,
	                  "the copy: %s", sqlite3_errmsg(to));
}

static enum store_result sqlite_copy(struct db *db, const char *path)
{
	sqlite3 *to = NULL;
	enum store_result result = look_where(of(db));
	int code;

	if (result != STORE_OK)
		return result;
	code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL);
	if (code == SQLITE_OK)
		result = copy_pages(of(db), to);
	else
		result = db_problem(db, STORE_UNAVAILABLE, "%s: %s", path, sqlite3_errstr(code));
	sqlite3_close(to);
	return result;
}

static bool sqlite_is_file(struct db *db, const char *path)
{
	const char *mine = sqlite3_db_filename(of(db)->handle, "main");
	struct stat a, b;

	return mine && !stat(mine, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

const struct db_driver db_sqlite = {
	.kind = DB_SQLITE,
	.open = sqlite_open,
	.close = sqlite_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.query = sqlite_query,
	.execute = sqlite_execute,
	.check = sqlite_check,
	.copy = sqlite_copy,
	.is_file = sqlite_is_file,
};
