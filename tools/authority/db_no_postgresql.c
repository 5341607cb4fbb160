/* In place of db_postgresql.c where libpq was not there: says so. */
#include "config.h"

#include <stdlib.h>

#include "tools/authority/db.h"

static enum store_result absent_open(const char *url, bool create, struct db **out)
{
	struct db *db = calloc(1, sizeof *db);

	(void)url;
	(void)create;
	*out = db;
	if (!db)
		return STORE_NO_MEMORY;
	return db_problem(db, STORE_REFUSED, "this program was built without PostgreSQL: build it with libpq, or use SQLite");
}

static void absent_close(struct db *db)
{
	free(db);
}

const struct db_driver db_postgresql = {
	.kind = DB_POSTGRESQL,
	.open = absent_open,
	.close = absent_close,
};
