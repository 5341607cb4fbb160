/* What the agent says of readers and cards, and what it does beside signing: decrypt, CSR, card management. */
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "agentbench.h"
#include "forge.h"
#include "records.h"
#include "rsamech.h"

#define PLAIN "臺北 secret"
#define DECRYPT(...) agent_ask(WORK_DECRYPT, PIN, __VA_ARGS__)

static const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value = json_object_object_get(object, key);

	if (!json_object_is_type(value, json_type_string))
		fail_msg("no %s in %s", key, json_object_to_json_string(object));
	return json_object_get_string(value);
}

/* ---- pkcs11info ---- */

static void readers_and_cards_have_the_shape_that_pages_read(void **state)
{
	struct json_object *slot, *token;

	(void)state;
	assert_int_equal(agent_ask(WORK_INFO, NULL, "{}"), WORK_OK);
	assert_string_equal(agent_text("func"), "pkcs11info");
	assert_string_equal(agent_text("serverVersion"), WORK_SERVER_VERSION);
	/* the lowest versions that pages take, compared as they do it */
	assert_true(strcmp(agent_text("serverVersion"), "1.3.4.103328") > 0);
	assert_true(strcmp(agent_text("serverVersion"), "1.3.4.3") > 0);
	assert_true(strcmp(agent_text("serverVersion"), "1.3.4.13") > 0);
	assert_int_equal(agent_number("last_error"), 0);
	assert_true(agent_has("cryptokiVersion") && agent_has("libraryVersion"));
	slot = agent_slot(0);
	token = json_object_object_get(slot, "token");
	assert_string_equal(text_of(slot, "slotDescription"), READER);
	assert_true(json_object_is_type(json_object_object_get(slot, "slotID"), json_type_int));
	assert_string_equal(text_of(token, "serialNumber"), agent_card_number());
	assert_true(*text_of(token, "label") && *text_of(token, "model") && *text_of(token, "manufacturerID"));
	assert_null(json_object_object_get(token, "certs"));
	/* no command for the second look, and none for the third */
	assert_int_equal(agent_ask(WORK_INFO_CERTS, NULL, "{}"), WORK_OK);
	fake_new_commands(READER);
	assert_int_equal(agent_ask(WORK_INFO, NULL, "{}"), WORK_OK);
	assert_int_equal(agent_ask(WORK_INFO_CERTS, NULL, "{}"), WORK_OK);
	assert_int_equal(fake_new_commands(READER), 0);
	agent_assert_idle(0);
}

static void certificates_have_what_pages_compare(void **state)
{
	struct json_object *token, *certs, *one = NULL;
	X509 *x509 = vcard_certificate(bench.card, VCARD_CERT_SIGN);
	const char *dn;

	(void)state;
	assert_int_equal(agent_ask(WORK_INFO, NULL, "{\"slotDescription\":\"" READER "\",\"withCert\":\"true\"}"), WORK_OK);
	token = json_object_object_get(agent_slot(0), "token");
	certs = json_object_object_get(token, "certs");
	assert_int_equal(json_object_array_length(certs), 4);
	for (size_t i = 0; i < 4; i++)
		if (strcmp(text_of(json_object_array_get_idx(certs, i), "label"), "cert1") == 0)
			one = json_object_array_get_idx(certs, i);
	assert_non_null(one);
	assert_string_equal(text_of(one, "usage"), "digitalSignature");
	dn = text_of(one, "subjectDN");
	assert_memory_equal(dn, "C=TW,", 5);
	assert_non_null(strstr(dn, ",CN="));
	assert_non_null(strstr(dn, ",serialNumber="));
	assert_true(strrchr(dn, '=') > strstr(dn, ",serialNumber="));
	assert_memory_equal(text_of(one, "issuerDN"), "C=TW,O=", 7);
	assert_string_equal(text_of(one, "subjectCN"), vcard_holder(bench.card));
	assert_int_equal(strlen(text_of(one, "subjectID")), 4);
	assert_int_equal(strlen(text_of(one, "thumbprint")), 40);
	assert_string_equal(text_of(one, "signatureAlgorithm"), "sha256WithRSAEncryption");
	assert_int_equal(ASN1_STRING_length(X509_get0_notAfter(x509)), 13);
	assert_string_equal(text_of(one, "notAfter"), (const char *)ASN1_STRING_get0_data(X509_get0_notAfter(x509)));
	assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(x509),
					      json_object_get_int64(json_object_object_get(one, "notAfterT"))), 0);
	assert_true(*text_of(one, "certb64") && *text_of(one, "id") && *text_of(one, "sn"));
	assert_true(json_object_array_length(json_object_object_get(token, "keys")) >= 2);
	assert_int_equal(agent_ask(WORK_INFO, NULL, "{\"slotDescription\":\"another\"}"), WORK_OK);
	assert_int_equal(json_object_array_length(json_object_object_get(agent_answer.json, "slots")), 0);
	assert_int_equal(agent_ask(WORK_INFO, NULL, "{\"slotDescription\":{}}"), WORK_PARAMETER_BAD);
	X509_free(x509);
}

