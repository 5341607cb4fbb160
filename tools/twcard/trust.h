/*
 * Whose word a signature's chain is checked against: CAs from files (--ca), or
 * else those on the cards that are in the readers. Without any, nothing is
 * checked, and that is said.
 */
#ifndef TWCARD_TOOLS_TRUST_H
#define TWCARD_TOOLS_TRUST_H

#include <stdbool.h>
#include <time.h>

#include <openssl/types.h>
#include <openssl/x509.h>

#include "tools/twcard/subcommand.h"

#define TRUST_OPTIONS \
	{"ca", 0, N_("FILE"), N_("a CA that is trusted, PEM or DER (default: those on the card)")}, \
	{"crl", 0, N_("FILE"), N_("a revocation list of the certificate's issuer")}, \
	{"at", 0, N_("TIME"), N_("check for this time, 2026-01-31 or 2026-01-31T12:00:00Z (default: now)")}, \
	{"no-chain", 0, NULL, N_("do not ask whose key it is")}

enum trust_source { TRUST_NOBODY, TRUST_FILES, TRUST_CARD, TRUST_NOT_ASKED };

struct trust {
	X509_STORE *store;
	enum trust_source source;
	STACK_OF(X509) *others; /* the cards' CAs, trusted or not, to build chains with */
};

/* A day (in local time; its last second: `end`) or a time. False: it is neither. */
bool trust_parse_time(const char *text, bool end, time_t *out);

/* What --at says, or now. EXIT_USAGE: it is no time; the user has been told. */
enum exit_code trust_time(const struct arguments *args, time_t *at);

/*
 * For chains as they are checked here: at a time, without MD5 and SHA-1, up to
 * any CA that was added, also one that is no root. NULL: out of memory.
 */
X509_STORE *trust_store_new(time_t at);
bool trust_add(X509_STORE *store, STACK_OF(X509) *cas);

/* To be cleared in any case. The user has been told of all that is not EXIT_GOOD. */
enum exit_code trust_gather(const struct arguments *args, struct trust *out);
void trust_clear(struct trust *trust);

enum trust_answer { TRUST_GOOD, TRUST_BAD, TRUST_NOT_CHECKED };

/*
 * Checks the chain of a certificate that signed. extra: more certificates to
 * build it with; may be NULL. *why (translated, it stays):
 * what is wrong or was not checked; NULL: nothing.
 */
enum trust_answer trust_check(const struct trust *trust, X509 *x509, STACK_OF(X509) *extra,
			      const char **why);

#endif
