/* The tables of codes, inside of explain*.c: a row is a code, a source a table. */
#ifndef TWCARD_TOOLS_EXPLAIN_INTERNAL_H
#define TWCARD_TOOLS_EXPLAIN_INTERNAL_H

#include "tools/twcard/explain.h"

/* What to do; the texts are in explain_action.c. */
enum explain_action {
	ACTION_NONE, ACTION_CARD_IN, ACTION_CARD_AGAIN, ACTION_READER, ACTION_SERVICE,
	ACTION_SEE_CARD, ACTION_PIN_AGAIN, ACTION_PIN_LENGTH, ACTION_PIN_LOCKED,
	ACTION_PIN_CHANGE, ACTION_LOGIN, ACTION_RETRY, ACTION_BUSY, ACTION_RESTART,
	ACTION_REPORT, ACTION_SITE, ACTION_COMPONENT, ACTION_REINSTALL, ACTION_CONNECT,
	ACTION_TLS, ACTION_PROXY, ACTION_SITE_ADDRESS, ACTION_SITE_TRUST, ACTION_TRIAL,
	ACTION_SUPPORT, ACTION_RENEW, ACTION_CLOCK, ACTION_DATES, ACTION_REVOKED, ACTION_HOLD,
	ACTION_CERT_CHOICE, ACTION_CERT_CHECK, ACTION_CHAIN, ACTION_CRL, ACTION_DATA,
	ACTION_KEY_MATCH, ACTION_OTHER_WAY, ACTION_MEMORY, ACTION_CANCELLED, ACTION_RIGHTS,
	ACTION_VISTA, ACTION_FILE, ACTION_NETWORK, ACTION_PASSWORD, ACTION_CAPTCHA,
	ACTION_LOCAL, ACTION_FASTER, ACTION_WAIT, ACTION_SECOND_CODE, ACTION_ISSUER,
	ACTION_CARD_KIND, ACTION_ATTACHED_OPEN, ACTION_ATTACHED_FULL, ACTION_ATTACHED_NONE,
	ACTION_NEW_CERT_SOON, ACTION_NEW_CERT, ACTION_SAME_COMPUTER, ACTION_READ_ONLY,
	ACTION_NEVER_CHANGE, ACTION_RESET, ACTION_TOKEN_MODULE, ACTION_UNKNOWN_CARD,
	ACTION_SIGNATURE, ACTION_BANK,
	ACTION_COUNT
};

/* NULL for ACTION_NONE. */
const char *explain_action_text(enum explain_action action);

struct explain_row {
	uint32_t code;
	uint32_t last; /* of the codes with this meaning; 0: it is the only one */
	const char *name;  /* NULL: it has none */
	const char *alias; /* another name of it; NULL: none */
	const char *meaning;
	const char *rest; /* what the code's place in the range says; NULL: nothing */
	enum explain_action action;
	bool later; /* PKCS#11: not in version 2.01 */
};

/* How a code can be written. */
enum explain_spelling {
	SPELLED_DECIMAL,
	SPELLED_PREFIXED, /* 0x in front, or h behind */
	SPELLED_BARE,     /* hexadecimal, but without a sign of it unless it has letters */
	SPELLED_AS_STATUS, /* "69 82", "SW=6982" */
	SPELLED_COUNT
};

struct explain_source {
	const char *name;
	const char *title;
	const struct explain_row *rows; /* ascending */
	size_t count;
	/* For each spelling: 1 is the usual one, more the less likely; 0: never. */
	uint8_t likelihood[SPELLED_COUNT];
	size_t bare_digits; /* how many a bare hexadecimal number has; 0: any */
	bool is_decimal;
	/* Codes that follow from another table; the nth, from 0. False: no more. NULL: none. */
	bool (*derive)(size_t n, struct explain_match *out);
};

extern const struct explain_source explain_pkcs11, explain_status_word, explain_pcsc,
	explain_servisign, explain_component, explain_hipki, explain_scap, explain_bank,
	explain_windows;

#endif
