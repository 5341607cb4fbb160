/* What the token says of itself, and what PINs do to it. */
#include <string.h>

#include "rsamech.h"
#include "testcard.h"

#define PIN_FLAGS (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)
#define OS_FILE "3F00/0900/0905"

static void assert_padded(const unsigned char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	assert_true(len <= size);
	assert_memory_equal(field, text, len);
	for (size_t i = len; i < size; i++)
		assert_int_equal(field[i], ' ');
}

static unsigned verifies(void)
{
	struct vcard_stats stats;

	vcard_stats(bench.card, &stats);
	return (unsigned)stats.verifies;
}

static void the_token_shows_what_the_official_module_shows(void **state)
{
	CK_TOKEN_INFO info;

	(void)state;
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_padded(info.label, sizeof info.label, "HiCOS PKI Smart Card");
	assert_padded(info.manufacturerID, sizeof info.manufacturerID, "Chunghwa TeleCom Co., Ltd.");
	assert_padded(info.model, sizeof info.model, "T7S");
	assert_padded(info.serialNumber, sizeof info.serialNumber, vcard_card_number(bench.card));
	assert_padded(info.utcTime, sizeof info.utcTime, "");
	assert_int_equal(info.flags, CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED |
					     CKF_DUAL_CRYPTO_OPERATIONS | CKF_TOKEN_INITIALIZED);
	assert_int_equal(info.ulMaxSessionCount, 4096);
	assert_int_equal(info.ulMaxRwSessionCount, 4096);
	assert_int_equal(info.ulMinPinLen, 6);
	assert_int_equal(info.ulMaxPinLen, 8);
}

static void the_label_is_the_cards(void **state)
{
	/* TokenInfo with a label that is longer than the field */
	static const uint8_t der[] = "\x30\x34\x02\x01\x00\x04\x01X\x80\x2C"
				     "0123456789012345678901234567\xE4\xB8\xAD\xE6\x96\x87"
				     "0123456789";
	CK_TOKEN_INFO info;

	(void)state;
	assert_true(vcard_file_put(bench.card, "3F00/5030/5032", der, sizeof der - 1));
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	/* 28 digits and one whole character of three bytes; the next would not fit */
	assert_padded(info.label, sizeof info.label, "0123456789012345678901234567\xE4\xB8\xAD");
}

/* Much longer than any field that it goes through. */
static void a_label_without_an_end_is_cut(void **state)
{
	static const uint8_t head[] = {0x30, 0x82, 0x01, 0x34, 0x02, 0x01, 0x00, 0x04, 0x01, 'X', 0x80, 0x82, 0x01, 0x2A};
	uint8_t der[sizeof head + 298];
	CK_TOKEN_INFO info;

	(void)state;
	memcpy(der, head, sizeof head);
	for (size_t i = sizeof head; i < sizeof der; i++)
		der[i] = (uint8_t)"\xE7\x8E\x8B"[(i - sizeof head) % 3];
	assert_true(vcard_file_put(bench.card, "3F00/5030/5032", der, sizeof der));
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_padded(info.label, sizeof info.label,
		      "\xE7\x8E\x8B\xE7\x8E\x8B\xE7\x8E\x8B\xE7\x8E\x8B\xE7\x8E\x8B"
		      "\xE7\x8E\x8B\xE7\x8E\x8B\xE7\x8E\x8B\xE7\x8E\x8B\xE7\x8E\x8B");
}

static void each_wrong_pin_costs_one_try_and_the_flags_tell(void **state)
{
	static const struct {
		CK_RV rv;
		unsigned left;
		CK_FLAGS set, clear;
	} steps[] = {
		{CKR_PIN_INCORRECT, 2, CKF_USER_PIN_COUNT_LOW,
		 CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED},
		{CKR_PIN_INCORRECT, 1, CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY,
		 CKF_USER_PIN_LOCKED},
		{CKR_PIN_LOCKED, 0, CKF_USER_PIN_LOCKED, CKF_USER_PIN_FINAL_TRY},
	};

	(void)state;
	assert_int_equal(token_flags(bench.slot) & PIN_FLAGS, 0);
	for (size_t i = 0; i < COUNT(steps); i++) {
		CK_FLAGS flags;

		assert_int_equal(login(bench.session, WRONG_PIN), steps[i].rv);
		assert_int_equal(vcard_tries_left(bench.card), steps[i].left);
		assert_int_equal(verifies(), i + 1);
		flags = token_flags(bench.slot);
		assert_int_equal(flags & steps[i].set, steps[i].set);
		assert_int_equal(flags & steps[i].clear, 0);
	}
	assert_int_equal(login(bench.session, PIN), CKR_PIN_LOCKED);
	assert_int_equal(token_flags(bench.slot) & CKF_USER_PIN_LOCKED, CKF_USER_PIN_LOCKED);
}

