/*
 * The cards that an authorization takes, one after the other: with one reader
 * the user is asked for each in turn, with two the right one is found. A wrong
 * card is told with the reason, and the right one waited for.
 */
#ifndef TWCARD_TOOLS_AUTHZ_CARDS_H
#define TWCARD_TOOLS_AUTHZ_CARDS_H

#include "tools/twcard/authz_session.h"

/* The rows of commands that ask for more than one card. */
#define AUTHZ_CARDS_OPTIONS                                                                        \
	{"reader-holder", 0, N_("NAME"), N_("the attached card is in this reader")},               \
	{"reader-authorizer", 0, N_("NAME"), N_("the card that signs is in this reader")},         \
	{"authorizer-pin-fd", 0, N_("N"), N_("read the PIN of the card that signs from file descriptor N")}, \
	{"wait", 0, N_("SECONDS"), N_("wait so long for a card (default: 300 at a terminal, 0 without)")}

enum authz_role {
	AUTHZ_ROLE_HOLDER,           /* an attached card, to be authorized */
	AUTHZ_ROLE_HOLDER_AGAIN,     /* the one that it was made for */
	AUTHZ_ROLE_PRIMARY,          /* signs */
	AUTHZ_ROLE_ATTACHED,  /* signs, too: with a delegation */
	AUTHZ_ROLE_AUTHORIZER_AGAIN /* the one that signed; it is looked for in place of `holder` */
};

/* Why a card is not the one that is wanted. */
enum authz_misfit {
	AUTHZ_MISFIT_NONE,
	AUTHZ_MISFIT_NO_COMPANY_CARD,    /* its certificate has no rank, or none that is known */
	AUTHZ_MISFIT_NOT_ATTACHED,
	AUTHZ_MISFIT_NOT_PRIMARY,
	AUTHZ_MISFIT_NO_ORGANIZATION,
	AUTHZ_MISFIT_OTHER_COMPANY,
	AUTHZ_MISFIT_SAME_CARD,          /* an attached card cannot authorize itself */
	AUTHZ_MISFIT_OTHER_CARD,         /* not the card that was read before: another number */
	AUTHZ_MISFIT_OTHER_CERTIFICATE   /* its number, but another certificate */
};

/* holder: the card that is authorized, already known; not looked at for AUTHZ_ROLE_HOLDER. */
enum authz_misfit authz_cards_fit(enum authz_role role, const struct authz_party *holder,
				  const struct authz_party *card);

/* One sentence, translated. */
const char *authz_cards_misfit_text(enum authz_misfit misfit);

/*
 * Finds the card, or waits for it. *out stays where it is; to be cleared in any
 * case. The user has been told of all that is not EXIT_GOOD. EXIT_NO_CARD: it
 * did not come in time, or there are two that fit; EXIT_NEGATIVE: the only one
 * there is a wrong one (--json: "misfit"). EXIT_USAGE.
 */
enum exit_code authz_cards_ask(const struct arguments *args, enum authz_role role,
			       const struct authz_party *holder, struct authz_session *out);

/* "attached card NUMBER, organization ID"; safe for a terminal. Owned; NULL: out of memory. */
char *authz_cards_title(const struct authz_party *party);

/* {"card", "rank", "organization", "certificate_serial"} */
struct json_object *authz_cards_json(const struct authz_party *party);

#endif
