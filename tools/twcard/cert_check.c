#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "tools/twcard/cert_check.h"
#include "tools/twcard/cert_fetch.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/cert_ocsp.h"
#include "tools/twcard/message.h"
#include "tools/twcard/trust.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

struct check {
	const struct cert_request *request;
	struct cert_finding *out;
	int weights[CERT_POINTS]; /* of what was found: 0 is nothing */
	X509_STORE *store;
	bool vouched;             /* nobody named a trusted CA: those that came with it stand in */
	STACK_OF(X509_CRL) *crls; /* the request's, and those that were fetched; the latter owned */
	STACK_OF(X509_CRL) *fetched;
	char why[X509_FILE_WHY]; /* one that was to be fetched and is not there */
};

/* ---- what OpenSSL finds ---- */

enum subject { OF_CHAIN, OF_DATES, OF_REVOCATION };

#define NEXT_CA N_("Give the CA's certificate with --ca FILE. If you have, another CA has issued this one.")
#define NEXT_DAMAGED N_("Do not trust it. If it is from a card, take the card out and try again.")
#define NEXT_LIST N_("Get the list anew from the CA, or ask with --ocsp or --online.")

/*
 * Of several about one point the heaviest is told: what a list that cannot be
 * believed says (4) is no matter; that it revokes (3) is one, however old it is.
 */
static const struct {
	int error;
	enum subject subject;
	int weight;
	const char *text, *next;
} errors[] = {
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, OF_CHAIN, 1,
	 N_("no trusted CA has issued it: the certificate of its CA is not there"), NEXT_CA},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, OF_CHAIN, 1,
	 N_("no trusted CA has issued it: the certificate of its CA is not there"), NEXT_CA},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, OF_CHAIN, 1,
	 N_("no trusted CA has issued it: the certificate of its CA is not there"), NEXT_CA},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, OF_CHAIN, 1,
	 N_("the chain ends in a CA that is not trusted"), NEXT_CA},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, OF_CHAIN, 1,
	 N_("it has signed itself, and is not trusted"), NEXT_CA},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, OF_CHAIN, 2,
	 N_("a signature in the chain is wrong: this is not what the CA has signed"), NEXT_DAMAGED},
	{X509_V_ERR_INVALID_CA, OF_CHAIN, 2, N_("one that is no CA has issued it"), NEXT_DAMAGED},
	{X509_V_ERR_PATH_LENGTH_EXCEEDED, OF_CHAIN, 2,
	 N_("a CA in the chain may not be there: its own CA does not allow it"), NEXT_DAMAGED},
	{X509_V_ERR_CA_MD_TOO_WEAK, OF_CHAIN, 1,
	 N_("it is signed in a way that is no longer safe (MD5 or SHA-1)"), NULL},
	{X509_V_ERR_CA_KEY_TOO_SMALL, OF_CHAIN, 1, N_("a CA's key is too short to be safe"), NULL},
	{X509_V_ERR_EE_KEY_TOO_SMALL, OF_CHAIN, 1, N_("its key is too short to be safe"), NULL},
	{X509_V_ERR_CERT_HAS_EXPIRED, OF_DATES, 1, N_("a CA's certificate in the chain has expired"),
	 N_("Get the CA's new certificate and give it with --ca FILE.")},
	{X509_V_ERR_CERT_NOT_YET_VALID, OF_DATES, 1,
	 N_("a CA's certificate in the chain is not yet valid"),
	 N_("Is the clock of this computer right?")},
	{X509_V_ERR_UNABLE_TO_GET_CRL, OF_REVOCATION, 1,
	 N_("none of the revocation lists is of its CA"), NEXT_LIST},
	{X509_V_ERR_CERT_REVOKED, OF_REVOCATION, 3, N_("the CA has revoked it"),
	 N_("Do not use this certificate, and do not trust it.")},
	{X509_V_ERR_CRL_HAS_EXPIRED, OF_REVOCATION, 2, N_("the revocation list is out of date"),
	 NEXT_LIST},
	{X509_V_ERR_CRL_NOT_YET_VALID, OF_REVOCATION, 2,
	 N_("the revocation list is of a later time"), NEXT_LIST},
	{X509_V_ERR_CRL_SIGNATURE_FAILURE, OF_REVOCATION, 4,
	 N_("the revocation list is not signed by the CA, or was changed"), NEXT_LIST},
	{X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, OF_REVOCATION, 4,
	 N_("the revocation list is signed by one that may not sign lists"), NEXT_LIST},
	{X509_V_ERR_DIFFERENT_CRL_SCOPE, OF_REVOCATION, 4,
	 N_("the revocation list is one of other certificates"), NEXT_LIST},
	{X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, OF_REVOCATION, 4,
	 N_("the revocation list has parts that are not understood"), NEXT_LIST},
	{X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, OF_REVOCATION, 4,
	 N_("who signed the revocation list is not known"), NEXT_LIST},
	{X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, OF_REVOCATION, 4,
	 N_("the signature of the revocation list cannot be read"), NEXT_LIST},
	{X509_V_ERR_CRL_PATH_VALIDATION_ERROR, OF_REVOCATION, 4,
	 N_("who signed the revocation list is not trusted"), NEXT_LIST},
	{X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, OF_REVOCATION, 4,
	 N_("the revocation list has no dates that can be read"), NEXT_LIST},
	{X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, OF_REVOCATION, 4,
	 N_("the revocation list has no dates that can be read"), NEXT_LIST},
	{X509_V_ERR_INVALID_EXTENSION, OF_CHAIN, 2, N_("a certificate in the chain is malformed"),
	 NEXT_DAMAGED},
};

