#include "config.h"

#include <openssl/x509_vfy.h>

#include "tools/authority/revocation.h"

/* All else is no question of revocation. */
static const struct {
	int why;
	enum error_code code;
} errors[] = {
	{X509_V_ERR_CERT_REVOKED, ERROR_SIGNER_REVOKED},
	{X509_V_ERR_UNABLE_TO_GET_CRL, ERROR_REVOCATION_UNKNOWN},
	{X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, ERROR_REVOCATION_UNKNOWN},
	{X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, ERROR_REVOCATION_UNKNOWN},
	{X509_V_ERR_CRL_SIGNATURE_FAILURE, ERROR_REVOCATION_UNKNOWN},
	{X509_V_ERR_CRL_NOT_YET_VALID, ERROR_REVOCATION_UNKNOWN},
	{X509_V_ERR_CRL_HAS_EXPIRED, ERROR_REVOCATION_UNKNOWN},
	{X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, ERROR_REVOCATION_UNKNOWN},
	{X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, ERROR_REVOCATION_UNKNOWN},
	{X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, ERROR_REVOCATION_UNKNOWN},
	{X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, ERROR_REVOCATION_UNKNOWN},
	{X509_V_ERR_DIFFERENT_CRL_SCOPE, ERROR_REVOCATION_UNKNOWN},
	{X509_V_ERR_CRL_PATH_VALIDATION_ERROR, ERROR_REVOCATION_UNKNOWN},
};

enum error_code revocation_error(int why)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].why == why)
			return errors[i].code;
	return ERROR_SIGNER_NOT_TRUSTED;
}

/* 1: this is no error. No list fits: that is none where the certificate's CA has no list at all. */
static int judge(int good, X509_STORE_CTX *ctx)
{
	STACK_OF(X509_CRL) *lists;
	bool has;

	if (good || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_UNABLE_TO_GET_CRL)
		return good;
	lists = X509_STORE_CTX_get1_crls(ctx, X509_get_issuer_name(X509_STORE_CTX_get_current_cert(ctx)));
	has = sk_X509_CRL_num(lists) > 0;
	sk_X509_CRL_pop_free(lists, X509_CRL_free);
	return !has;
}

bool revocation_add(X509_STORE *to, X509_CRL *list)
{
	X509_STORE_set_verify_cb(to, judge);
	return X509_STORE_set_flags(to, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1 &&
	       X509_STORE_add_crl(to, list) == 1;
}

unsigned revocation_outdated(X509_STORE *in, time_t now)
{
	STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(in);
	unsigned count = 0;

	for (int i = 0; i < sk_X509_OBJECT_num(all); i++) {
		X509_CRL *list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(all, i));
		const ASN1_TIME *next = list ? X509_CRL_get0_nextUpdate(list) : NULL;

		count += next && X509_cmp_time(next, &now) <= 0;
	}
	return count;
}
