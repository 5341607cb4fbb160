/* MakeSignature and umakeSig. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tools/agent/work_card.h"
#include "tools/agent/work_cms.h"
#include "tools/agent/work_key.h"
#include "tools/agent/work_request.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"

#define PKCS1_OVERHEAD 11 /* bytes of a block that are not data */

enum form { FORM_PKCS1, FORM_PKCS7, FORM_RAW };

struct sign {
	enum form form;
	const EVP_MD *digest;
	unsigned char *tbs; /* owned */
	size_t tbs_len;
	const char *nonce;
	bool with_time, with_cert, with_number, with_scap, with_key, with_spki;
	struct work_key key;
	unsigned char *signature; /* OPENSSL_free() */
	size_t signature_len;
	unsigned char *scap; /* owned; NULL: there is none */
	size_t scap_len;
};

/* ---- the request ---- */

static bool read_form(struct work_job *job, const char *name, struct sign *s)
{
	static const char *const names[] = {[FORM_PKCS1] = "PKCS1", [FORM_PKCS7] = "PKCS7", [FORM_RAW] = "RAW"};

	for (size_t i = 0; name && i < sizeof names / sizeof *names; i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		s->form = (enum form)i;
		return true;
	}
	return work_fail(job, WORK_SIGN_TYPE, CKR_OK);
}

static bool read_tbs(struct work_job *job, struct sign *s)
{
	const char *encoding;

	if (!work_text(job, "tbsEncoding", &encoding) ||
	    !work_bytes(job, "tbs", encoding && strcmp(encoding, "base64") == 0, &s->tbs, &s->tbs_len))
		return false;
	return s->tbs || work_fail(job, WORK_NO_TBS, CKR_OK);
}

static bool read_request(struct work_job *job, struct sign *s)
{
	const char *form;

	return work_text(job, "signatureType", &form) && read_form(job, form, s) &&
	       work_digest(job, &s->digest) && read_tbs(job, s) &&
	       work_text(job, "nonce", &s->nonce) && work_flag(job, "withSigningTime", false, &s->with_time) &&
	       work_flag(job, "withCert", true, &s->with_cert) &&
	       work_flag(job, "withCardSN", false, &s->with_number) &&
	       work_flag(job, "withSCAP", false, &s->with_scap) &&
	       work_flag(job, "withKey", false, &s->with_key) && work_flag(job, "withSPKI", false, &s->with_spki);
}

/* ---- signatures ---- */

/* The data are what stands in the block: the page has made the DigestInfo. */
static unsigned sign_raw(struct sign *s, EVP_PKEY *public)
{
	size_t size = (size_t)EVP_PKEY_get_size(public);
	unsigned char *block = OPENSSL_malloc(size);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(public, NULL);
	size_t len = size;
	unsigned code = WORK_SIGN_CARD;

	s->signature = OPENSSL_malloc(size);
	s->signature_len = size;
	if (block && ctx && s->signature &&
	    work_key_sign(&s->key, s->tbs, s->tbs_len, s->signature, &s->signature_len) == CKR_OK)
		code = EVP_PKEY_verify_recover_init(ctx) == 1 &&
				       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
				       EVP_PKEY_verify_recover(ctx, block, &len, s->signature, s->signature_len) == 1 &&
				       len == s->tbs_len && memcmp(block, s->tbs, len) == 0
			       ? WORK_OK : WORK_SIGN_VERIFY;
	EVP_PKEY_CTX_free(ctx);
	OPENSSL_free(block);
	return code;
}

static unsigned sign_pkcs1(struct sign *s, EVP_PKEY *pkey, EVP_PKEY *public)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new(), *check = EVP_MD_CTX_new();
	unsigned code = WORK_SIGN_CARD;

	s->signature_len = (size_t)EVP_PKEY_get_size(public);
	s->signature = OPENSSL_malloc(s->signature_len);
	if (md && check && s->signature && EVP_DigestSignInit(md, NULL, s->digest, NULL, pkey) == 1 &&
	    EVP_DigestSign(md, s->signature, &s->signature_len, s->tbs, s->tbs_len) == 1)
		code = EVP_DigestVerifyInit(check, NULL, s->digest, NULL, public) == 1 &&
				       EVP_DigestVerify(check, s->signature, s->signature_len, s->tbs, s->tbs_len) == 1
			       ? WORK_OK : WORK_SIGN_VERIFY;
	EVP_MD_CTX_free(md);
	EVP_MD_CTX_free(check);
	return code;
}

static unsigned sign_pkcs7(struct work_job *job, struct sign *s, EVP_PKEY *pkey)
{
	const struct work_cms how = {
		.pkey = pkey, .x509 = job->card.x509, .digest = s->digest, .with_cert = s->with_cert,
		.with_time = s->with_time, .card_number = s->with_number ? job->card.serial : NULL,
		.nonce = s->nonce,
	};

	return work_cms_sign(&how, s->tbs, s->tbs_len, &s->signature, &s->signature_len);
}

