/* What the module answers to calls that it does not carry out, and what all calls have in common. */
#include <string.h>

#include "ck_calls.h"
#include "ck_objects.h"
#include "gen2card.h"

#define NO_SESSION 0x7FF00000
#define NO_SLOT 0x7FF

/* A session and a log of the level that tells why something was refused. */
static int setup_logged(void **state)
{
	home_make();
	log_level("info");
	log_clear();
	return bench_setup_session(state);
}

static int teardown_logged(void **state)
{
	int failed = bench_teardown(state);

	log_level("none");
	return failed;
}

#define LOGGED_TEST(f) cmocka_unit_test_setup_teardown(f, setup_logged, teardown_logged)


static CK_UTF8CHAR *new_label(void)
{
	static CK_UTF8CHAR label[32];

	memset(label, ' ', sizeof label);
	return label;
}

static CK_RV set_pin(CK_SESSION_HANDLE session, const char *old_pin, const char *new_pin)
{
	return C_SetPIN(session, (CK_BYTE *)old_pin, strlen(old_pin), (CK_BYTE *)new_pin, strlen(new_pin));
}

static CK_RV generate_pair(CK_MECHANISM *m)
{
	CK_OBJECT_HANDLE a, b;

	return C_GenerateKeyPair(bench.session, m, NULL, 0, NULL, 0, &a, &b);
}

/* ---- what would change the card ---- */

static void assert_untouched(void)
{
	assert_int_equal(verifies(bench.card), 0);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

static void assert_logged(const char *operation, const char *mark)
{
	const char *text = log_text(), *line = strstr(text, operation);

	if (!line || !strstr(line, mark))
		fail_msg("the log does not say \"%s\" and \"%s\": %s", operation, mark, text);
	log_clear();
}

static void a_first_generation_card_is_not_changed_and_the_log_says_why(void **state)
{
	(void)state;
	assert_int_equal(set_pin(bench.session, PIN, "222222"), CKR_FUNCTION_NOT_SUPPORTED);
	assert_logged("change PIN", "static");
	assert_int_equal(C_InitPIN(bench.session, (CK_BYTE *)PIN, 6), CKR_FUNCTION_NOT_SUPPORTED);
	assert_logged("unblock PIN", "form is assumed");
	assert_int_equal(generate_pair(MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN)), CKR_FUNCTION_NOT_SUPPORTED);
	assert_logged("generate key", "form is unknown");
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	assert_int_equal(C_InitToken(bench.slot, (CK_BYTE *)PIN, 6, new_label()),
			 CKR_FUNCTION_NOT_SUPPORTED);
	assert_logged("create file", "assumed");
	assert_untouched();
}

static void a_second_generation_card_is_not_changed_either(void **state)
{
	(void)state;
	assert_int_equal(set_pin(bench.session, PIN, "222222"), CKR_FUNCTION_NOT_SUPPORTED);
	assert_logged("change PIN", "form is assumed");
	assert_int_equal(C_InitPIN(bench.session, (CK_BYTE *)PIN, 6), CKR_FUNCTION_NOT_SUPPORTED);
	assert_logged("unblock PIN", "form is assumed");
	assert_int_equal(generate_pair(MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN)), CKR_FUNCTION_NOT_SUPPORTED);
	assert_logged("generate key", "form is unknown");
	assert_untouched();
}

static void a_new_pin_is_refused_in_the_order_of_the_standard(void **state)
{
	CK_SESSION_HANDLE read_only;

	(void)state;
	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &read_only), CKR_OK);
	fake_new_commands(READER);
	assert_int_equal(set_pin(read_only, PIN, "222222"), CKR_SESSION_READ_ONLY);
	assert_int_equal(C_InitPIN(read_only, (CK_BYTE *)PIN, 6), CKR_SESSION_READ_ONLY);
	assert_int_equal(set_pin(bench.session, PIN, "12345"), CKR_PIN_LEN_RANGE);
	assert_int_equal(set_pin(bench.session, PIN, "123456789"), CKR_PIN_LEN_RANGE);
	assert_int_equal(set_pin(bench.session, "1", "222222"), CKR_PIN_LEN_RANGE);
	assert_int_equal(C_SetPIN(bench.session, NULL, 6, (CK_BYTE *)PIN, 6), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_SetPIN(bench.session, (CK_BYTE *)PIN, 6, NULL, 6), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_InitPIN(bench.session, NULL, 6), CKR_ARGUMENTS_BAD);
	assert_int_equal(fake_new_commands(READER), 0);
	assert_untouched();
}

