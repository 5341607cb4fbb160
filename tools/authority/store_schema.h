/*
 * The tables, and how they came to be: a list of steps, each for one version.
 * A database is brought from its version to the newest in one transaction, so
 * that there is never a half of it.
 */
#ifndef TWCARD_AUTHORITY_STORE_SCHEMA_H
#define TWCARD_AUTHORITY_STORE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "tools/authority/db.h"

struct schema_step {
	unsigned int version; /* 1, 2, 3 …, in order; several steps may have one version */
	unsigned int kinds;   /* enum db_kind, or both */
	const char *sql;      /* one or several statements */
};

/* Those of this program. */
extern const struct schema_step schema_steps[];
extern const size_t schema_step_count;

/*
 * Runs the steps that are missing and reads the database's secret.
 * STORE_NEWER: its version is above the last step's. STORE_BROKEN: it has tables, but not ours.
 */
STORE_MUST_USE enum store_result schema_bring(struct db *db, const struct schema_step *steps, size_t count,
                                              uint8_t secret[32]);

#endif