/* As on a card that somebody made to break programs. */
static void a_key_of_an_unknown_kind_is_no_key(void **state)
{
	static const char rsa[] = "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05", other[] = "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x7F\x05";
	const char *path = vcard_generation(bench.card) == 1 ? "3F00/5030/08F2" : "7FFF/5030/08F2";
	struct json_object *certs;

	(void)state;
	fake_eject(READER);
	assert_true(forge_bytes(bench.card, path, rsa, other, sizeof rsa - 1) > 0);
	fake_insert(READER, bench.card);
	assert_int_equal(agent_ask(WORK_INFO_CERTS, NULL, "{}"), WORK_OK);
	certs = json_object_object_get(json_object_object_get(agent_slot(0), "token"), "certs");
	assert_int_equal(json_object_array_length(certs), 4);
	assert_int_equal(agent_ask(WORK_SIGN, PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\"}"), 0x7610000C);
	assert_int_equal(agent_ask(WORK_SIGN, PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"keyidb64\":\"%s\"}",
				   agent_base64("SIGN", 4)), 0x7610000C);
	agent_assert_idle(0);
}

static size_t refuse(void *context, const uint8_t *cmd, size_t len, uint8_t answer[FAKE_ANSWER_MAX])
{
	(void)context, (void)cmd, (void)len;
	answer[0] = 0x6E;
	answer[1] = 0x00;
	return 2;
}

static void a_reader_without_a_card_and_an_unknown_card_are_told(void **state)
{
	static const struct fake_card unknown = {.answer = refuse, .atr = {0x3B, 0x00}, .atr_len = 2};

	(void)state;
	fake_eject(READER);
	assert_int_equal(agent_ask(WORK_INFO, NULL, "{}"), WORK_OK);
	assert_null(json_object_object_get(agent_slot(0), "token"));
	fake_insert_card(READER, &unknown);
	assert_int_equal(agent_ask(WORK_INFO_CERTS, NULL, "{}"), WORK_OK);
	assert_string_equal(text_of(agent_slot(0), "token"), "unknown token");
	fake_eject(READER);
	fake_insert(READER, bench.card);
	assert_int_equal(agent_ask(WORK_INFO, NULL, "{}"), WORK_OK);
	assert_string_equal(text_of(json_object_object_get(agent_slot(0), "token"), "serialNumber"), agent_card_number());
	agentbench_end();
	fake_remove_reader(READER);
	agentbench_begin();
	assert_int_equal(agent_ask(WORK_INFO, NULL, "{}"), WORK_OK);
	assert_int_equal(json_object_array_length(json_object_object_get(agent_answer.json, "slots")), 0);
	fake_service_stop();
	assert_int_equal(agent_ask(WORK_INFO, NULL, "{}"), WORK_OK);
	fake_service_start();
}

