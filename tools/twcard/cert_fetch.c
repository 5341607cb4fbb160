#include "config.h"

#include <strings.h>

#include <openssl/bio.h>

#include "tools/twcard/cert_fetch.h"

bool fetch_is_url(const char *where)
{
	return strncasecmp(where, "http://", 7) == 0 || strncasecmp(where, "https://", 8) == 0;
}

BIO *fetch_ocsp(const char *url, BIO *request, char why[X509_FILE_WHY])
{
	return fetch_transfer(url, request, FETCH_OCSP_MAX, why);
}

BIO *fetch_bytes(const char *where, size_t max, char why[X509_FILE_WHY])
{
	return fetch_is_url(where) ? fetch_transfer(where, NULL, max, why) : x509_file_bytes(where, max, why);
}

bool fetch_crls(const char *where, STACK_OF(X509_CRL) *to, char why[X509_FILE_WHY])
{
	BIO *from = fetch_bytes(where, X509_FILE_CRL_MAX, why);
	bool ok = x509_add_crls(where, from, to, why);

	BIO_free(from);
	return ok;
}