static void the_right_pin_clears_the_flags(void **state)
{
	(void)state;
	assert_int_equal(login(bench.session, WRONG_PIN), CKR_PIN_INCORRECT);
	assert_int_equal(login(bench.session, WRONG_PIN), CKR_PIN_INCORRECT);
	assert_true(token_flags(bench.slot) & CKF_USER_PIN_FINAL_TRY);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(token_flags(bench.slot) & PIN_FLAGS, 0);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

static void a_pin_of_a_wrong_length_costs_nothing(void **state)
{
	static const char *const pins[] = {"", "12345", "123456789", "12345678901"};

	(void)state;
	fake_new_commands(READER);
	for (size_t i = 0; i < COUNT(pins); i++)
		assert_int_equal(login(bench.session, pins[i]), CKR_PIN_INCORRECT);
	assert_int_equal(verifies(), 0);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	assert_int_equal(token_flags(bench.slot) & PIN_FLAGS, 0);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
}

static void a_huge_pin_length_costs_nothing(void **state)
{
	(void)state;
	assert_int_equal(C_Login(bench.session, CKU_USER, (unsigned char *)PIN, (CK_ULONG)-1),
			 CKR_PIN_INCORRECT);
	assert_int_equal(verifies(), 0);
}

static void no_pin_is_a_wrong_argument_and_no_verify(void **state)
{
	(void)state;
	assert_int_equal(C_Login(bench.session, CKU_USER, NULL, 6), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_Login(bench.session, CKU_USER, NULL, 0), CKR_ARGUMENTS_BAD);
	assert_int_equal(verifies(), 0);
}

static void a_pin_is_bytes_and_a_length(void **state)
{
	unsigned char not_terminated[] = {'1', '2', '3', '4', '5', '6', '7', '7'};
	unsigned char with_nul[] = {'1', '2', '3', '4', '5', '6', 0};

	(void)state;
	assert_int_equal(C_Login(bench.session, CKU_USER, not_terminated, 6), CKR_OK);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(C_Login(bench.session, CKU_USER, with_nul, 7), CKR_PIN_INCORRECT);
}

static void other_users_are_refused_without_the_card(void **state)
{
	(void)state;
	assert_int_equal(C_Login(bench.session, CKU_SO, (unsigned char *)PIN, 6),
			 CKR_USER_TYPE_INVALID);
	assert_int_equal(C_Login(bench.session, 77, (unsigned char *)PIN, 6), CKR_USER_TYPE_INVALID);
	assert_int_equal(C_Login(bench.session, CKU_CONTEXT_SPECIFIC, (unsigned char *)PIN, 6),
			 CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(verifies(), 0);
}

static void the_security_officer_waits_for_the_user_to_leave(void **state)
{
	(void)state;
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(C_Login(bench.session, CKU_SO, (unsigned char *)PIN, 6),
			 CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
	assert_int_equal(verifies(), 1);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(C_Login(bench.session, CKU_SO, (unsigned char *)PIN, 6),
			 CKR_USER_TYPE_INVALID);
}

static void only_flags_that_exist_come_back(void **state)
{
	CK_SESSION_HANDLE session;
	CK_SESSION_INFO info;

	(void)state;
	assert_int_equal(C_OpenSession(bench.slot, (CK_FLAGS)-1 & ~(CK_FLAGS)CKF_RW_SESSION, NULL, NULL,
				       &session),
			 CKR_OK);
	assert_int_equal(C_GetSessionInfo(session, &info), CKR_OK);
	assert_int_equal(info.flags, CKF_SERIAL_SESSION);
	assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
}

static void a_second_login_is_refused_without_the_card(void **state)
{
	CK_SESSION_HANDLE other = open_session(bench.slot);

	(void)state;
	assert_int_equal(verifies(), 1);
	assert_int_equal(login(bench.session, PIN), CKR_USER_ALREADY_LOGGED_IN);
	assert_int_equal(login(other, WRONG_PIN), CKR_USER_ALREADY_LOGGED_IN);
	assert_int_equal(verifies(), 1);
	assert_int_equal(C_Logout(other), CKR_OK);
	assert_int_equal(C_Logout(bench.session), CKR_USER_NOT_LOGGED_IN);
}

static void an_unknown_card_is_given_up_until_a_session_asks(void **state)
{
	static const char text[] = "CHT V21N                ";
	CK_SESSION_HANDLE session;
	CK_TOKEN_INFO token;
	CK_SLOT_INFO slot;
	struct vcard_stats stats;

	(void)state;
	assert_true(vcard_file_put(bench.card, OS_FILE, (const uint8_t *)text, sizeof text - 1));
	assert_int_equal(C_GetTokenInfo(bench.slot, &token), CKR_TOKEN_NOT_RECOGNIZED);
	assert_in_range(fake_new_commands(READER), 1, 10); /* every profile is asked twice */
	for (int i = 0; i < 5; i++)
		assert_int_equal(C_GetTokenInfo(bench.slot, &token), CKR_TOKEN_NOT_RECOGNIZED);
	assert_int_equal(fake_new_commands(READER), 0);
	/* a session asks again: it may have been a bad moment */
	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session),
			 CKR_TOKEN_NOT_RECOGNIZED);
	assert_in_range(fake_new_commands(READER), 1, 10);
	assert_int_equal(C_GetSlotInfo(bench.slot, &slot), CKR_OK);
	assert_true(slot.flags & CKF_TOKEN_PRESENT);
	vcard_stats(bench.card, &stats);
	assert_int_equal(stats.verifies, 0);
}

static void a_known_card_after_an_unknown_one_is_known(void **state)
{
	struct vcard *unknown = testcard_load();
	CK_TOKEN_INFO info;

	(void)state;
	assert_true(vcard_file_put(unknown, OS_FILE, (const uint8_t *)"something else entirely!", 24));
	fake_eject(READER);
	fake_insert(READER, unknown);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_TOKEN_NOT_RECOGNIZED);
	fake_eject(READER);
	fake_insert(READER, bench.card);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	vcard_free(&unknown);
}