static void note(struct check *c, enum cert_point point, int weight, enum cert_state state,
		 const char *next, const char *text, X509_STORE_CTX *ctx)
{
	X509 *at = X509_STORE_CTX_get_current_cert(ctx);
	char *name = at ? cert_info_name(X509_get_subject_name(at)) : NULL;

	if (weight > c->weights[point]) {
		c->weights[point] = weight;
		cert_finding_set(&c->out[point], state, next, "%s%s%s%s", text, name ? " (" : "",
				 name ? name : "", name ? ")" : "");
	}
	free(name);
}

/* What a list says of a certificate; OpenSSL does not always tell which list it was. */
static X509_REVOKED *entry_of(const struct check *c, X509 *x)
{
	X509_REVOKED *entry = NULL;

	for (int i = 0; i < sk_X509_CRL_num(c->crls) && !entry; i++) {
		X509_CRL *crl = sk_X509_CRL_value(c->crls, i);

		if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(x)) != 0 ||
		    X509_CRL_get0_by_cert(crl, &entry, x) != 1)
			entry = NULL;
	}
	return entry;
}

/* When and why, as far as the list says. */
static void note_revoked(struct check *c, enum cert_point point, size_t row, X509_STORE_CTX *ctx)
{
	X509_REVOKED *entry = entry_of(c, X509_STORE_CTX_get_current_cert(ctx));
	ASN1_ENUMERATED *reason = NULL;
	char text[CERT_FINDING_SIZE], since[CERT_TIME_SIZE] = "?";
	time_t t;

	if (entry) {
		reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
		if (cert_info_time_of(X509_REVOKED_get0_revocationDate(entry), &t))
			cert_info_time(t, since);
	}
	snprintf(text, sizeof text, _("%s, %s, for this reason: %s"), _(errors[row].text), since,
		 reason ? OCSP_crl_reason_str(ASN1_ENUMERATED_get(reason)) : "-");
	note(c, point, errors[row].weight, CERT_STATE_BAD, _(errors[row].next), text, ctx);
	ASN1_ENUMERATED_free(reason);
}

static void note_revocation(struct check *c, size_t row, int depth, X509_STORE_CTX *ctx)
{
	enum cert_point point = depth ? CERT_POINT_CA_REVOCATION : CERT_POINT_REVOCATION;
	int last = sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;

	if (depth && depth == last) /* a trusted CA is not revoked by itself */
		return;
	if (errors[row].error == X509_V_ERR_CERT_REVOKED) {
		note_revoked(c, point, row, ctx);
		return;
	}
	note(c, point, errors[row].weight, CERT_STATE_NOT_CHECKED, _(errors[row].next),
	     _(errors[row].text), ctx);
	/* lists of the CAs' own CAs are welcome, not asked for */
	if (c->out[point].state == CERT_STATE_NOT_CHECKED &&
	    (depth == 0 || errors[row].error != X509_V_ERR_UNABLE_TO_GET_CRL))
		c->out[point].failed = true;
}

