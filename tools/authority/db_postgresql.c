/*
 * PostgreSQL: several instances on one database. A writer first locks the row
 * of the audit's end, so that writers of all instances come one after the
 * other, each sees what the one before it left, and none can meet another in
 * the middle. Values travel in binary, and the connection says for how long an
 * instance that has stopped may keep the others waiting.
 */
#include "config.h"

#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/authority/db.h"

#define PARAMS_MAX 24
#define COLUMNS_MAX 24
#define VERSION_MIN 120000
#define BINARY 1

/* The numbers of pg_type. */
enum type { TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23, TYPE_TEXT = 25 };

struct postgresql {
	struct db db;
	PGconn *connection;
	bool prepared[DB_STATEMENTS];
};

static struct postgresql *of(struct db *db)
{
	return (struct postgresql *)db;
}

/*
 * Which answer an SQLSTATE is (appendix A of PostgreSQL's manual), by its
 * beginning; the first that fits. All else is our SQL or what is in the tables.
 */
static const struct code {
	const char *state;
	enum store_result result;
} codes[] = {
	{"40", STORE_CONFLICT},    /* serialization, deadlock */
	{"55P03", STORE_CONFLICT}, /* a lock did not come in time */
	{"53100", STORE_FULL},
	{"53", STORE_UNAVAILABLE}, /* memory, connections */
	{"54", STORE_REFUSED},     /* too large */
	{"08", STORE_UNAVAILABLE}, /* connection */
	{"57", STORE_UNAVAILABLE}, /* shutdown, cancelled */
	{"58", STORE_UNAVAILABLE}, /* input and output */
	{"25P03", STORE_UNAVAILABLE},
	{"25006", STORE_UNAVAILABLE}, /* a standby: it only reads */
	{"28", STORE_UNAVAILABLE}, /* not let in */
	{"3D", STORE_UNAVAILABLE}, /* no such database */
};

/* Of a result that is not good (or none: the connection). */
static enum store_result answer(struct postgresql *p, const PGresult *r)
{
	const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *primary = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	enum store_result result = STORE_BROKEN;

	p->db.lost = p->db.lost || PQstatus(p->connection) != CONNECTION_OK;
	if (!state)
		result = STORE_UNAVAILABLE;
	for (size_t i = 0; state && i < sizeof codes / sizeof *codes; i++) {
		if (!strncmp(state, codes[i].state, strlen(codes[i].state))) {
			result = codes[i].result;
			break;
		}
	}
	return db_problem(&p->db, result, "%s", primary ? primary : PQerrorMessage(p->connection));
}

static enum store_result finish(struct postgresql *p, PGresult *r)
{
	ExecStatusType status = r ? PQresultStatus(r) : PGRES_FATAL_ERROR;
	enum store_result result = STORE_OK;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		result = answer(p, r);
	PQclear(r);
	return result;
}

static enum store_result postgresql_execute(struct db *db, const char *sql)
{
	return finish(of(db), PQexec(of(db)->connection, sql));
}

static void postgresql_close(struct db *db)
{
	PQfinish(of(db)->connection);
	free(of(db));
}

/* Notices ("relation exists, skipping") are not for our standard error. */
static void hear_notice(void *context, const PGresult *r)
{
	(void)context;
	(void)r;
}

/*
 * What an operator's server would otherwise leave to its settings: what is
 * answered is on the disk, texts are UTF-8, and an instance that stands still in
 * a transaction is cut off, so that the others can go on.
 */
static const char settings[] = "SET synchronous_commit = on; SET client_encoding = 'UTF8';"
			       "SET lock_timeout = '20s'; SET statement_timeout = '40s';"
			       "SET idle_in_transaction_session_timeout = '10s';"
			       "SET client_min_messages = warning; SET standard_conforming_strings = on";

/* A host that is gone is noticed, also in the middle of a question. What the URL says comes after these. */
static PGconn *connect_to(const char *url)
{
	static const char *const keys[] = {
		"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count",
		"tcp_user_timeout", "application_name", "dbname", NULL,
	};
	const char *const values[] = {"10", "10", "5", "3", "30000", "twcard-authority", url, NULL};

	return PQconnectdbParams(keys, values, 1);
}

