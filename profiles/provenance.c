#include "config.h"

#include "profiles/provenance.h"

static const struct {
	const char *name;
	bool changes_card;
} ops[OP_COUNT] = {
	[OP_PROBE] = {SHOWN("probe"), false},
	[OP_READ_TOKEN] = {SHOWN("read token data"), false},
	[OP_READ_DIRECTORY] = {SHOWN("read directory"), false},
	[OP_READ_FILE] = {SHOWN("read file"), false},
	[OP_READ_PUBLIC_KEY] = {SHOWN("read public key"), false},
	[OP_VERIFY_PIN] = {SHOWN("verify PIN"), true},
	[OP_PRIVATE_OP] = {SHOWN("RSA private operation"), false},
	[OP_CHALLENGE] = {SHOWN("get challenge"), false},
	[OP_AUTHENTICATE_ISSUER] = {SHOWN("external authenticate"), true},
	[OP_CHANGE_PIN] = {SHOWN("change PIN"), true},
	[OP_UNBLOCK_PIN] = {SHOWN("unblock PIN"), true},
	[OP_WRITE_FILE] = {SHOWN("write file"), true},
	[OP_CREATE_FILE] = {SHOWN("create file"), true},
	[OP_DELETE_FILE] = {SHOWN("delete file"), true},
	[OP_GENERATE_KEY] = {SHOWN("generate key"), true},
};

static const char *const marks[] = {
	[PROVENANCE_NONE] = SHOWN("unknown"), [ASSUMED] = SHOWN("assumed"), [STATIC] = SHOWN("static"),
	[DOCUMENTED] = SHOWN("documented"),   [OBSERVED] = SHOWN("observed"),
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
