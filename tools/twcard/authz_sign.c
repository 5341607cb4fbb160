/* What the card that signs has to do: a rule check without it, then the signature and the authority's word. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "tools/twcard/authz_work.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"
#include "tools/twcard/trust.h"
#include "tools/twcard/x509_file.h"

enum exit_code authz_work_tell_reason(enum authz_reason reason, const char *what)
{
	if (reason == AUTHZ_GOOD)
		return EXIT_GOOD;
	message_json_error_add("reason", json_object_new_string(authz_reason_name(reason)));
	message_error("%s: %s", what,
		      message_in_chinese() ? authz_reason_text_zh(reason) : authz_reason_text(reason));
	return reason == AUTHZ_NO_MEMORY ? EXIT_INTERNAL : EXIT_NEGATIVE;
}

/* ---- what is to be signed ---- */

static time_t time_of(const ASN1_TIME *asn1)
{
	struct tm tm;

	return ASN1_TIME_to_tm(asn1, &tm) ? timegm(&tm) : 0;
}

static struct authz_spec specify(const struct authz_work *w)
{
	struct authz_spec spec = {
		.holder = w->holder.party.x509,
		.authorizer = w->authorizer.party.x509,
		.sequence = 1,
		.not_before = time_of(X509_get0_notBefore(w->holder.party.x509)),
		.not_after = time_of(X509_get0_notAfter(w->holder.party.x509)),
		/* what is not known passes from one of its kind to the next */
		.previous = w->previous && authz_cert_info(w->previous)->kind == w->content.kind ? w->previous : NULL,
	};

	authz_content_specify(&w->content, &spec);
	return spec;
}

/* All was asked when the signer is: there is none. */
static bool no_signer(void *context, const struct authz_to_sign *what, unsigned char *signature, size_t *len)
{
	(void)what, (void)signature, (void)len;
	*(bool *)context = true;
	return false;
}

static enum exit_code is_in_time(const struct authz_party *party)
{
	char *title;

	if (X509_cmp_current_time(X509_get0_notAfter(party->x509)) > 0)
		return EXIT_GOOD;
	title = authz_cards_title(party);
	message_json_error_add("reason", json_object_new_string("certificate-expired"));
	message_error(_("%s: the card's certificate has expired\nThe CA issues a new one; nothing was signed."),
		      title ? title : "");
	free(title);
	return EXIT_NEGATIVE;
}

enum exit_code authz_work_try(struct authz_work *w)
{
	const struct authz_spec spec = specify(w);
	struct authz_cert *none = NULL;
	bool asked = false;
	enum authz_reason reason;
	enum exit_code code = is_in_time(&w->holder.party);

	if (code == EXIT_GOOD)
		code = is_in_time(&w->authorizer.party);
	if (code != EXIT_GOOD)
		return code;
	reason = authz_cert_build(&spec, no_signer, &asked, &none);
	authz_cert_free(none);
	return authz_work_tell_reason(asked ? AUTHZ_GOOD : reason, _("this cannot be authorized"));
}

/* ---- the signature ---- */

static void show(const struct authz_cert *cert)
{
	char *text = authz_cert_text(cert, message_in_chinese() ? AUTHZ_CHINESE : AUTHZ_ENGLISH);

	if (text && *text)
		text[strlen(text) - 1] = '\0'; /* the last line's end */
	message_note(_("This is signed now:"));
	message_note("%s", text ? text : "");
	free(text);
}

/* An authz_sign_fn: the card of the session. */
static bool sign(void *context, const struct authz_to_sign *what, unsigned char *signature, size_t *len)
{
	const struct authz_session *s = context;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok;

	show(what->cert);
	ok = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, s->pkey) == 1 &&
	     EVP_DigestSign(md, signature, len, what->tbs, what->tbs_len) == 1;
	EVP_MD_CTX_free(md);
	return ok;
}

