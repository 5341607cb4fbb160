#include "config.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tools/twcard/message.h"
#include "tools/twcard/mime.h"
#include "tools/twcard/sign_cms.h"

#define BOUNDARY_BYTES 16

static bool use_pss(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
}

/* ---- the message ---- */

static X509 *issuer_of(STACK_OF(X509) *others, X509 *x509)
{
	for (int i = 0; i < sk_X509_num(others); i++)
		if (X509_check_issued(sk_X509_value(others, i), x509) == X509_V_OK)
			return sk_X509_value(others, i);
	return NULL;
}

/* From the signer's issuer up to what issued itself, as far as they are there. */
static bool add_chain(CMS_ContentInfo *cms, X509 *x509, STACK_OF(X509) *others)
{
	for (int i = 0; i < sk_X509_num(others); i++) { /* no longer than that, also in a circle */
		X509 *issuer = issuer_of(others, x509);

		if (!issuer)
			return true;
		if (!CMS_add1_cert(cms, issuer))
			return false;
		if (X509_check_issued(issuer, issuer) == X509_V_OK)
			return true;
		x509 = issuer;
	}
	return true;
}

/*
 * With CMS_CADES OpenSSL adds signing-certificate-v2; content type, digest and
 * signing time it adds to every signature with attributes.
 */
CMS_ContentInfo *sign_cms_new(const struct sign_cms_signer *by, unsigned flags)
{
	unsigned more = CMS_CADES | (by->pss ? CMS_KEY_PARAM : 0);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_BINARY | CMS_PARTIAL | flags);
	CMS_SignerInfo *signer = NULL;

	if (cms)
		signer = CMS_add1_signer(cms, by->x509, by->pkey, by->digest,
					 CMS_BINARY | CMS_PARTIAL | flags | more);
	if (signer && (!by->pss || use_pss(CMS_SignerInfo_get0_pkey_ctx(signer))) &&
	    add_chain(cms, by->x509, by->others))
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

static CMS_ContentInfo *new_message(const struct sign_job *job)
{
	const struct sign_cms_signer by = {job->key->pkey, job->key->x509, job->key->others, job->digest,
					   job->pss};

	return sign_cms_new(&by, (job->attached ? 0 : CMS_DETACHED) |
				 (job->encoding == CMS_AS_SMIME ? 0 : CMS_NOSMIMECAP));
}

/* ---- the data ---- */

static enum exit_code pass_data(void *context, stream_taker *take, void *taker_context)
{
	const struct sign_job *job = context;
	struct mime_entity entity = {.in = job->in, .name = job->name, .take = take,
				     .context = taker_context};

	if (job->encoding == CMS_AS_SMIME)
		return mime_pump(&entity, _("signing"));
	return stream_pump(job->in, _("signing"), take, taker_context);
}

static enum exit_code sign_attached(const struct sign_job *job, CMS_ContentInfo *cms)
{
	size_t len;
	enum exit_code code = stream_look(job->in, &len);

	if (code != EXIT_GOOD)
		return code;
	return cms_file_pass(cms, job->encoding, "signed-data", !len && job->encoding != CMS_AS_SMIME,
			     pass_data, (void *)job, job->file);
}

static enum exit_code sign_detached(const struct sign_job *job, CMS_ContentInfo *cms)
{
	BIO *digest = CMS_dataInit(cms, NULL);
	enum exit_code code = EXIT_INTERNAL;

	if (digest)
		code = pass_data((void *)job, stream_to_bio, digest);
	if (code == EXIT_GOOD && !(CMS_dataFinal(cms, digest) == 1 &&
				   cms_file_write(cms, job->encoding, NULL, job->file)))
		code = EXIT_INTERNAL;
	BIO_free_all(digest);
	return code;
}

/* ---- S/MIME with the data readable (multipart/signed) ---- */

static const char *micalg(const EVP_MD *digest)
{
	switch (EVP_MD_get_type(digest)) {
	case NID_sha384:
		return "sha-384";
	case NID_sha512:
		return "sha-512";
	default:
		return "sha-256";
	}
}

static bool new_boundary(char text[2 * BOUNDARY_BYTES + 1])
{
	unsigned char bytes[BOUNDARY_BYTES];

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(text + 2 * i, 3, "%02X", bytes[i]);
	return true;
}

static bool write_signature_part(const struct sign_job *job, CMS_ContentInfo *cms, const char *boundary)
{
	BIO *base64 = BIO_new(BIO_f_base64()), *file = BIO_new_fp(job->file, BIO_NOCLOSE);
	bool good = base64 && file;

	fprintf(job->file,
		"\n----%s\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\n"
		"Content-Transfer-Encoding: base64\n"
		"Content-Disposition: attachment; filename=\"smime.p7s\"\n\n", boundary);
	if (good) {
		BIO_push(base64, file);
		good = i2d_CMS_bio(base64, cms) == 1 && BIO_flush(base64) == 1;
	}
	BIO_free(base64);
	BIO_free(file);
	fprintf(job->file, "\n----%s--\n\n", boundary);
	return good && !ferror(job->file);
}

static enum exit_code sign_multipart(const struct sign_job *job, CMS_ContentInfo *cms)
{
	char boundary[2 * BOUNDARY_BYTES + 1];
	BIO *digest = new_boundary(boundary) ? CMS_dataInit(cms, NULL) : NULL;
	struct mime_entity entity = {.in = job->in, .name = job->name, .copy = job->file,
				     .take = stream_to_bio, .context = digest};
	enum exit_code code;

	if (!digest)
		return EXIT_INTERNAL;
	fprintf(job->file,
		"MIME-Version: 1.0\nContent-Type: multipart/signed;"
		" protocol=\"application/pkcs7-signature\";\n micalg=\"%s\"; boundary=\"--%s\"\n\n"
		"This is an S/MIME signed message\n\n----%s\n",
		micalg(job->digest), boundary, boundary);
	code = mime_pump(&entity, _("signing"));
	if (code == EXIT_GOOD &&
	    !(CMS_dataFinal(cms, digest) == 1 && write_signature_part(job, cms, boundary)))
		code = EXIT_INTERNAL;
	BIO_free_all(digest);
	return code;
}

enum exit_code sign_cms(const struct sign_job *job)
{
	CMS_ContentInfo *cms = new_message(job);
	enum exit_code code = EXIT_INTERNAL;

	if (cms && job->attached)
		code = sign_attached(job, cms);
	else if (cms)
		code = job->encoding == CMS_AS_SMIME ? sign_multipart(job, cms) : sign_detached(job, cms);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return code;
}

/* ---- a plain signature ---- */

enum exit_code sign_raw(const struct sign_job *job)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	unsigned char signature[CARD_MODULUS_SIZE];
	size_t len = sizeof signature;
	enum exit_code code = EXIT_INTERNAL;

	if (md && EVP_DigestSignInit(md, &ctx, job->digest, NULL, job->key->pkey) == 1 &&
	    (!job->pss || use_pss(ctx)))
		code = stream_pump(job->in, _("signing"), stream_to_signature, md);
	if (code == EXIT_GOOD && !(EVP_DigestSignFinal(md, signature, &len) == 1 &&
				   fwrite(signature, 1, len, job->file) == len))
		code = EXIT_INTERNAL;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return code;
}
