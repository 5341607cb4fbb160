/*
 * What the agent does with cards: a request in, an answer out, as the facts of
 * the page protocol say (docs/AGENT.md). Knows nothing of HTTP, sites, tokens
 * or consent: who calls has asked the user. Any number of threads may call;
 * what needs the same card waits its turn.
 */
#ifndef TWCARD_AGENT_WORK_H
#define TWCARD_AGENT_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct work;

/* The value of serverVersion and version: pages compare it as a string (docs/AGENT.md). */
#define WORK_SERVER_VERSION "1.3.4.99"

enum work_function {
	WORK_INFO,         /* CheckEnvir: readers and tokens */
	WORK_INFO_CERTS,   /* GetUserCert: the same with certificates and keys */
	WORK_SIGN,         /* MakeSignature */
	WORK_DECRYPT,      /* DecryptData */
	WORK_UMAKESIG,     /* umakeSig */
	WORK_MAKE_CSR,     /* makeCsr */
	WORK_WRITE_CERT,   /* writecert */
	WORK_CHALLENGE,    /* getChallenge */
	WORK_CARD_COMMAND, /* changeUserPINCode, resetUserPIN …: the request's func says which */
	WORK_SIGN_FILE,    /* the card manager's: "digest" of a file (base64, of hashAlgorithm), CAdES beside it */
	WORK_AUTHZ,        /* the card manager's: the authorization certificates behind the PIN */
	WORK_NOT_OFFERED,  /* New-eID, card printing, any other func: 0x7600000E */
	WORK_FUNCTION_COUNT
};

/* ret_code: what the server itself answers with, too. The texts are work_error_text()'s. */
enum work_code {
	WORK_OK = 0,
	WORK_NO_TBS = 0x76000003,
	WORK_NO_CARD = 0x76000006,
	WORK_JSON_BAD = 0x7600000B,
	WORK_PARAMETER_BAD = 0x7600000C,
	WORK_FAILED = 0x7600000D,
	WORK_METHOD = 0x7600000E,
	WORK_SITE_FORBIDDEN = 0x7600000F, /* blocked */
	WORK_SITE_UNKNOWN = 0x76000031,
	WORK_NO_PIN = 0x76000998,
	WORK_CANCELLED = 0x76000999,
	WORK_LOGIN = 0x76100006 /* with last_error */
	/* the others are work_*.c's own */
};

enum work_pin_end {
	WORK_PIN_NOT_TRIED, /* no VERIFY was sent */
	WORK_PIN_RIGHT,
	WORK_PIN_WRONG,
	WORK_PIN_LOCKED
};

/* How many tries, by the token's flags (CKF_USER_PIN_*). */
enum work_pin_state {
	WORK_TRIES_FULL, /* or not known */
	WORK_TRIES_LOW,  /* there was a wrong one since the last right one */
	WORK_TRIES_LAST,
	WORK_TRIES_LOCKED
};

/* What the user agreed to. All texts are the caller's. */
struct work_consent {
	const uint8_t *pin; /* NULL: none. The caller wipes it. work_call() looks at no "pin" in the request:
			       the server has taken it out and wiped it. For changeUserPINCode: currentPIN,
			       which the server takes out the same way; the request keeps newpin */
	size_t pin_len;     /* may hold NUL; more than the token takes is CKR_PIN_LEN_RANGE, no VERIFY */
	const char *serial; /* the card that was shown: another one is refused (0x76000006). NULL: any */
};

struct work_answer {
	struct json_object *json;   /* whole: func, ret_code, last_error, message, message2, serverVersion … Owned by the caller */
	uint32_t ret_code;          /* the same as in json, as unsigned */
	enum work_pin_end pin;
};

/* What a consent shows of the card, before anything is done with it. No PIN, no private operation. */
struct work_preview {
	enum work_code code;        /* WORK_OK, or why the request cannot be done (no card, parameter, no key …) */
	bool needs_pin;             /* a VERIFY will be sent */
	enum work_pin_state tries;
	char reader[65], serial[33]; /* "": none. UTF-8, trimmed, may say anything */
	struct json_object *certificate; /* the one that will be used, one of certs[] of pkcs11info; NULL: none. Owned by the caller */
};

/* module: a path, or NULL: the one that was installed with the agent. NULL: problem says why. */
struct work *work_open(const char *module, char *problem, size_t size);
void work_close(struct work *w); /* NULL: nothing */

/*
 * request: decoded by the server, whose strings with %xx or blanks for + in base64 fields are
 * mended by work_sign & co., as the facts say (values are decoded once by the server). Its
 * types are not checked yet: a wrong one is WORK_PARAMETER_BAD. Unknown keys are not looked at.
 * Exactly one C_Login at most; nothing is left logged in, whatever happens.
 * Out of memory: json is NULL, ret_code WORK_FAILED.
 */
void work_call(struct work *w, enum work_function function, struct json_object *request,
	       const struct work_consent *consent, struct work_answer *out);

/* The same request, looked at before the user is asked. */
void work_preview(struct work *w, enum work_function function, struct json_object *request,
		  struct work_preview *out);

/* func: the request's, untrusted; NULL: none. An answer that says only a code: {"func","ret_code","last_error","message","message2","serverVersion"}. Never NULL but out of memory. */
struct json_object *work_error(enum work_function function, const char *func, uint32_t code, uint64_t last_error);

/* The response func of a request's ("MakeSignature": "sign"); of an unknown one: itself. */
const char *work_response_func(const char *func);

/*
 * Counts up whenever a reader or card came or went (C_WaitForSlotEvent in a thread of its
 * own, or a look at the slots at intervals). Not 0.
 */
unsigned long work_generation(struct work *w);

#endif
