/*
 * One connection to a database: what the store needs of SQLite and PostgreSQL,
 * and no more. A connection is for one thread at a time.
 *
 * SQL is written once, for both: parameters are $1, $2 …, in the order of their
 * first use. What a function that does not answer STORE_OK has to say is in
 * `problem` of the connection.
 */
#ifndef TWCARD_AUTHORITY_DB_H
#define TWCARD_AUTHORITY_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/authority/store.h"

enum db_kind { DB_SQLITE = 1, DB_POSTGRESQL = 2, DB_BOTH = 3 };

enum db_type { DB_NULL, DB_NUMBER, DB_TEXT, DB_BYTES };

struct db_value {
	enum db_type type;
	int64_t number;   /* DB_NUMBER */
	const void *data; /* DB_TEXT, DB_BYTES */
	size_t len;       /* of data */
};

struct db_row {
	const struct db_value *values; /* good until the visit ends */
	size_t count;
};

/* Anything but STORE_OK ends the reading, and is its answer. */
typedef enum store_result db_visit(const struct db_row *row, void *context);

enum db_mode {
	DB_READ,  /* one moment of the database, and no change */
	DB_WRITE, /* no other writer until it ends */
	DB_ALONE  /* the same, when there are no tables yet */
};

#define DB_STATEMENTS 64 /* most different statements of a program */

/* A statement that is prepared once for each connection. */
struct db_statement {
	unsigned int id; /* 0 to DB_STATEMENTS - 1, one for each text */
	const char *sql;
};

struct db;

struct db_driver {
	enum db_kind kind;
	/* `create`: make the file if there is none. *out with its problem is there after every answer but STORE_NO_MEMORY. */
	enum store_result (*open)(const char *url, bool create, struct db **out);
	void (*close)(struct db *db);
	enum store_result (*begin)(struct db *db, enum db_mode mode);
	enum store_result (*commit)(struct db *db); /* not STORE_OK: it has been rolled back, or lost */
	void (*rollback)(struct db *db);            /* for every transaction that was not committed */
	/* visit may be NULL; changed (may be NULL): rows that were */
	enum store_result (*query)(struct db *db, struct db_statement st, const struct db_value *params, size_t count,
	                           db_visit *visit, void *context, size_t *changed);
	/* One or several statements without parameters or rows. */
	enum store_result (*execute)(struct db *db, const char *sql);
	enum store_result (*check)(struct db *db);
	enum store_result (*copy)(struct db *db, const char *path); /* into an empty file */
	bool (*is_file)(struct db *db, const char *path);           /* does the database live there? */
};

struct db {
	const struct db_driver *driver;
	bool lost; /* good for nothing any more: close it */
	char problem[STORE_PROBLEM_SIZE];
};

extern const struct db_driver db_sqlite;
extern const struct db_driver db_postgresql; /* answers STORE_REFUSED where it was not built */

/* Who understands the URL. */
const struct db_driver *db_driver_of(const char *url);

/* Keeps a text as the problem: one line, whatever the database says. Answers result. */
enum store_result db_problem(struct db *db, enum store_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline struct db_value db_number(int64_t number)
{
	return (struct db_value){.type = DB_NUMBER, .number = number};
}

struct db_value db_text(const char *text);                   /* NULL: DB_NULL */
struct db_value db_bytes(const void *data, size_t len);      /* data NULL: DB_NULL */

#endif
