/* Verifying: the host's work with the card's public keys. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "rsamech.h"
#include "testcard.h"

static const unsigned char message[] = "what was signed";
#define MESSAGE_SIZE (sizeof message - 1)

static CK_OBJECT_HANDLE public_key(void)
{
	return find_one(bench.session, CKO_PUBLIC_KEY, "SIGN");
}

static CK_RV verify(const struct rsa_way *way, unsigned char *input, size_t len,
		    unsigned char *sig, CK_ULONG sig_len)
{
	CK_MECHANISM mechanism = rsa_mechanism(way);

	assert_int_equal(C_VerifyInit(bench.session, &mechanism, public_key()), CKR_OK);
	return C_Verify(bench.session, input, len, sig, sig_len);
}

static void sign(const struct rsa_way *way, unsigned char *input, size_t len, unsigned char *sig)
{
	CK_MECHANISM mechanism = rsa_mechanism(way);
	CK_ULONG sig_len = 256;

	assert_int_equal(C_SignInit(bench.session, &mechanism,
				    find_one(bench.session, CKO_PRIVATE_KEY, "SIGN")),
			 CKR_OK);
	assert_int_equal(C_Sign(bench.session, input, len, sig, &sig_len), CKR_OK);
}

static void good_signatures_are_good_and_others_are_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < rsa_way_count; i++) {
		unsigned char input[256], sig[256];
		size_t len = rsa_input(&rsa_ways[i], message, MESSAGE_SIZE, input);

		sign(&rsa_ways[i], input, len, sig);
		assert_int_equal(verify(&rsa_ways[i], input, len, sig, sizeof sig), CKR_OK);
		sig[100] ^= 1;
		assert_int_equal(verify(&rsa_ways[i], input, len, sig, sizeof sig),
				 CKR_SIGNATURE_INVALID);
		sig[100] ^= 1;
		input[len - 1] ^= 1;
		assert_int_equal(verify(&rsa_ways[i], input, len, sig, sizeof sig),
				 CKR_SIGNATURE_INVALID);
	}
}

static void parts_are_verified_together(void **state)
{
	const struct rsa_way *way = &rsa_ways[3];
	CK_MECHANISM mechanism = rsa_mechanism(way);
	unsigned char input[256], sig[256];
	size_t len = rsa_input(way, message, MESSAGE_SIZE, input);

	(void)state;
	sign(way, input, len, sig);
	assert_int_equal(C_VerifyInit(bench.session, &mechanism, public_key()), CKR_OK);
	assert_int_equal(C_VerifyUpdate(bench.session, input, 3), CKR_OK);
	assert_int_equal(C_VerifyUpdate(bench.session, input + 3, len - 3), CKR_OK);
	assert_int_equal(C_VerifyFinal(bench.session, sig, sizeof sig), CKR_OK);
	assert_int_equal(C_VerifyInit(bench.session, &mechanism, public_key()), CKR_OK);
	assert_int_equal(C_VerifyUpdate(bench.session, input, len - 1), CKR_OK);
	assert_int_equal(C_VerifyFinal(bench.session, sig, sizeof sig), CKR_SIGNATURE_INVALID);
}

static void a_signature_of_a_wrong_length_is_told(void **state)
{
	static const CK_ULONG lengths[] = {0, 255, 257};
	unsigned char sig[257] = {0}, input[16] = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++)
		assert_int_equal(verify(&rsa_ways[3], input, sizeof input, sig, lengths[i]),
				 CKR_SIGNATURE_LEN_RANGE);
}

/* It is the caller's mistake: not a signature that does not fit. */
static void a_digest_of_a_wrong_length_is_told(void **state)
{
	unsigned char sig[256] = {0}, input[64] = {0};
	unsigned digests = 0;

	(void)state;
	for (size_t i = 0; i < rsa_way_count; i++) {
		if (!rsa_ways[i].hash || rsa_ways[i].hashes)
			continue;
		digests++;
		assert_int_equal(verify(&rsa_ways[i], input, 48, sig, sizeof sig), CKR_DATA_LEN_RANGE);
	}
	assert_int_equal(digests, 3);
}

