/*
 * Labels that name objects by their holder and what they are for (labels =
 * holder): 王小明 簽章. Knows directory records, no card and no object.
 */
#ifndef TWCARD_SRC_LABEL_H
#define TWCARD_SRC_LABEL_H

#include <stdbool.h>

#include "profiles/pkcs15.h"

/* What people know the two keys of a card as. */
enum label_use { LABEL_SIGNS = 1 << 0, LABEL_ENCRYPTS = 1 << 1 };

/* Of a key's usage bits (enum p15_usage), of either half. */
unsigned label_uses(unsigned usage);

/*
 * Appends the name in the subject (DER) and the uses behind it. The name is
 * the common name; where there is none, the last unit or organization.
 * RESULT_NOT_FOUND, and nothing appended: there is no such name, or it has
 * characters that do something to a terminal.
 */
MUST_USE enum result label_make(const struct buffer *subject, unsigned uses, struct buffer *out);

/* The record with this id; NULL: none, or the id is empty. */
const struct p15_object *label_record(const struct p15_list *list, const struct buffer *id);

#endif
