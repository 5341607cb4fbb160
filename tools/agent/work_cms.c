#include "config.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "tools/agent/work_cms.h"
#include "tools/agent/work_internal.h"

/* Pages' parsers look for the card's number there; where the nonce belongs is assumed: as SCEP's. */
#define OID_CARD_NUMBER "2.16.886.1.100.2.204"
#define OID_NONCE "2.16.840.1.113733.1.9.5"

static bool add_attribute(CMS_SignerInfo *info, const char *oid, int type, const char *text)
{
	ASN1_OBJECT *object = text ? OBJ_txt2obj(oid, 1) : NULL;
	bool good = !text || (object && CMS_signed_add1_attr_by_OBJ(info, object, type, text, (int)strlen(text)) == 1);

	ASN1_OBJECT_free(object);
	return good;
}

static int card_number_type(const char *number)
{
	return number ? ASN1_PRINTABLE_type((const unsigned char *)number, -1) : V_ASN1_PRINTABLESTRING;
}

/* Without attributes the signature is over the data; with any, OpenSSL adds the signing time. */
static CMS_ContentInfo *build(const struct work_cms *how, BIO *data)
{
	bool attributes = how->with_time || how->card_number || how->nonce;
	unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP | (attributes ? 0 : CMS_NOATTR) |
			 (how->with_cert ? 0 : CMS_NOCERTS);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_BINARY | CMS_PARTIAL);
	CMS_SignerInfo *info = cms ? CMS_add1_signer(cms, how->x509, how->pkey, how->digest, flags) : NULL;

	if (info && add_attribute(info, OID_NONCE, V_ASN1_OCTET_STRING, how->nonce) &&
	    add_attribute(info, OID_CARD_NUMBER, card_number_type(how->card_number), how->card_number) &&
	    CMS_final(cms, data, NULL, CMS_BINARY) == 1)
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

/* The chain is the site's matter; that the key is the certificate's is ours. */
static bool is_good(CMS_ContentInfo *cms, X509 *x509)
{
	STACK_OF(X509) *signers = sk_X509_new_null();
	bool good = signers && sk_X509_push(signers, x509) &&
		    CMS_verify(cms, signers, NULL, NULL, NULL, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1;

	sk_X509_free(signers);
	return good;
}

unsigned work_cms_sign(const struct work_cms *how, const void *data, size_t len, unsigned char **out,
		       size_t *out_len)
{
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	CMS_ContentInfo *cms = bio ? build(how, bio) : NULL;
	int n = cms ? i2d_CMS_ContentInfo(cms, out) : -1;
	unsigned code = !cms ? WORK_SIGN_CARD : n <= 0 ? WORK_SIGN_ENCODE
			: is_good(cms, how->x509) ? WORK_OK : WORK_SIGN_VERIFY;

	*out_len = n > 0 ? (size_t)n : 0;
	if (code != WORK_OK && n > 0) {
		OPENSSL_free(*out);
		*out = NULL;
	}
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	ERR_clear_error();
	return code;
}
