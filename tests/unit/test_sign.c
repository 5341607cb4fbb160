/* Signing: each mechanism against OpenSSL, and everything that must not become a signature. */
#include <string.h>

#include <openssl/evp.h>

#include "rsamech.h"
#include "testcard.h"

static const unsigned char message[] = "a message to be signed by the card";
#define MESSAGE_SIZE (sizeof message - 1)

static CK_OBJECT_HANDLE sign_key(void)
{
	return find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
}

static void assert_good(const struct rsa_way *way, const unsigned char *sig)
{
	EVP_PKEY *key = vcard_public_key(bench.card, KEY_SIGN);
	bool good = rsa_good(way, key, message, MESSAGE_SIZE, sig);

	EVP_PKEY_free(key);
	if (!good)
		fail_msg("%s: OpenSSL says the signature is bad", way->name);
}

static void every_mechanism_makes_signatures_that_openssl_verifies(void **state)
{
	CK_OBJECT_HANDLE key = sign_key();

	(void)state;
	for (size_t i = 0; i < rsa_way_count; i++) {
		CK_MECHANISM mechanism = rsa_mechanism(&rsa_ways[i]);
		unsigned char input[256], sig[256];
		CK_ULONG sig_len = sizeof sig;
		size_t len = rsa_input(&rsa_ways[i], message, MESSAGE_SIZE, input);

		assert_int_equal(C_SignInit(bench.session, &mechanism, key), CKR_OK);
		assert_int_equal(C_Sign(bench.session, input, len, sig, &sig_len), CKR_OK);
		assert_int_equal(sig_len, 256);
		assert_good(&rsa_ways[i], sig);
	}
}

static void every_mechanism_signs_in_parts(void **state)
{
	CK_OBJECT_HANDLE key = sign_key();

	(void)state;
	for (size_t i = 0; i < rsa_way_count; i++) {
		CK_MECHANISM mechanism = rsa_mechanism(&rsa_ways[i]);
		unsigned char input[256], sig[256];
		CK_ULONG sig_len = sizeof sig;
		size_t len = rsa_input(&rsa_ways[i], message, MESSAGE_SIZE, input);

		assert_int_equal(C_SignInit(bench.session, &mechanism, key), CKR_OK);
		assert_int_equal(C_SignUpdate(bench.session, input, 7), CKR_OK);
		assert_int_equal(C_SignUpdate(bench.session, NULL, 0), CKR_OK);
		assert_int_equal(C_SignUpdate(bench.session, input + 7, len - 7), CKR_OK);
		assert_int_equal(C_SignFinal(bench.session, sig, &sig_len), CKR_OK);
		assert_good(&rsa_ways[i], sig);
	}
}

static void every_signing_key_signs_with_its_own_key(void **state)
{
	unsigned char sig[256];

	(void)state;
	assert_int_equal(sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN02"),
				     "text", sig),
			 CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN02, "text", sig));
	assert_false(is_signature(bench.card, KEY_SIGN, "text", sig));
}

static void a_length_query_costs_no_command_and_keeps_the_operation(void **state)
{
	CK_OBJECT_HANDLE key = sign_key();
	unsigned char sig[256];
	CK_ULONG len = 0;

	(void)state;
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key), CKR_OK);
	fake_new_commands(READER);
	assert_int_equal(C_Sign(bench.session, (CK_BYTE *)message, MESSAGE_SIZE, NULL, &len), CKR_OK);
	assert_int_equal(len, 256);
	assert_int_equal(fake_new_commands(READER), 0);
	assert_int_equal(C_Sign(bench.session, (CK_BYTE *)message, MESSAGE_SIZE, sig, &len), CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, (const char *)message, sig));
}

static void a_small_buffer_gets_the_length_and_keeps_the_operation(void **state)
{
	CK_OBJECT_HANDLE key = sign_key();
	unsigned char sig[256];
	CK_ULONG len = 255;

	(void)state;
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key), CKR_OK);
	fake_new_commands(READER);
	assert_int_equal(C_Sign(bench.session, (CK_BYTE *)message, MESSAGE_SIZE, sig, &len),
			 CKR_BUFFER_TOO_SMALL);
	assert_int_equal(len, 256);
	assert_int_equal(fake_new_commands(READER), 0);
	assert_int_equal(C_Sign(bench.session, (CK_BYTE *)message, MESSAGE_SIZE, sig, &len), CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, (const char *)message, sig));
}

