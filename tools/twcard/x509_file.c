#include "config.h"

#include <errno.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "tools/twcard/message.h"
#include "tools/twcard/x509_file.h"

static BIO *open_file(const char *path)
{
	BIO *bio;

	errno = 0;
	bio = BIO_new_file(path, "rb");
	if (!bio)
		message_error("%s: %s", path, strerror(errno ? errno : ENOMEM));
	return bio;
}

/* none: what is told where nothing was found. */
static enum exit_code finish(BIO *bio, const char *path, int found, const char *none)
{
	BIO_free(bio);
	ERR_clear_error(); /* the end of the file is one, too */
	if (found)
		return EXIT_GOOD;
	message_error("%s: %s", path, none);
	return EXIT_FILE;
}

enum exit_code x509_file_load(const char *path, STACK_OF(X509) *out)
{
	BIO *bio = open_file(path);
	X509 *x509;
	int found = 0;

	if (!bio)
		return EXIT_FILE;
	while ((x509 = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) && sk_X509_push(out, x509))
		found++;
	if (!found && BIO_reset(bio) == 0 && (x509 = d2i_X509_bio(bio, NULL)) && sk_X509_push(out, x509))
		found++;
	return finish(bio, path, found, _("there is no certificate in it"));
}

enum exit_code x509_file_load_crls(const char *path, STACK_OF(X509_CRL) *out)
{
	BIO *bio = open_file(path);
	X509_CRL *crl;
	int found = 0;

	if (!bio)
		return EXIT_FILE;
	while ((crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) && sk_X509_CRL_push(out, crl))
		found++;
	if (!found && BIO_reset(bio) == 0 && (crl = d2i_X509_CRL_bio(bio, NULL)) &&
	    sk_X509_CRL_push(out, crl))
		found++;
	return finish(bio, path, found, _("there is no revocation list in it"));
}
