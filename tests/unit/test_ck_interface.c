/* PKCS#11 3.0: interfaces, and what came new with them. */
#include <string.h>

#include "ck_objects.h"

static CK_INTERFACE *interface_of(CK_BYTE major, CK_BYTE minor)
{
	CK_VERSION version = {major, minor};
	CK_INTERFACE *found = NULL;

	assert_int_equal(C_GetInterface((CK_BYTE *)"PKCS 11", &version, &found, 0), CKR_OK);
	assert_non_null(found);
	return found;
}

static void the_list_has_both_interfaces(void **state)
{
	CK_INTERFACE list[3];
	CK_ULONG count = 0;
	CK_VERSION *version;

	(void)state;
	assert_int_equal(C_GetInterfaceList(NULL, &count), CKR_OK);
	assert_int_equal(count, 2);
	count = 3;
	assert_int_equal(C_GetInterfaceList(list, &count), CKR_OK);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < 2; i++) {
		version = list[i].pFunctionList;
		assert_string_equal(list[i].pInterfaceName, "PKCS 11");
		assert_int_equal(list[i].flags, 0);
		assert_int_equal(version->major, i ? 2 : 3);
		assert_int_equal(version->minor, i ? 40 : 0);
	}
}

static void a_small_list_gets_the_count(void **state)
{
	CK_INTERFACE list[2] = {{NULL, NULL, 0}};
	CK_ULONG count = 1;

	(void)state;
	assert_int_equal(C_GetInterfaceList(list, &count), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(count, 2);
	assert_null(list[0].pFunctionList);
	assert_int_equal(C_GetInterfaceList(list, NULL), CKR_ARGUMENTS_BAD);
}

static void the_default_interface_is_the_newest(void **state)
{
	CK_INTERFACE *found = NULL;
	CK_VERSION old = {2, 40};

	(void)state;
	assert_int_equal(C_GetInterface(NULL, NULL, &found, 0), CKR_OK);
	assert_ptr_equal(found, interface_of(3, 0));
	assert_int_equal(C_GetInterface((CK_BYTE *)"PKCS 11", NULL, &found, 0), CKR_OK);
	assert_ptr_equal(found, interface_of(3, 0));
	assert_int_equal(C_GetInterface(NULL, &old, &found, 0), CKR_OK);
	assert_ptr_equal(found, interface_of(2, 40));
}

/* OpenSC's pkcs11-spy does: it puts its own functions before the module's. */
static void a_program_may_write_to_what_it_gets(void **state)
{
	CK_INTERFACE *found = interface_of(3, 0);
	void *ours = found->pFunctionList;
	CK_VERSION its_own = {3, 0};

	(void)state;
	found->pFunctionList = &its_own;
	assert_ptr_equal(interface_of(3, 0), found);
	found->pFunctionList = ours;
}

static void what_is_not_there_is_not_given(void **state)
{
	static const CK_VERSION versions[] = {{2, 20}, {3, 1}, {4, 0}, {0, 0}};
	CK_INTERFACE *found;

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		found = (CK_INTERFACE *)1;
		assert_int_equal(C_GetInterface(NULL, (CK_VERSION *)&versions[i], &found, 0),
				 CKR_ARGUMENTS_BAD);
		assert_null(found);
	}
	assert_int_equal(C_GetInterface((CK_BYTE *)"Vendor", NULL, &found, 0), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetInterface((CK_BYTE *)"PKCS 1", NULL, &found, 0), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetInterface((CK_BYTE *)"", NULL, &found, 0), CKR_ARGUMENTS_BAD);
	/* CKF_INTERFACE_FORK_SAFE */
	assert_int_equal(C_GetInterface(NULL, NULL, &found, 1), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetInterface(NULL, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
}

static void the_2_40_interface_is_the_old_function_list(void **state)
{
	CK_FUNCTION_LIST *list = NULL;

	(void)state;
	assert_int_equal(C_GetFunctionList(&list), CKR_OK);
	assert_ptr_equal(list, interface_of(2, 40)->pFunctionList);
}

#define OLD_FUNCTIONS 68
#define NEW_FUNCTIONS 24

/* Both tables begin with a version and then have pointers only. */
static void table_of(const CK_INTERFACE *i, void **out, size_t count)
{
	memcpy(out, (char *)i->pFunctionList + offsetof(CK_FUNCTION_LIST, C_Initialize),
	       count * sizeof *out);
}

static void both_tables_agree_but_in_get_info(void **state)
{
	void *old_ones[OLD_FUNCTIONS], *new_ones[OLD_FUNCTIONS + NEW_FUNCTIONS];
	size_t info = (offsetof(CK_FUNCTION_LIST, C_GetInfo) - offsetof(CK_FUNCTION_LIST, C_Initialize)) /
		      sizeof(void *);

	(void)state;
	assert_int_equal(sizeof(CK_FUNCTION_LIST) - offsetof(CK_FUNCTION_LIST, C_Initialize),
			 sizeof old_ones);
	assert_int_equal(sizeof(CK_FUNCTION_LIST_3_0) - offsetof(CK_FUNCTION_LIST_3_0, C_Initialize),
			 sizeof new_ones);
	table_of(interface_of(2, 40), old_ones, COUNT(old_ones));
	table_of(interface_of(3, 0), new_ones, COUNT(new_ones));
	for (size_t i = 0; i < COUNT(new_ones); i++) {
		assert_non_null(new_ones[i]);
		for (size_t k = 0; k < i; k++) /* none is there twice */
			assert_ptr_not_equal(new_ones[i], new_ones[k]);
		if (i < OLD_FUNCTIONS && i != info)
			assert_ptr_equal(new_ones[i], old_ones[i]);
	}
	assert_ptr_not_equal(new_ones[info], old_ones[info]);
}

static void each_interface_tells_its_version(void **state)
{
	CK_FUNCTION_LIST *old = interface_of(2, 40)->pFunctionList;
	CK_FUNCTION_LIST_3_0 *new = interface_of(3, 0)->pFunctionList;
	CK_INFO a, b;

	(void)state;
	assert_int_equal(old->C_GetInfo(&a), CKR_OK);
	assert_int_equal(new->C_GetInfo(&b), CKR_OK);
	assert_int_equal(a.cryptokiVersion.major, 2);
	assert_int_equal(a.cryptokiVersion.minor, 40);
	assert_int_equal(b.cryptokiVersion.major, 3);
	assert_int_equal(b.cryptokiVersion.minor, 0);
	b.cryptokiVersion = a.cryptokiVersion;
	assert_memory_equal(&a, &b, sizeof a);
	assert_int_equal(new->C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetInfo(&a), CKR_OK); /* exported by name: 2.40, whoever asked for 3.0 */
	assert_int_equal(a.cryptokiVersion.major, 2);
}

static void work_is_done_through_the_new_table(void **state)
{
	CK_FUNCTION_LIST_3_0 *p11 = interface_of(3, 0)->pFunctionList;
	unsigned char sig[256];
	CK_ULONG len = sizeof sig;
	CK_OBJECT_HANDLE key;

	(void)state;
	assert_int_equal(p11->C_LoginUser(bench.session, CKU_USER, (CK_BYTE *)PIN, 6, NULL, 0), CKR_OK);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	assert_int_equal(p11->C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key), CKR_OK);
	assert_int_equal(p11->C_Sign(bench.session, (CK_BYTE *)"text", 4, sig, &len), CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, "text", sig));
}