static void a_preview_shows_the_certificate_and_asks_for_nothing(void **state)
{
	static const struct {
		enum work_function function;
		const char *request;
		uint32_t code;
		const char *usage; /* of the certificate; NULL: there is none */
	} cases[] = {
		{WORK_SIGN, "{\"tbs\":\"x\",\"signatureType\":\"RAW\"}", WORK_OK, "digitalSignature"},
		{WORK_UMAKESIG, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"hashAlgorithm\":\"SHA1\"}", WORK_OK,
		 "digitalSignature"},
		{WORK_MAKE_CSR, "{}", WORK_OK, "digitalSignature"},
		{WORK_SIGN, "{\"tbs\":\"\",\"signatureType\":\"RAW\"}", WORK_NO_TBS, NULL},
		{WORK_DECRYPT, "{\"cipher\":\"AAAA\"}", 0x76400001, "keyEncipherment|dataEncipherment"},
		{WORK_INFO, "{}", WORK_OK, NULL},
		{WORK_CHALLENGE, "{}", WORK_METHOD, NULL},
		{WORK_NOT_OFFERED, "{\"func\":\"ListEID\"}", WORK_METHOD, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct json_object *request = json_tokener_parse(cases[i].request);
		struct work_preview preview;

		work_preview(agentbench, cases[i].function, request, &preview);
		assert_int_equal(preview.code, cases[i].code);
		assert_int_equal(preview.needs_pin, cases[i].usage != NULL);
		assert_int_equal(preview.certificate != NULL, cases[i].usage != NULL);
		if (preview.certificate) {
			assert_string_equal(text_of(preview.certificate, "usage"), cases[i].usage);
			assert_string_equal(preview.serial, agent_card_number());
			assert_string_equal(preview.reader, READER);
		}
		json_object_put(preview.certificate);
		json_object_put(request);
	}
	agent_assert_idle(0);
}

/* ---- decryption ---- */

/* To the card's certificate for that, or another. Base64; valid until the next call. */
static const char *envelope(enum vcard_cert which, const char *text, int padding)
{
	X509 *x509 = vcard_certificate(bench.card, which);
	BIO *in = BIO_new_mem_buf(text, -1);
	CMS_ContentInfo *cms = CMS_encrypt(NULL, NULL, EVP_aes_256_cbc(), CMS_BINARY | CMS_PARTIAL);
	CMS_RecipientInfo *to = CMS_add1_recipient_cert(cms, x509, CMS_KEY_PARAM);
	unsigned char *der = NULL;
	const char *base64;
	int len;

	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(CMS_RecipientInfo_get0_pkey_ctx(to), padding), 1);
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	len = i2d_CMS_ContentInfo(cms, &der);
	base64 = agent_base64(der, (size_t)len);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	X509_free(x509);
	return base64;
}

static void what_was_encrypted_to_the_card_is_decrypted(void **state)
{
	static const int paddings[] = {RSA_PKCS1_PADDING, RSA_PKCS1_OAEP_PADDING};
	unsigned char block[SIGNATURE_SIZE];
	EVP_PKEY *key = vcard_public_key(bench.card, KEY_KEYX);
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(paddings); i++) {
		assert_int_equal(DECRYPT("{\"cipher\":\"%s\"}", envelope(VCARD_CERT_ENCRYPT, PLAIN, paddings[i])), WORK_OK);
		assert_string_equal(agent_text("plain"), PLAIN);
		assert_string_equal(agent_text("func"), "decrypt");
	}
	assert_int_equal(DECRYPT("{\"cipher\":\"%s\",\"cipherType\":\"PKCS7\"}",
				 envelope(VCARD_CERT_ENCRYPT, "", RSA_PKCS1_PADDING)), WORK_OK);
	assert_string_equal(agent_text("plain"), "");
	encrypt_to(bench.card, KEY_KEYX, PLAIN, block);
	assert_int_equal(DECRYPT("{\"cipher\":\"%s\",\"cipherType\":\"whatever\",\"plainEncoding\":\"base64\"}",
				 agent_base64(block, sizeof block)), WORK_OK);
	assert_memory_equal(agent_bytes("plain", &len), PLAIN, strlen(PLAIN));
	assert_int_equal(len, strlen(PLAIN));
	assert_true(rsamech_encrypt(key, RSA_PKCS1_PADDING, NULL, NULL, 0, (const unsigned char *)"a\0b\xFF", 4, block));
	assert_int_equal(DECRYPT("{\"cipher\":\"%s\",\"plainEncoding\":\"NONE\"}", agent_base64(block, sizeof block)), WORK_OK);
	assert_string_equal(agent_text("plainEncoding"), "base64"); /* it is no text */
	assert_memory_equal(agent_bytes("plain", &len), "a\0b\xFF", 4);
	agent_assert_idle(5);
	EVP_PKEY_free(key);
}

