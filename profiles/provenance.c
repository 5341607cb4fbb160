#include "config.h"

#include "profiles/provenance.h"

static const struct {
	const char *name;
	bool changes_card;
} ops[OP_COUNT] = {
	[OP_PROBE] = {"probe", false},
	[OP_READ_TOKEN] = {"read token data", false},
	[OP_READ_DIRECTORY] = {"read directory", false},
	[OP_READ_FILE] = {"read file", false},
	[OP_READ_PUBLIC_KEY] = {"read public key", false},
	[OP_VERIFY_PIN] = {"verify PIN", true},
	[OP_PRIVATE_OP] = {"RSA private operation", false},
	[OP_CHALLENGE] = {"get challenge", false},
	[OP_CHANGE_PIN] = {"change PIN", true},
	[OP_UNBLOCK_PIN] = {"unblock PIN", true},
	[OP_WRITE_FILE] = {"write file", true},
	[OP_CREATE_FILE] = {"create file", true},
	[OP_DELETE_FILE] = {"delete file", true},
	[OP_GENERATE_KEY] = {"generate key", true},
};

static const char *const marks[] = {
	[PROVENANCE_NONE] = "unknown", [ASSUMED] = "assumed",   [STATIC] = "static",
	[DOCUMENTED] = "documented",   [OBSERVED] = "observed",
};

const char *provenance_name(enum provenance mark)
{
	return (unsigned)mark < sizeof marks / sizeof *marks ? marks[mark] : "unknown";
}

const char *card_op_name(enum card_op op)
{
	return (unsigned)op < OP_COUNT ? ops[op].name : "unknown operation";
}

bool card_op_changes_card(enum card_op op)
{
	/* what we do not know is treated as dangerous */
	return (unsigned)op >= OP_COUNT || ops[op].changes_card;
}