static enum exit_code bad_answer(void)
{
	message_error(_("the authority's answer cannot be used\nNothing was signed. Tell who runs it."));
	return EXIT_FILE;
}

static bool take_time(struct json_object *answer, const char *key, time_t *out)
{
	struct tm tm = {.tm_isdst = 0};
	const char *text = json_object_get_string(json_object_object_get(answer, key));
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;

	*out = timegm(&tm);
	return end && !*end;
}

static enum exit_code make(struct authz_work *w)
{
	struct json_object *sequence = json_object_object_get(w->reserved, "sequence");
	struct authz_spec spec = specify(w);
	enum authz_reason reason;

	if (!json_object_is_type(sequence, json_type_int) || json_object_get_int64(sequence) < 1 ||
	    json_object_get_int64(sequence) > AUTHZ_SEQUENCE_MAX ||
	    !take_time(w->reserved, "not_before", &spec.not_before) ||
	    !take_time(w->reserved, "not_after", &spec.not_after))
		return bad_answer();
	spec.sequence = (uint32_t)json_object_get_int64(sequence);
	w->authorizer.code = EXIT_GOOD;
	reason = authz_cert_build(&spec, sign, &w->authorizer, &w->cert);
	if (w->authorizer.code != EXIT_GOOD) /* the card's error was told, and is the cause */
		return w->authorizer.code;
	return authz_work_tell_reason(reason, _("this cannot be authorized"));
}

/* ---- would a relying application take it? ---- */

#define COUNT_MAX AUTHZ_DELEGATIONS_MAX

struct chain {
	X509_STORE *store;
	STACK_OF(X509) *more; /* of --trust */
	X509 *primary;
	struct authz_der delegations[COUNT_MAX];
	size_t count;
};

static enum exit_code take_delegations(struct json_object *answer, struct chain *c)
{
	struct json_object *list = json_object_object_get(answer, "delegations");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	enum exit_code code = authz_client_x509(answer, "primary", &c->primary);

	for (size_t i = 0; code == EXIT_GOOD && i < n && i < COUNT_MAX; i++) {
		struct json_object *one = json_object_new_object();
		unsigned char *bytes = NULL;
		size_t len = 0;

		json_object_object_add(one, "certificate", json_object_get(json_object_array_get_idx(list, i)));
		code = authz_client_bytes(one, "certificate", &bytes, &len);
		c->delegations[i] = (struct authz_der){bytes, len};
		c->count = i + 1;
		json_object_put(one);
	}
	return code;
}

/* Trusted are the CAs on the two cards, and those of --trust. */
static enum exit_code gather(struct authz_work *w, struct chain *c)
{
	const char *path;
	enum exit_code code = EXIT_GOOD;

	c->store = trust_store_new(time(NULL));
	c->more = sk_X509_new_null();
	if (!c->store || !c->more)
		return message_result(RESULT_NO_MEMORY, NULL);
	for (size_t i = 0; code == EXIT_GOOD && (path = arguments_nth(w->args, "trust", i)); i++)
		code = x509_file_load(path, c->more);
	if (code == EXIT_GOOD && (!trust_add(c->store, w->holder.party.others) ||
				  !trust_add(c->store, w->authorizer.party.others) || !trust_add(c->store, c->more)))
		code = message_result(RESULT_NO_MEMORY, NULL);
	return code == EXIT_GOOD ? take_delegations(w->reserved, c) : code;
}

static enum exit_code verify(struct authz_work *w)
{
	struct chain c = {.store = NULL};
	struct authz_request request = {.kind = w->content.kind,
					.holder = w->holder.party.x509,
					.authorizer = w->authorizer.party.x509};
	struct authz_result result = {.reason = AUTHZ_UNDECIDED};
	enum exit_code code = gather(w, &c);

