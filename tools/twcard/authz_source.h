/*
 * The certificate that a command is about, from the card (which asks for its
 * PIN) or a file, with all that is at hand to check it: the card's own
 * certificate and CAs, files, and what the authority knows.
 */
#ifndef TWCARD_TOOLS_AUTHZ_SOURCE_H
#define TWCARD_TOOLS_AUTHZ_SOURCE_H

#include <stdbool.h>

#include <json-c/json.h>
#include <openssl/x509.h>

#include "authz/twcard-authz.h"
#include "tools/twcard/arguments.h"
#include "tools/twcard/subcommand.h"

#define AUTHZ_SOURCE_OPTIONS                                                                       \
	{"file", 0, N_("FILE"), N_("the certificate in a file, DER or PEM; no card is needed")},   \
	{"reader-holder", 0, N_("NAME"), N_("the attached card is in this reader")},               \
	{"wait", 0, N_("SECONDS"), N_("wait so long for a card (default: 300 at a terminal, 0 without)")}

#define AUTHZ_CHECK_OPTIONS                                                                        \
	{"holder", 0, N_("FILE"), N_("with --file: the attached card's certificate")},             \
	{"authorizer", 0, N_("FILE"), N_("the certificate of the card that signed")},              \
	{"trust", 0, N_("FILE"), N_("a CA that is trusted, PEM or DER (default: those on the card)")}, \
	{"allow-sha1", 0, NULL, N_("let old certificates that were signed with SHA-1 be good")},   \
	{"online", 0, NULL, N_("ask the authority about it, as --server does")}

enum authz_verdict { AUTHZ_VERDICT_GOOD, AUTHZ_VERDICT_BAD, AUTHZ_VERDICT_NOT_CHECKED };

/* To be cleared in any case. */
struct authz_source {
	struct authz_cert *cert;
	char *number;           /* the card's; NULL: from a file */
	X509 *holder, *authorizer; /* NULL: not at hand */
	STACK_OF(X509) *others; /* CAs on the card; NULL: none */
	struct json_object *known; /* what the authority answered ("get"); NULL: it was not asked */
	enum authz_verdict verdict;
	enum authz_reason reason; /* AUTHZ_VERDICT_BAD: why */
	const char *missing;    /* translated, AUTHZ_VERDICT_NOT_CHECKED: what is not at hand, and how to name it */
	bool by_card;           /* only the card itself says which CAs to trust */
};

/*
 * Reads it. online: the authority is asked, too (--server, --online), with the
 * same login. The user has been told of all that is not EXIT_GOOD. EXIT_NEGATIVE:
 * there is none on the card.
 */
enum exit_code authz_source_open(const struct arguments *args, struct authz_source *out);
void authz_source_clear(struct authz_source *source);

/* Sets the verdict. EXIT_FILE: a file that was named cannot be used; told. */
enum exit_code authz_source_check(const struct arguments *args, struct authz_source *source);

/* {"verified": true, false or null, "reason", "missing", "trust": "files" or "card", "state"}, added to `to`. */
void authz_source_json(const struct authz_source *source, struct json_object *to);
void authz_source_print(const struct authz_source *source);

#endif
