/*
 * A signature beside a file, as 'twcard sign' makes it (CAdES-BES): the file
 * itself was read by who asks, and is here by its digest.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tools/agent/work_card.h"
#include "tools/agent/work_key.h"
#include "tools/agent/work_request.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"
#include "tools/twcard/sign_cms.h"

/* The card's CAs, for the chain. What cannot be read is as if it were not there. NULL: out of memory. */
static STACK_OF(X509) *authorities(struct work_job *job)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_CERTIFICATE_TYPE, &type, sizeof type}};
	STACK_OF(X509) *list = sk_X509_new_null();
	CK_OBJECT_HANDLE found[WORK_OBJECTS_MAX];
	CK_ULONG count = 0;

	if (list)
		(void)work_find(job->w, job->card.session, template, 2, found, &count);
	for (CK_ULONG i = 0; i < count; i++) {
		unsigned char *der = NULL;
		const unsigned char *at;
		size_t len = 0;
		X509 *x509;

		(void)work_value(job->w, job->card.session, found[i], CKA_VALUE, &der, &len);
		at = der;
		x509 = der ? d2i_X509(NULL, &at, (long)len) : NULL;
		if (!x509 || !X509_check_ca(x509) || sk_X509_push(list, x509) <= 0)
			X509_free(x509);
		free(der);
	}
	ERR_clear_error();
	return list;
}

/* What OpenSSL adds itself where it has the data. */
static bool add_digest(CMS_SignerInfo *info, const unsigned char *digest, size_t len)
{
	return CMS_signed_add1_attr_by_NID(info, NID_pkcs9_contentType, V_ASN1_OBJECT, OBJ_nid2obj(NID_pkcs7_data),
					   -1) == 1 &&
	       CMS_signed_add1_attr_by_NID(info, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, digest, (int)len) == 1;
}

static CMS_SignerInfo *only_signer(CMS_ContentInfo *cms)
{
	return cms ? sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0) : NULL;
}

/* What came out of the card is checked as anybody would. */
static bool is_good(const unsigned char *der, int len, X509 *x509)
{
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &der, len);
	CMS_SignerInfo *info = only_signer(cms);
	bool good = false;

	if (info) {
		CMS_SignerInfo_set1_signer_cert(info, x509);
		good = CMS_SignerInfo_verify(info) == 1;
	}
	CMS_ContentInfo_free(cms);
	return good;
}

static unsigned make(const struct sign_cms_signer *by, const unsigned char *digest, size_t digest_len,
		     struct json_object **out)
{
	CMS_ContentInfo *cms = sign_cms_new(by, CMS_DETACHED | CMS_NOSMIMECAP);
	CMS_SignerInfo *info = only_signer(cms);
	unsigned char *der = NULL;
	unsigned code = WORK_SIGN_CARD;
	int len = -1;

	if (info && add_digest(info, digest, digest_len) && CMS_SignerInfo_sign(info) == 1) {
		len = i2d_CMS_ContentInfo(cms, &der);
		code = len <= 0 ? WORK_SIGN_ENCODE : is_good(der, len, by->x509) ? WORK_OK : WORK_SIGN_VERIFY;
	}
	*out = code == WORK_OK ? json_bytes_new(der, (size_t)len) : NULL;
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	return code;
}

static bool sign(struct work_job *job, const EVP_MD *md, const unsigned char *digest, size_t len)
{
	struct work_key key = {.w = job->w, .session = job->card.session};
	struct sign_cms_signer by = {.x509 = job->card.x509, .digest = md};
	struct json_object *signature = NULL;
	unsigned code = WORK_FAILED;

	by.others = authorities(job); /* what is read before the login holds up none */
	if (!work_card_login(job) || !work_card_key(job, &key.object)) {
		sk_X509_pop_free(by.others, X509_free);
		return false;
	}
	by.pkey = by.others ? work_key_new(job->card.x509, &key) : NULL;
	if (by.pkey)
		code = make(&by, digest, len, &signature);
	EVP_PKEY_free(by.pkey);
	sk_X509_pop_free(by.others, X509_free);
	ERR_clear_error();
	if (code != WORK_OK)
		return work_fail(job, code, key.rv);
	work_add(job, "signature", signature);
	work_add(job, "certb64", json_bytes_from_x509(job->card.x509));
	work_add(job, "cardSN", message_json_text(job->card.serial));
	return true;
}

bool work_sign_file(struct work_job *job)
{
	unsigned char *digest = NULL;
	const EVP_MD *md;
	size_t len = 0;
	bool good;

	if (!work_digest(job, &md) || !work_base64(job, "digest", &digest, &len))
		return false;
	good = (digest && len == (size_t)EVP_MD_get_size(md)) || work_fail(job, WORK_NO_TBS, CKR_OK);
	good = good && work_card_open(job, WORK_TO_SIGN, "keyidb64") && work_card_check_dates(job);
	if (good && !job->preview)
		good = sign(job, md, digest, len);
	work_bytes_free(digest, len);
	return good;
}
