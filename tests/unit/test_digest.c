/* Digests and random bytes: OpenSSL's work, Cryptoki's rules. */
#include <string.h>

#include <openssl/evp.h>

#include "testcard.h"

static unsigned char message[] = "The quick brown fox jumps over the lazy dog";
#define MESSAGE_SIZE (sizeof message - 1)

static const struct {
	CK_MECHANISM_TYPE type;
	const char *name;
	CK_ULONG size;
} digests[] = {
	{CKM_MD5, "MD5", 16},       {CKM_SHA_1, "SHA1", 20},    {CKM_SHA224, "SHA224", 28},
	{CKM_SHA256, "SHA256", 32}, {CKM_SHA384, "SHA384", 48}, {CKM_SHA512, "SHA512", 64},
};

static void every_digest_is_openssls(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(digests); i++) {
		unsigned char want[EVP_MAX_MD_SIZE], got[EVP_MAX_MD_SIZE];
		CK_ULONG len = sizeof got;

		assert_int_equal(EVP_Digest(message, MESSAGE_SIZE, want, NULL,
					    EVP_get_digestbyname(digests[i].name), NULL),
				 1);
		assert_int_equal(C_DigestInit(bench.session, MECHANISM(digests[i].type)), CKR_OK);
		assert_int_equal(C_Digest(bench.session, message, MESSAGE_SIZE, got, &len), CKR_OK);
		assert_int_equal(len, digests[i].size);
		assert_memory_equal(got, want, len);
		len = sizeof got;
		assert_int_equal(C_DigestInit(bench.session, MECHANISM(digests[i].type)), CKR_OK);
		assert_int_equal(C_DigestUpdate(bench.session, message, 10), CKR_OK);
		assert_int_equal(C_DigestUpdate(bench.session, NULL, 0), CKR_OK);
		assert_int_equal(C_DigestUpdate(bench.session, message + 10, MESSAGE_SIZE - 10), CKR_OK);
		assert_int_equal(C_DigestFinal(bench.session, got, &len), CKR_OK);
		assert_memory_equal(got, want, len);
	}
}

static void length_queries_and_small_buffers_keep_the_operation(void **state)
{
	unsigned char want[32], got[32];
	CK_ULONG len = 0;

	(void)state;
	EVP_Digest(message, MESSAGE_SIZE, want, NULL, EVP_sha256(), NULL);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_Digest(bench.session, message, MESSAGE_SIZE, NULL, &len), CKR_OK);
	assert_int_equal(len, 32);
	len = 31;
	assert_int_equal(C_Digest(bench.session, message, MESSAGE_SIZE, got, &len),
			 CKR_BUFFER_TOO_SMALL);
	assert_int_equal(len, 32);
	assert_int_equal(C_Digest(bench.session, message, MESSAGE_SIZE, got, &len), CKR_OK);
	assert_memory_equal(got, want, sizeof want);
}

static void an_operation_is_one_at_a_time(void **state)
{
	unsigned char out[64];
	CK_ULONG len = sizeof out;

	(void)state;
	assert_int_equal(C_Digest(bench.session, message, 1, out, &len), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_DigestUpdate(bench.session, message, 1), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_DigestFinal(bench.session, out, &len), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OPERATION_ACTIVE);
	assert_int_equal(C_DigestFinal(bench.session, out, &len), CKR_OK);
	assert_int_equal(C_DigestFinal(bench.session, out, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void what_is_no_digest_is_refused(void **state)
{
	CK_MECHANISM with_parameter = {CKM_SHA256, message, 4};

	(void)state;
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_RSA_PKCS)), CKR_MECHANISM_INVALID);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(0x7FFFFFFF)), CKR_MECHANISM_INVALID);
	assert_int_equal(C_DigestInit(bench.session, &with_parameter), CKR_MECHANISM_PARAM_INVALID);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
}

static void a_digest_lives_through_login_and_logout(void **state)
{
	unsigned char want[32], got[32];
	CK_ULONG len = sizeof got;

	(void)state;
	EVP_Digest(message, MESSAGE_SIZE, want, NULL, EVP_sha256(), NULL);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_DigestUpdate(bench.session, message, MESSAGE_SIZE), CKR_OK);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(C_DigestFinal(bench.session, got, &len), CKR_OK);
	assert_memory_equal(got, want, sizeof want);
}

static void random_bytes_differ(void **state)
{
	unsigned char a[32] = {0}, b[32] = {0};

	(void)state;
	assert_int_equal(C_GenerateRandom(bench.session, a, sizeof a), CKR_OK);
	assert_int_equal(C_GenerateRandom(bench.session, b, sizeof b), CKR_OK);
	assert_memory_not_equal(a, b, sizeof a);
	assert_int_equal(C_GenerateRandom(bench.session, NULL, 0), CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(every_digest_is_openssls),
		SESSION_TEST(length_queries_and_small_buffers_keep_the_operation),
		SESSION_TEST(an_operation_is_one_at_a_time),
		SESSION_TEST(what_is_no_digest_is_refused),
		SESSION_TEST(a_digest_lives_through_login_and_logout),
		SESSION_TEST(random_bytes_differ),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
