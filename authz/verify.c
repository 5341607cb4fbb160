#include "config.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "authz/content.h"
#include "authz/rules.h"

#define AUTH_LEVEL 2 /* OpenSSL's: no SHA-1, no RSA below 2048 bits, anywhere in a chain */

/* One certificate and the two cards that it is between. */
struct bond {
	const struct authz_cert *cert;
	X509 *authorizer, *holder;
	enum authz_kind kind;
};

/* ---- chains ---- */

static bool set_policy(X509_STORE_CTX *ctx, const struct authz_request *q, time_t at)
{
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);

	if (!p)
		return false;
	X509_VERIFY_PARAM_set_time(p, at);
	if (!(q->flags & AUTHZ_ALLOW_SHA1) && X509_VERIFY_PARAM_get_auth_level(p) < AUTH_LEVEL)
		X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
	return true;
}

/* False: *error says why, an X509_V_ERR_…. */
static bool chain_good(const struct authz_request *q, X509 *x, time_t at, int *error)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool good = false;

	*error = X509_V_ERR_OUT_OF_MEM;
	if (ctx && X509_STORE_CTX_init(ctx, q->store, x, q->untrusted) && set_policy(ctx, q, at)) {
		good = X509_verify_cert(ctx) == 1;
		*error = X509_STORE_CTX_get_error(ctx);
	}
	X509_STORE_CTX_free(ctx);
	return good;
}

/* ---- one certificate ---- */

/* Was it made by this authorizer, whose certificate is trusted? */
static enum authz_reason check_origin(const struct authz_request *q, const struct bond *b, time_t at,
				      struct authz_result *out)
{
	enum authz_reason r;

	if (b->cert->info.kind == AUTHZ_KIND_NONE)
		return AUTHZ_NO_CONTENT;
	if (b->cert->info.kind != b->kind)
		return AUTHZ_OTHER_KIND;
	if (b->cert->info.weak_hash && !(q->flags & AUTHZ_ALLOW_SHA1))
		return AUTHZ_WEAK_HASH;
	r = rules_signer(b->authorizer);
	if (r == AUTHZ_GOOD)
		r = rules_issuer(b->cert, b->authorizer);
	if (r == AUTHZ_GOOD)
		r = rules_signature(b->cert, b->authorizer);
	if (r == AUTHZ_GOOD && b->cert->critical_unknown)
		r = AUTHZ_CRITICAL;
	if (r == AUTHZ_GOOD && !chain_good(q, b->authorizer, at, &out->chain_error))
		r = AUTHZ_AUTHORIZER_CHAIN;
	return r;
}

/* Is it for this holder, and was it the authorizer's to give? */
static enum authz_reason check_holder(const struct authz_request *q, const struct bond *b, time_t at,
				      struct authz_result *out)
{
	enum authz_reason r = rules_holder(b->cert, b->holder);

	if (r == AUTHZ_GOOD && !chain_good(q, b->holder, at, &out->chain_error))
		r = AUTHZ_HOLDER_CHAIN;
	if (r == AUTHZ_GOOD)
		r = rules_cards(b->authorizer, b->holder, b->kind);
	if (r == AUTHZ_GOOD)
		r = rules_times(b->cert, b->holder);
	return r == AUTHZ_GOOD ? content_check(&b->cert->info) : r;
}

/* All but its time, and what the caller knows of it. */
static enum authz_reason check_bond(const struct authz_request *q, const struct bond *b, time_t at,
				    struct authz_result *out)
{
	enum authz_reason r = check_origin(q, b, at, out);

	if (r == AUTHZ_GOOD)
		r = check_holder(q, b, at, out);
	if (r == AUTHZ_GOOD) {
		out->chain_error = X509_V_OK;
		out->weak_hash = out->weak_hash || b->cert->info.weak_hash;
	}
	return r;
}

static enum authz_reason check_time(const struct authz_cert *cert, time_t at)
{
	if (at < cert->info.not_before)
		return AUTHZ_NOT_YET_VALID;
	return at > cert->info.not_after ? AUTHZ_EXPIRED : AUTHZ_GOOD;
}

/* ---- delegation ---- */

/* The best that there is so far. */
struct search {
	struct authz_cert *newest;
	enum authz_reason failure; /* of the first that is not good */
	int chain_error;
};