static void what_cannot_be_decrypted_has_one_answer(void **state)
{
	unsigned char block[SIGNATURE_SIZE], plain[SIGNATURE_SIZE] = {0, 1};
	EVP_PKEY *key = vcard_public_key(bench.card, KEY_KEYX);

	(void)state;
	/* a padding that is certainly none for encryption */
	memset(plain + 2, 0xFF, sizeof plain - 2);
	assert_true(rsamech_encrypt(key, RSA_NO_PADDING, NULL, NULL, 0, plain, sizeof plain, block));
	assert_int_equal(DECRYPT("{\"cipher\":\"%s\"}", agent_base64(block, sizeof block)), 0x76400003);
	assert_int_equal(agent_number("last_error"), 0);
	assert_int_equal(DECRYPT("{\"cipher\":\"%s\"}", envelope(VCARD_CERT_SIGN, PLAIN, RSA_PKCS1_PADDING)), 0x76400003);
	assert_int_equal(agent_number("last_error"), 0);
	assert_false(agent_has("plain"));
	agent_assert_idle(2);
	/* and these are seen before the card is asked */
	assert_int_equal(DECRYPT("{}"), 0x76000004);
	assert_int_equal(DECRYPT("{\"cipher\":5}"), WORK_PARAMETER_BAD);
	assert_int_equal(DECRYPT("{\"cipher\":\"*\"}"), 0x76600002);
	assert_int_equal(DECRYPT("{\"cipher\":\"AAAA\"}"), 0x76400001);
	assert_int_equal(DECRYPT("{\"cipher\":\"AAAA\",\"cipherType\":\"PKCS7\"}"), 0x76400001);
	assert_int_equal(DECRYPT("{\"cipher\":\"AAAA\",\"cipherType\":\"PKCS1\"}"), 0x76400002);
	agent_assert_idle(2);
	EVP_PKEY_free(key);
}

/* ---- makeCsr ---- */

static void a_request_for_a_certificate_is_signed_by_its_key(void **state)
{
	X509 *x509 = vcard_certificate(bench.card, VCARD_CERT_SIGN);
	X509_REQ *request;
	const unsigned char *der;
	size_t len;

	(void)state;
	assert_int_equal(agent_ask(WORK_MAKE_CSR, PIN, "{\"hashAlgorithm\":\"SHA384\",\"challenge\":\"abc\"}"), WORK_OK);
	assert_string_equal(agent_text("func"), "csr");
	der = agent_bytes("csr", &len);
	request = d2i_X509_REQ(NULL, &der, (long)len);
	assert_non_null(request);
	assert_int_equal(X509_REQ_verify(request, X509_get0_pubkey(x509)), 1);
	assert_int_equal(X509_NAME_cmp(X509_REQ_get_subject_name(request), X509_get_subject_name(x509)), 0);
	assert_int_equal(X509_REQ_get_signature_nid(request), NID_sha384WithRSAEncryption);
	assert_true(X509_REQ_get_attr_by_NID(request, NID_pkcs9_challengePassword, -1) >= 0);
	X509_REQ_free(request);
	X509_free(x509);
	assert_int_equal(agent_ask(WORK_MAKE_CSR, WRONG_PIN, "{}"), WORK_LOGIN);
	assert_true(*agent_text("messagedata"));
	assert_int_equal(agent_ask(WORK_MAKE_CSR, PIN, "{\"hashAlgorithm\":\"MD5\"}"), WORK_PARAMETER_BAD);
	assert_int_equal(agent_ask(WORK_MAKE_CSR, PIN, "{\"keyid\":\"AAAA\"}"), 0x7610000C);
	agent_assert_idle(2);
}

