#include "config.h"

#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "tools/authority/revocation.h"
#include "tools/authority/signed.h"

#define AUTH_LEVEL 2 /* OpenSSL's: no SHA-1, no RSA below 2048 bits, anywhere in a chain */

/* ---- whose it is ---- */

void signed_who(const X509 *x, char out[HEX_SHA256_LEN + 1])
{
	uint8_t digest[EVP_MAX_MD_SIZE] = {0};
	unsigned len = 0;

	/* cannot fail but for memory; then it is nobody's */
	if (!X509_digest(x, EVP_sha256(), digest, &len))
		memset(digest, 0, sizeof digest);
	hex_write(digest, HEX_SHA256_LEN / 2, out);
}

/* NULL: it does not lead to a trusted one, and why. Owned by the caller. */
static STACK_OF(X509) *build_chain(X509_STORE *trust, X509 *x, STACK_OF(X509) *others, time_t at,
				   enum error_code *why)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = NULL;

	*why = ERROR_SIGNER_NOT_TRUSTED;
	if (ctx && X509_STORE_CTX_init(ctx, trust, x, others)) {
		X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);

		X509_VERIFY_PARAM_set_time(p, at);
		X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
		if (X509_verify_cert(ctx) == 1)
			chain = X509_STORE_CTX_get1_chain(ctx);
		else
			*why = revocation_error(X509_STORE_CTX_get_error(ctx));
	}
	X509_STORE_CTX_free(ctx);
	return chain;
}

bool signed_chain_good(X509_STORE *trust, X509 *x, STACK_OF(X509) *others, time_t at)
{
	STACK_OF(X509) *chain;
	enum error_code why;

	ERR_set_mark();
	chain = build_chain(trust, x, others, at, &why);
	ERR_pop_to_mark();
	sk_X509_pop_free(chain, X509_free);
	return chain != NULL;
}

/* Does the signature name this certificate itself, so that no other of the same key can take its place? */
static bool names_signer(CMS_SignerInfo *si, STACK_OF(X509) *chain)
{
	const ASN1_STRING *value = CMS_signed_get0_data_by_OBJ(
		si, OBJ_nid2obj(NID_id_smime_aa_signingCertificateV2), -3, V_ASN1_SEQUENCE);
	ESS_SIGNING_CERT_V2 *names;
	const unsigned char *p;
	bool good;

	if (!value)
		return false;
	p = ASN1_STRING_get0_data(value);
	names = d2i_ESS_SIGNING_CERT_V2(NULL, &p, ASN1_STRING_length(value));
	good = names && OSSL_ESS_check_signing_certs(NULL, names, chain, 1) == 1;
	ESS_SIGNING_CERT_V2_free(names);
	return good;
}

static enum error_code check_signer(CMS_SignerInfo *si, X509_STORE *trust, time_t now, const struct signed_message *m)
{
	enum error_code why, code = ERROR_NONE;
	STACK_OF(X509) *chain = build_chain(trust, m->signer, m->others, now, &why);

