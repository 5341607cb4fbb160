/*
 * The cards that a command works on: the readers, the one that is meant, what
 * is read of it, and the login. It stands on the same token layer as the
 * module, with its rules (one VERIFY, results checked, the card reset after
 * whatever ends a login), but on no Cryptoki call.
 *
 * A turn: the functions that talk to a card begin a PC/SC transaction, which
 * lasts until card_leave(). So a login, its operation and the reset at the end
 * are one, and a program that is killed in between leaves no verified card.
 */
#ifndef TWCARD_TOOLS_CARD_H
#define TWCARD_TOOLS_CARD_H

#include <openssl/types.h>

#include "apdu/secret.h"
#include "src/token/slot.h"
#include "tools/twcard/arguments.h"
#include "tools/twcard/subcommand.h"

/* Configuration, log, cryptography and the readers there are. RESULT_NO_SERVICE: no pcscd. */
MUST_USE enum result cards_begin(void);
/* Logs out, lets go of all cards. */
void cards_end(void);

/* Looks for readers that came since; slots stay where they are. */
MUST_USE enum result cards_look(void);
size_t cards_count(void);
struct slot *cards_slot(size_t i);

/*
 * The card that is meant: --reader NAME (a part of its name is enough, or its
 * number from 1), or the only one there is. Otherwise the user is told.
 */
enum exit_code cards_choose(const struct arguments *args, struct slot **out);

/* Is it the one of --reader? */
bool cards_is_meant(const char *wanted, size_t i);

/* Tells that there is no reader, or none that is meant (may be NULL). Answers EXIT_NO_CARD. */
enum exit_code cards_tell_none(const char *wanted);

/* What is known of a card without its TokenInfo, which costs two commands more. */
struct card_identity {
	char number[32];
	const char *profile;     /* its name, static */
	size_t pin_min, pin_max; /* bytes */
	int pin_tries, tries_left; /* of all, and as last seen (pin_tries.h): -1 if not known */
	bool can_login;          /* what a login takes beside the PIN is there */
};

/* Talks to the card. RESULT_NO_CARD, RESULT_UNKNOWN_CARD. */
MUST_USE enum result card_identify(struct slot *slot, struct card_identity *out);

struct card_certificate {
	char *label; /* as the card says, UTF-8 or not; owned */
	const struct object *object; /* the token's */
	X509 *x509;  /* owned; NULL: it is damaged, or not there */
};

struct card_certificates {
	struct card_certificate *items; /* in the card's order: user certificates and CA's */
	size_t count;
};

/* What C_GetTokenInfo tells. Talks to the card the first time. */
MUST_USE enum result card_token(struct slot *slot, struct slot_token *out);

/* Reads them all, from the disk cache where that is proven. Talks to the card. */
MUST_USE enum result card_certificates(struct slot *slot, struct card_certificates *out);
void card_certificates_clear(struct card_certificates *list);

/* True if the certificate's key usage lets it sign (and is no CA's), or decrypt. */
bool card_certificate_signs(const struct card_certificate *c);
bool card_certificate_decrypts(const struct card_certificate *c);

/*
 * How people know a card: "NAME (NUMBER)" if the user gave it a name, else its
 * number; safe for a terminal. Owned by the caller; NULL: out of memory.
 */
char *card_title(const char *number);

/*
 * Asks for the PIN (pin_ask.h) and gives it to the card, once. The user has
 * been told of all that is not EXIT_GOOD, also how many tries are left.
 */
enum exit_code card_login(struct slot *slot, const struct arguments *args);

/* How many tries the card said are left; -1: it did not say, and nothing is told. */
void card_tell_tries(int tries);

/* Ends it; the card is reset at card_leave(). */
void card_logout(struct slot *slot);

/*
 * The private operation of the key with the certificate's id, checked against
 * its public half. RESULT_NOT_FOUND: the card has no such key.
 */
MUST_USE enum result card_private_operation(struct slot *slot, const struct object *certificate,
					    const uint8_t in[CARD_MODULUS_SIZE],
					    uint8_t out[CARD_MODULUS_SIZE]);

/* Ends the turn, and the transaction with it. */
void card_leave(struct slot *slot);

/* Logs out, ends the turn, and tells if the card could not be reset. */
void card_end_login(struct slot *slot);

#endif
