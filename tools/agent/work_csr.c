/* makeCsr: a request for a certificate with the name and the key of one that is on the card. */
#include "config.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tools/agent/work_card.h"
#include "tools/agent/work_key.h"
#include "tools/agent/work_request.h"
#include "tools/twcard/json_bytes.h"

#define CHALLENGE_MAX 255 /* characters (PKCS#9, ub-pkcs9-challengePassword) */

static bool fill(X509_REQ *request, X509 *x509, const char *challenge)
{
	return X509_REQ_set_version(request, 0) == 1 &&
	       X509_REQ_set_subject_name(request, X509_get_subject_name(x509)) == 1 &&
	       X509_REQ_set_pubkey(request, X509_get0_pubkey(x509)) == 1 &&
	       (!challenge || X509_REQ_add1_attr_by_NID(request, NID_pkcs9_challengePassword, MBSTRING_UTF8,
							(const unsigned char *)challenge, -1) == 1);
}

static bool make(struct work_job *job, const EVP_MD *digest, const char *challenge)
{
	struct work_key key = {.w = job->w, .session = job->card.session};
	X509_REQ *request = X509_REQ_new();
	EVP_PKEY *pkey = NULL;
	unsigned char *der = NULL;
	int len = -1;
	bool good = request && fill(request, job->card.x509, challenge) && work_card_key(job, &key.object);

	if (good)
		pkey = work_key_new(job->card.x509, &key);
	good = pkey && X509_REQ_sign(request, pkey, digest) > 0 && (len = i2d_X509_REQ(request, &der)) > 0;
	if (!good)
		(void)work_fail(job, WORK_SIGN_CARD, key.rv);
	else if (X509_REQ_verify(request, X509_get0_pubkey(job->card.x509)) != 1)
		good = work_fail(job, WORK_SIGN_VERIFY, CKR_OK);
	if (good)
		work_add(job, "csr", json_bytes_new(der, (size_t)len));
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	X509_REQ_free(request);
	ERR_clear_error();
	return good;
}

bool work_make_csr(struct work_job *job)
{
	const char *challenge;
	const EVP_MD *digest = NULL;

	if (!work_digest(job, &digest) || !work_text(job, "challenge", &challenge))
		return false;
	if (challenge && strlen(challenge) > CHALLENGE_MAX)
		return work_fail(job, WORK_PARAMETER_BAD, CKR_OK);
	if (!work_card_open(job, WORK_TO_SIGN, "keyid"))
		return false;
	return job->preview || (work_card_login(job) && make(job, digest, challenge));
}
