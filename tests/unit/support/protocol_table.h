/* The provenance tables as docs/PROTOCOL.md has them. */
#ifndef TESTS_PROTOCOL_TABLE_H
#define TESTS_PROTOCOL_TABLE_H

#include <stddef.h>

#include "profiles/internal.h"

/* "| verify PIN | observed |" into out; answers out. */
const char *protocol_row(const struct card_profile *profile, enum card_op op, char *out, size_t size);

#endif
