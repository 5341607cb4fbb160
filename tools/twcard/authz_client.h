/*
 * The client of an authority (docs/AUTHORITY.md): plain questions and requests
 * that a card signs. What the authority answers is believed by nobody here: it
 * is limited in size and time, and told to people as text_safe() has it.
 */
#ifndef TWCARD_TOOLS_AUTHZ_CLIENT_H
#define TWCARD_TOOLS_AUTHZ_CLIENT_H

#include <openssl/x509.h>

#include "tools/twcard/arguments.h"
#include "tools/twcard/message.h"

/* The rows of commands that ask an authority. */
#define AUTHZ_CLIENT_OPTIONS                                                                       \
	{"server", 0, N_("URL"), N_("the authority (default: authority in twcard.conf)")},         \
	{"ca", 0, N_("FILE"), N_("the CAs that the authority's TLS certificate comes from, PEM")}, \
	{"proxy", 0, N_("URL"), N_("go through this proxy (default: as curl, https_proxy)")}

struct authz_client;

/*
 * Whose authority: --server, or `authority` in twcard.conf. Sends nothing.
 * EXIT_USAGE: none is named, or no address that may be used (https, or http on
 * this machine). The user has been told of all that is not EXIT_GOOD; then
 * *out is NULL. cards_begin() or config_load() comes before.
 */
enum exit_code authz_client_open(const struct arguments *args, struct authz_client **out);
/* The same, with `server` in place of twcard.conf's; --server wins. */
enum exit_code authz_client_open_at(const struct arguments *args, const char *server, struct authz_client **out);
void authz_client_close(struct authz_client **client); /* NULL: nothing */

/* Its address, as it was named. */
const char *authz_client_server(const struct authz_client *client);

/*
 * A plain question: "/v1/catalogue". *out is the answer, owned by the caller:
 * json_object_put(); NULL on failure. The user has been told of all that is
 * not EXIT_GOOD, with the next step, and --json has "code", "status" and "reason".
 * EXIT_FILE: network, proxy, TLS, or an authority that does not work; EXIT_NEGATIVE:
 * it refuses.
 */
enum exit_code authz_client_get(struct authz_client *client, const char *path,
				struct json_object **out);

/* The same with a JSON body that nobody signs, taken over. It is repeated as a request is. */
enum exit_code authz_client_post(struct authz_client *client, const char *path, struct json_object *body,
				 struct json_object **out);

/* Who signs; nothing is owned. */
struct authz_signer {
	EVP_PKEY *pkey;          /* the card's (authz_session.h): one private operation for a request */
	X509 *x509;
	STACK_OF(X509) *others;  /* CAs, for the chain; NULL: none */
};

/*
 * A signed request: gets a nonce, signs once, sends; when the answer is lost,
 * the same bytes again, which the authority answers without doing anything
 * twice. fields: those of the operation, taken over; NULL: none. The rest as
 * authz_client_get(). EXIT_CARD or EXIT_PIN: the card did not sign (its own
 * function has told, and knows better which).
 *
 * An answer that is lost for good (EXIT_FILE) leaves open whether it was done:
 * authz_client_may_be_done() says whether it was sent.
 */
enum exit_code authz_client_request(struct authz_client *client, const struct authz_signer *signer,
				    const char *operation, struct json_object *fields,
				    struct json_object **out);

/* After authz_client_request() failed: may the authority have done it all the same? */
bool authz_client_may_be_done(const struct authz_client *client);

/* The code of its last refusal ("delegation-missing"); "": it did not refuse. */
const char *authz_client_code(const struct authz_client *client);

/* ---- parts of answers; told as EXIT_FILE ("bad-answer") if they are not there ---- */

/* A text; owned by the answer. */
enum exit_code authz_client_text(struct json_object *answer, const char *key, const char **out);

/* Base64; owned by the caller, free(). */
enum exit_code authz_client_bytes(struct json_object *answer, const char *key, unsigned char **out,
				  size_t *len);

/* A certificate; null or not there is NULL, and no error. Owned by the caller. */
enum exit_code authz_client_x509(struct json_object *answer, const char *key, X509 **out);

/* For fields: json_bytes.h. */

#endif
