#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <openssl/x509_vfy.h>

#include "tools/twcard/arguments.h"
#include "tools/twcard/card.h"
#include "tools/twcard/message.h"
#include "tools/twcard/trust.h"
#include "tools/twcard/x509_file.h"

#define AUTH_LEVEL 1 /* OpenSSL's: no MD5, no SHA-1, RSA of 1024 bits and more */

/* ---- what any check of a chain needs ---- */

/* A day begins at midnight here; a time is UTC. */
static const struct {
	const char *format;
	bool is_day;
} times[] = {
	{"%Y-%m-%dT%H:%M:%SZ", false},
	{"%Y-%m-%d %H:%M:%S", false},
	{"%Y-%m-%d", true},
};

bool trust_parse_time(const char *text, bool end, time_t *out)
{
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *rest = strptime(text, times[i].format, &tm);

		if (!rest || *rest)
			continue;
		tm.tm_mday += times[i].is_day && end;
		*out = times[i].is_day ? mktime(&tm) - end : timegm(&tm);
		return true;
	}
	return false;
}

enum exit_code trust_time(const struct arguments *args, time_t *at)
{
	const char *text = arguments_value(args, "at");

	*at = time(NULL);
	if (!text || trust_parse_time(text, false, at))
		return EXIT_GOOD;
	return message_usage(args->command, _("--at is a day (2026-01-31) or a time (2026-01-31T08:00:00Z)"));
}

X509_STORE *trust_store_new(time_t at)
{
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *param = store ? X509_STORE_get0_param(store) : NULL;

	if (!param)
		return NULL;
	X509_VERIFY_PARAM_set_time(param, at);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	/* who names a CA trusts it, also one that is no root */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	return store;
}

bool trust_add(X509_STORE *store, STACK_OF(X509) *cas)
{
	for (int i = 0; i < sk_X509_num(cas); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(cas, i)) != 1)
			return false;
	return true;
}

/* ---- the CAs ---- */

static enum exit_code trust_files(const struct arguments *args, struct trust *t)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	enum exit_code code = list ? EXIT_GOOD : message_result(RESULT_NO_MEMORY, NULL);
	const char *path;

	for (size_t i = 0; code == EXIT_GOOD && (path = arguments_nth(args, "ca", i)); i++)
		code = x509_file_load(path, list);
	if (code == EXIT_GOOD && !trust_add(t->store, list))
		code = message_result(RESULT_NO_MEMORY, NULL);
	sk_X509_pop_free(list, X509_free);
	return code;
}

static bool add_cas(struct trust *t, const struct card_certificates *list)
{
	for (size_t i = 0; i < list->count; i++) {
		X509 *x509 = list->items[i].x509;

		if (!x509 || !X509_check_ca(x509))
			continue;
		if (!X509_STORE_add_cert(t->store, x509) ||
		    !X509_add_cert(t->others, x509, X509_ADD_FLAG_UP_REF))
			return false;
		t->source = TRUST_CARD;
	}
	return true;
}

/* No service, reader or card is no error here: then nobody is trusted. */
static enum exit_code trust_cards(struct trust *t)
{
	struct card_certificates list;
	bool good = true;

	if (cards_begin() != RESULT_OK)
		return EXIT_GOOD;
	for (size_t i = 0; good && i < cards_count(); i++) {
		struct slot *slot = cards_slot(i);

		if (slot_look_for_card(slot) && card_certificates(slot, &list) == RESULT_OK) {
			good = add_cas(t, &list);
			card_certificates_clear(&list);
		}
		card_leave(slot); /* long before the data are read */
	}
	return good ? EXIT_GOOD : message_result(RESULT_NO_MEMORY, NULL);
}

/* ---- lists ---- */

static enum exit_code add_crls(const struct arguments *args, struct trust *t)
{
	STACK_OF(X509_CRL) *list = sk_X509_CRL_new_null();
	enum exit_code code = list ? EXIT_GOOD : message_result(RESULT_NO_MEMORY, NULL);
	const char *path;

	for (size_t i = 0; code == EXIT_GOOD && (path = arguments_nth(args, "crl", i)); i++)
		code = x509_file_load_crls(path, list);
	for (int i = 0; code == EXIT_GOOD && i < sk_X509_CRL_num(list); i++)
		if (!X509_STORE_add_crl(t->store, sk_X509_CRL_value(list, i)))
			code = message_result(RESULT_NO_MEMORY, NULL);
	if (sk_X509_CRL_num(list) > 0)
		X509_STORE_set_flags(t->store, X509_V_FLAG_CRL_CHECK);
	sk_X509_CRL_pop_free(list, X509_CRL_free);
	return code;
}

