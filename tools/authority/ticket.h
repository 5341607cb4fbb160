/*
 * activate, and the question that follows it. A card's challenge is good for its
 * next command only, so the card cannot sign a request that has it: it signs
 * for a ticket first, and whoever has the ticket gets the cryptogram for one
 * challenge. Both are kept where answered requests are.
 */
#ifndef TWCARD_AUTHORITY_TICKET_H
#define TWCARD_AUTHORITY_TICKET_H

#include "tools/authority/authority.h"

#define TICKET_SECONDS 300

/* A new one for a card. */
enum store_result ticket_put(struct store_tx *tx, const char *who, time_t now, char out[HEX_ID_LEN + 1],
			     time_t *expires);

/*
 * The answer (owned by the caller: free()) to {"ticket","challenge"}: for the same question the
 * same. ERROR_BAD_REQUEST, ERROR_NO_ACTIVATION_KEY, ERROR_NONCE (none of ours, or expired),
 * ERROR_REQUEST_REUSED (another challenge), ERROR_DATABASE (problem says more), ERROR_INTERNAL.
 */
enum error_code ticket_redeem(struct authority *a, struct json_object *fields, char **answer,
			      char problem[STORE_PROBLEM_SIZE]);

#endif
