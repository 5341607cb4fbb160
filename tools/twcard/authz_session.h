/*
 * A card that takes part in an authorization: who it is (its signing
 * certificate says so, without a PIN), and a login in which it signs, reads
 * and writes more than once.
 *
 * From authz_session_login() to authz_session_logout() is one turn (card.h),
 * with one VERIFY: no other program comes between, a program that is killed
 * leaves no verified card, and the server is asked while the card is held.
 * Nothing waits for a person meanwhile.
 */
#ifndef TWCARD_TOOLS_AUTHZ_SESSION_H
#define TWCARD_TOOLS_AUTHZ_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "apdu/buffer.h"
#include "tools/twcard/card.h"
#include "tools/twcard/card_rsa.h"
#include "tools/twcard/cert_attributes.h"

/* The service number of the record that holds the certificate; assumed. */
#define AUTHZ_RECORD_SNO 1u

#define AUTHZ_ORGANIZATION_MAX 32 /* bytes, without the NUL */

/* A card as others know it. */
struct authz_party {
	char number[32];       /* the card's */
	char organization[AUTHZ_ORGANIZATION_MAX + 1]; /* "": its certificate says none */
	enum cert_rank rank;
	X509 *x509;            /* its signing certificate; owned */
	STACK_OF(X509) *others; /* the CA certificates on it; owned */
};

/* NULL x509: nothing. */
void authz_party_clear(struct authz_party *party);

/* Is it this card: the same number and the same certificate? */
bool authz_party_is(const struct authz_party *a, const struct authz_party *b);

struct authz_session {
	struct arguments args; /* for the PIN */
	struct slot *slot;
	struct authz_party party;
	struct card_rsa rsa;
	EVP_PKEY *pkey; /* the certificate's key: works while logged in, and as long as the struct stays where it is */
	enum exit_code code; /* of the last private operation; the user has been told of all but EXIT_GOOD */
};

#define AUTHZ_SESSION_NONE {.slot = NULL}

/*
 * Reads which card it is, and leaves it; `out` stays where it is. Tells nothing. RESULT_NOT_FOUND: no
 * certificate on it signs; errors of the card. To be cleared in any case.
 */
MUST_USE enum result authz_session_look(const struct arguments *args, struct slot *slot,
					struct authz_session *out);

/*
 * Asks for its PIN, once, and begins the turn. The card must still be the one
 * that was looked at. The user has been told of all that is not EXIT_GOOD; then
 * nothing is verified. Every login has its logout.
 */
enum exit_code authz_session_login(struct authz_session *session);

/* Ends the turn: the card is reset. Does nothing if there is no login. */
void authz_session_logout(struct authz_session *session);

/* Logs out, forgets all. */
void authz_session_clear(struct authz_session *session);

/* ---- while logged in ---- */

/* In place of what is in *out. RESULT_SNO_UNKNOWN: there is none; the others of src/token/data_area.h. */
MUST_USE enum result authz_session_read(struct authz_session *session, struct buffer *out);

/*
 * Writes the record, or puts it in the old one's place. After any error the old
 * one or the new one is there. Errors of src/token/data_area.h.
 */
MUST_USE enum result authz_session_write(struct authz_session *session, const uint8_t *der, size_t len);

/* Tells what the area answered, with the next step; what: as message_result(). */
enum exit_code authz_session_tell(enum result r, const char *what);

/* ---- without a login ---- */

/* Would a change of the card be refused (RESULT_UNPROVEN)? Errors of the card. Changes nothing. */
MUST_USE enum result authz_session_may_write(struct authz_session *session);

#endif