static void a_number_above_the_modulus_is_no_signature(void **state)
{
	unsigned char sig[256], input[256] = {0};

	(void)state;
	memset(sig, 0xFF, sizeof sig);
	for (size_t i = 0; i < rsa_way_count; i++) {
		size_t len = rsa_input(&rsa_ways[i], message, MESSAGE_SIZE, input);

		assert_int_equal(verify(&rsa_ways[i], input, len, sig, sizeof sig),
				 CKR_SIGNATURE_INVALID);
	}
}

static void no_login_is_needed_and_the_key_is_read_once(void **state)
{
	unsigned char sig[256] = {0}, input[16] = {0};

	(void)state;
	public_key();
	fake_new_commands(READER);
	assert_int_equal(verify(&rsa_ways[3], input, sizeof input, sig, sizeof sig),
			 CKR_SIGNATURE_INVALID);
	assert_in_range(fake_new_commands(READER), 1, 8);
	assert_int_equal(verify(&rsa_ways[3], input, sizeof input, sig, sizeof sig),
			 CKR_SIGNATURE_INVALID);
	assert_int_equal(fake_new_commands(READER), 0);
}

/* A program's own error and mark, before calls; after them neither is more nor less. */
static void leave_an_error(void)
{
	ERR_clear_error();
	ERR_raise(ERR_LIB_USER, 1);
	assert_int_equal(ERR_set_mark(), 1);
}

static void assert_it_is_alone(void)
{
	assert_int_equal(ERR_GET_LIB(ERR_peek_last_error()), ERR_LIB_USER);
	ERR_raise(ERR_LIB_USER, 2);
	assert_int_equal(ERR_pop_to_mark(), 1);
	assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), 1);
	assert_int_equal(ERR_pop_to_mark(), 0);
	assert_int_equal(ERR_peek_error(), 0);
}

static void errors_of_the_program_stay_as_they_are(void **state)
{
	const struct rsa_way *way = &rsa_ways[3];
	unsigned char input[256], sig[256];
	size_t len = rsa_input(way, message, MESSAGE_SIZE, input);
	CK_SLOT_INFO slot;
	CK_INFO info;

	(void)state;
	leave_an_error();
	sign(way, input, len, sig);
	assert_int_equal(verify(way, input, len, sig, sizeof sig), CKR_OK);
	assert_it_is_alone();
	sig[100] ^= 1;
	leave_an_error();
	assert_int_equal(verify(way, input, len, sig, sizeof sig), CKR_SIGNATURE_INVALID);
	assert_it_is_alone();
	leave_an_error();
	assert_int_equal(C_GetSlotInfo(99, &slot), CKR_SLOT_ID_INVALID);
	assert_int_equal(C_GetSessionInfo(99, NULL), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	module_stop();
	assert_int_equal(C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	module_start();
	assert_it_is_alone();
	/* and without one there is none */
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(verify(way, input, len, sig, sizeof sig), CKR_SIGNATURE_INVALID);
	assert_int_equal(ERR_peek_error(), 0);
}

static void only_a_public_signing_key_verifies(void **state)
{
	CK_OBJECT_HANDLE keyx = find_one(bench.session, CKO_PUBLIC_KEY, "KEYX");
	CK_OBJECT_HANDLE private = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	CK_MECHANISM *m = MECHANISM(CKM_SHA256_RSA_PKCS);

	(void)state;
	assert_int_equal(C_VerifyInit(bench.session, m, keyx), CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_VerifyInit(bench.session, m, private), CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_VerifyInit(bench.session, m, 0), CKR_KEY_HANDLE_INVALID);
	assert_int_equal(C_VerifyInit(bench.session, m, public_key()), CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOGIN_TEST(good_signatures_are_good_and_others_are_not),
		LOGIN_TEST(parts_are_verified_together),
		SESSION_TEST(a_signature_of_a_wrong_length_is_told),
		SESSION_TEST(a_digest_of_a_wrong_length_is_told),
		SESSION_TEST(a_number_above_the_modulus_is_no_signature),
		SESSION_TEST(no_login_is_needed_and_the_key_is_read_once),
		LOGIN_TEST(errors_of_the_program_stay_as_they_are),
		LOGIN_TEST(only_a_public_signing_key_verifies),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
