/* MakeSignature and umakeSig: every kind on both generations, verified by OpenSSL, and what is refused. */
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "agentbench.h"

#define TEXT "臺北 text to be signed"
#define SIGN(pin, ...) agent_ask(WORK_SIGN, pin, __VA_ARGS__)

static const char *const hashes[] = {"SHA1", "SHA256", "SHA384", "SHA512"};

static bool is_good(EVP_PKEY *key, const char *hash, const void *data, size_t len, const unsigned char *sig,
		    size_t sig_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = EVP_DigestVerifyInit(ctx, NULL, EVP_get_digestbyname(hash), NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, sig, sig_len, data, len) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

/* The answer's signature, by the bench's signature key. */
static void assert_signature(const char *hash, const void *data, size_t len)
{
	EVP_PKEY *key = vcard_public_key(bench.card, KEY_SIGN);
	size_t sig_len;
	const unsigned char *sig = agent_bytes("signature", &sig_len);

	assert_int_equal(sig_len, 256);
	assert_true(is_good(key, hash, data, len, sig, sig_len));
	EVP_PKEY_free(key);
}

static CMS_ContentInfo *answer_cms(void)
{
	size_t len;
	const unsigned char *der = agent_bytes("signature", &len);
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &der, (long)len);

	assert_non_null(cms);
	return cms;
}

/* It is good, by the card's certificate, and has the data inside. */
static void assert_cms(CMS_ContentInfo *cms, const char *data)
{
	X509 *x509 = vcard_certificate(bench.card, VCARD_CERT_SIGN);
	STACK_OF(X509) *signers = sk_X509_new_null();
	BIO *out = BIO_new(BIO_s_mem());
	char *content;
	long len;

	sk_X509_push(signers, x509);
	assert_int_equal(CMS_verify(cms, signers, NULL, NULL, out, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY), 1);
	len = BIO_get_mem_data(out, &content);
	assert_int_equal(len, strlen(data));
	assert_memory_equal(content, data, (size_t)len);
	BIO_free(out);
	sk_X509_free(signers);
	X509_free(x509);
}

static CMS_SignerInfo *signer_of(CMS_ContentInfo *cms)
{
	STACK_OF(CMS_SignerInfo) *list = CMS_get0_SignerInfos(cms);

	assert_int_equal(sk_CMS_SignerInfo_num(list), 1);
	return sk_CMS_SignerInfo_value(list, 0);
}

/* The one value of a signed attribute; NULL: it is not there. */
static const ASN1_STRING *attribute(CMS_SignerInfo *info, const char *oid, int type)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	const ASN1_STRING *value = CMS_signed_get0_data_by_OBJ(info, object, -3, type);

	ASN1_OBJECT_free(object);
	return value;
}

static void assert_string(const ASN1_STRING *value, const char *text)
{
	assert_non_null(value);
	assert_int_equal(ASN1_STRING_length(value), strlen(text));
	assert_memory_equal(ASN1_STRING_get0_data(value), text, strlen(text));
}

/* ---- what works ---- */

static void pkcs1_signatures_are_good_with_every_hash(void **state)
{
	X509 *x509 = vcard_certificate(bench.card, VCARD_CERT_SIGN);
	unsigned char *der = NULL;
	int der_len = i2d_X509(x509, &der);
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(hashes); i++) {
		assert_int_equal(SIGN(PIN, "{\"tbs\":\"" TEXT "\",\"tbsEncoding\":\"NONE\",\"hashAlgorithm\":\"%s\","
					   "\"signatureType\":\"PKCS1\"}", hashes[i]), WORK_OK);
		assert_signature(hashes[i], TEXT, strlen(TEXT));
		assert_string_equal(agent_text("func"), "sign");
		assert_int_equal(agent_number("last_error"), 0);
		assert_string_equal(agent_text("cardSN"), agent_card_number());
		assert_string_equal(agent_text("version"), WORK_SERVER_VERSION);
		assert_memory_equal(agent_bytes("certb64", &len), der, (size_t)der_len);
		assert_false(agent_has("SCAP"));
		assert_int_equal(agent_answer.pin, WORK_PIN_RIGHT);
		agent_assert_idle((unsigned)i + 1);
	}
	OPENSSL_free(der);
	X509_free(x509);
}