/* libpq's own words for an address that it does not understand repeat it, with its password. */
static bool understands(const char *url)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	bool good = options != NULL;

	PQconninfoFree(options);
	return good;
}

static enum store_result postgresql_open(const char *url, bool create, struct db **out)
{
	struct postgresql *p = calloc(1, sizeof *p);

	(void)create; /* the tables are made by their steps */
	*out = p ? &p->db : NULL;
	if (!p)
		return STORE_NO_MEMORY;
	p->db.driver = &db_postgresql;
	if (!understands(url))
		return db_problem(&p->db, STORE_REFUSED,
		                  "the database's address is not understood: postgresql://USER@HOST/NAME");
	p->connection = connect_to(url);
	if (!p->connection)
		return STORE_NO_MEMORY;
	PQsetNoticeReceiver(p->connection, hear_notice, NULL);
	if (PQstatus(p->connection) != CONNECTION_OK)
		return answer(p, NULL);
	if (PQserverVersion(p->connection) < VERSION_MIN)
		return db_problem(&p->db, STORE_REFUSED, "PostgreSQL %d is too old: 12 or newer is needed",
		                  PQserverVersion(p->connection) / 10000);
	return postgresql_execute(&p->db, settings);
}

/* The number is only ours: who makes the tables locks it, as there is no row yet. */
static enum store_result postgresql_begin(struct db *db, enum db_mode mode)
{
	static const char *const begins[] = {
		[DB_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
		[DB_WRITE] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT number FROM chain FOR UPDATE",
		[DB_ALONE] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock(8390040671)",
	};

	return postgresql_execute(db, begins[mode]);
}

static void postgresql_rollback(struct db *db)
{
	struct postgresql *p = of(db);

	if (PQstatus(p->connection) == CONNECTION_OK && PQtransactionStatus(p->connection) == PQTRANS_IDLE)
		return;
	PQclear(PQexec(p->connection, "ROLLBACK"));
	if (PQstatus(p->connection) != CONNECTION_OK || PQtransactionStatus(p->connection) != PQTRANS_IDLE)
		db->lost = true;
}

/* A transaction that has failed answers COMMIT with ROLLBACK, and no error. */
static enum store_result postgresql_commit(struct db *db)
{
	struct postgresql *p = of(db);
	PGresult *r = PQexec(p->connection, "COMMIT");
	bool kept = r && PQresultStatus(r) == PGRES_COMMAND_OK && !strcmp(PQcmdStatus(r), "COMMIT");
	enum store_result result;

	if (kept) {
		PQclear(r);
		return STORE_OK;
	}
	result = finish(p, r);
	postgresql_rollback(db);
	return result == STORE_OK ? db_problem(db, STORE_BROKEN, "the transaction had failed before its end") : result;
}

struct params {
	Oid types[PARAMS_MAX];
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX], formats[PARAMS_MAX];
	uint64_t numbers[PARAMS_MAX]; /* the high byte first */
};

static void fill_params(const struct db_value *from, size_t count, struct params *to)
{
	static const Oid types[] = {
		[DB_NULL] = 0, [DB_NUMBER] = TYPE_INT8, [DB_TEXT] = TYPE_TEXT, [DB_BYTES] = TYPE_BYTEA,
	};

	for (size_t i = 0; i < count; i++) {
		to->types[i] = types[from[i].type];
		to->formats[i] = BINARY;
		to->numbers[i] = htobe64((uint64_t)from[i].number);
		to->values[i] = from[i].type == DB_NULL     ? NULL
		                : from[i].type == DB_NUMBER ? (const char *)&to->numbers[i]
		                                            : from[i].data;
		to->lengths[i] = from[i].type == DB_NUMBER ? (int)sizeof to->numbers[i] : (int)from[i].len;
	}
}