static void no_card_is_no_token(void **state)
{
	CK_MECHANISM_INFO mechanism;
	CK_SESSION_HANDLE session;
	CK_TOKEN_INFO info;
	CK_ULONG count = 0;

	(void)state;
	fake_eject(READER);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_TOKEN_NOT_PRESENT);
	assert_int_equal(C_GetMechanismList(bench.slot, NULL, &count), CKR_TOKEN_NOT_PRESENT);
	assert_int_equal(C_GetMechanismInfo(bench.slot, CKM_RSA_PKCS, &mechanism),
			 CKR_TOKEN_NOT_PRESENT);
	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session),
			 CKR_TOKEN_NOT_PRESENT);
}

static void mechanisms_of_the_card_are_flagged_as_hardware(void **state)
{
	CK_MECHANISM_TYPE list[128];
	CK_MECHANISM_INFO info;
	CK_ULONG count = 0, small = 1;

	(void)state;
	assert_int_equal(C_GetMechanismList(bench.slot, NULL, &count), CKR_OK);
	assert_in_range(count, 18, COUNT(list));
	assert_int_equal(C_GetMechanismList(bench.slot, list, &small), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(small, count);
	assert_int_equal(C_GetMechanismList(bench.slot, list, &count), CKR_OK);
	for (CK_ULONG i = 0; i < count; i++)
		assert_int_equal(C_GetMechanismInfo(bench.slot, list[i], &info), CKR_OK);
	for (size_t i = 0; i < rsa_way_count; i++) {
		assert_int_equal(C_GetMechanismInfo(bench.slot, rsa_ways[i].mechanism, &info), CKR_OK);
		assert_true(info.flags & CKF_HW && info.flags & CKF_SIGN && info.flags & CKF_VERIFY);
		assert_int_equal(info.ulMinKeySize, 2048);
		assert_int_equal(info.ulMaxKeySize, 2048);
	}
	assert_int_equal(C_GetMechanismInfo(bench.slot, CKM_RSA_PKCS_OAEP, &info), CKR_OK);
	assert_true(info.flags & CKF_HW && info.flags & CKF_DECRYPT);
	assert_int_equal(C_GetMechanismInfo(bench.slot, CKM_SHA256, &info), CKR_OK);
	assert_int_equal(info.flags, CKF_DIGEST);
	assert_int_equal(C_GetMechanismInfo(bench.slot, CKM_ECDSA, &info), CKR_MECHANISM_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(the_token_shows_what_the_official_module_shows),
		BENCH_TEST(the_label_is_the_cards),
		BENCH_TEST(a_label_without_an_end_is_cut),
		SESSION_TEST(each_wrong_pin_costs_one_try_and_the_flags_tell),
		SESSION_TEST(the_right_pin_clears_the_flags),
		SESSION_TEST(a_pin_of_a_wrong_length_costs_nothing),
		SESSION_TEST(a_huge_pin_length_costs_nothing),
		SESSION_TEST(no_pin_is_a_wrong_argument_and_no_verify),
		SESSION_TEST(a_pin_is_bytes_and_a_length),
		SESSION_TEST(other_users_are_refused_without_the_card),
		SESSION_TEST(the_security_officer_waits_for_the_user_to_leave),
		SESSION_TEST(only_flags_that_exist_come_back),
		LOGIN_TEST(a_second_login_is_refused_without_the_card),
		BENCH_TEST(an_unknown_card_is_given_up_until_a_session_asks),
		BENCH_TEST(a_known_card_after_an_unknown_one_is_known),
		BENCH_TEST(no_card_is_no_token),
		BENCH_TEST(mechanisms_of_the_card_are_flagged_as_hardware),
	};

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