/* Goes on after each: all that is wrong is to be told. */
static int on_error(int ok, X509_STORE_CTX *ctx)
{
	struct check *c = X509_STORE_CTX_get_app_data(ctx);
	int error = X509_STORE_CTX_get_error(ctx), depth = X509_STORE_CTX_get_error_depth(ctx);
	size_t row = 0;

	if (ok)
		return 1;
	while (row < COUNT(errors) && errors[row].error != error)
		row++;
	if (row == COUNT(errors))
		note(c, CERT_POINT_CHAIN, 1, CERT_STATE_BAD, NULL, X509_verify_cert_error_string(error),
		     ctx);
	else if (errors[row].subject == OF_REVOCATION)
		note_revocation(c, row, depth, ctx);
	else if (errors[row].subject != OF_DATES || depth > 0) /* its own: check_validity() */
		note(c, CERT_POINT_CHAIN, errors[row].weight, CERT_STATE_BAD, _(errors[row].next),
		     _(errors[row].text), ctx);
	return 1;
}

/* ---- trust ---- */

static bool trust_roots(X509_STORE *store, STACK_OF(X509) *cas)
{
	for (int i = 0; i < sk_X509_num(cas); i++) {
		X509 *ca = sk_X509_value(cas, i);

		if (X509_self_signed(ca, 0) == 1 && X509_STORE_add_cert(store, ca) != 1)
			return false;
	}
	return true;
}

static bool has_root(STACK_OF(X509) *cas)
{
	for (int i = 0; i < sk_X509_num(cas); i++)
		if (X509_self_signed(sk_X509_value(cas, i), 0) == 1)
			return true;
	return false;
}

/* Those that came with the certificate stand in where no CA is named: then the chain is no proof. */
static bool make_store(struct check *c)
{
	const struct cert_request *r = c->request;
	bool none = sk_X509_num(r->trusted) <= 0;

	c->store = trust_store_new(r->at);
	c->vouched = none && !r->trust_others;
	if (!c->store || !trust_add(c->store, r->trusted))
		return false;
	if (!none && !r->trust_others)
		return true;
	return has_root(r->others) ? trust_roots(c->store, r->others) : trust_add(c->store, r->others);
}

/* ---- what the certificate itself names ---- */

static bool add_crl(struct check *c, const char *url)
{
	(void)fetch_crls(url, c->fetched, c->why);
	for (int i = 0; i < sk_X509_CRL_num(c->fetched); i++)
		if (sk_X509_CRL_push(c->crls, sk_X509_CRL_value(c->fetched, i)) <= 0)
			return false;
	return true;
}

/* The first http address among them. */
static bool fetch_named_crl(struct check *c, X509 *x)
{
	STACK_OF(DIST_POINT) *points = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);
	char url[512] = "";
	bool ok = true;

	for (int i = 0; i < sk_DIST_POINT_num(points) && !*url; i++) {
		const DIST_POINT *point = sk_DIST_POINT_value(points, i);
		bool full = point->distpoint && point->distpoint->type == 0;
		GENERAL_NAMES *names = full ? point->distpoint->name.fullname : NULL;

		for (int j = 0; j < sk_GENERAL_NAME_num(names) && !*url; j++) {
			int type;
			const ASN1_STRING *s = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, j), &type);
			size_t len = type == GEN_URI ? (size_t)ASN1_STRING_length(s) : 0;

			if (len && len < sizeof url && !memchr(ASN1_STRING_get0_data(s), 0, len))
				snprintf(url, sizeof url, "%.*s", (int)len, ASN1_STRING_get0_data(s));
			if (!fetch_is_url(url))
				*url = '\0';
		}
	}
	sk_DIST_POINT_pop_free(points, DIST_POINT_free);
	if (*url)
		ok = add_crl(c, url);
	else
		snprintf(c->why, sizeof c->why, "%s", _("the certificate names no address to ask at"));
	return ok;
}

/* Owned by the caller; NULL: the certificate names none. */
static char *named_ocsp(X509 *x)
{
	STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(x);
	char *url = NULL;

	for (int i = 0; i < sk_OPENSSL_STRING_num(urls) && !url; i++)
		if (fetch_is_url(sk_OPENSSL_STRING_value(urls, i)))
			url = strdup(sk_OPENSSL_STRING_value(urls, i));
	X509_email_free(urls);
	return url;
}

/* ---- the points ---- */