static void a_token_is_not_initialised_under_a_session(void **state)
{
	(void)state;
	assert_int_equal(C_InitToken(bench.slot, (CK_BYTE *)PIN, 6, new_label()), CKR_SESSION_EXISTS);
	assert_int_equal(C_InitToken(bench.slot, NULL, 6, new_label()), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_InitToken(bench.slot, (CK_BYTE *)PIN, 6, NULL), CKR_ARGUMENTS_BAD);
	fake_eject(READER);
	assert_int_equal(C_InitToken(bench.slot, (CK_BYTE *)PIN, 6, new_label()), CKR_TOKEN_NOT_PRESENT);
}

static void the_refused_are_refused_with_a_login_too(void **state)
{
	(void)state;
	assert_int_equal(set_pin(bench.session, PIN, "222222"), CKR_FUNCTION_NOT_SUPPORTED);
	assert_int_equal(generate_pair(MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN)), CKR_FUNCTION_NOT_SUPPORTED);
	assert_int_equal(verifies(bench.card), 1); /* the login's */
}

/* ---- what no mechanism does ---- */

static void there_is_no_derivation_and_no_pair_of_another_kind(void **state)
{
	CK_OBJECT_HANDLE key;

	(void)state;
	assert_int_equal(generate_pair(MECHANISM(CKM_EC_KEY_PAIR_GEN)), CKR_MECHANISM_INVALID);
	assert_int_equal(generate_pair(NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GenerateKeyPair(bench.session, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN), NULL, 1, NULL,
					   0, &key, &key),
			 CKR_ARGUMENTS_BAD);
	assert_int_equal(C_DeriveKey(bench.session, MECHANISM(CKM_SHA256_KEY_DERIVATION), 1, NULL, 0, &key),
			 CKR_MECHANISM_INVALID);
	assert_int_equal(C_DeriveKey(bench.session, NULL, 1, NULL, 0, &key), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_DeriveKey(bench.session, MECHANISM(CKM_SHA256), 1, NULL, 0, NULL),
			 CKR_ARGUMENTS_BAD);
}

