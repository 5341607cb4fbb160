/*
 * Which raw commands twcard sends to a card. The rule is a table of what is
 * let through; everything that is not in it is refused.
 */
#ifndef TWCARD_TOOLS_APDU_ALLOW_H
#define TWCARD_TOOLS_APDU_ALLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apdu/command.h"

enum apdu_verdict {
	APDU_READS,     /* leaves the card as it is */
	APDU_UNPROVEN,  /* may change it, or nobody knows what it does */
	APDU_SECRET,    /* is or may be a PIN */
	APDU_KEYS,      /* uses a key, or is a step of an authentication */
	APDU_HIDDEN,    /* secure messaging, another channel or class: what it is cannot be seen */
	APDU_MALFORMED  /* no short command */
};

/* Looks at all of it; a command that is APDU_MALFORMED is not taken apart. */
enum apdu_verdict apdu_judge(const uint8_t *apdu, size_t len);

/* Why it is refused, or may be; translated. "" for APDU_READS. */
const char *apdu_verdict_text(enum apdu_verdict verdict);

/*
 * Takes it apart; out->data points into apdu. False: APDU_MALFORMED, as
 * extended length is, too.
 */
bool apdu_parse(const uint8_t *apdu, size_t len, struct command *out);

#endif
