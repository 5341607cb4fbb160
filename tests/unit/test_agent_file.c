/* The card manager's own work with cards: a signature beside a file that is here by its digest, and authorizations. */
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "agentbench.h"

#define DATA "臺北 a file"

/* Base64 of the digest of DATA; valid until the next call of agent_base64(). */
static const char *digest_of(const char *name)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	assert_int_equal(EVP_Digest(DATA, strlen(DATA), digest, &len, EVP_get_digestbyname(name), NULL), 1);
	return agent_base64(digest, len);
}

/* The answer's signature is good beside these data, by the card's certificate, and names it. */
static bool is_good(const char *data)
{
	X509 *x509 = vcard_certificate(bench.card, VCARD_CERT_SIGN);
	STACK_OF(X509) *signers = sk_X509_new_null();
	BIO *in = BIO_new_mem_buf(data, -1);
	size_t len;
	const unsigned char *der = agent_bytes("signature", &len);
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &der, (long)len);
	CMS_SignerInfo *info;
	bool good;

	assert_non_null(cms);
	assert_true(CMS_is_detached(cms));
	sk_X509_push(signers, x509);
	info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	assert_true(CMS_signed_get_attr_by_NID(info, NID_id_smime_aa_signingCertificateV2, -1) >= 0);
	assert_true(CMS_signed_get_attr_by_NID(info, NID_pkcs9_signingTime, -1) >= 0);
	good = CMS_verify(cms, signers, NULL, in, NULL, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY | CMS_DETACHED) == 1;
	sk_X509_pop_free(signers, X509_free);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return good;
}

static void a_file_is_signed_by_its_digest(void **state)
{
	static const char *const names[] = {"SHA256", "SHA384", "SHA512"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_int_equal(agent_ask(WORK_SIGN_FILE, PIN, "{\"digest\":\"%s\",\"hashAlgorithm\":\"%s\"}",
					   digest_of(names[i]), names[i]), WORK_OK);
		assert_true(is_good(DATA));
		assert_false(is_good(DATA "!"));
		assert_string_equal(agent_text("cardSN"), agent_card_number());
		assert_int_equal(agent_answer.pin, WORK_PIN_RIGHT);
		agent_assert_idle((unsigned)i + 1);
	}
}

/* Nothing of it reaches the card. */
static void what_is_no_digest_is_refused(void **state)
{
	static const struct {
		const char *request;
		uint32_t code;
	} wrong[] = {
		{"{}", WORK_NO_TBS},
		{"{\"digest\":\"\"}", WORK_NO_TBS},
		{"{\"digest\":\"AAAA\",\"hashAlgorithm\":\"SHA256\"}", WORK_NO_TBS},
		{"{\"digest\":\"*\"}", 0x76600002},
		{"{\"digest\":5}", WORK_PARAMETER_BAD},
		{"{\"digest\":\"AAAA\",\"hashAlgorithm\":\"MD5\"}", WORK_PARAMETER_BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(agent_ask(WORK_SIGN_FILE, PIN, "%s", wrong[i].request), wrong[i].code);
		assert_int_equal(agent_answer.pin, WORK_PIN_NOT_TRIED);
		assert_false(agent_has("signature"));
	}
	agent_assert_idle(0);
}

static void a_wrong_pin_signs_no_file(void **state)
{
	(void)state;
	assert_int_equal(agent_ask(WORK_SIGN_FILE, WRONG_PIN, "{\"digest\":\"%s\"}", digest_of("SHA256")), WORK_LOGIN);
	assert_int_equal(agent_answer.pin, WORK_PIN_WRONG);
	assert_false(agent_has("signature"));
	agent_assert_idle(1);
	assert_int_equal(agent_ask(WORK_SIGN_FILE, NULL, "{\"digest\":\"%s\"}", digest_of("SHA256")), WORK_NO_PIN);
	agent_assert_idle(1);
}

/* The bench's card is no attached one. */
static void a_card_without_authorizations_says_so(void **state)
{
	(void)state;
	assert_int_equal(agent_ask(WORK_AUTHZ, PIN, "{}"), WORK_OK);
	assert_true(agent_has("certificates"));
	assert_true(agent_has("holder"));
	agent_assert_idle(1);
	assert_int_equal(agent_ask(WORK_AUTHZ, NULL, "{}"), WORK_NO_PIN);
	assert_false(agent_has("certificates"));
	agent_assert_idle(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AGENT_TESTS(a_file_is_signed_by_its_digest),
		AGENT_TESTS(what_is_no_digest_is_refused),
		AGENT_TESTS(a_wrong_pin_signs_no_file),
		AGENT_TESTS(a_card_without_authorizations_says_so),
	};

	return cmocka_run_group_tests_name("the agent signs files", tests, NULL, NULL);
}