/* ---- what is refused ---- */

static void what_is_not_known_of_cards_is_refused(void **state)
{
	static const struct {
		enum work_function function;
		const char *request;
		uint32_t code;
		const char *func;
	} refused[] = {
		{WORK_WRITE_CERT, "{\"type\":\"1\",\"value\":\"AAAA\"}", 0x77200102, "writeCert"},
		{WORK_WRITE_CERT, "{}", 0x76000002, "writeCert"},
		{WORK_WRITE_CERT, "{\"value\":\"*\"}", 0x76600002, "writeCert"},
		{WORK_WRITE_CERT, "{\"value\":\"AAAA\",\"sopin\":\"1\"}", 0x77200103, "writeCert"},
		{WORK_CHALLENGE, "{}", WORK_METHOD, "getChallenge"},
		{WORK_NOT_OFFERED, "{\"func\":\"PrintImageb64toPrinter\"}", WORK_METHOD, "PrintImageb64toPrinter"},
		{WORK_CARD_COMMAND, "{}", 0x77301003, NULL},
		{WORK_CARD_COMMAND, "{\"func\":\"changeuserpincode\"}", 0x77301025, "changeuserpincode"},
		{WORK_CARD_COMMAND, "{\"func\":5}", WORK_PARAMETER_BAD, NULL},
		{WORK_CARD_COMMAND, "{\"func\":\"unblockCard\"}", 0x77301004, "unblockCard"},
		{WORK_CARD_COMMAND, "{\"func\":\"unblockCard\",\"readername\":\"r\"}", 0x77301005, "unblockCard"},
		{WORK_CARD_COMMAND, "{\"func\":\"unblockCard\",\"readername\":\"r\",\"caname\":\"GCA\",\"cmsresponse\":\"x\"}",
		 WORK_METHOD, "unblockCard"},
		{WORK_CARD_COMMAND, "{\"func\":\"changeUserPINCode\"}", 0x77301007, "changeUserPINCode"},
		{WORK_CARD_COMMAND, "{\"func\":\"changeUserPINCode\",\"newpin\":\"abc123\",\"cardid\":\"other\"}", 0x77301027,
		 "changeUserPINCode"},
		{WORK_CARD_COMMAND, "{\"func\":\"changeUserPINCode\",\"newpin\":\"abc123\"}", WORK_METHOD,
		 "changeUserPINCode"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		assert_int_equal(agent_ask(refused[i].function, PIN, "%s", refused[i].request), refused[i].code);
		assert_true(*agent_text("message"));
		assert_int_equal(agent_answer.pin, WORK_PIN_NOT_TRIED);
		if (refused[i].func)
			assert_string_equal(agent_text("func"), refused[i].func);
	}
	agent_assert_idle(0);
}

/* ---- with a data area, and changes allowed ---- */

/* The agent with a card whose changes are allowed. */
static int allowed_setup(int (*set_up)(void **state), void **state)
{
	int status = set_up(state);

	module_stop();
	agentbench_begin();
	return status;
}

static int allowed_setup_first(void **state)
{
	return allowed_setup(areabench_first, state);
}

static int allowed_setup_second(void **state)
{
	return allowed_setup(areabench_second, state);
}

/* The same with an attached card of a company that has two records; another card is not looked into. */
static int attached_setup(int (*set_up)(void **state), void **state)
{
	struct vcard_options options = {.ca = VCARD_CA_MOEACA, .rank = VCARD_RANK_SECONDARY};
	int status = set_up(state) || records_load_files(state);
	char error[200] = "";

	options.generation = vcard_generation(bench.card);
	module_stop();
	fake_eject(READER);
	vcard_free(&bench.card);
	if (!vcard_create(&options, &bench.card, error, sizeof error))
		fail_msg("%s", error);
	records_begin_fresh();
	assert_int_equal(records_create_certificate(&records_foreign, "SNO 77", NULL), CKR_OK);
	assert_int_equal(records_create_certificate(&records_ours, NULL, NULL), CKR_OK);
	module_stop();
	agentbench_begin();
	return status;
}

static int attached_setup_first(void **state)
{
	return attached_setup(areabench_first, state);
}

static int attached_setup_second(void **state)
{
	return attached_setup(areabench_second, state);
}

static void the_authorization_of_an_attached_card_is_given(void **state)
{
	const unsigned char *scap;
	size_t len;

	(void)state;
	assert_int_equal(agent_ask(WORK_SIGN, PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS7\",\"withSCAP\":\"true\"}"), WORK_OK);
	scap = agent_bytes("SCAP", &len);
	assert_int_equal(len, records_ours.len);
	assert_memory_equal(scap, records_ours.bytes, len);
	assert_int_equal(agent_ask(WORK_SIGN, PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\"}"), WORK_OK);
	assert_false(agent_has("SCAP"));
	assert_false(vcard_verified(bench.card));
}

static void no_authorization_is_null(void **state)
{
	struct json_object *scap;

	(void)state;
	assert_int_equal(agent_ask(WORK_SIGN, PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"withSCAP\":\"true\"}"), WORK_OK);
	assert_true(json_object_object_get_ex(agent_answer.json, "SCAP", &scap));
	assert_null(scap);
}

static void a_new_pin_is_set_where_that_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(agent_ask(WORK_CARD_COMMAND, WRONG_PIN, "{\"func\":\"changeUserPINCode\",\"newpin\":\"abc123\"}"),
			 WORK_LOGIN);
	assert_int_equal(agent_answer.pin, WORK_PIN_WRONG);
	assert_int_equal(vcard_tries_left(bench.card), 2);
	assert_int_equal(agent_ask(WORK_CARD_COMMAND, PIN, "{\"func\":\"changeUserPINCode\",\"newpin\":\"abc123\","
							   "\"cardid\":\"%s\"}", agent_card_number()), WORK_OK);
	assert_int_equal(agent_answer.pin, WORK_PIN_RIGHT);
	assert_int_equal(agent_ask(WORK_SIGN, "abc123", "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\"}"), WORK_OK);
	assert_false(vcard_verified(bench.card));
}