static void consider(const struct authz_request *q, const struct authz_der *der, time_t at, struct search *s)
{
	struct authz_result found = {.reason = AUTHZ_UNDECIDED};
	struct bond b = {.authorizer = q->primary, .holder = q->authorizer, .kind = AUTHZ_KIND_DELEGATION};
	struct authz_cert *cert = NULL;
	enum authz_reason r = authz_cert_parse(der->bytes, der->len, q->oids, &cert);

	b.cert = cert;
	if (r == AUTHZ_GOOD)
		r = check_bond(q, &b, at, &found);
	if (r != AUTHZ_GOOD && s->failure == AUTHZ_GOOD) {
		s->failure = r;
		s->chain_error = found.chain_error;
	}
	/* serial numbers of one primary card count up: the highest is what it said last */
	if (r == AUTHZ_GOOD && (!s->newest || cert->info.sequence > s->newest->info.sequence)) {
		authz_cert_free(s->newest);
		s->newest = cert;
		cert = NULL;
	}
	authz_cert_free(cert);
}

static enum authz_reason judge_delegation(const struct authz_request *q, const struct authz_cert *newest, time_t at)
{
	enum authz_reason r = check_time(newest, at);

	if (newest->info.delegation_disabled)
		return AUTHZ_DELEGATION_DISABLED;
	if (r != AUTHZ_GOOD)
		return r == AUTHZ_EXPIRED ? AUTHZ_DELEGATION_EXPIRED : AUTHZ_DELEGATION_NOT_YET_VALID;
	if (q->withdrawn && q->withdrawn(q->context, newest))
		return AUTHZ_DELEGATION_DISABLED;
	return AUTHZ_GOOD;
}

static enum authz_reason check_delegation(const struct authz_request *q, time_t at, struct authz_result *out)
{
	struct search s = {.failure = AUTHZ_GOOD};
	enum authz_reason r;

	if (!q->primary || q->delegation_count == 0)
		return AUTHZ_DELEGATION_MISSING;
	for (size_t i = 0; i < q->delegation_count; i++)
		consider(q, &q->delegations[i], at, &s);
	if (!s.newest) {
		out->delegation = s.failure;
		out->chain_error = s.chain_error;
		return AUTHZ_DELEGATION_BAD;
	}
	r = judge_delegation(q, s.newest, at);
	out->delegation = r;
	out->weak_hash = out->weak_hash || s.newest->info.weak_hash;
	authz_cert_free(s.newest);
	return r;
}

/* ---- the question ---- */

static enum authz_reason verify(const struct authz_request *q, struct authz_result *out)
{
	time_t at = q->at ? q->at : time(NULL);
	struct bond b = {.authorizer = q->authorizer, .holder = q->holder, .kind = q->kind};
	enum authz_reason r = authz_cert_parse(q->cert.bytes, q->cert.len, q->oids, &out->cert);

	b.cert = out->cert;
	if (r == AUTHZ_GOOD)
		r = check_bond(q, &b, at, out);
	if (r == AUTHZ_GOOD)
		r = check_time(out->cert, at);
	if (r == AUTHZ_GOOD && rules_needs_delegation(q->authorizer))
		r = check_delegation(q, at, out);
	if (r == AUTHZ_GOOD && q->withdrawn && q->withdrawn(q->context, out->cert))
		r = AUTHZ_WITHDRAWN;
	return r;
}

static bool is_sane(const struct authz_request *q)
{
	return q && q->cert.bytes && q->holder && q->authorizer && q->store &&
	       (q->kind == AUTHZ_KIND_APPLICATIONS || q->kind == AUTHZ_KIND_DELEGATION) &&
	       q->delegation_count <= AUTHZ_DELEGATIONS_MAX && (q->delegations || !q->delegation_count);
}

enum authz_reason authz_verify(const struct authz_request *request, struct authz_result *result)
{
	if (!result)
		return AUTHZ_BAD_ARGUMENT;
	*result = (struct authz_result){.reason = AUTHZ_BAD_ARGUMENT};
	if (!is_sane(request))
		return AUTHZ_BAD_ARGUMENT;
	ERR_set_mark();
	result->reason = verify(request, result);
	ERR_pop_to_mark();
	return result->reason;
}

void authz_result_clear(struct authz_result *result)
{
	authz_cert_free(result->cert);
	*result = (struct authz_result){.reason = AUTHZ_UNDECIDED};
}