static void the_same_holds_for_the_last_part(void **state)
{
	CK_OBJECT_HANDLE key = sign_key();
	unsigned char sig[256];
	CK_ULONG len = 1;

	(void)state;
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key), CKR_OK);
	assert_int_equal(C_SignUpdate(bench.session, (CK_BYTE *)message, MESSAGE_SIZE), CKR_OK);
	assert_int_equal(C_SignFinal(bench.session, sig, &len), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(len, 256);
	assert_int_equal(C_SignFinal(bench.session, NULL, &len), CKR_OK);
	assert_int_equal(C_SignFinal(bench.session, sig, &len), CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, (const char *)message, sig));
	assert_int_equal(C_SignFinal(bench.session, sig, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void one_operation_at_a_time(void **state)
{
	CK_OBJECT_HANDLE key = sign_key();
	unsigned char sig[256];
	CK_ULONG len = sizeof sig;

	(void)state;
	assert_int_equal(C_Sign(bench.session, sig, 1, sig, &len), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_SignUpdate(bench.session, sig, 1), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_RSA_PKCS), key), CKR_OK);
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_RSA_PKCS), key),
			 CKR_OPERATION_ACTIVE);
	assert_int_equal(C_SignUpdate(bench.session, (CK_BYTE *)message, 4), CKR_OK);
	assert_int_equal(C_Sign(bench.session, (CK_BYTE *)message, 4, sig, &len),
			 CKR_OPERATION_ACTIVE);
}

static void too_much_data_is_refused_before_the_card(void **state)
{
	static const struct {
		CK_MECHANISM_TYPE mechanism;
		CK_ULONG len;
	} cases[] = {{CKM_RSA_PKCS, 256 - 11 + 1}, {CKM_RSA_PKCS, 300}, {CKM_RSA_X_509, 257}, {CKM_RSA_PKCS, 1025}};
	CK_OBJECT_HANDLE key = sign_key();
	unsigned char data[1025] = {0}, sig[256];

	(void)state;
	fake_new_commands(READER);
	for (size_t i = 0; i < COUNT(cases); i++) {
		CK_ULONG len = sizeof sig;

		assert_int_equal(C_SignInit(bench.session, MECHANISM(cases[i].mechanism), key), CKR_OK);
		assert_int_equal(C_Sign(bench.session, data, cases[i].len, sig, &len),
				 CKR_DATA_LEN_RANGE);
		assert_int_equal(C_Sign(bench.session, data, 1, sig, &len),
				 CKR_OPERATION_NOT_INITIALIZED);
	}
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_RSA_PKCS), key), CKR_OK);
	assert_int_equal(C_SignUpdate(bench.session, data, sizeof data - 1), CKR_OK);
	assert_int_equal(C_SignUpdate(bench.session, data, 1), CKR_DATA_LEN_RANGE);
	assert_int_equal(C_SignUpdate(bench.session, data, 1), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(fake_new_commands(READER), 0);
}

static void the_most_data_that_fits_is_signed(void **state)
{
	CK_OBJECT_HANDLE key = sign_key();
	unsigned char data[256 - 11], sig[256];
	CK_ULONG len = sizeof sig;
	EVP_PKEY *pkey = vcard_public_key(bench.card, KEY_SIGN);

	(void)state;
	memset(data, 'x', sizeof data);
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_RSA_PKCS), key), CKR_OK);
	assert_int_equal(C_Sign(bench.session, data, sizeof data, sig, &len), CKR_OK);
	assert_true(rsa_good(&rsa_ways[0], pkey, data, sizeof data, sig));
	EVP_PKEY_free(pkey);
}

static void a_digest_of_the_wrong_length_is_refused(void **state)
{
	CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
	CK_MECHANISM mechanism = {CKM_RSA_PKCS_PSS, &pss, sizeof pss};
	unsigned char sig[256];
	CK_ULONG len = sizeof sig;

	(void)state;
	assert_int_equal(C_SignInit(bench.session, &mechanism, sign_key()), CKR_OK);
	assert_int_equal(C_Sign(bench.session, (CK_BYTE *)message, 31, sig, &len),
			 CKR_DATA_LEN_RANGE);
}

static void wrong_parameters_are_refused_at_init(void **state)
{
	CK_RSA_PKCS_PSS_PARAMS good = {CKM_SHA256, CKG_MGF1_SHA256, 32};
	CK_RSA_PKCS_PSS_PARAMS other_hash = {CKM_SHA_1, CKG_MGF1_SHA256, 32};
	CK_RSA_PKCS_PSS_PARAMS no_hash = {CKM_RSA_PKCS, CKG_MGF1_SHA256, 32};
	CK_RSA_PKCS_PSS_PARAMS no_mask = {CKM_SHA256, 99, 32};
	CK_RSA_PKCS_PSS_PARAMS salty = {CKM_SHA256, CKG_MGF1_SHA256, 256 - 32 - 2 + 1};
	CK_RSA_PKCS_PSS_PARAMS absurd = {CKM_SHA256, CKG_MGF1_SHA256, (CK_ULONG)-1};
	CK_MECHANISM bad[] = {
		{CKM_SHA256_RSA_PKCS_PSS, NULL, 0},
		{CKM_SHA256_RSA_PKCS_PSS, NULL, sizeof good},
		{CKM_SHA256_RSA_PKCS_PSS, &good, sizeof good - 1},
		{CKM_SHA256_RSA_PKCS_PSS, &other_hash, sizeof other_hash},
		{CKM_RSA_PKCS_PSS, &no_hash, sizeof no_hash},
		{CKM_RSA_PKCS_PSS, &no_mask, sizeof no_mask},
		{CKM_SHA256_RSA_PKCS_PSS, &salty, sizeof salty},
		{CKM_SHA256_RSA_PKCS_PSS, &absurd, sizeof absurd},
		{CKM_RSA_PKCS, &good, sizeof good},
		{CKM_SHA256_RSA_PKCS, &good, sizeof good},
	};
	CK_OBJECT_HANDLE key = sign_key();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(C_SignInit(bench.session, &bad[i], key), CKR_MECHANISM_PARAM_INVALID);
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256), key), CKR_MECHANISM_INVALID);
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_ECDSA), key), CKR_MECHANISM_INVALID);
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_RSA_PKCS_OAEP), key),
			 CKR_MECHANISM_INVALID);
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_RSA_PKCS), key), CKR_OK);
}