	request.cert.bytes = authz_cert_der(w->cert, &request.cert.len);
	request.store = c.store;
	request.primary = c.primary;
	request.delegations = c.delegations;
	request.delegation_count = c.count;
	if (code == EXIT_GOOD) {
		code = authz_work_tell_reason(authz_verify(&request, &result),
					      _("the certificate would not be relied on, and is not used"));
		authz_result_clear(&result);
	}
	for (size_t i = 0; i < c.count; i++)
		free((void *)(uintptr_t)c.delegations[i].bytes);
	X509_free(c.primary);
	X509_STORE_free(c.store);
	sk_X509_pop_free(c.more, X509_free);
	return code;
}

/* ---- the authority ---- */

static struct authz_signer signer_of(const struct authz_session *s)
{
	return (struct authz_signer){s->pkey, s->party.x509, s->party.others};
}

static enum exit_code reserve(struct authz_work *w)
{
	const struct authz_signer signer = signer_of(&w->authorizer);
	struct json_object *fields = json_object_new_object();
	bool delegates = w->content.kind == AUTHZ_KIND_DELEGATION;

	json_object_object_add(fields, "holder", json_bytes_from_x509(w->holder.party.x509));
	json_object_object_add(fields, "kind", json_object_new_string(delegates ? "delegation" : "applications"));
	json_object_object_add(fields, "content", json_object_get(w->content.json));
	json_object_object_add(fields, "terms", json_object_get(json_object_object_get(w->terms, "version")));
	return authz_client_request(w->client, &signer, "reserve", fields, &w->reserved);
}

/* All that finishing it takes, should this program not live to do it. */
static enum exit_code keep(struct authz_work *w)
{
	struct authz_pending *p = &w->pending;
	const unsigned char *der = authz_cert_der(w->cert, &p->cert_len);
	const char *reservation;
	enum exit_code code = authz_client_text(w->reserved, "reservation", &reservation);

	if (code != EXIT_GOOD)
		return code;
	p->server = strdup(authz_client_server(w->client));
	p->reservation = strdup(reservation);
	p->cert = malloc(p->cert_len);
	p->holder_number = strdup(w->holder.party.number);
	p->authorizer_number = strdup(w->authorizer.party.number);
	if (!p->server || !p->reservation || !p->cert || !p->holder_number || !p->authorizer_number ||
	    !X509_up_ref(w->holder.party.x509))
		return message_result(RESULT_NO_MEMORY, NULL);
	p->holder = w->holder.party.x509;
	if (!X509_up_ref(w->authorizer.party.x509))
		return message_result(RESULT_NO_MEMORY, NULL);
	p->authorizer = w->authorizer.party.x509;
	memcpy(p->cert, der, p->cert_len);
	p->step = AUTHZ_PENDING_SIGNED;
	return authz_pending_keep(p);
}

static enum exit_code enter(struct authz_work *w)
{
	const struct authz_signer signer = signer_of(&w->authorizer);
	struct json_object *fields = json_object_new_object(), *answer;
	enum exit_code code;

	json_object_object_add(fields, "reservation", json_object_new_string(w->pending.reservation));
	json_object_object_add(fields, "certificate",
			       json_bytes_new(w->pending.cert, w->pending.cert_len));
	code = authz_client_request(w->client, &signer, "register", fields, &answer);
	json_object_put(answer);
	if (code == EXIT_NEGATIVE) { /* it is refused for good: nothing is left to go on with */
		(void)!authz_pending_drop(&w->pending);
		return code;
	}
	if (code != EXIT_GOOD)
		return code;
	w->pending.step = AUTHZ_PENDING_REGISTERED;
	return authz_pending_keep(&w->pending);
}

enum exit_code authz_work_sign(struct authz_work *w)
{
	enum exit_code code = authz_session_login(&w->authorizer);

	if (code == EXIT_GOOD)
		code = reserve(w);
	if (code == EXIT_GOOD)
		code = make(w);
	if (code == EXIT_GOOD)
		code = verify(w);
	if (code == EXIT_GOOD)
		code = keep(w);
	if (code == EXIT_GOOD)
		code = enter(w);
	authz_session_logout(&w->authorizer);
	return code;
}
