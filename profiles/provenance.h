/*
 * How well an operation on a card is known. The marks are those of
 * docs/PROTOCOL.md, which is checked against the tables here.
 */
#ifndef TWCARD_PROFILES_PROVENANCE_H
#define TWCARD_PROFILES_PROVENANCE_H

#include <stdbool.h>

/* Marks a text for people; po/texts collects them, and who shows one translates it. */
#define SHOWN(text) text

enum provenance {
	PROVENANCE_NONE,  /* nothing known: the operation has no form at all */
	ASSUMED,          /* by analogy with ISO 7816 or with an observed fact */
	STATIC,           /* read out of the vendor's library, not seen on the wire */
	DOCUMENTED,       /* a standard or an official page says so */
	OBSERVED          /* seen on real cards */
};

/* "observed"; never NULL. */
const char *provenance_name(enum provenance mark);

enum card_op {
	OP_PROBE,
	OP_READ_TOKEN,
	OP_READ_DIRECTORY,
	OP_READ_FILE,
	OP_READ_PUBLIC_KEY,
	OP_VERIFY_PIN,
	OP_PRIVATE_OP,
	OP_CHALLENGE,
	OP_AUTHENTICATE_ISSUER,
	OP_CHANGE_PIN,
	OP_UNBLOCK_PIN,
	OP_WRITE_FILE,
	OP_CREATE_FILE,
	OP_DELETE_FILE,
	OP_GENERATE_KEY,
	OP_COUNT
};

/* "verify PIN"; never NULL. */
const char *card_op_name(enum card_op op);

/* True for what leaves the card different: files, keys, PINs and try counters. */
bool card_op_changes_card(enum card_op op);

#endif
