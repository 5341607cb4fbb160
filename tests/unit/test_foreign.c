/* Other programs use the same card: what they may and may not do to us, and we to them. */
#include <string.h>

#include <winscard.h>

#include "testcard.h"

static unsigned verifies(void)
{
	struct vcard_stats stats;

	vcard_stats(bench.card, &stats);
	return (unsigned)stats.verifies;
}

static CK_RV sign_text(void)
{
	unsigned char sig[256];
	CK_RV rv = sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), "text",
			       sig);

	if (rv == CKR_OK)
		assert_true(is_signature(bench.card, KEY_SIGN, "text", sig));
	return rv;
}

static void foreign(const char *bytes, size_t len)
{
	assert_int_equal(fake_foreign_command(READER, (const uint8_t *)bytes, len), 0x9000);
}

/* Another program's attempt to sign with what we have verified; its status word. */
static unsigned foreign_private_op(void)
{
	uint8_t half[5 + 128] = {0x80, 0xEA, 0x82, 0x01, 0x80};

	foreign("\x80\xA4\x00\x00\x02\x3F\x00", 7);
	foreign("\x80\xA4\x00\x00\x02\x50\x30", 7);
	foreign("\x80\xA4\x00\x00\x02\x08\x10", 7);
	return fake_foreign_command(READER, half, sizeof half);
}

static unsigned foreign_wrong_pin(void)
{
	uint8_t verify[5 + 32] = {0x8C, 0x20, 0x00, 0x01, 0x20}; /* a spoiled cryptogram */

	foreign("\x80\xA4\x00\x00\x02\x3F\x00", 7);
	foreign("\x80\xA4\x00\x00\x02\x50\x30", 7);
	foreign("\x80\xA4\x00\x00\x02\x08\x10", 7);
	return fake_foreign_command(READER, verify, sizeof verify);
}

static CK_STATE state_of(CK_SESSION_HANDLE session)
{
	CK_SESSION_INFO info;

	assert_int_equal(C_GetSessionInfo(session, &info), CKR_OK);
	return info.state;
}

/* ---- reset ---- */

