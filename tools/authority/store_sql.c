#include "config.h"

#include <string.h>

#include "tools/authority/store_sql.h"

_Static_assert(SQL_COUNT <= DB_STATEMENTS, "a connection keeps all of them");

/* The order of the columns is that of the tables in store_certificate.c and so on. */
#define REQUEST "id, nonce, sha256, status, response, at"
#define CERTIFICATE                                                                                \
	"reservation, serial, kind, state, authorizer, holder, authorizer_der, holder_der, primary_der," \
	" sequence, not_before, not_after, content, der, sha256, created, changed"
#define AUDIT "number, at, signer, operation, request, outcome, detail, previous, hash"

/* $1 authorizer, $2 holder, $3 kind, $4 states as ",signed,written,", $5 and $6 created, $7 before, $8 limit */
#define LIST(who)                                                                                  \
	("SELECT " CERTIFICATE ", number FROM certificate WHERE " who                              \
	 " AND ($3 = '' OR kind = $3) AND ($4 = '' OR $4 LIKE '%,' || state || ',%')"               \
	 " AND created >= $5 AND created <= $6 AND number < $7 ORDER BY number DESC LIMIT $8")

static const char *const texts[SQL_COUNT] = {
	[SQL_SQLITE_TABLES] = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'",
	[SQL_SQLITE_META] = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta'",
	[SQL_POSTGRESQL_TABLES] = "SELECT COUNT(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema()",
	[SQL_POSTGRESQL_META] =
	    "SELECT COUNT(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = 'meta'",
	[SQL_META_GET] = "SELECT version, secret FROM meta",
	[SQL_META_MAKE] = "INSERT INTO meta (id, version, secret, created) VALUES (1, $1, $2, $3)",
	[SQL_META_VERSION] = "UPDATE meta SET version = $1",

	[SQL_REQUEST_FIND] = "SELECT " REQUEST " FROM request WHERE id = $1",
	[SQL_REQUEST_PUT] = "INSERT INTO request (" REQUEST ") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
	[SQL_NONCE_FIND] = "SELECT 1 FROM request WHERE nonce = $1",
	[SQL_REQUEST_EXPIRE] = "DELETE FROM request WHERE at < $1",

	[SQL_SEQUENCE_NEXT] = "INSERT INTO sequence (authorizer, last_number) VALUES ($1, 1)"
	                      " ON CONFLICT (authorizer) DO UPDATE SET last_number = sequence.last_number + 1"
	                      " RETURNING last_number",

	[SQL_CERTIFICATE_PUT] =
	    "INSERT INTO certificate (" CERTIFICATE ", number) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
	    " $12, $13, $14, $15, $16, $17, (SELECT COALESCE(MAX(number), 0) + 1 FROM certificate))"
	    " ON CONFLICT DO NOTHING",
	[SQL_CERTIFICATE_BY_RESERVATION] = "SELECT " CERTIFICATE ", number FROM certificate WHERE reservation = $1",
	[SQL_CERTIFICATE_BY_SERIAL] = "SELECT " CERTIFICATE ", number FROM certificate WHERE serial = $1",
	[SQL_CERTIFICATE_SET_SIGNED] = "UPDATE certificate SET serial = $2, der = $3, sha256 = $4, state = $5,"
	                               " changed = $6 WHERE reservation = $1",
	[SQL_CERTIFICATE_SET_STATE] = "UPDATE certificate SET state = $2, changed = $3 WHERE reservation = $1",
	[SQL_CERTIFICATE_MOVE] = "UPDATE certificate SET state = $1, changed = $2 WHERE holder = $3 AND kind = $4"
	                         " AND state = $5 AND reservation <> $6",
	[SQL_CERTIFICATE_LIST] = LIST("$1 = '' AND $2 = ''"),
	[SQL_CERTIFICATE_LIST_AUTHORIZER] = LIST("authorizer = $1 AND ($2 = '' OR holder = $2)"),
	[SQL_CERTIFICATE_LIST_HOLDER] = LIST("$1 = '' AND holder = $2"),

	[SQL_ACTIVATION_FIND] =
	    "SELECT card, activated, changed, CASE WHEN hash IS NULL THEN 0 ELSE 1 END, tries FROM activation"
	    " WHERE card = $1",
	[SQL_ACTIVATION_DONE] = "INSERT INTO activation (card, activated, changed, tries) VALUES ($1, 1, $2, 0)"
	                        " ON CONFLICT (card) DO UPDATE SET activated = 1, changed = excluded.changed"
	                        " WHERE activation.activated = 0",
	[SQL_ACTIVATION_UNDO] = "UPDATE activation SET activated = 0, changed = $2 WHERE card = $1 AND activated = 1",
	[SQL_CODE_SET] = "INSERT INTO activation (card, activated, changed, salt, hash, tries) VALUES ($1, 0, $2, $3, $4, 0)"
	                 " ON CONFLICT (card) DO UPDATE SET changed = excluded.changed, salt = excluded.salt,"
	                 " hash = excluded.hash, tries = 0",
	[SQL_CODE_GET] = "SELECT salt, hash, tries FROM activation WHERE card = $1 AND hash IS NOT NULL",
	[SQL_CODE_TRY] = "UPDATE activation SET tries = tries + 1 WHERE card = $1",
	/* only the try that was counted, and only for the code that was compared */
	[SQL_CODE_RIGHT] = "UPDATE activation SET tries = 0 WHERE card = $1 AND hash = $2",

	[SQL_CATALOGUE_GET] = "SELECT document, version FROM catalogue",
	[SQL_CATALOGUE_SET] = "INSERT INTO catalogue (id, version, document, changed) VALUES (1, 1, $1, $2)"
	                      " ON CONFLICT (id) DO UPDATE SET version = catalogue.version + 1,"
	                      " document = excluded.document, changed = excluded.changed RETURNING version",

	[SQL_AUDIT_APPEND] = "INSERT INTO audit (" AUDIT ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	[SQL_AUDIT_PAGE] = "SELECT " AUDIT " FROM audit WHERE number >= $1 ORDER BY number LIMIT $2",
	[SQL_CHAIN_GET] = "SELECT number, hash FROM chain",
	[SQL_CHAIN_SET] = "UPDATE chain SET number = $1, hash = $2",
};

struct db_statement store_sql(enum statement number)
{
	return (struct db_statement){(unsigned int)number, texts[number]};
}

bool store_sql_writes(enum statement number)
{
	return strncmp(texts[number], "SELECT", 6) != 0;
}