	if (!chain)
		code = why;
	else if (!(X509_get_key_usage(m->signer) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		code = ERROR_SIGNER_NOT_TRUSTED;
	else if (!names_signer(si, chain))
		code = ERROR_BAD_SIGNATURE;
	sk_X509_pop_free(chain, X509_free);
	return code;
}

/* ---- the message ---- */

static bool is_strong(CMS_SignerInfo *si)
{
	static const int digests[] = {NID_sha256, NID_sha384, NID_sha512};
	X509_ALGOR *digest = NULL;

	CMS_SignerInfo_get0_algs(si, NULL, NULL, &digest, NULL);
	for (size_t i = 0; digest && i < sizeof digests / sizeof *digests; i++)
		if (OBJ_obj2nid(digest->algorithm) == digests[i])
			return true;
	return false;
}

static bool has_attributes(CMS_SignerInfo *si)
{
	static const int wanted[] = {NID_pkcs9_contentType, NID_pkcs9_messageDigest, NID_pkcs9_signingTime,
				     NID_id_smime_aa_signingCertificateV2};

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (CMS_signed_get_attr_by_NID(si, wanted[i], -1) < 0)
			return false;
	return true;
}

/* One signed message with its content inside, and nothing behind it. NULL: it is none. */
static CMS_ContentInfo *parse(const uint8_t *der, size_t len)
{
	const unsigned char *p = der;
	CMS_ContentInfo *cms = len && len <= SIGNED_MAX ? d2i_CMS_ContentInfo(NULL, &p, (long)len) : NULL;

	if (cms && p == der + len && OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed &&
	    OBJ_obj2nid(CMS_get0_eContentType(cms)) == NID_pkcs7_data && CMS_is_detached(cms) == 0)
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

/* NULL: there is not exactly one, or it is made in a way that is not taken. */
static CMS_SignerInfo *only_signer(CMS_ContentInfo *cms)
{
	STACK_OF(CMS_SignerInfo) *list = CMS_get0_SignerInfos(cms);
	CMS_SignerInfo *si = sk_CMS_SignerInfo_num(list) == 1 ? sk_CMS_SignerInfo_value(list, 0) : NULL;

	return si && is_strong(si) && has_attributes(si) ? si : NULL;
}

static bool take_content(BIO *from, struct signed_message *out)
{
	char *bytes = NULL;
	long len = BIO_get_mem_data(from, &bytes);

	if (len <= 0)
		return false;
	out->content = OPENSSL_memdup(bytes, (size_t)len);
	out->len = (size_t)len;
	return out->content != NULL;
}

static bool take_signer(CMS_SignerInfo *si, struct signed_message *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	int len;
	bool ok;

	CMS_SignerInfo_get0_algs(si, NULL, &out->signer, NULL, NULL);
	if (out->signer)
		X509_up_ref(out->signer);
	len = out->signer ? i2d_X509(out->signer, &der) : -1;
	ok = len > 0 && ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
	     EVP_DigestUpdate(ctx, out->content, out->len) && EVP_DigestUpdate(ctx, der, (size_t)len) &&
	     EVP_DigestFinal_ex(ctx, out->sha256, NULL);
	if (ok)
		signed_who(out->signer, out->who);
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	return ok;
}

static enum error_code check(CMS_ContentInfo *cms, X509_STORE *trust, time_t now, struct signed_message *out)
{
	CMS_SignerInfo *si = only_signer(cms);
	BIO *content = BIO_new(BIO_s_mem());
	enum error_code code = ERROR_BAD_REQUEST;

	out->others = CMS_get1_certs(cms);
	if (si && sk_X509_num(out->others) >= 1 && sk_X509_num(out->others) <= SIGNED_CERTIFICATES_MAX) {
		/* who signed is asked below, as it is for cards, not for mail */
		code = content && CMS_verify(cms, NULL, NULL, NULL, content, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1
			       ? ERROR_NONE
			       : ERROR_BAD_SIGNATURE;
	}
	if (code == ERROR_NONE)
		code = take_content(content, out) && take_signer(si, out) ? ERROR_NONE : ERROR_BAD_REQUEST;
	if (code == ERROR_NONE)
		code = check_signer(si, trust, now, out);
	BIO_free(content);
	return code;
}

enum error_code signed_read(const uint8_t *der, size_t len, X509_STORE *trust, time_t now,
			    struct signed_message *out)
{
	enum error_code code = ERROR_BAD_REQUEST;
	CMS_ContentInfo *cms;

	*out = (struct signed_message){.content = NULL};
	ERR_set_mark();
	cms = parse(der, len);
	if (cms)
		code = check(cms, trust, now, out);
	ERR_pop_to_mark();
	CMS_ContentInfo_free(cms);
	return code;
}

void signed_clear(struct signed_message *m)
{
	OPENSSL_free(m->content);
	X509_free(m->signer);
	sk_X509_pop_free(m->others, X509_free);
	*m = (struct signed_message){.content = NULL};
}
