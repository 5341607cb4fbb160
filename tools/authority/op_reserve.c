/* reserve: may this card authorize that one, with this? Then it gets a number and a time. */
#include "config.h"

#include <string.h>

#include <openssl/asn1.h>

#include "tools/authority/catalogue.h"
#include "tools/authority/delegation.h"
#include "tools/authority/fields.h"

/* What is reserved, while it is looked at. */
struct wish {
	X509 *holder;
	struct json_object *content; /* not owned */
	struct authz_spec spec;
	enum store_kind kind;
	bool attached;               /* the authorizer is an attached card */
	struct store_certificate delegation; /* its own then; else of the holder that is to lose it */
};

static bool kind_of(struct json_object *fields, struct wish *w)
{
	const char *name = fields_text(fields, "kind");

	if (!name || !store_kind_of(name, &w->kind))
		return false;
	w->spec.kind = w->kind == STORE_DELEGATION ? AUTHZ_KIND_DELEGATION : AUTHZ_KIND_APPLICATIONS;
	return true;
}

static bool time_of(const ASN1_TIME *t, time_t *out)
{
	struct tm tm = {.tm_year = 0};

	if (!ASN1_TIME_to_tm(t, &tm))
		return false;
	*out = timegm(&tm);
	return true;
}

/*
 * From now (a little before, as clocks differ) until the first of the two
 * certificates ends. False: they have no times.
 */
static bool set_times(const struct operation_call *call, struct wish *w)
{
	time_t first, last, signer_last;

	if (!time_of(X509_get0_notBefore(w->holder), &first) || !time_of(X509_get0_notAfter(w->holder), &last) ||
	    !time_of(X509_get0_notAfter(call->message->signer), &signer_last))
		return false;
	w->spec.not_before = call->now - AUTHORITY_CLOCK_SECONDS;
	if (w->spec.not_before < first)
		w->spec.not_before = first;
	w->spec.not_after = last < signer_last ? last : signer_last;
	return true;
}

static bool read_wish(const struct operation_call *call, struct wish *w)
{
	w->holder = fields_x509(call->fields, "holder");
	w->content = fields_object(call->fields, "content");
	w->spec.holder = w->holder;
	w->spec.authorizer = call->message->signer;
	w->spec.sequence = 1; /* a number that is good; the real one comes when all else is */
	return w->holder && w->content && kind_of(call->fields, w) &&
	       fields_content(w->content, w->spec.kind, &w->spec) && set_times(call, w);
}

/* ---- the rules ---- */

static bool sign_nothing(void *context, const struct authz_to_sign *what, unsigned char *signature, size_t *len)
{
	(void)context;
	(void)what;
	(void)signature;
	(void)len;
	return false;
}

/* All that the library asks before it lets a card sign. */
static enum authz_reason ask_library(const struct wish *w)
{
	struct authz_cert *cert = NULL;
	enum authz_reason r = authz_cert_build(&w->spec, sign_nothing, NULL, &cert);

	authz_cert_free(cert);
	return r == AUTHZ_SIGNER ? AUTHZ_GOOD : r;
}

static enum authz_reason check_cards(struct operation_call *call, struct wish *w)
{
	struct authz_card card;
	enum authz_reason r = ask_library(w);

	if (r == AUTHZ_GOOD)
		r = authz_card_read(call->message->signer, &card);
	if (r == AUTHZ_GOOD) {
		w->attached = card.rank == AUTHZ_RANK_ATTACHED;
		if (!signed_chain_good(call->a->trust, w->holder, call->message->others, call->now))
			r = AUTHZ_HOLDER_CHAIN;
	}
	return r;
}

/* An attached authorizer has a delegation that counts; who is to lose one has it. */
static enum store_result check_delegation(struct operation_call *call, struct wish *w, enum authz_reason *reason)
{
	char holder[HEX_SHA256_LEN + 1];

	*reason = AUTHZ_GOOD;
	if (w->attached)
		return delegation_ask(call, call->message->who, &w->delegation, reason);
	if (w->kind != STORE_DELEGATION || !w->spec.delegation_disabled)
		return STORE_OK;
	signed_who(w->holder, holder);
	return delegation_ask(call, holder, &w->delegation, reason);
}

static enum store_result check_catalogue(struct operation_call *call, const struct wish *w, bool *known)
{
	struct catalogue c;
	enum store_result r;

