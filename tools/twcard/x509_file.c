#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/asn1t.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "tools/twcard/message.h"
#include "tools/twcard/x509_file.h"

#define CERTIFICATES_MAX (1u << 20) /* bytes */
#define CHUNK 65536

/* ---- bytes ---- */

static void say(char why[X509_FILE_WHY], const char *where, const char *text)
{
	snprintf(why, X509_FILE_WHY, "%s: %s", where, text);
	ERR_clear_error();
}

BIO *x509_file_bytes(const char *path, size_t max, char why[X509_FILE_WHY])
{
	FILE *file = fopen(path, "rbe");
	BIO *to = BIO_new(BIO_s_mem());
	char bytes[CHUNK];
	size_t n, total = 0;
	bool ok = file && to;

	while (ok && (n = fread(bytes, 1, sizeof bytes, file)) > 0) {
		total += n;
		ok = total <= max && BIO_write(to, bytes, (int)n) == (int)n;
	}
	if (file && ferror(file))
		ok = false;
	if (!ok)
		say(why, path, total > max ? _("it is too large") : strerror(errno));
	if (file)
		fclose(file);
	if (ok)
		return to;
	BIO_free(to);
	return NULL;
}

/* ---- what is in them ---- */

struct kind {
	const ASN1_ITEM *item;
	const char *pem; /* what stands in the first line */
};

static bool push(const struct kind *kind, void *one, OPENSSL_STACK *to)
{
	if (one && OPENSSL_sk_push(to, one) > 0)
		return true;
	ASN1_item_free(one, kind->item);
	return false;
}

static bool add_der(const struct kind *kind, const unsigned char *bytes, long len, OPENSSL_STACK *to)
{
	const unsigned char *end = bytes;
	void *one = ASN1_item_d2i(NULL, &end, len, kind->item);

	if (one && end != bytes + len) {
		ASN1_item_free(one, kind->item);
		return false;
	}
	return push(kind, one, to);
}

/* What an OpenSSL "trusted certificate" has behind it is no matter here. */
static bool add_one_of_pem(const struct kind *kind, BIO *text, OPENSSL_STACK *to)
{
	unsigned char *bytes = NULL;
	const unsigned char *end;
	long len;
	bool ok = false;

	if (PEM_bytes_read_bio(&bytes, &len, NULL, kind->pem, text, NULL, NULL) == 1) {
		end = bytes;
		ok = push(kind, ASN1_item_d2i(NULL, &end, len, kind->item), to);
	}
	OPENSSL_free(bytes);
	return ok;
}

/* True if there was one at least, and nothing that is not read. */
static bool add_pem(const struct kind *kind, const unsigned char *bytes, long len, OPENSSL_STACK *to)
{
	BIO *text = BIO_new_mem_buf(bytes, (int)len);
	int before = OPENSSL_sk_num(to);
	bool whole;

	ERR_clear_error();
	while (text && add_one_of_pem(kind, text, to))
		;
	whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	BIO_free(text);
	return whole && OPENSSL_sk_num(to) > before;
}

static bool add_all(const struct kind *kind, BIO *from, OPENSSL_STACK *to)
{
	unsigned char *bytes;
	long len = BIO_get_mem_data(from, &bytes);
	bool ok = len > 0 && (add_der(kind, bytes, len, to) || add_pem(kind, bytes, len, to));

	ERR_clear_error(); /* the end of the file is one, too */
	return ok;
}

static bool add_certificates(const char *where, BIO *from, STACK_OF(X509) *to, char why[X509_FILE_WHY])
{
	const struct kind kind = {ASN1_ITEM_rptr(X509), PEM_STRING_X509_TRUSTED};
	bool ok = from && add_all(&kind, from, (OPENSSL_STACK *)to);

	if (from && !ok)
		say(why, where, _("there is no certificate in it (PEM or DER)"));
	return ok;
}

bool x509_add_crls(const char *where, BIO *from, STACK_OF(X509_CRL) *to, char why[X509_FILE_WHY])
{
	const struct kind kind = {ASN1_ITEM_rptr(X509_CRL), PEM_STRING_X509_CRL};
	bool ok = from && add_all(&kind, from, (OPENSSL_STACK *)to);

	if (from && !ok)
		say(why, where, _("there is no revocation list in it (PEM or DER)"));
	return ok;
}

/* ---- files ---- */

static enum exit_code finish(BIO *file, bool ok, const char *why)
{
	BIO_free(file);
	if (ok)
		return EXIT_GOOD;
	message_error("%s", why);
	return EXIT_FILE;
}

enum exit_code x509_file_load(const char *path, STACK_OF(X509) *to)
{
	char why[X509_FILE_WHY];
	BIO *file = x509_file_bytes(path, CERTIFICATES_MAX, why);

	return finish(file, add_certificates(path, file, to, why), why);
}

enum exit_code x509_file_load_crls(const char *path, STACK_OF(X509_CRL) *to)
{
	char why[X509_FILE_WHY];
	BIO *file = x509_file_bytes(path, X509_FILE_CRL_MAX, why);

	return finish(file, x509_add_crls(path, file, to, why), why);
}
