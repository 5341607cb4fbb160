#include <stdio.h>

#include "protocol_table.h"

const char *protocol_row(const struct card_profile *profile, enum card_op op, char *out, size_t size)
{
	snprintf(out, size, "| %s | %s |", card_op_name(op), provenance_name(profile->marks[op]));
	return out;
}