	*known = true; /* a delegation names none */
	if (w->kind != STORE_APPLICATIONS)
		return STORE_OK;
	r = catalogue_load(call->tx, &c);
	if (r != STORE_OK)
		return r;
	for (size_t i = 0; i < w->spec.grant_count; i++)
		*known = *known && catalogue_has(&c, w->spec.grants[i].application);
	catalogue_clear(&c);
	return STORE_OK;
}

/* ---- what is kept, and told ---- */

static bool set_der(struct store_bytes *out, const X509 *x)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);
	bool ok = len > 0 && store_bytes_set(out, der, (size_t)len) == STORE_OK;

	OPENSSL_free(der);
	return ok;
}

static bool fill(const struct operation_call *call, const struct wish *w, uint32_t sequence,
		 struct store_certificate *c)
{
	char reservation[HEX_ID_LEN + 1], holder[HEX_SHA256_LEN + 1];

	if (!hex_random_id(reservation))
		return false;
	signed_who(w->holder, holder);
	*c = (struct store_certificate){
		.reservation = strdup(reservation),
		.kind = w->kind,
		.state = STORE_RESERVED,
		.authorizer = strdup(call->message->who),
		.holder = strdup(holder),
		.sequence = sequence,
		.not_before = w->spec.not_before,
		.not_after = w->spec.not_after,
		.content = strdup(json_object_to_json_string_ext(w->content, JSON_C_TO_STRING_PLAIN)),
		.created = call->now,
	};
	return c->reservation && c->authorizer && c->holder && c->content &&
	       set_der(&c->authorizer_der, call->message->signer) && set_der(&c->holder_der, w->holder) &&
	       (!w->attached || store_bytes_set(&c->primary_der, w->delegation.authorizer_der.data,
						w->delegation.authorizer_der.len) == STORE_OK);
}

static struct json_object *tell(const struct store_certificate *c, const struct wish *w)
{
	struct json_object *answer = json_object_new_object();

	json_object_object_add(answer, "reservation", json_object_new_string(c->reservation));
	json_object_object_add(answer, "sequence", json_object_new_int64(c->sequence));
	json_object_object_add(answer, "not_before", fields_time_json(c->not_before));
	json_object_object_add(answer, "not_after", fields_time_json(c->not_after));
	delegation_tell(answer, w->attached ? &w->delegation : NULL);
	return answer;
}

static enum store_result keep(struct operation_call *call, const struct wish *w)
{
	struct store_certificate c = {.reservation = NULL};
	uint32_t sequence = 0;
	enum store_result r = store_sequence_next(call->tx, call->message->who, &sequence);

	if (r == STORE_REFUSED)
		return operation_refuse(call, ERROR_RULE, AUTHZ_SEQUENCE);
	if (r == STORE_OK)
		r = fill(call, w, sequence, &c) ? store_certificate_put(call->tx, &c) : STORE_NO_MEMORY;
	if (r == STORE_OK) {
		call->answer = tell(&c, w);
		strcpy(call->serial, c.reservation);
	}
	store_certificate_clear(&c);
	return r;
}

static enum store_result reserve(struct operation_call *call, struct wish *w)
{
	const char *terms = fields_text(call->fields, "terms");
	enum authz_reason reason = AUTHZ_GOOD;
	enum store_result r;
	bool known;

	if (!read_wish(call, w))
		return operation_refuse(call, ERROR_BAD_REQUEST, AUTHZ_UNDECIDED);
	if (!terms || strcmp(terms, fields_text(call->a->terms, "version")) != 0)
		return operation_refuse(call, ERROR_TERMS, AUTHZ_UNDECIDED);
	reason = check_cards(call, w);
	if (reason != AUTHZ_GOOD)
		return operation_refuse_reason(call, reason);
	r = check_delegation(call, w, &reason);
	if (r == STORE_OK && reason != AUTHZ_GOOD)
		return operation_refuse_reason(call, reason);
	if (r == STORE_OK)
		r = check_catalogue(call, w, &known);
	if (r == STORE_OK && !known)
		return operation_refuse(call, ERROR_NOT_IN_CATALOGUE, AUTHZ_UNDECIDED);
	return r == STORE_OK ? keep(call, w) : r;
}

enum store_result operation_reserve(struct operation_call *call)
{
	struct wish w = {.holder = NULL};
	enum store_result r = reserve(call, &w);

	store_certificate_clear(&w.delegation);
	X509_free(w.holder);
	return r;
}
