/* What the files of the store share. */
#ifndef TWCARD_AUTHORITY_STORE_INTERNAL_H
#define TWCARD_AUTHORITY_STORE_INTERNAL_H

#include "tools/authority/db.h"
#include "tools/authority/store_row.h"
#include "tools/authority/store_schema.h"
#include "tools/authority/store_sql.h"

/* store_open() with other steps than this program's, for tests of them. The steps live as long as the store. */
STORE_MUST_USE enum store_result store_open_steps(const char *url, const struct schema_step *steps, size_t count,
                                                  struct store **out, char problem[STORE_PROBLEM_SIZE]);

/*
 * Asks the database inside of a transaction. STORE_BROKEN: a text is not UTF-8,
 * or it writes and the transaction only reads. changed may be NULL.
 */
STORE_MUST_USE enum store_result tx_ask(struct store_tx *tx, enum statement number, const struct db_value *params,
                                        size_t count, db_visit *visit, void *context, size_t *changed);

/* The same for what changes one row or none. `none` is the answer then. */
STORE_MUST_USE enum store_result tx_change(struct store_tx *tx, enum statement number, const struct db_value *params,
                                           size_t count, enum store_result none);

/* A row for a struct. */
struct tx_form {
	const struct column *columns;
	size_t count, size;
};

/* The one row of a question, into an empty struct. STORE_NONE; after all but STORE_OK the struct is empty. */
STORE_MUST_USE enum store_result tx_find(struct store_tx *tx, enum statement number, const struct db_value *params,
                                         size_t count, const struct tx_form *form, void *out);

/* Keeps why a transaction ends; answers result. */
enum store_result tx_problem(struct store_tx *tx, enum store_result result, const char *text);

/* Another connection for what is no transaction, to be given back. */
STORE_MUST_USE enum store_result store_take(struct store *s, struct db **out, char problem[STORE_PROBLEM_SIZE]);
void store_give(struct store *s, struct db *db);

/* Copies a problem to a caller who wants it; out may be NULL. Answers result. */
enum store_result store_say(enum store_result result, const char *problem, char out[STORE_PROBLEM_SIZE]);

#endif