static void the_state_of_an_operation_cannot_be_saved(void **state)
{
	unsigned char saved[16] = {0};
	CK_ULONG len = sizeof saved;

	(void)state;
	assert_int_equal(C_GetOperationState(bench.session, saved, &len), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_GetOperationState(bench.session, saved, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_GetOperationState(bench.session, NULL, &len), CKR_STATE_UNSAVEABLE);
	assert_int_equal(C_SetOperationState(bench.session, saved, sizeof saved, 0, 0),
			 CKR_SAVED_STATE_INVALID);
	assert_int_equal(C_SetOperationState(bench.session, NULL, 4, 0, 0), CKR_ARGUMENTS_BAD);
	len = sizeof saved;
	assert_int_equal(C_DigestUpdate(bench.session, saved, 1), CKR_OK); /* it goes on */
}

static void functions_do_not_run_in_parallel(void **state)
{
	(void)state;
	assert_int_equal(C_GetFunctionStatus(bench.session), CKR_FUNCTION_NOT_PARALLEL);
	assert_int_equal(C_CancelFunction(bench.session), CKR_FUNCTION_NOT_PARALLEL);
}

/* ---- all calls ---- */

/* Fails with the names of those that answered something else. */
static void assert_all(bool (*concerns)(enum ck_call_kind), CK_ULONG handle, CK_RV wanted)
{
	char wrong[1000] = "";
	size_t tried = 0;

	for (size_t i = 0; i < ck_call_count; i++) {
		size_t len = strlen(wrong);
		CK_RV rv;

		if (!concerns(ck_calls[i].kind))
			continue;
		rv = ck_calls[i].call(handle);
		tried++;
		if (rv != wanted)
			snprintf(wrong + len, sizeof wrong - len, " %s: %lX", ck_calls[i].name, rv);
	}
	assert_true(tried > 0);
	if (wrong[0])
		fail_msg("not %lX:%s", wanted, wrong);
}

static bool wants_initialize(enum ck_call_kind kind)
{
	return kind != CK_CALL_FREE;
}

static bool wants_nothing(enum ck_call_kind kind)
{
	return kind == CK_CALL_FREE;
}

static bool wants_slot(enum ck_call_kind kind)
{
	return kind == CK_CALL_SLOT;
}

static bool wants_session(enum ck_call_kind kind)
{
	return kind == CK_CALL_SESSION;
}

static bool is_message(enum ck_call_kind kind)
{
	return kind == CK_CALL_MESSAGE;
}

static void before_initialize_every_function_says_so(void **state)
{
	(void)state;
	assert_int_equal(ck_call_count, 68 + 24 - 1); /* all but C_Initialize */
	assert_all(wants_initialize, 1, CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_all(wants_nothing, 1, CKR_OK);
	module_start();
	module_stop();
	assert_all(wants_initialize, 1, CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void every_function_minds_its_handle(void **state)
{
	(void)state;
	fake_new_commands(READER);
	assert_all(wants_session, NO_SESSION, CKR_SESSION_HANDLE_INVALID);
	assert_all(wants_session, 0, CKR_SESSION_HANDLE_INVALID);
	assert_all(wants_session, (CK_ULONG)-1, CKR_SESSION_HANDLE_INVALID);
	assert_all(wants_slot, NO_SLOT, CKR_SLOT_ID_INVALID);
	assert_all(wants_slot, 2047, CKR_SLOT_ID_INVALID);
	assert_all(wants_slot, (CK_ULONG)-1, CKR_SLOT_ID_INVALID);
	assert_int_equal(fake_new_commands(READER), 0);
}

static void message_functions_are_there_and_not_supported(void **state)
{
	(void)state;
	assert_all(is_message, bench.session, CKR_FUNCTION_NOT_SUPPORTED);
	assert_all(is_message, NO_SESSION, CKR_FUNCTION_NOT_SUPPORTED);
}

/* OpenSC 1935: a program that meets CKR_GENERAL_ERROR after a removal loops. */
static void after_a_removal_no_function_fails_in_general(void **state)
{
	(void)state;
	for (size_t i = 0; i < ck_call_count; i++) {
		CK_SESSION_HANDLE session;
		CK_RV rv;

		if (ck_calls[i].kind != CK_CALL_SESSION)
			continue;
		session = open_session(bench.slot);
		fake_eject(READER);
		rv = ck_calls[i].call(session);
		if (rv == CKR_GENERAL_ERROR)
			fail_msg("%s: CKR_GENERAL_ERROR after a removal", ck_calls[i].name);
		fake_insert(READER, bench.card);
		rv = C_GetSessionInfo(session, &(CK_SESSION_INFO){0});
		if (rv != CKR_SESSION_HANDLE_INVALID && rv != CKR_DEVICE_REMOVED)
			fail_msg("%s: the session lives on after a removal", ck_calls[i].name);
	}
}

static void set_operation(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE secret)
{
	CK_MECHANISM *ctr = MECHANISM(CKM_AES_ECB);

	assert_int_equal(C_EncryptInit(session, ctr, secret), CKR_OK);
	assert_int_equal(C_DecryptInit(session, ctr, secret), CKR_OK);
	assert_int_equal(C_SignInit(session, MECHANISM(CKM_SHA256_HMAC), secret), CKR_OK);
	assert_int_equal(C_VerifyInit(session, MECHANISM(CKM_SHA256_HMAC), secret), CKR_OK);
	assert_int_equal(C_DigestInit(session, MECHANISM(CKM_SHA256)), CKR_OK);
}

static void a_second_init_of_a_kind_is_refused(void **state)
{
	CK_OBJECT_HANDLE secret = ck_secret(bench.session, CKK_AES, "0123456789ABCDEF", 16);

	(void)state;
	set_operation(bench.session, secret);
	assert_int_equal(C_EncryptInit(bench.session, MECHANISM(CKM_AES_ECB), secret), CKR_OPERATION_ACTIVE);
	assert_int_equal(C_DecryptInit(bench.session, MECHANISM(CKM_AES_ECB), secret), CKR_OPERATION_ACTIVE);
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_HMAC), secret),
			 CKR_OPERATION_ACTIVE);
	assert_int_equal(C_VerifyInit(bench.session, MECHANISM(CKM_SHA256_HMAC), secret),
			 CKR_OPERATION_ACTIVE);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OPERATION_ACTIVE);
	set_operation(open_session(bench.slot), secret); /* another session has its own */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOGGED_TEST(a_first_generation_card_is_not_changed_and_the_log_says_why),
		GEN2_SESSION_TEST(a_second_generation_card_is_not_changed_either),
		SESSION_TEST(a_new_pin_is_refused_in_the_order_of_the_standard),
		SESSION_TEST(a_token_is_not_initialised_under_a_session),
		LOGIN_TEST(the_refused_are_refused_with_a_login_too),
		SESSION_TEST(there_is_no_derivation_and_no_pair_of_another_kind),
		SESSION_TEST(the_state_of_an_operation_cannot_be_saved),
		SESSION_TEST(functions_do_not_run_in_parallel),
		cmocka_unit_test(before_initialize_every_function_says_so),
		SESSION_TEST(every_function_minds_its_handle),
		SESSION_TEST(message_functions_are_there_and_not_supported),
		SESSION_TEST(after_a_removal_no_function_fails_in_general),
		SESSION_TEST(a_second_init_of_a_kind_is_refused),
	};

	return cmocka_run_group_tests_name("refused", tests, NULL, NULL);
}