static void only_a_private_signing_key_signs(void **state)
{
	CK_OBJECT_HANDLE keyx = find_one(bench.session, CKO_PRIVATE_KEY, "KEYX");
	CK_OBJECT_HANDLE public = find_one(bench.session, CKO_PUBLIC_KEY, "SIGN");
	CK_OBJECT_HANDLE cert = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	CK_MECHANISM *m = MECHANISM(CKM_RSA_PKCS);

	(void)state;
	assert_int_equal(C_SignInit(bench.session, m, keyx), CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_SignInit(bench.session, m, public), CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_SignInit(bench.session, m, cert), CKR_KEY_HANDLE_INVALID);
	assert_int_equal(C_SignInit(bench.session, m, 0), CKR_KEY_HANDLE_INVALID);
	assert_int_equal(C_SignInit(bench.session, m, 0x7FFFFFFF), CKR_KEY_HANDLE_INVALID);
	assert_int_equal(C_SignInit(bench.session, m, sign_key()), CKR_OK);
}

static void a_logout_ends_the_operation(void **state)
{
	unsigned char sig[256];
	CK_ULONG len = sizeof sig;

	(void)state;
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), sign_key()), CKR_OK);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(C_Sign(bench.session, (CK_BYTE *)message, MESSAGE_SIZE, sig, &len),
			 CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

/* Whichever answer of the private operation is garbled: an error, never those bytes. */
static void a_garbled_answer_is_never_a_signature(void **state)
{
	unsigned char sig[256], zero[256] = {0};

	(void)state;
	for (unsigned nth = 2; nth <= 3; nth++) {
		CK_OBJECT_HANDLE key = sign_key();
		CK_ULONG len = sizeof sig;

		assert_int_equal(sign_sha256(bench.session, key, "warm", sig), CKR_OK);
		assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key), CKR_OK);
		memset(sig, 0, sizeof sig);
		vcard_fault(bench.card, nth, VCARD_FAULT_GARBLE, 0);
		assert_int_equal(C_Sign(bench.session, (CK_BYTE *)message, MESSAGE_SIZE, sig, &len),
				 CKR_DEVICE_ERROR);
		assert_memory_equal(sig, zero, sizeof sig);
	}
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

/* Where the key's record cannot be read its certificate says what is right. */
static void without_a_public_key_the_certificate_checks(void **state)
{
	unsigned char sig[256], zero[256] = {0};

	(void)state;
	assert_true(vcard_file_delete(bench.card, "3F00/5030/0810/0811"));
	for (unsigned nth = 0; nth <= 3; nth++) {
		CK_OBJECT_HANDLE key = sign_key();

		assert_int_equal(sign_sha256(bench.session, key, "good", sig), CKR_OK);
		assert_true(is_signature(bench.card, KEY_SIGN, "good", sig));
		if (nth < 2)
			continue;
		memset(sig, 0, sizeof sig);
		vcard_fault(bench.card, nth, VCARD_FAULT_GARBLE, 0);
		assert_int_equal(sign_sha256(bench.session, key, "bad", sig), CKR_DEVICE_ERROR);
		assert_memory_equal(sig, zero, sizeof sig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOGIN_TEST(every_mechanism_makes_signatures_that_openssl_verifies),
		LOGIN_TEST(every_mechanism_signs_in_parts),
		LOGIN_TEST(every_signing_key_signs_with_its_own_key),
		LOGIN_TEST(a_length_query_costs_no_command_and_keeps_the_operation),
		LOGIN_TEST(a_small_buffer_gets_the_length_and_keeps_the_operation),
		LOGIN_TEST(the_same_holds_for_the_last_part),
		LOGIN_TEST(one_operation_at_a_time),
		LOGIN_TEST(too_much_data_is_refused_before_the_card),
		LOGIN_TEST(the_most_data_that_fits_is_signed),
		LOGIN_TEST(a_digest_of_the_wrong_length_is_refused),
		LOGIN_TEST(wrong_parameters_are_refused_at_init),
		LOGIN_TEST(only_a_private_signing_key_signs),
		LOGIN_TEST(a_logout_ends_the_operation),
		LOGIN_TEST(a_garbled_answer_is_never_a_signature),
		LOGIN_TEST(without_a_public_key_the_certificate_checks),
	};

	return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