static void after_a_foreign_reset_the_login_comes_back_with_one_verify(void **state)
{
	(void)state;
	assert_int_equal(sign_text(), CKR_OK);
	assert_int_equal(verifies(), 1);
	fake_foreign_reset(READER);
	assert_int_equal(sign_text(), CKR_OK);
	assert_int_equal(verifies(), 2);
	assert_int_equal(sign_text(), CKR_OK);
	assert_int_equal(verifies(), 2);
	fake_foreign_reset(READER);
	assert_int_equal(sign_text(), CKR_OK);
	assert_int_equal(verifies(), 3);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

static void without_login_a_foreign_reset_costs_nothing(void **state)
{
	CK_OBJECT_HANDLE found[32];

	(void)state;
	assert_int_equal(find_objects(bench.session, NULL, 0, found, COUNT(found)), 9);
	fake_foreign_reset(READER);
	assert_int_equal(find_objects(bench.session, NULL, 0, found, COUNT(found)), 9);
	assert_int_equal(verifies(), 0);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(sign_text(), CKR_OK);
	assert_int_equal(verifies(), 1);
}

static void a_login_that_cannot_come_back_is_dropped_after_one_verify(void **state)
{
	(void)state;
	assert_int_equal(sign_text(), CKR_OK);
	assert_true(vcard_set_pin_tries(bench.card, 0));
	fake_foreign_reset(READER);
	assert_int_equal(sign_text(), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(verifies(), 2);
	assert_int_equal(state_of(bench.session), CKS_RW_PUBLIC_SESSION);
	assert_true(token_flags(bench.slot) & CKF_USER_PIN_LOCKED);
}

static void the_pin_is_not_offered_to_another_card(void **state)
{
	static const char other[] = "TP11111111111111";

	(void)state;
	token_flags(bench.slot);
	assert_int_equal(sign_text(), CKR_OK);
	assert_true(vcard_file_put(bench.card, "3F00/0900/0903", (const uint8_t *)other, 16));
	fake_foreign_reset(READER);
	assert_int_equal(sign_text(), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(verifies(), 1);
}

/*
 * Also when nobody has asked for the token's data before. Fails as of the
 * first version: is_same_card() in src/token/token.c compares nothing then.
 */
static void the_pin_is_not_offered_to_another_card_that_nobody_looked_at(void **state)
{
	static const char other[] = "TP11111111111111";

	(void)state;
	assert_int_equal(sign_text(), CKR_OK);
	assert_true(vcard_file_put(bench.card, "3F00/0900/0903", (const uint8_t *)other, 16));
	fake_foreign_reset(READER);
	assert_int_equal(sign_text(), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(verifies(), 1);
}

/* ---- selects and PINs of others ---- */

static void a_wrong_pin_by_another_program_makes_us_verify_once(void **state)
{
	(void)state;
	assert_int_equal(sign_text(), CKR_OK);
	foreign_wrong_pin();
	assert_int_equal(vcard_tries_left(bench.card), 2);
	assert_int_equal(sign_text(), CKR_OK);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	assert_int_equal(verifies(), 3); /* ours, theirs, ours */
}

static void a_foreign_select_costs_a_few_commands_and_no_verify(void **state)
{
	(void)state;
	assert_int_equal(sign_text(), CKR_OK);
	fake_foreign_select(READER);
	fake_new_commands(READER);
	assert_int_equal(sign_text(), CKR_OK);
	assert_in_range(fake_new_commands(READER), 4, 10);
	assert_int_equal(verifies(), 1);
	assert_int_equal(sign_text(), CKR_OK);
	assert_int_equal(fake_new_commands(READER), 3);
}

static void select_elsewhere(void *context)
{
	(void)context;
	fake_foreign_select(READER);
}

static void selects_between_all_our_calls_break_nothing(void **state)
{
	CK_OBJECT_HANDLE found[32];
	unsigned char value[4096];

	(void)state;
	fake_on_begin(READER, select_elsewhere, NULL);
	bench.session = open_session(bench.slot);
	assert_int_equal(find_objects(bench.session, NULL, 0, found, COUNT(found)), 9);
	for (size_t i = 0; i < 4; i++)
		get_attribute(bench.session, found[i], CKA_VALUE, value, sizeof value);
	for (size_t i = 4; i < 7; i++)
		get_attribute(bench.session, found[i], CKA_MODULUS, value, sizeof value);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(sign_text(), CKR_OK);
	assert_int_equal(sign_text(), CKR_OK);
	assert_int_equal(verifies(), 1);
}

static void reset_the_card(void *context)
{
	(void)context;
	fake_foreign_reset(READER);
}

/* Each transaction finds the card reset: an end to asking, whatever the answer. */
static void a_card_that_is_reset_all_the_time_ends_in_bounded_work(void **state)
{
	unsigned char sig[256];
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	CK_RV rv;

	(void)state;
	fake_on_begin(READER, reset_the_card, NULL);
	fake_new_commands(READER);
	rv = sign_sha256(bench.session, key, "text", sig);
	fake_on_begin(READER, NULL, NULL);
	assert_true(rv == CKR_OK || rv == CKR_DEVICE_ERROR);
	assert_in_range(fake_new_commands(READER), 0, 40);
	assert_in_range(verifies(), 1, 2);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

/* ---- what we leave behind ---- */

static void while_logged_in_the_verified_state_is_the_cards(void **state)
{
	(void)state;
	assert_int_equal(sign_text(), CKR_OK);
	assert_int_equal(foreign_private_op(), 0x9000); /* why logging out must reset */
}

static void after_logout_no_other_program_can_sign(void **state)
{
	(void)state;
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(foreign_private_op(), 0x6982);
}

static void after_the_last_session_no_other_program_can_sign(void **state)
{
	(void)state;
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	assert_int_equal(foreign_private_op(), 0x6982);
}

static void after_close_all_no_other_program_can_sign(void **state)
{
	(void)state;
	assert_int_equal(C_CloseAllSessions(bench.slot), CKR_OK);
	assert_int_equal(foreign_private_op(), 0x6982);
}

static void after_finalize_no_other_program_can_sign(void **state)
{
	(void)state;
	module_stop();
	assert_int_equal(foreign_private_op(), 0x6982);
}

static void without_login_nothing_is_reset(void **state)
{
	CK_OBJECT_HANDLE found[32];
	unsigned before = fake_resets(READER);

	(void)state;
	find_objects(bench.session, NULL, 0, found, COUNT(found));
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	module_stop();
	assert_int_equal(fake_resets(READER), before);
}

static void no_transaction_is_left_between_calls(void **state)
{
	(void)state;
	assert_int_equal(sign_text(), CKR_OK);
	fake_foreign_select(READER); /* would wait for ever inside one */
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	fake_foreign_select(READER);
}

/* ---- exclusive readers, pcscd ---- */

static void a_reader_held_exclusively_answers_at_once(void **state)
{
	CK_SESSION_HANDLE session;
	CK_SLOT_INFO slot;

	(void)state;
	fake_hold_exclusively(READER, true);
	assert_int_equal(C_GetSlotInfo(bench.slot, &slot), CKR_OK);
	assert_true(slot.flags & CKF_TOKEN_PRESENT);
	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session),
			 CKR_DEVICE_ERROR);
	fake_hold_exclusively(READER, false);
	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
}

static void a_restarted_service_is_found_again(void **state)
{
	CK_SESSION_INFO info;
	CK_RV rv;

	(void)state;
	assert_int_equal(sign_text(), CKR_OK);
	fake_service_stop();
	rv = C_GetSessionInfo(bench.session, &info);
	assert_true(rv == CKR_DEVICE_REMOVED || rv == CKR_SESSION_HANDLE_INVALID);
	fake_service_start();
	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(slot_of(READER), bench.slot);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(sign_text(), CKR_OK);
}

/* Between two calls: nobody saw that it was away. */
static void a_service_restarted_unseen_is_an_end_of_the_sessions(void **state)
{
	unsigned char sig[256];
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	CK_RV rv;

	(void)state;
	fake_service_stop();
	fake_service_start();
	rv = sign_sha256(bench.session, key, "text", sig);
	if (rv == CKR_OK) { /* or the login came back, as after a reset */
		assert_true(is_signature(bench.card, KEY_SIGN, "text", sig));
		return;
	}
	assert_true(rv == CKR_DEVICE_REMOVED || rv == CKR_SESSION_HANDLE_INVALID);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(sign_text(), CKR_OK);
}

static void failing_exchanges_are_device_errors_and_pass(void **state)
{
	static const LONG codes[] = {SCARD_E_NOT_TRANSACTED, SCARD_F_COMM_ERROR,
				     SCARD_W_UNRESPONSIVE_CARD, SCARD_F_INTERNAL_ERROR};

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		unsigned char sig[256];
		CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");

		fake_fail(READER, 1, codes[i]);
		assert_int_equal(sign_sha256(bench.session, key, "text", sig), CKR_DEVICE_ERROR);
		if (state_of(bench.session) == CKS_RW_PUBLIC_SESSION)
			assert_int_equal(login(bench.session, PIN), CKR_OK);
		assert_int_equal(sign_text(), CKR_OK);
	}
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOGIN_TEST(after_a_foreign_reset_the_login_comes_back_with_one_verify),
		SESSION_TEST(without_login_a_foreign_reset_costs_nothing),
		LOGIN_TEST(a_login_that_cannot_come_back_is_dropped_after_one_verify),
		LOGIN_TEST(the_pin_is_not_offered_to_another_card),
		LOGIN_TEST(the_pin_is_not_offered_to_another_card_that_nobody_looked_at),
		LOGIN_TEST(a_wrong_pin_by_another_program_makes_us_verify_once),
		LOGIN_TEST(a_foreign_select_costs_a_few_commands_and_no_verify),
		BENCH_TEST(selects_between_all_our_calls_break_nothing),
		LOGIN_TEST(a_card_that_is_reset_all_the_time_ends_in_bounded_work),
		LOGIN_TEST(while_logged_in_the_verified_state_is_the_cards),
		LOGIN_TEST(after_logout_no_other_program_can_sign),
		LOGIN_TEST(after_the_last_session_no_other_program_can_sign),
		LOGIN_TEST(after_close_all_no_other_program_can_sign),
		LOGIN_TEST(after_finalize_no_other_program_can_sign),
		SESSION_TEST(without_login_nothing_is_reset),
		LOGIN_TEST(no_transaction_is_left_between_calls),
		BENCH_TEST(a_reader_held_exclusively_answers_at_once),
		LOGIN_TEST(a_restarted_service_is_found_again),
		LOGIN_TEST(a_service_restarted_unseen_is_an_end_of_the_sessions),
		LOGIN_TEST(failing_exchanges_are_device_errors_and_pass),
	};

	return cmocka_run_group_tests_name("foreign programs", tests, NULL, NULL);
}