static void check_validity(const struct cert_info *info, struct cert_finding *f)
{
	char from[CERT_DATE_SIZE], until[CERT_DATE_SIZE];

	cert_info_date(info->not_before, from);
	cert_info_date(info->not_after, until);
	if (info->validity == CERT_VALID)
		cert_finding_set(f, CERT_STATE_GOOD, NULL,
				 ngettext("until %s: %ld day left", "until %s: %ld days left",
					  (unsigned long)info->days_left), until, info->days_left);
	else if (info->validity == CERT_EXPIRED)
		cert_finding_set(f, CERT_STATE_BAD,
				 _("Renew it at the CA that issued it. Old signatures: check for their time with --at."),
				 _("it expired on %s"), until);
	else if (info->validity == CERT_NOT_YET_VALID)
		cert_finding_set(f, CERT_STATE_BAD, _("Is the clock of this computer right?"),
				 _("it is valid from %s on only"), from);
	else
		cert_finding_set(f, CERT_STATE_BAD, NULL, _("its dates cannot be read"));
}

static bool is_for(X509 *x, const struct cert_info *info, enum cert_purpose purpose)
{
	switch (purpose) {
	case CERT_PURPOSE_SIGN: return info->usage & CERT_SIGNS;
	case CERT_PURPOSE_ENCRYPT: return info->usage & CERT_ENCRYPTS;
	case CERT_PURPOSE_TLS_CLIENT: return X509_check_purpose(x, X509_PURPOSE_SSL_CLIENT, 0) == 1;
	default: return info->usage != 0;
	}
}

static void check_usage(X509 *x, const struct cert_info *info, enum cert_purpose purpose,
			struct cert_finding *f)
{
	char usage[CERT_USAGE_SIZE];

	cert_info_usage(info, usage);
	if (is_for(x, info, purpose))
		cert_finding_set(f, CERT_STATE_GOOD, NULL, _("for %s"), usage);
	else if (info->usage)
		cert_finding_set(f, CERT_STATE_BAD,
				 _("Take the holder's other certificate: 'twcard cert list' shows them."),
				 _("not for that, only for %s"), usage);
	else
		cert_finding_set(f, CERT_STATE_BAD, NULL, _("for nothing that is known"));
}

static void tell_chain(struct check *c, STACK_OF(X509) *chain)
{
	struct cert_finding *f = &c->out[CERT_POINT_CHAIN];
	char names[CERT_FINDING_SIZE / 2] = "";
	size_t at = 0;

	for (int i = sk_X509_num(chain) > 1; i < sk_X509_num(chain) && at < sizeof names; i++) {
		char *name = cert_info_name(X509_get_subject_name(sk_X509_value(chain, i)));

		at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? _(", ") : "", name ? name : "?");
		free(name);
	}
	if (c->vouched)
		cert_finding_set(f, CERT_STATE_NOT_CHECKED,
				 _("Give the root's certificate, from a source that you trust, with --ca FILE; or say --trust-card."),
				 _("the signatures are right (%s), but no CA was given that you trust"), names);
	else
		cert_finding_set(f, CERT_STATE_GOOD, NULL, "%s", names);
}

/* By list: what OpenSSL did not complain about is good. */
static void tell_lists(struct check *c, int chain_length)
{
	struct cert_finding *own = &c->out[CERT_POINT_REVOCATION];

	if (sk_X509_CRL_num(c->crls) > 0) {
		if (!own->is_told)
			cert_finding_set(own, CERT_STATE_GOOD, NULL, "%s", _("not in the revocation list of its CA"));
		if (!c->out[CERT_POINT_CA_REVOCATION].is_told && chain_length > 2)
			cert_finding_set(&c->out[CERT_POINT_CA_REVOCATION], CERT_STATE_GOOD, NULL, "%s",
					 _("not in the revocation lists of their CAs"));
	}
	if (*c->why && own->state != CERT_STATE_BAD) {
		cert_finding_set(own, CERT_STATE_NOT_CHECKED,
				 _("Look at the name, the address and the network, or give another list."), "%s", c->why);
		own->failed = true;
	}
}

/* The worse of two answers; one that was asked for and failed is worse than a good one. */
static int badness(const struct cert_finding *f)
{
	return !f->is_told ? 0 : f->state == CERT_STATE_BAD ? 3 : f->failed ? 2 : 1;
}

