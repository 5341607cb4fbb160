#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "apdu/buffer.h"
#include "tools/twcard/authz_cards.h"
#include "tools/twcard/authz_client.h"
#include "tools/twcard/authz_source.h"
#include "tools/twcard/authz_view.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"
#include "tools/twcard/text.h"
#include "tools/twcard/trust.h"
#include "tools/twcard/x509_file.h"

#define PEM_NAME "ATTRIBUTE CERTIFICATE" /* RFC 7468 */
#define FILE_MAX (64u << 10) /* bytes */

/* ---- from a file ---- */

static enum exit_code parse_file(BIO *bio, struct authz_cert **out)
{
	unsigned char *der = NULL;
	char *text, *name = NULL, *header = NULL;
	long len = BIO_get_mem_data(bio, &text);
	BIO *again = BIO_new_mem_buf(text, (int)len);
	enum exit_code code;

	if (again && PEM_read_bio(again, &name, &header, &der, &len) == 1 && strcmp(name, PEM_NAME) == 0)
		code = authz_view_parse(der, (size_t)len, EXIT_FILE, out);
	else
		code = authz_view_parse(text, (size_t)BIO_get_mem_data(bio, NULL), EXIT_FILE, out);
	ERR_clear_error();
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(again);
	return code;
}

static enum exit_code read_file(const char *path, struct authz_source *out)
{
	char why[X509_FILE_WHY];
	BIO *bio = x509_file_bytes(path, FILE_MAX, why);
	enum exit_code code;

	if (!bio) {
		message_error("%s", why);
		return EXIT_FILE;
	}
	code = parse_file(bio, &out->cert);
	BIO_free(bio);
	return code;
}

/* ---- from the card ---- */

static enum exit_code read_record(struct authz_session *s, struct authz_source *out)
{
	struct buffer record = BUFFER_INIT;
	enum result r = authz_session_read(s, &record);
	enum exit_code code;

	if (r == RESULT_OK) {
		code = authz_view_parse(record.data, record.len, EXIT_CARD, &out->cert);
	} else if (r == RESULT_SNO_UNKNOWN) {
		message_error(_("there is no authorization on this card\n'twcard authz issue' makes one."));
		code = EXIT_NEGATIVE;
	} else {
		code = authz_session_tell(r, s->slot->reader);
	}
	buffer_clear(&record);
	return code;
}

static enum exit_code ask_authority(struct authz_client *client, const struct authz_session *s,
				    struct authz_source *out)
{
	const struct authz_signer signer = {s->pkey, s->party.x509, s->party.others};
	struct json_object *fields = json_object_new_object();

	json_object_object_add(fields, "serial", message_json_text(authz_cert_info(out->cert)->serial));
	return authz_client_request(client, &signer, "get", fields, &out->known);
}

static enum exit_code keep_party(struct authz_party *party, struct authz_source *out)
{
	out->number = strdup(party->number);
	out->holder = party->x509;
	out->others = party->others;
	party->x509 = NULL;
	party->others = NULL;
	return out->number ? EXIT_GOOD : message_result(RESULT_NO_MEMORY, NULL);
}

static enum exit_code read_card(const struct arguments *args, struct authz_client *client,
				struct authz_source *out)
{
	struct authz_session s = AUTHZ_SESSION_NONE;
	enum exit_code code = authz_cards_ask(args, AUTHZ_ROLE_HOLDER, NULL, &s);

	if (code == EXIT_GOOD)
		code = authz_session_login(&s);
	if (code == EXIT_GOOD)
		code = read_record(&s, out);
	if (code == EXIT_GOOD && client)
		code = ask_authority(client, &s, out);
	authz_session_logout(&s);
	if (code == EXIT_GOOD)
		code = keep_party(&s.party, out);
	authz_session_clear(&s);
	return code;
}

enum exit_code authz_source_open(const struct arguments *args, struct authz_source *out)
{
	bool online = arguments_has(args, "server") || arguments_has(args, "online");
	const char *path = arguments_value(args, "file");
	struct authz_client *client = NULL;
	enum exit_code code;
	enum result r;