static void the_card_knows_no_user_names(void **state)
{
	(void)state;
	assert_int_equal(C_LoginUser(bench.session, CKU_USER, (CK_BYTE *)PIN, 6, (CK_BYTE *)"me", 2),
			 CKR_ARGUMENTS_BAD);
	assert_int_equal(C_LoginUser(bench.session, CKU_SO, (CK_BYTE *)PIN, 6, NULL, 0),
			 CKR_USER_TYPE_INVALID);
	assert_int_equal(C_LoginUser(bench.session, CKU_USER, (CK_BYTE *)WRONG_PIN, 6, NULL, 0),
			 CKR_PIN_INCORRECT);
	assert_int_equal(vcard_tries_left(bench.card), 2);
	assert_int_equal(C_LoginUser(bench.session, CKU_USER, (CK_BYTE *)PIN, 6, (CK_BYTE *)"", 0), CKR_OK);
	assert_int_equal(C_LoginUser(0x7FF00000, CKU_USER, (CK_BYTE *)PIN, 6, (CK_BYTE *)"me", 2),
			 CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

static void a_user_name_is_no_answer_before_the_start(void **state)
{
	(void)state;
	assert_int_equal(C_LoginUser(1, CKU_USER, (CK_BYTE *)PIN, 6, (CK_BYTE *)"me", 2),
			 CKR_CRYPTOKI_NOT_INITIALIZED);
}

/* ---- C_SessionCancel ---- */

static void start_all(CK_OBJECT_HANDLE secret)
{
	CK_MECHANISM *ecb = MECHANISM(CKM_AES_ECB), *mac = MECHANISM(CKM_SHA256_HMAC);

	assert_int_equal(C_EncryptInit(bench.session, ecb, secret), CKR_OK);
	assert_int_equal(C_DecryptInit(bench.session, ecb, secret), CKR_OK);
	assert_int_equal(C_SignInit(bench.session, mac, secret), CKR_OK);
	assert_int_equal(C_VerifyInit(bench.session, mac, secret), CKR_OK);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_FindObjectsInit(bench.session, NULL, 0), CKR_OK);
}

/* Which of them are active, by asking for what needs them. */
static CK_FLAGS active(void)
{
	CK_ULONG len = 0, count = 0;
	CK_FLAGS flags = 0;
	unsigned char byte = 0;

	if (C_EncryptUpdate(bench.session, &byte, 1, NULL, &len) == CKR_OK)
		flags |= CKF_ENCRYPT;
	if (C_DecryptUpdate(bench.session, &byte, 1, NULL, &len) == CKR_OK)
		flags |= CKF_DECRYPT;
	if (C_SignUpdate(bench.session, &byte, 1) == CKR_OK)
		flags |= CKF_SIGN;
	if (C_VerifyUpdate(bench.session, &byte, 1) == CKR_OK)
		flags |= CKF_VERIFY;
	if (C_DigestUpdate(bench.session, &byte, 1) == CKR_OK)
		flags |= CKF_DIGEST;
	if (C_FindObjects(bench.session, NULL, 0, &count) == CKR_OK)
		flags |= CKF_FIND_OBJECTS;
	return flags;
}

static void only_what_is_named_is_cancelled(void **state)
{
	static const CK_FLAGS all =
		CKF_ENCRYPT | CKF_DECRYPT | CKF_SIGN | CKF_VERIFY | CKF_DIGEST | CKF_FIND_OBJECTS;
	static const CK_FLAGS kinds[] = {CKF_ENCRYPT, CKF_DECRYPT, CKF_SIGN, CKF_VERIFY, CKF_DIGEST,
					 CKF_FIND_OBJECTS};
	CK_OBJECT_HANDLE secret = ck_secret(bench.session, CKK_AES, "0123456789ABCDEF", 16);

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		start_all(secret);
		assert_int_equal(C_SessionCancel(bench.session, 0), CKR_OK);
		assert_int_equal(active(), all);
		assert_int_equal(C_SessionCancel(bench.session, kinds[i]), CKR_OK);
		assert_int_equal(active(), all & ~kinds[i]);
		assert_int_equal(C_SessionCancel(bench.session, all), CKR_OK);
		assert_int_equal(active(), 0);
		assert_int_equal(C_SessionCancel(bench.session, all), CKR_OK); /* nothing there */
	}
}