#define ALLOWED_TESTS(f)                                                                           \
	{#f ", generation 1", f, allowed_setup_first, agentbench_teardown, NULL},                  \
	{#f ", generation 2", f, allowed_setup_second, agentbench_teardown, NULL}
#define ATTACHED_TESTS(f)                                                                          \
	{#f ", generation 1", f, attached_setup_first, agentbench_teardown, NULL},                 \
	{#f ", generation 2", f, attached_setup_second, agentbench_teardown, NULL}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AGENT_TESTS(readers_and_cards_have_the_shape_that_pages_read),
		AGENT_TESTS(certificates_have_what_pages_compare),
		AGENT_TESTS(a_key_of_an_unknown_kind_is_no_key),
		AGENT_TESTS(a_reader_without_a_card_and_an_unknown_card_are_told),
		AGENT_TESTS(a_preview_shows_the_certificate_and_asks_for_nothing),
		AGENT_TESTS(what_was_encrypted_to_the_card_is_decrypted),
		AGENT_TESTS(what_cannot_be_decrypted_has_one_answer),
		AGENT_TESTS(a_request_for_a_certificate_is_signed_by_its_key),
		AGENT_TESTS(what_is_not_known_of_cards_is_refused),
		AGENT_TESTS(no_authorization_is_null),
		ATTACHED_TESTS(the_authorization_of_an_attached_card_is_given),
		ALLOWED_TESTS(a_new_pin_is_set_where_that_is_allowed),
	};

	return cmocka_run_group_tests_name("the agent, beside signing", tests, NULL, NULL);
}