static void check_ocsp(struct check *c, const char *where, STACK_OF(X509) *chain)
{
	struct cert_finding answer = {.state = CERT_STATE_NOT_CHECKED};
	struct cert_finding *own = &c->out[CERT_POINT_REVOCATION];

	if (sk_X509_num(chain) > 1) {
		cert_ocsp_check(where, chain, c->store, c->request->at, &answer);
	} else {
		cert_finding_set(&answer, CERT_STATE_NOT_CHECKED, NULL, "%s",
				 _("there is no CA above it that could be asked"));
		answer.failed = true;
	}
	if (badness(&answer) >= badness(own))
		*own = answer;
}

/* Nothing about revocation is known of a certificate that may be anybody's. */
static void tell_no_chain(struct check *c, bool asked)
{
	struct cert_finding *own = &c->out[CERT_POINT_REVOCATION];

	c->out[CERT_POINT_CA_REVOCATION].is_told = false;
	cert_finding_set(own, CERT_STATE_NOT_CHECKED, NULL, "%s", _("the chain is bad: no CA can be asked"));
	own->failed = asked;
}

static void check_revocation(struct check *c, X509 *x, STACK_OF(X509) *chain)
{
	const struct cert_request *r = c->request;
	char *named = !r->ocsp && r->online ? named_ocsp(x) : NULL;
	const char *ocsp = r->ocsp ? r->ocsp : named;
	bool lists = sk_X509_CRL_num(c->crls) > 0 || *c->why;

	if (c->out[CERT_POINT_CHAIN].state == CERT_STATE_BAD) {
		tell_no_chain(c, lists || ocsp);
	} else {
		tell_lists(c, sk_X509_num(chain));
		if (ocsp)
			check_ocsp(c, ocsp, chain);
		if (!lists && !ocsp)
			cert_finding_set(&c->out[CERT_POINT_REVOCATION], CERT_STATE_NOT_CHECKED,
					 _("Give the CA's revocation list with --crl, or ask its service with --online or --ocsp."),
					 "%s", _("nobody was asked"));
	}
	free(named);
}

/* ---- all of it ---- */

static bool verify(struct check *c, X509 *x)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	struct cert_finding *chain = &c->out[CERT_POINT_CHAIN];
	bool lists = sk_X509_CRL_num(c->crls) > 0, ok;

	ok = ctx && X509_STORE_CTX_init(ctx, c->store, x, c->request->others) == 1;
	if (ok) {
		X509_STORE_CTX_set_app_data(ctx, c);
		X509_STORE_CTX_set_verify_cb(ctx, on_error);
		if (lists) {
			X509_STORE_CTX_set0_crls(ctx, c->crls);
			X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
		}
		if (X509_verify_cert(ctx) != 1 && !chain->is_told)
			cert_finding_set(chain, CERT_STATE_BAD, NULL, "%s",
					 X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
		if (!chain->is_told)
			tell_chain(c, X509_STORE_CTX_get0_chain(ctx));
		check_revocation(c, x, X509_STORE_CTX_get0_chain(ctx));
	}
	ERR_clear_error();
	X509_STORE_CTX_free(ctx);
	return ok;
}

static bool run(struct check *c, X509 *x)
{
	const struct cert_request *r = c->request;
	struct cert_info info;
	char *ocsp;

	if (!cert_info_read(x, r->at, &info))
		return false;
	check_validity(&info, &c->out[CERT_POINT_VALIDITY]);
	check_usage(x, &info, r->purpose, &c->out[CERT_POINT_USAGE]);
	cert_info_clear(&info);
	if (r->crl_why)
		snprintf(c->why, sizeof c->why, "%s", r->crl_why);
	ocsp = r->ocsp ? NULL : named_ocsp(x);
	if (r->online && !r->ocsp && !ocsp && !fetch_named_crl(c, x))
		return false;
	free(ocsp);
	return make_store(c) && verify(c, x);
}

bool cert_check(const struct cert_request *request, X509 *x, struct cert_finding out[CERT_POINTS])
{
	struct check c = {.request = request, .out = out};
	bool ok;

	memset(out, 0, CERT_POINTS * sizeof *out);
	c.crls = request->crls ? sk_X509_CRL_dup(request->crls) : sk_X509_CRL_new_null();
	c.fetched = sk_X509_CRL_new_null();
	ok = c.crls && c.fetched && run(&c, x);
	X509_STORE_free(c.store);
	sk_X509_CRL_free(c.crls);
	sk_X509_CRL_pop_free(c.fetched, X509_CRL_free);
	return ok;
}