	*out = (struct authz_source){.verdict = AUTHZ_VERDICT_NOT_CHECKED};
	if (path)
		return online ? message_usage(args->command, _("the authority is asked by a card: not with --file"))
			      : read_file(path, out);
	r = cards_begin();
	if (r != RESULT_OK)
		return message_result(r, NULL);
	code = online ? authz_client_open(args, &client) : EXIT_GOOD;
	if (code == EXIT_GOOD)
		code = read_card(args, client, out);
	authz_client_close(&client);
	return code;
}

void authz_source_clear(struct authz_source *source)
{
	authz_cert_free(source->cert);
	free(source->number);
	X509_free(source->holder);
	X509_free(source->authorizer);
	sk_X509_pop_free(source->others, X509_free);
	json_object_put(source->known);
	*source = (struct authz_source){.verdict = AUTHZ_VERDICT_NOT_CHECKED};
}

/* ---- is it good? ---- */

/* What the check is made of; parts of the source are not owned. */
struct evidence {
	struct authz_request request;
	X509 *primary;
	unsigned char *delegations[AUTHZ_DELEGATIONS_MAX];
	struct authz_der list[AUTHZ_DELEGATIONS_MAX];
	size_t count;
	const char *state;
};

static void evidence_clear(struct evidence *e)
{
	X509_STORE_free(e->request.store);
	X509_free(e->primary);
	for (size_t i = 0; i < e->count; i++)
		free(e->delegations[i]);
}

static enum exit_code load_one(const struct arguments *args, const char *option, X509 **out)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	const char *path = arguments_value(args, option);
	enum exit_code code = !list ? message_result(RESULT_NO_MEMORY, NULL)
				    : path ? x509_file_load(path, list) : EXIT_GOOD;

	if (code == EXIT_GOOD && path && !*out)
		*out = sk_X509_shift(list);
	sk_X509_pop_free(list, X509_free);
	return code;
}

static enum exit_code load_trust(const struct arguments *args, struct authz_source *s, X509_STORE *store)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	enum exit_code code = list ? EXIT_GOOD : EXIT_INTERNAL;
	const char *path;

	for (size_t i = 0; code == EXIT_GOOD && (path = arguments_nth(args, "trust", i)); i++)
		code = x509_file_load(path, list);
	s->by_card = code == EXIT_GOOD && !sk_X509_num(list) && sk_X509_num(s->others) > 0;
	if (code == EXIT_GOOD && !trust_add(store, s->by_card ? s->others : list))
		code = message_result(RESULT_NO_MEMORY, NULL);
	if (code == EXIT_GOOD && !s->by_card && !sk_X509_num(list))
		s->missing = _("no CA to trust: name one with --trust");
	sk_X509_pop_free(list, X509_free);
	return code;
}

/* What the authority says is believed as little as a file. */
static enum exit_code take_known(struct authz_source *s, struct evidence *e)
{
	struct json_object *list = json_bytes_member(s->known, "delegations");
	enum exit_code code = EXIT_GOOD;

	if (!s->known)
		return EXIT_GOOD;
	code = authz_client_text(s->known, "state", &e->state);
	if (code == EXIT_GOOD && !s->authorizer)
		code = authz_client_x509(s->known, "authorizer", &s->authorizer);
	if (code == EXIT_GOOD)
		code = authz_client_x509(s->known, "primary", &e->primary);
	for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list) &&
			   e->count < AUTHZ_DELEGATIONS_MAX; i++) {
		struct json_object *one = json_object_new_object();

		json_object_object_add(one, "d", json_object_get(json_object_array_get_idx(list, i)));
		if (json_bytes_take(one, "d", &e->delegations[e->count], &e->list[e->count].len)) {
			e->list[e->count].bytes = e->delegations[e->count];
			e->count++;
		}
		json_object_put(one);
	}
	return code;
}

static bool is_in_force(const char *state)
{
	static const char *const words[] = {"reserved", "signed", "written", "active"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i], state) == 0)
			return true;
	return false;
}

/* The authority knows it as another one, or not as one that counts. */
static bool withdrawn(void *context, const struct authz_cert *cert)
{
	const struct evidence *e = context;
	const struct authz_der *mine = &e->request.cert;
	size_t len;
	const unsigned char *der = authz_cert_der(cert, &len);

	if (!e->state || len != mine->len || memcmp(der, mine->bytes, len) != 0)
		return false;
	return !is_in_force(e->state);
}