static bool make_signature(struct work_job *job, struct sign *s)
{
	EVP_PKEY *public = X509_get0_pubkey(job->card.x509), *pkey;
	unsigned code;

	s->key = (struct work_key){.w = job->w, .session = job->card.session};
	if (!work_card_key(job, &s->key.object))
		return false;
	pkey = work_key_new(job->card.x509, &s->key);
	code = !pkey ? WORK_FAILED : s->form == FORM_RAW ? sign_raw(s, public)
	       : s->form == FORM_PKCS1 ? sign_pkcs1(s, pkey, public) : sign_pkcs7(job, s, pkey);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return code == WORK_OK || work_fail(job, code, s->key.rv);
}

/* ---- the attached card's authorization ---- */

/* The one with the number of authorizations, else the first. What cannot be read is as if it were not there. */
static void read_scap(struct work_job *job, struct sign *s)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509_ATTR_CERT;
	char label[] = "SNO 1";
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_CERTIFICATE_TYPE, &type, sizeof type},
				   {CKA_LABEL, label, sizeof label - 1}};
	CK_OBJECT_HANDLE found[WORK_OBJECTS_MAX];
	CK_ULONG count;

	(void)work_find(job->w, job->card.session, template, 3, found, &count);
	if (!count)
		(void)work_find(job->w, job->card.session, template, 2, found, &count);
	if (count)
		(void)work_value(job->w, job->card.session, found[0], CKA_VALUE, &s->scap, &s->scap_len);
}

/* ---- answers ---- */

/* What the options withSPKI and withKey add is assumed: SubjectPublicKeyInfo, and the bare RSAPublicKey. */
static struct json_object *public_key_json(X509 *x509, bool bare)
{
	EVP_PKEY *public = X509_get0_pubkey(x509);
	unsigned char *der = NULL;
	int len = bare ? i2d_PublicKey(public, &der) : i2d_PUBKEY(public, &der);
	struct json_object *value = len > 0 ? json_bytes_new(der, (size_t)len) : NULL;

	OPENSSL_free(der);
	return value;
}

static void tell(struct work_job *job, const struct sign *s)
{
	work_add(job, "signature", json_bytes_new(s->signature, s->signature_len));
	work_add(job, "certb64", json_bytes_from_x509(job->card.x509));
	work_add(job, "cardSN", message_json_text(job->card.serial));
	if (s->with_scap)
		work_add(job, "SCAP", s->scap ? json_bytes_new(s->scap, s->scap_len) : NULL);
	if (s->with_spki)
		work_add(job, "spkib64", public_key_json(job->card.x509, false));
	if (s->with_key)
		work_add(job, "keyb64", public_key_json(job->card.x509, true));
}

/* False for RAW data that no block of the key can hold: nothing is sent for them. */
static bool has_room(struct work_job *job, const struct sign *s)
{
	size_t size = (size_t)EVP_PKEY_get_size(X509_get0_pubkey(job->card.x509));

	return s->form != FORM_RAW || s->tbs_len + PKCS1_OVERHEAD <= size ||
	       work_fail(job, WORK_SIGN_CONTENT, CKR_OK);
}

static bool sign(struct work_job *job, struct sign *s)
{
	if (!work_card_open(job, WORK_TO_SIGN, "keyidb64") || !work_card_check_dates(job) || !has_room(job, s))
		return false;
	if (job->preview)
		return true;
	if (!work_card_login(job) || !make_signature(job, s))
		return false;
	if (s->with_scap)
		read_scap(job, s);
	tell(job, s);
	return true;
}

static void clear(struct sign *s)
{
	work_bytes_free(s->tbs, s->tbs_len);
	OPENSSL_free(s->signature);
	free(s->scap);
}

bool work_sign(struct work_job *job)
{
	struct sign s = {.tbs = NULL};
	bool good = read_request(job, &s) && sign(job, &s);

	clear(&s);
	return good;
}

/* ---- umakeSig: the same, with codes of its own and its result one level deeper ---- */

static bool has_members(struct work_job *job)
{
	static const struct {
		const char *key;
		uint32_t code;
	} needed[] = {
		{"signatureType", 0x77301033}, {"hashAlgorithm", 0x77301034}, {"tbs", 0x77301035},
	};
	const char *text;

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
		if (!work_text(job, needed[i].key, &text))
			return false;
		if (!text)
			return work_fail(job, needed[i].code, CKR_OK);
	}
	return true;
}

/*
 * How a page protects the PIN is not known, so it is never the page's that is
 * used: the user types it.
 */
bool work_umakesig(struct work_job *job)
{
	struct json_object *data;

	if (!has_members(job) || !work_sign(job))
		return false;
	if (job->preview)
		return true;
	data = job->answer;
	job->answer = json_object_new_object();
	if (!job->answer) {
		json_object_put(data);
		return work_fail(job, WORK_FAILED, CKR_HOST_MEMORY);
	}
	work_add(job, "data", data);
	return true;
}