static enum store_result prepare(struct postgresql *p, struct db_statement st, const char *name,
                                 const struct params *params, size_t count)
{
	enum store_result result;

	if (p->prepared[st.id])
		return STORE_OK;
	result = finish(p, PQprepare(p->connection, name, st.sql, (int)count, params->types));
	p->prepared[st.id] = result == STORE_OK;
	return result;
}

/* Integers have two, four or eight bytes, the high one first. */
static int64_t integer_of(const char *bytes, int len)
{
	uint64_t number = len && (bytes[0] & 0x80) ? UINT64_MAX : 0;

	for (int i = 0; i < len; i++)
		number = number << 8 | (uint8_t)bytes[i];
	return (int64_t)number;
}

static struct db_value value_of(const PGresult *r, int row, int column)
{
	struct db_value v = {.type = DB_NULL};

	if (PQgetisnull(r, row, column))
		return v;
	v.data = PQgetvalue(r, row, column);
	v.len = (size_t)PQgetlength(r, row, column);
	switch (PQftype(r, column)) {
	case TYPE_INT2:
	case TYPE_INT4:
	case TYPE_INT8:
		return db_number(integer_of(v.data, (int)v.len));
	case TYPE_BYTEA:
		v.type = DB_BYTES;
		break;
	case TYPE_TEXT:
		v.type = DB_TEXT;
		break;
	default: /* none of our tables has another: as if it were not there */
		break;
	}
	return v;
}

static enum store_result visit_rows(const PGresult *r, db_visit *visit, void *context)
{
	struct db_value values[COLUMNS_MAX];
	struct db_row row = {values, (size_t)PQnfields(r)};
	enum store_result result = STORE_OK;

	if (row.count > COLUMNS_MAX)
		row.count = COLUMNS_MAX;
	for (int i = 0; i < PQntuples(r) && result == STORE_OK; i++) {
		for (size_t c = 0; c < row.count; c++)
			values[c] = value_of(r, i, (int)c);
		result = visit(&row, context);
	}
	return result;
}

static enum store_result postgresql_query(struct db *db, struct db_statement st, const struct db_value *params,
                                          size_t count, db_visit *visit, void *context, size_t *changed)
{
	struct postgresql *p = of(db);
	struct params filled;
	char name[16];
	PGresult *r;
	enum store_result result;

	if (st.id >= DB_STATEMENTS || count > PARAMS_MAX)
		return db_problem(db, STORE_BROKEN, "statement %u is too long", st.id);
	snprintf(name, sizeof name, "s%u", st.id);
	fill_params(params, count, &filled);
	result = prepare(p, st, name, &filled, count);
	if (result != STORE_OK)
		return result;
	r = PQexecPrepared(p->connection, name, (int)count, filled.values, filled.lengths, filled.formats, BINARY);
	if (changed)
		*changed = (size_t)strtoul(PQcmdTuples(r), NULL, 10);
	if (visit && PQresultStatus(r) == PGRES_TUPLES_OK)
		result = visit_rows(r, visit, context);
	if (result == STORE_OK)
		return finish(p, r);
	PQclear(r);
	return result;
}

static enum store_result postgresql_check(struct db *db)
{
	return postgresql_execute(db, "SELECT version FROM meta");
}

static enum store_result postgresql_copy(struct db *db, const char *path)
{
	(void)path;
	return db_problem(db, STORE_REFUSED,
	                  "PostgreSQL makes its own backups: pg_dump --format=custom --file=FILE --dbname=URL");
}

static bool postgresql_is_file(struct db *db, const char *path)
{
	(void)db;
	(void)path;
	return false;
}

const struct db_driver db_postgresql = {
	.kind = DB_POSTGRESQL,
	.open = postgresql_open,
	.close = postgresql_close,
	.begin = postgresql_begin,
	.commit = postgresql_commit,
	.rollback = postgresql_rollback,
	.query = postgresql_query,
	.execute = postgresql_execute,
	.check = postgresql_check,
	.copy = postgresql_copy,
	.is_file = postgresql_is_file,
};
