/* DecryptData. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "src/base/utf8.h"
#include "tools/agent/work_card.h"
#include "tools/agent/work_key.h"
#include "tools/agent/work_request.h"
#include "tools/twcard/json_bytes.h"

/*
 * The names that pages give to it were not seen (assumed): those that are
 * known must be true, with any other the bytes say what it is.
 */
enum kind { KIND_BY_BYTES, KIND_RSA, KIND_CMS };

struct decrypt {
	unsigned char *cipher; /* owned */
	size_t cipher_len;
	enum kind kind;
	bool as_base64;
	CMS_ContentInfo *cms; /* owned; NULL: it is bare RSA */
	struct work_key key;
	unsigned char *plain; /* owned */
	size_t plain_len, plain_size;
};

static enum kind kind_of(const char *name)
{
	static const struct {
		const char *name;
		enum kind kind;
	} names[] = {
		{"PKCS7", KIND_CMS}, {"CMS", KIND_CMS}, {"PKCS1", KIND_RSA}, {"RSA", KIND_RSA}, {"RAW", KIND_RSA},
	};

	for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i].name) == 0)
			return names[i].kind;
	return KIND_BY_BYTES;
}

static CMS_ContentInfo *parse(const struct decrypt *d)
{
	const unsigned char *at = d->cipher;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)d->cipher_len);

	ERR_clear_error();
	if (cms && at == d->cipher + d->cipher_len && OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_enveloped)
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

static bool read_request(struct work_job *job, struct decrypt *d)
{
	const char *kind, *encoding;

	if (!work_text(job, "cipherType", &kind) || !work_text(job, "plainEncoding", &encoding) ||
	    !work_base64(job, "cipher", &d->cipher, &d->cipher_len))
		return false;
	if (!d->cipher)
		return work_fail(job, WORK_NO_CIPHER, CKR_OK);
	d->kind = kind_of(kind);
	d->as_base64 = encoding && strcmp(encoding, "base64") == 0;
	if (d->kind != KIND_RSA)
		d->cms = parse(d);
	return d->cms || d->kind != KIND_CMS || work_fail(job, WORK_DECRYPT_DER, CKR_OK);
}

/* Bare RSA has the key's length; anything else is no ciphertext of this key. */
static bool check_length(struct work_job *job, const struct decrypt *d)
{
	return d->cms || d->cipher_len == (size_t)EVP_PKEY_get_size(X509_get0_pubkey(job->card.x509)) ||
	       work_fail(job, d->kind == KIND_RSA ? WORK_DECRYPT_TYPE : WORK_DECRYPT_DER, CKR_OK);
}

/* ---- the work ---- */

static bool decrypt_rsa(struct decrypt *d)
{
	d->plain_len = d->cipher_len;
	d->plain_size = d->cipher_len + 1;
	d->plain = malloc(d->plain_size);
	return d->plain && work_key_decrypt(&d->key, CKM_RSA_PKCS, d->cipher, d->cipher_len, d->plain,
					    &d->plain_len) == CKR_OK;
}

static bool decrypt_cms(struct decrypt *d, X509 *x509)
{
	EVP_PKEY *pkey = work_key_new(x509, &d->key);
	BIO *out = BIO_new(BIO_s_secmem());
	char *bytes = NULL;
	long len;
	bool good = pkey && out && CMS_decrypt(d->cms, pkey, x509, NULL, out, CMS_BINARY) == 1;

	len = good ? BIO_get_mem_data(out, &bytes) : 0;
	if (len > 0) {
		d->plain_len = (size_t)len;
		d->plain_size = d->plain_len + 1;
		d->plain = malloc(d->plain_size);
		good = d->plain != NULL;
		if (good)
			memcpy(d->plain, bytes, d->plain_len);
	}
	BIO_free(out);
	EVP_PKEY_free(pkey);
	return good;
}

/* Whatever is wrong with it has one code, and no second one: a page must learn nothing of the padding. */
static bool decrypt(struct work_job *job, struct decrypt *d)
{
	bool good;

	d->key = (struct work_key){.w = job->w, .session = job->card.session};
	if (!work_card_key(job, &d->key.object))
		return false;
	good = d->cms ? decrypt_cms(d, job->card.x509) : decrypt_rsa(d);
	ERR_clear_error();
	if (!good && d->key.rv == CKR_DEVICE_REMOVED)
		return work_fail(job, WORK_NO_CARD, d->key.rv);
	return good || work_fail(job, WORK_DECRYPT_FAILED, CKR_OK);
}

/* `plain` has room for a NUL. */
static bool is_text(char *plain, size_t len)
{
	const char *at = plain;
	uint32_t c;
	int n;

	plain[len] = '\0';
	while ((n = utf8_next(at, &c)) > 0)
		at += n;
	return n == 0 && at == plain + len;
}

/* What is no text goes out as Base64, and says so. */
static void tell(struct work_job *job, const struct decrypt *d)
{
	char *plain = (char *)d->plain;
	bool text = !d->as_base64 && (!plain || is_text(plain, d->plain_len));

	if (!d->plain_len)
		work_add(job, "plain", json_object_new_string(""));
	else
		work_add(job, "plain", text ? json_object_new_string_len(plain, (int)d->plain_len)
					    : json_bytes_new(d->plain, d->plain_len));
	work_add(job, "plainEncoding", json_object_new_string(text ? "NONE" : "base64"));
}

static bool run(struct work_job *job, struct decrypt *d)
{
	if (!read_request(job, d) || !work_card_open(job, WORK_TO_DECRYPT, "keyidb64") || !check_length(job, d))
		return false;
	if (job->preview)
		return true;
	if (!work_card_login(job) || !decrypt(job, d))
		return false;
	tell(job, d);
	return true;
}

bool work_decrypt(struct work_job *job)
{
	struct decrypt d = {.cipher = NULL};
	bool good = run(job, &d);

	work_bytes_free(d.plain, d.plain_size);
	work_bytes_free(d.cipher, d.cipher_len);
	CMS_ContentInfo_free(d.cms);
	return good;
}
