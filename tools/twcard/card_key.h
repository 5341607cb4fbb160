/*
 * A certificate of the card with its private key, as OpenSSL takes it: the
 * private operation asks for the PIN, logs in, lets the card work, and logs
 * out, in one turn. So the login is as late and as short as can be, whatever
 * OpenSSL does before and after.
 */
#ifndef TWCARD_TOOLS_CARD_KEY_H
#define TWCARD_TOOLS_CARD_KEY_H

#include <openssl/x509.h>

#include "tools/twcard/card.h"
#include "tools/twcard/card_rsa.h"

struct card_key {
	const struct arguments *args; /* for the PIN */
	struct slot *slot;
	X509 *x509;
	STACK_OF(X509) *others; /* the card's other certificates */
	struct card_rsa rsa;
	EVP_PKEY *pkey;         /* works as long as the struct stays where it is */
	enum exit_code code;    /* of the private operation; the user has been told of all but EXIT_GOOD */
	bool used;              /* it is done once, never again */
};

/* True for the certificate that is wanted. */
typedef bool card_key_fits(const struct card_certificate *c, const void *context);

/*
 * Finds the first certificate of the card that fits. `none` (translated) is
 * told if there is none: EXIT_NEGATIVE. The user has been told of all that is
 * not EXIT_GOOD. To be cleared in any case.
 */
enum exit_code card_key_find(const struct arguments *args, card_key_fits *fits, const void *context,
			     const char *none, struct card_key *out);
void card_key_clear(struct card_key *key);

/*
 * Is it the certificate that --cert WHICH means: its label, its id on the card
 * (SIGN, KEYX …), or its serial number in hexadecimal?
 */
bool card_key_is_called(const struct card_certificate *c, const char *which);

/* ---- the parts, for a login that does more ---- */

/*
 * card_login() to the card that has the certificate, and looks that it is still
 * this one. EXIT_NO_CARD: it is another. The user has been told of all that is
 * not EXIT_GOOD. To be followed by card_logout() and card_leave() in any case.
 */
enum exit_code card_key_login(struct slot *slot, const X509 *x509, const struct arguments *args);

/* While logged in: one private operation of its key, checked against the certificate. Tells. */
enum exit_code card_key_operate(struct slot *slot, const X509 *x509, const uint8_t in[RSA_BLOCK],
				uint8_t out[RSA_BLOCK]);

/* All but this one. NULL: out of memory. Owned by the caller. */
STACK_OF(X509) *card_key_others(const struct card_certificates *list, const X509 *x509);

#endif