static void base64_is_decoded_and_mended(void **state)
{
	static const unsigned char data[] = {0xFB, 0xEF, 0xBE, 0x00, 0xFF, 0xFE};
	static const char *const spelled[] = {"++++AP/+", "    AP/ ", "%2B+++AP%2F%2b", "++++\\r\\nAP/+"};
	static const char *const short_ones[] = {"AQ==", "AQ", "AQ%3D%3D"};

	(void)state;
	for (size_t i = 0; i < COUNT(spelled); i++) {
		assert_int_equal(SIGN(PIN, "{\"tbs\":\"%s\",\"tbsEncoding\":\"base64\",\"hashAlgorithm\":\"SHA256\","
					   "\"signatureType\":\"PKCS1\"}", spelled[i]), WORK_OK);
		assert_signature("SHA256", data, sizeof data);
	}
	for (size_t i = 0; i < COUNT(short_ones); i++) {
		assert_int_equal(SIGN(PIN, "{\"tbs\":\"%s\",\"tbsEncoding\":\"base64\",\"signatureType\":\"PKCS1\"}",
				      short_ones[i]), WORK_OK);
		assert_signature("SHA256", "\x01", 1);
	}
	/* anything but that word is no encoding */
	assert_int_equal(SIGN(PIN, "{\"tbs\":\"AQ==\",\"tbsEncoding\":\"\",\"signatureType\":\"PKCS1\"}"), WORK_OK);
	assert_signature("SHA256", "AQ==", 4);
	assert_int_equal(SIGN(PIN, "{\"tbs\":\"a\\u0000b\",\"signatureType\":\"PKCS1\"}"), WORK_OK);
	assert_signature("SHA256", "a\0b", 3);
}

