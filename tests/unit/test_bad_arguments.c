/* NULL where Cryptoki forbids it, handles of nothing: a code, never a crash. */
#include <limits.h>
#include <string.h>

#include "ck_cipher.h"

#define NO_SESSION 0x7FF00000

static CK_OBJECT_HANDLE sign_key(void)
{
	return find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
}

static void null_results_are_wrong_arguments(void **state)
{
	(void)state;
	assert_int_equal(C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetSlotList(CK_FALSE, NULL, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetSlotInfo(bench.slot, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetTokenInfo(bench.slot, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetMechanismList(bench.slot, NULL, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetMechanismInfo(bench.slot, CKM_RSA_PKCS, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, NULL),
			 CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetSessionInfo(bench.session, NULL), CKR_ARGUMENTS_BAD);
}

static void null_templates_are_wrong_arguments(void **state)
{
	CK_ATTRIBUTE no_value = {CKA_ID, NULL, 4}, tiny_bool = {CKA_TOKEN, NULL, 1};
	CK_OBJECT_HANDLE key = sign_key();
	CK_ULONG count;

	(void)state;
	assert_int_equal(C_FindObjectsInit(bench.session, NULL, 1), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_FindObjectsInit(bench.session, &no_value, 1), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_FindObjectsInit(bench.session, &tiny_bool, 1), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetAttributeValue(bench.session, key, NULL, 1), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_FindObjectsInit(bench.session, NULL, 0), CKR_OK);
	assert_int_equal(C_FindObjects(bench.session, NULL, 1, &count), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_FindObjects(bench.session, &key, 1, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_FindObjects(bench.session, &key, 1, &count), CKR_OK);
	assert_int_equal(C_FindObjectsFinal(bench.session), CKR_OK);
}

/* An argument error of a call that would have ended the operation ends it (PKCS#11 5.2). */
static void null_data_ends_a_signature(void **state)
{
	CK_MECHANISM *m = MECHANISM(CKM_SHA256_RSA_PKCS);
	CK_OBJECT_HANDLE key = sign_key();
	unsigned char sig[256];
	CK_ULONG len = sizeof sig;

	(void)state;
	fake_new_commands(READER);
	assert_int_equal(C_SignInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_Sign(bench.session, NULL, 4, sig, &len), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_SignInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_Sign(bench.session, sig, 4, sig, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_SignInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_SignUpdate(bench.session, NULL, 4), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_SignInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_SignFinal(bench.session, sig, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_SignFinal(bench.session, sig, &len), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(fake_new_commands(READER), 0);
}

static void null_data_ends_a_verification(void **state)
{
	CK_MECHANISM *m = MECHANISM(CKM_SHA256_RSA_PKCS);
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PUBLIC_KEY, "SIGN");
	unsigned char sig[256] = {0};

	(void)state;
	assert_int_equal(C_VerifyInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_Verify(bench.session, NULL, 4, sig, 256), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_VerifyInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_Verify(bench.session, sig, 4, NULL, 256), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_VerifyInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_VerifyUpdate(bench.session, NULL, 4), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_VerifyInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_VerifyFinal(bench.session, NULL, 256), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_VerifyFinal(bench.session, sig, 256), CKR_OPERATION_NOT_INITIALIZED);
}

static void null_data_ends_a_decryption(void **state)
{
	CK_MECHANISM *m = MECHANISM(CKM_RSA_PKCS);
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "KEYX");
	unsigned char data[256] = {0};
	CK_ULONG len = sizeof data;

	(void)state;
	assert_int_equal(C_DecryptInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_Decrypt(bench.session, NULL, 256, data, &len), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_DecryptInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_Decrypt(bench.session, data, 256, data, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_DecryptInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_DecryptUpdate(bench.session, NULL, 4, data, &len), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_DecryptInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_DecryptFinal(bench.session, data, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_DecryptFinal(bench.session, data, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void null_data_ends_a_digest(void **state)
{
	unsigned char out[32];
	CK_ULONG len = sizeof out;

	(void)state;
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_Digest(bench.session, NULL, 1, out, &len), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_DigestFinal(bench.session, out, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_DigestFinal(bench.session, out, &len), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_GenerateRandom(bench.session, NULL, 8), CKR_ARGUMENTS_BAD);
}

static void sessions_of_nothing_are_told(void **state)
{
	CK_SESSION_INFO info;
	CK_ULONG len = 0, count = 0;
	CK_OBJECT_HANDLE object;
	unsigned char out[1];
	CK_ATTRIBUTE a = {CKA_ID, NULL, 0};

	(void)state;
	assert_int_equal(C_GetSessionInfo(NO_SESSION, &info), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_CloseSession(NO_SESSION), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(login(NO_SESSION, PIN), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_Logout(NO_SESSION), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_FindObjectsInit(NO_SESSION, NULL, 0), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_FindObjects(NO_SESSION, &object, 1, &count), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_FindObjectsFinal(NO_SESSION), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_GetAttributeValue(NO_SESSION, 1, &a, 1), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_SignInit(NO_SESSION, MECHANISM(CKM_RSA_PKCS), 1),
			 CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_Sign(NO_SESSION, out, 1, out, &len), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_DigestInit(NO_SESSION, MECHANISM(CKM_SHA256)), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_GenerateRandom(NO_SESSION, out, 1), CKR_SESSION_HANDLE_INVALID);
}

static void objects_of_nothing_are_told(void **state)
{
	static const CK_OBJECT_HANDLE handles[] = {0, 0x7FFFFFFF, (CK_OBJECT_HANDLE)-1};
	CK_ATTRIBUTE a = {CKA_ID, NULL, 0};

	(void)state;
	for (size_t i = 0; i < COUNT(handles); i++) {
		assert_int_equal(C_GetAttributeValue(bench.session, handles[i], &a, 1),
				 CKR_OBJECT_HANDLE_INVALID);
		assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_RSA_PKCS), handles[i]),
				 CKR_KEY_HANDLE_INVALID);
	}
}

/* A template without entries asks for nothing; some programs do. */
static void an_empty_template_is_no_crash(void **state)
{
	CK_ATTRIBUTE a = {CKA_ID, NULL, 0};
	CK_RV rv = C_GetAttributeValue(bench.session, sign_key(), &a, 0);

	(void)state;
	assert_true(rv == CKR_OK || rv == CKR_ARGUMENTS_BAD);
}

static void the_function_list_is_full(void **state)
{
	CK_FUNCTION_LIST *list = NULL;
	void *entries[(sizeof *list - offsetof(CK_FUNCTION_LIST, C_Initialize)) / sizeof(void *)];

	(void)state;
	assert_int_equal(C_GetFunctionList(&list), CKR_OK);
	assert_int_equal(list->version.major, 2);
	memcpy(entries, (char *)list + offsetof(CK_FUNCTION_LIST, C_Initialize), sizeof entries);
	assert_true(COUNT(entries) >= 68);
	for (size_t i = 0; i < COUNT(entries); i++)
		assert_non_null(entries[i]);
	assert_ptr_equal(list->C_Sign, C_Sign);
}

/* Functions that are not built answer that, whatever they are given. */
static void what_is_not_built_says_so(void **state)
{
	CK_OBJECT_HANDLE object;
	CK_ULONG len = 0;

	(void)state;
	assert_int_not_equal(C_GetFunctionStatus(bench.session), CKR_OK);
	assert_int_not_equal(C_CancelFunction(bench.session), CKR_OK);
	assert_int_not_equal(C_CreateObject(bench.session, NULL, 0, &object), CKR_OK);
	assert_int_not_equal(C_GetOperationState(bench.session, NULL, &len), CKR_OK);
	assert_int_not_equal(C_SetPIN(bench.session, NULL, 0, NULL, 0), CKR_OK);
	assert_int_not_equal(C_InitToken(bench.slot, NULL, 0, NULL), CKR_OK);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

/* ---- lengths that are none ---- */

/* -1 is what a question that failed leaves; nothing can be longer than half of all memory. */
static const CK_ULONG no_lengths[] = {CK_UNAVAILABLE_INFORMATION, CK_UNAVAILABLE_INFORMATION - 15,
				      (CK_ULONG)LONG_MAX + 1};

static void no_operation_takes_such_a_length(void **state)
{
	unsigned char in[32] = {0}, out[64];

	(void)state;
	for (size_t i = 0; i < ck_cipher_count * COUNT(no_lengths); i++) {
		const struct ck_cipher *c = &ck_ciphers[i / COUNT(no_lengths)];
		CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
		CK_ULONG wrong = no_lengths[i % COUNT(no_lengths)], len;

		for (int way = CK_ENCRYPT; way <= CK_DECRYPT; way++)
			for (int asks = 0; asks < 2; asks++) {
				unsigned char *to = asks ? NULL : out;

				len = sizeof out;
				assert_int_equal(ck_init((enum ck_way)way, bench.session, ck_mechanism(c), key),
						 CKR_OK);
				assert_int_equal(ck_single((enum ck_way)way, bench.session, in, wrong, to,
							   &len),
						 CKR_ARGUMENTS_BAD);
				assert_int_equal(ck_init((enum ck_way)way, bench.session, ck_mechanism(c), key),
						 CKR_OK); /* it has ended */
				assert_int_equal(ck_update((enum ck_way)way, bench.session, in, wrong, to,
							   &len),
						 CKR_ARGUMENTS_BAD);
			}
	}
}

static void no_other_function_takes_such_a_length(void **state)
{
	CK_ATTRIBUTE label = TEXT_ATTRIBUTE(CKA_LABEL, "x");
	unsigned char data[32] = {0};
	CK_OBJECT_HANDLE key = sign_key(), object;

	(void)state;
	for (size_t i = 0; i < COUNT(no_lengths); i++) {
		CK_ULONG wrong = no_lengths[i], len = sizeof data;
		CK_GCM_PARAMS gcm = {.pIv = data, .ulIvLen = 12, .pAAD = data, .ulAADLen = wrong,
				     .ulTagBits = 128};
		CK_MECHANISM m = {CKM_AES_GCM, &gcm, sizeof gcm};

		assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
		assert_int_equal(C_Digest(bench.session, data, wrong, data, &len), CKR_ARGUMENTS_BAD);
		assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key), CKR_OK);
		assert_int_equal(C_SignUpdate(bench.session, data, wrong), CKR_ARGUMENTS_BAD);
		assert_int_equal(C_GenerateRandom(bench.session, data, wrong), CKR_ARGUMENTS_BAD);
		assert_int_equal(C_SeedRandom(bench.session, data, wrong), CKR_ARGUMENTS_BAD);
		assert_int_equal(C_GetAttributeValue(bench.session, key, &label, wrong),
				 CKR_ARGUMENTS_BAD);
		assert_int_equal(C_CreateObject(bench.session, &label, wrong, &object),
				 CKR_ARGUMENTS_BAD);
		assert_int_equal(C_FindObjectsInit(bench.session, &label, wrong), CKR_ARGUMENTS_BAD);
		assert_int_equal(C_EncryptInit(bench.session, &m,
					       ck_secret(bench.session, CKK_AES, data, 16)),
				 CKR_MECHANISM_PARAM_INVALID);
	}
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(null_results_are_wrong_arguments),
		LOGIN_TEST(null_templates_are_wrong_arguments),
		LOGIN_TEST(null_data_ends_a_signature),
		SESSION_TEST(null_data_ends_a_verification),
		LOGIN_TEST(null_data_ends_a_decryption),
		SESSION_TEST(null_data_ends_a_digest),
		SESSION_TEST(sessions_of_nothing_are_told),
		SESSION_TEST(objects_of_nothing_are_told),
		LOGIN_TEST(an_empty_template_is_no_crash),
		SESSION_TEST(the_function_list_is_full),
		LOGIN_TEST(what_is_not_built_says_so),
		SESSION_TEST(no_operation_takes_such_a_length),
		LOGIN_TEST(no_other_function_takes_such_a_length),
	};

	return cmocka_run_group_tests_name("bad arguments", tests, NULL, NULL);
}