static void decide(const struct arguments *args, struct authz_source *s, struct evidence *e)
{
	struct authz_result result;
	size_t len;
	const unsigned char *der = authz_cert_der(s->cert, &len);

	e->request.cert = (struct authz_der){der, len};
	e->request.kind = authz_cert_info(s->cert)->kind;
	e->request.holder = s->holder;
	e->request.authorizer = s->authorizer;
	e->request.untrusted = s->others;
	e->request.flags = arguments_has(args, "allow-sha1") ? AUTHZ_ALLOW_SHA1 : 0;
	e->request.primary = e->primary;
	e->request.delegations = e->list;
	e->request.delegation_count = e->count;
	e->request.withdrawn = withdrawn;
	e->request.context = e;
	s->reason = authz_verify(&e->request, &result);
	s->verdict = s->reason == AUTHZ_GOOD ? AUTHZ_VERDICT_GOOD : AUTHZ_VERDICT_BAD;
	if (s->reason == AUTHZ_DELEGATION_MISSING && !s->known) {
		s->verdict = AUTHZ_VERDICT_NOT_CHECKED;
		s->missing = _("an attached card signed it, by a delegation that only the authority has: --server asks it");
	}
	if (s->reason == AUTHZ_DELEGATION_BAD && result.delegation)
		s->reason = result.delegation;
	authz_result_clear(&result);
}

enum exit_code authz_source_check(const struct arguments *args, struct authz_source *s)
{
	struct evidence e = {.request.store = trust_store_new(time(NULL))};
	enum exit_code code = e.request.store ? EXIT_GOOD : message_result(RESULT_NO_MEMORY, NULL);

	if (code == EXIT_GOOD)
		code = load_one(args, "holder", &s->holder);
	if (code == EXIT_GOOD)
		code = load_one(args, "authorizer", &s->authorizer);
	if (code == EXIT_GOOD)
		code = take_known(s, &e);
	if (code == EXIT_GOOD)
		code = load_trust(args, s, e.request.store);
	if (code == EXIT_GOOD && !s->authorizer)
		s->missing = _("the certificate of the card that signed is not at hand: --authorizer names it, --server asks for it");
	else if (code == EXIT_GOOD && !s->holder)
		s->missing = _("the attached card's certificate is not at hand: --holder names it");
	else if (code == EXIT_GOOD && !s->missing)
		decide(args, s, &e);
	evidence_clear(&e);
	return code;
}

/* ---- telling ---- */

void authz_source_json(const struct authz_source *s, struct json_object *to)
{
	bool checked = s->verdict != AUTHZ_VERDICT_NOT_CHECKED;

	json_object_object_add(to, "verified",
			       checked ? json_object_new_boolean(s->verdict == AUTHZ_VERDICT_GOOD) : NULL);
	json_object_object_add(to, "reason", checked ? message_json_text(authz_reason_name(s->reason)) : NULL);
	json_object_object_add(to, "missing", message_json_text(s->missing));
	json_object_object_add(to, "trust", checked ? json_object_new_string(s->by_card ? "card" : "files") : NULL);
	json_object_object_add(to, "state", message_json_text(json_bytes_text(s->known, "state")));
}

void authz_source_print(const struct authz_source *s)
{
	const char *state = json_bytes_text(s->known, "state");
	char *safe = state ? text_safe(state) : NULL;

	if (safe)
		printf(_("The authority: %s\n"), safe);
	free(safe);
	if (s->verdict == AUTHZ_VERDICT_BAD)
		printf(_("%sNOT good: %s%s\n"), message_style(stdout, STYLE_BAD), authz_view_reason(s->reason),
		       message_style_end(stdout));
	else if (s->verdict == AUTHZ_VERDICT_NOT_CHECKED)
		printf(_("Not checked: %s\n"), s->missing);
	else
		printf(_("%sGood: signature, chain, holder, time and rules%s (%s)\n"), message_style(stdout, STYLE_GOOD),
		       message_style_end(stdout),
		       s->by_card ? _("against the CAs on the card") : _("against the CAs of --trust"));
}