static void a_signature_of_the_card_can_be_cancelled(void **state)
{
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	unsigned char sig[256];
	CK_ULONG len = sizeof sig;

	(void)state;
	fake_new_commands(READER);
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key), CKR_OK);
	assert_int_equal(C_SessionCancel(bench.session, CKF_SIGN | CKF_MESSAGE_SIGN), CKR_OK);
	assert_int_equal(C_Sign(bench.session, sig, 4, sig, &len), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(fake_new_commands(READER), 0);
	assert_int_equal(sign_sha256(bench.session, key, "text", sig), CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_has_both_interfaces),
		cmocka_unit_test(a_small_list_gets_the_count),
		cmocka_unit_test(the_default_interface_is_the_newest),
		cmocka_unit_test(a_program_may_write_to_what_it_gets),
		cmocka_unit_test(what_is_not_there_is_not_given),
		cmocka_unit_test(the_2_40_interface_is_the_old_function_list),
		cmocka_unit_test(both_tables_agree_but_in_get_info),
		SESSION_TEST(each_interface_tells_its_version),
		SESSION_TEST(work_is_done_through_the_new_table),
		SESSION_TEST(the_card_knows_no_user_names),
		cmocka_unit_test(a_user_name_is_no_answer_before_the_start),
		SESSION_TEST(only_what_is_named_is_cancelled),
		LOGIN_TEST(a_signature_of_the_card_can_be_cancelled),
	};

	return cmocka_run_group_tests_name("interfaces", tests, NULL, NULL);
}
