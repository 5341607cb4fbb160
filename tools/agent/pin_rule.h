/*
 * No page can burn a card's tries: after a wrong PIN the next VERIFY needs the
 * user's own entry in the agent's page, and with one try left what the user
 * types as a confirmation, too. The card's own flags say so also after the agent
 * was started again; the agent remembers for cards that do not tell.
 */
#ifndef TWCARD_AGENT_PIN_RULE_H
#define TWCARD_AGENT_PIN_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/agent/work.h"

/* In the order of strictness: what the user must do for a VERIFY. */
enum pin_why {
	PIN_WHY_NONE,         /* the page's PIN may be used, or none is needed */
	PIN_WHY_NO_PIN,       /* the page gave none */
	PIN_WHY_WRONG_BEFORE, /* the user's own entry */
	PIN_WHY_LAST_TRY,     /* and a typed confirmation */
	PIN_WHY_LOCKED        /* nothing helps */
};

struct pin_rule;

struct pin_rule *pin_rule_new(void);
void pin_rule_free(struct pin_rule *r); /* NULL: nothing */

/* given: the page passed a PIN. */
enum pin_why pin_rule_ask(struct pin_rule *r, const struct work_preview *card, bool given);

/* What became of a VERIFY. */
void pin_rule_note(struct pin_rule *r, const char *serial, enum work_pin_end end);

/* What is typed to confirm the last try: the end of the card's number. Within serial. */
const char *pin_rule_typed(const char *serial);

/* "none", "no-pin", "wrong-before", "last-try", "locked". */
const char *pin_rule_word(enum pin_why why);

#endif