enum exit_code trust_gather(const struct arguments *args, struct trust *out)
{
	time_t at;
	enum exit_code code = trust_time(args, &at);

	*out = (struct trust){NULL, TRUST_NOBODY, NULL};
	if (code != EXIT_GOOD)
		return code;
	*out = (struct trust){trust_store_new(at), TRUST_NOBODY, sk_X509_new_null()};
	if (!out->store || !out->others)
		return message_result(RESULT_NO_MEMORY, NULL);
	code = add_crls(args, out);
	if (code != EXIT_GOOD)
		return code;
	if (arguments_has(args, "no-chain")) {
		out->source = TRUST_NOT_ASKED;
		return EXIT_GOOD;
	}
	if (!arguments_has(args, "ca"))
		return trust_cards(out);
	out->source = TRUST_FILES;
	return trust_files(args, out);
}

void trust_clear(struct trust *trust)
{
	X509_STORE_free(trust->store);
	sk_X509_pop_free(trust->others, X509_free);
	*trust = (struct trust){NULL, TRUST_NOBODY, NULL};
}

/* ---- the chain ---- */

static const struct {
	int error;
	const char *words;
} errors[] = {
	{X509_V_ERR_CERT_HAS_EXPIRED, N_("the certificate is expired")},
	{X509_V_ERR_CERT_NOT_YET_VALID, N_("the certificate is not valid yet")},
	{X509_V_ERR_CERT_REVOKED, N_("the certificate is revoked")},
	{X509_V_ERR_UNABLE_TO_GET_CRL, N_("no revocation list of the certificate's issuer was given")},
	{X509_V_ERR_CRL_HAS_EXPIRED, N_("the revocation list is out of date")},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, N_("no CA that is trusted issued the certificate")},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, N_("no CA that is trusted issued the certificate")},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, N_("no CA that is trusted issued the certificate")},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, N_("no CA that is trusted issued the certificate")},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, N_("the certificate was issued by its own holder")},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, N_("the certificate is forged or damaged: its issuer's signature is wrong")},
	{X509_V_ERR_CA_MD_TOO_WEAK, N_("a certificate in the chain is signed in a way that is no longer safe (MD5 or SHA-1)")},
	{X509_V_ERR_CA_KEY_TOO_SMALL, N_("a CA's key is too short to be safe")},
	{X509_V_ERR_EE_KEY_TOO_SMALL, N_("the certificate's key is too short to be safe")},
};

static const char *words_of(X509_STORE_CTX *ctx)
{
	int error = X509_STORE_CTX_get_error(ctx);
	const char *words = X509_verify_cert_error_string(error);

	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].error == error)
			words = _(errors[i].words);
	if (X509_STORE_CTX_get_error_depth(ctx) > 0 && error == X509_V_ERR_CERT_HAS_EXPIRED)
		words = _("the certificate of its CA is expired");
	return words;
}

static enum trust_answer check_chain(const struct trust *trust, X509 *x509, STACK_OF(X509) *untrusted,
				     const char **why)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	enum trust_answer answer = TRUST_BAD;

	*why = _(result_text(RESULT_NO_MEMORY));
	if (ctx && X509_STORE_CTX_init(ctx, trust->store, x509, untrusted)) {
		answer = X509_verify_cert(ctx) == 1 ? TRUST_GOOD : TRUST_BAD;
		*why = answer == TRUST_GOOD ? NULL : words_of(ctx);
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return answer;
}

/* Also a certificate that does not say what it is for. */
static bool signs(X509 *x509)
{
	return X509_get_key_usage(x509) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
}

enum trust_answer trust_check(const struct trust *trust, X509 *x509, STACK_OF(X509) *extra,
			      const char **why)
{
	STACK_OF(X509) *untrusted;
	enum trust_answer answer = TRUST_BAD;

	*why = NULL;
	if (trust->source == TRUST_NOT_ASKED)
		return TRUST_NOT_CHECKED;
	if (trust->source == TRUST_NOBODY) {
		*why = _("nobody says whose key it is: no CA is known; name one with --ca, or put the card in");
		return TRUST_NOT_CHECKED;
	}
	untrusted = sk_X509_new_null();
	if (untrusted && X509_add_certs(untrusted, trust->others, X509_ADD_FLAG_DEFAULT) &&
	    (!extra || X509_add_certs(untrusted, extra, X509_ADD_FLAG_DEFAULT)))
		answer = check_chain(trust, x509, untrusted, why);
	else
		*why = _(result_text(RESULT_NO_MEMORY));
	sk_X509_free(untrusted);
	if (answer == TRUST_GOOD && !signs(x509)) {
		*why = _("the certificate is not for signing");
		return TRUST_BAD;
	}
	return answer;
}
