#include "config.h"
#include <stdlib.h>
#include "tools/authority/db.h"
static enum store_result postgresql_open(const char *url, bool create, struct db **out)
{
	(void)url; (void)create;
	*out = calloc(1, sizeof **out);
	if (!*out) return STORE_NO_MEMORY;
	(*out)->driver = &db_postgresql;
	return db_problem(*out, STORE_REFUSED, "this program was built without PostgreSQL: use SQLite, or build it with libpq");
}
static void postgresql_close(struct db *db) { free(db); }
const struct db_driver db_postgresql = {.kind = DB_POSTGRESQL, .open = postgresql_open, .close = postgresql_close};