static void raw_signatures_have_what_the_page_gave(void **state)
{
	static const unsigned char header[] = {0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
					       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
	unsigned char info[sizeof header + 32];
	unsigned char full[245] = {1, 2, 3};

	(void)state;
	memcpy(info, header, sizeof header);
	assert_int_equal(EVP_Digest(TEXT, strlen(TEXT), info + sizeof header, NULL, EVP_sha256(), NULL), 1);
	assert_int_equal(SIGN(PIN, "{\"tbs\":\"%s\",\"tbsEncoding\":\"base64\",\"signatureType\":\"RAW\"}",
			      agent_base64(info, sizeof info)), WORK_OK);
	assert_signature("SHA256", TEXT, strlen(TEXT));
	assert_int_equal(SIGN(PIN, "{\"tbs\":\"%s\",\"tbsEncoding\":\"base64\",\"signatureType\":\"RAW\"}",
			      agent_base64(full, sizeof full)), WORK_OK);
	agent_assert_idle(2);
}

static void pkcs7_has_the_data_and_no_attributes_unless_asked(void **state)
{
	CMS_ContentInfo *cms;
	STACK_OF(X509) *certs;

	(void)state;
	for (size_t i = 0; i < COUNT(hashes); i++) {
		assert_int_equal(SIGN(PIN, "{\"tbs\":\"" TEXT "\",\"hashAlgorithm\":\"%s\",\"signatureType\":\"PKCS7\"}",
				      hashes[i]), WORK_OK);
		cms = answer_cms();
		assert_cms(cms, TEXT);
		assert_int_equal(CMS_signed_get_attr_count(signer_of(cms)), -1);
		certs = CMS_get1_certs(cms);
		assert_int_equal(sk_X509_num(certs), 1);
		sk_X509_pop_free(certs, X509_free);
		CMS_ContentInfo_free(cms);
	}
}

static void pkcs7_has_what_is_asked_for(void **state)
{
	CMS_ContentInfo *cms;
	CMS_SignerInfo *info;

	(void)state;
	assert_int_equal(SIGN(PIN, "{\"tbs\":\"" TEXT "\",\"hashAlgorithm\":\"SHA256\",\"signatureType\":\"PKCS7\","
				   "\"nonce\":\"n-1\",\"withCardSN\":\"true\",\"withSigningTime\":\"true\","
				   "\"withCert\":\"false\",\"withSPKI\":\"true\",\"withKey\":\"true\"}"), WORK_OK);
	cms = answer_cms();
	assert_cms(cms, TEXT);
	info = signer_of(cms);
	assert_string(attribute(info, "2.16.886.1.100.2.204", V_ASN1_PRINTABLESTRING), agent_card_number());
	assert_string(attribute(info, "2.16.840.1.113733.1.9.5", V_ASN1_OCTET_STRING), "n-1");
	assert_true(CMS_signed_get_attr_by_NID(info, NID_pkcs9_signingTime, -1) >= 0);
	assert_null(CMS_get1_certs(cms));
	assert_true(agent_has("spkib64") && agent_has("keyb64"));
	CMS_ContentInfo_free(cms);
	/* what is not there is absent, and so is its stand-in */
	assert_int_equal(SIGN(PIN, "{\"tbs\":\"" TEXT "\",\"hashAlgorithm\":\"SHA256\",\"signatureType\":\"PKCS7\","
				   "\"nonce\":\"__NotExistedTag__\",\"withCardSN\":\"__NotExistedTag__\","
				   "\"withSigningTime\":\"\",\"keyidb64\":\"__NotExistedTag__\","
				   "\"checkValidity\":\"__NotExistedTag__\",\"withSCAP\":null,\"mrz\":7}"), WORK_OK);
	cms = answer_cms();
	assert_int_equal(CMS_signed_get_attr_count(signer_of(cms)), -1);
	CMS_ContentInfo_free(cms);
}

static void the_key_that_is_named_signs(void **state)
{
	struct json_object *certs;
	char id[100] = "";

	(void)state;
	assert_int_equal(agent_ask(WORK_INFO_CERTS, NULL, "{}"), WORK_OK);
	certs = json_object_object_get(json_object_object_get(agent_slot(0), "token"), "certs");
	for (size_t i = 0; i < json_object_array_length(certs); i++) {
		struct json_object *one = json_object_array_get_idx(certs, i);
		struct json_object *usage = json_object_object_get(one, "usage");

		if (usage && strcmp(json_object_get_string(usage), "digitalSignature") == 0)
			snprintf(id, sizeof id, "%s", json_object_get_string(json_object_object_get(one, "id")));
	}
	assert_true(*id);
	assert_int_equal(SIGN(PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"keyidb64\":\"%s\","
				   "\"slotDescription\":\"" READER "\"}", id), WORK_OK);
	assert_signature("SHA256", "x", 1);
	assert_int_equal(SIGN(PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"keyidb64\":\"%s\"}",
			      agent_base64("nobody", 6)), 0x7610000C);
	agent_assert_idle(1);
}

static void umakesig_puts_its_result_one_level_deeper(void **state)
{
	struct json_object *data;

	(void)state;
	assert_int_equal(agent_ask(WORK_UMAKESIG, PIN, "{\"tbs\":\"" TEXT "\",\"hashAlgorithm\":\"SHA256\","
						       "\"signatureType\":\"PKCS1\"}"), WORK_OK);
	assert_string_equal(agent_text("func"), "umakeSig");
	data = json_object_get(json_object_object_get(agent_answer.json, "data"));
	assert_string_equal(json_object_get_string(json_object_object_get(data, "cardSN")), agent_card_number());
	json_object_put(agent_answer.json);
	agent_answer.json = data;
	assert_signature("SHA256", TEXT, strlen(TEXT));
	assert_int_equal(agent_ask(WORK_UMAKESIG, PIN, "{\"tbs\":\"x\",\"hashAlgorithm\":\"SHA256\"}"), 0x77301033);
	assert_int_equal(agent_ask(WORK_UMAKESIG, PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\"}"), 0x77301034);
	assert_int_equal(agent_ask(WORK_UMAKESIG, PIN, "{\"hashAlgorithm\":\"SHA1\",\"signatureType\":\"PKCS1\"}"),
			 0x77301035);
	agent_assert_idle(1);
}

/* ---- what is refused, without a word to the card ---- */

static void wrong_requests_cost_nothing(void **state)
{
	static const struct {
		const char *request;
		uint32_t code;
	} wrong[] = {
		{"[]", WORK_JSON_BAD},
		{"\"text\"", WORK_JSON_BAD},
		{"{}", 0x76300002},
		{"{\"tbs\":\"x\"}", 0x76300002},
		{"{\"tbs\":\"x\",\"signatureType\":\"pkcs1\"}", 0x76300002},
		{"{\"tbs\":\"x\",\"signatureType\":1}", WORK_PARAMETER_BAD},
		{"{\"tbs\":\"x\",\"signatureType\":{\"a\":\"PKCS1\"}}", WORK_PARAMETER_BAD},
		{"{\"signatureType\":\"PKCS1\"}", WORK_NO_TBS},
		{"{\"tbs\":\"\",\"signatureType\":\"PKCS1\"}", WORK_NO_TBS},
		{"{\"tbs\":null,\"signatureType\":\"PKCS1\"}", WORK_NO_TBS},
		{"{\"tbs\":7,\"signatureType\":\"PKCS1\"}", WORK_PARAMETER_BAD},
		{"{\"tbs\":[\"x\"],\"signatureType\":\"PKCS1\"}", WORK_PARAMETER_BAD},
		{"{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"hashAlgorithm\":\"MD5\"}", WORK_PARAMETER_BAD},
		{"{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"hashAlgorithm\":\"SHA256\\u0000\"}", WORK_PARAMETER_BAD},
		{"{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"nonce\":5}", WORK_PARAMETER_BAD},
		{"{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"withSCAP\":1}", WORK_PARAMETER_BAD},
		{"{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"slotDescription\":false}", WORK_PARAMETER_BAD},
		{"{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"checkValidity\":[]}", WORK_PARAMETER_BAD},
		{"{\"tbs\":\"A\",\"tbsEncoding\":\"base64\",\"signatureType\":\"PKCS1\"}", 0x76600002},
		{"{\"tbs\":\"A===\",\"tbsEncoding\":\"base64\",\"signatureType\":\"PKCS1\"}", 0x76600002},
		{"{\"tbs\":\"AA=A\",\"tbsEncoding\":\"base64\",\"signatureType\":\"PKCS1\"}", 0x76600002},
		{"{\"tbs\":\"AAAAA=\",\"tbsEncoding\":\"base64\",\"signatureType\":\"PKCS1\"}", 0x76600002},
		{"{\"tbs\":\"臺北臺北\",\"tbsEncoding\":\"base64\",\"signatureType\":\"PKCS1\"}", 0x76600002},
		{"{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"keyidb64\":\"*\"}", 0x76600002},
		{"{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"slotDescription\":\"no such reader\"}", 0x76100003},
	};
	unsigned char long_one[246] = {1};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_int_equal(agent_ask(WORK_SIGN, PIN, "%s", wrong[i].request), wrong[i].code);
		assert_int_equal(agent_answer.pin, WORK_PIN_NOT_TRIED);
		assert_false(agent_has("signature"));
		assert_true(*agent_text("message"));
		assert_string_equal(agent_text("func"), "sign");
	}
	assert_int_equal(SIGN(PIN, "{\"tbs\":\"%s\",\"tbsEncoding\":\"base64\",\"signatureType\":\"RAW\"}",
			      agent_base64(long_one, sizeof long_one)), 0x76300003);
	assert_int_equal(agent_ask_consent(WORK_SIGN, NULL, NULL), 0x76300002);
	agent_assert_idle(0);
}

/* ---- all ---- */

int main(void)
{
	const struct CMUnitTest tests[] = {
		AGENT_TESTS(pkcs1_signatures_are_good_with_every_hash),
		AGENT_TESTS(base64_is_decoded_and_mended),
		AGENT_TESTS(raw_signatures_have_what_the_page_gave),
		AGENT_TESTS(pkcs7_has_the_data_and_no_attributes_unless_asked),
		AGENT_TESTS(pkcs7_has_what_is_asked_for),
		AGENT_TESTS(the_key_that_is_named_signs),
		AGENT_TESTS(umakesig_puts_its_result_one_level_deeper),
		AGENT_TESTS(wrong_requests_cost_nothing),
	};

	return cmocka_run_group_tests_name("the agent signs", tests, NULL, NULL);
}
