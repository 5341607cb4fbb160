/* The applications that may be authorized, as the operator has imported them. */
#ifndef TWCARD_AUTHORITY_CATALOGUE_H
#define TWCARD_AUTHORITY_CATALOGUE_H

#include <stdbool.h>

#include <json-c/json.h>

#include "tools/authority/store.h"

#define CATALOGUE_MAX (1u << 20) /* bytes of the document */

struct catalogue {
	struct json_object *all; /* owned; with "applications" */
};

/* Without a document it is empty. STORE_BROKEN: the database's is none. */
enum store_result catalogue_load(struct store_tx *tx, struct catalogue *out);
void catalogue_clear(struct catalogue *c);

/* Has it this application? One that is empty has them all. name NULL: no. */
bool catalogue_has(const struct catalogue *c, const char *name);

/*
 * A document from outside, read and checked. NULL: it is none, *why (English,
 * it stays) says what is wrong. Owned by the caller.
 */
struct json_object *catalogue_parse(const char *text, size_t len, const char **why);

#endif
