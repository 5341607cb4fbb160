/* Sessions: open, shared login, close, and cards that leave under them. */
#include <string.h>

#include <winscard.h>

#include "testcard.h"

static CK_SESSION_INFO info_of(CK_SESSION_HANDLE session)
{
	CK_SESSION_INFO info;

	assert_int_equal(C_GetSessionInfo(session, &info), CKR_OK);
	return info;
}

static bool is_gone(CK_RV rv)
{
	return rv == CKR_DEVICE_REMOVED || rv == CKR_TOKEN_NOT_PRESENT ||
	       rv == CKR_SESSION_HANDLE_INVALID;
}

static void read_write_sessions_are_accepted(void **state)
{
	CK_SESSION_HANDLE rw = open_session(bench.slot), ro;

	(void)state;
	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &ro), CKR_OK);
	assert_int_equal(info_of(rw).state, CKS_RW_PUBLIC_SESSION);
	assert_int_equal(info_of(rw).flags, CKF_SERIAL_SESSION | CKF_RW_SESSION);
	assert_int_equal(info_of(ro).state, CKS_RO_PUBLIC_SESSION);
	assert_int_equal(info_of(ro).flags, CKF_SERIAL_SESSION);
	assert_int_equal(info_of(ro).slotID, bench.slot);
	assert_true(rw != ro && rw > 0 && ro > 0);
	assert_true(rw <= INT32_MAX && ro <= INT32_MAX);
}

static void parallel_sessions_are_refused(void **state)
{
	CK_SESSION_HANDLE session = 0;

	(void)state;
	assert_int_equal(C_OpenSession(bench.slot, CKF_RW_SESSION, NULL, NULL, &session),
			 CKR_SESSION_PARALLEL_NOT_SUPPORTED);
	assert_int_equal(session, 0);
}

static void sessions_are_counted(void **state)
{
	CK_SESSION_HANDLE rw = open_session(bench.slot), ro;
	CK_TOKEN_INFO info;

	(void)state;
	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &ro), CKR_OK);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_int_equal(info.ulSessionCount, 2);
	assert_int_equal(info.ulRwSessionCount, 1);
	assert_int_equal(C_CloseSession(rw), CKR_OK);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_int_equal(info.ulSessionCount, 1);
	assert_int_equal(info.ulRwSessionCount, 0);
}

static void a_login_is_shared_by_all_sessions(void **state)
{
	CK_SESSION_HANDLE ro, later;

	(void)state;
	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &ro), CKR_OK);
	assert_int_equal(login(ro, PIN), CKR_OK);
	later = open_session(bench.slot);
	assert_int_equal(info_of(bench.session).state, CKS_RW_USER_FUNCTIONS);
	assert_int_equal(info_of(ro).state, CKS_RO_USER_FUNCTIONS);
	assert_int_equal(info_of(later).state, CKS_RW_USER_FUNCTIONS);
	assert_int_equal(C_Logout(later), CKR_OK);
	assert_int_equal(info_of(bench.session).state, CKS_RW_PUBLIC_SESSION);
	assert_int_equal(info_of(ro).state, CKS_RO_PUBLIC_SESSION);
}

static void only_the_last_session_takes_the_login_with_it(void **state)
{
	CK_SESSION_HANDLE other = open_session(bench.slot);
	unsigned resets = fake_resets(READER);

	(void)state;
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	assert_int_equal(info_of(other).state, CKS_RW_USER_FUNCTIONS);
	assert_int_equal(fake_resets(READER), resets);
	assert_int_equal(C_CloseSession(other), CKR_OK);
	assert_int_equal(fake_resets(READER), resets + 1);
	bench.session = open_session(bench.slot);
	assert_int_equal(info_of(bench.session).state, CKS_RW_PUBLIC_SESSION);
	assert_int_equal(C_Logout(bench.session), CKR_USER_NOT_LOGGED_IN);
}

static void a_closed_session_is_unknown(void **state)
{
	CK_SESSION_INFO info;

	(void)state;
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	assert_int_equal(C_CloseSession(bench.session), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_FindObjectsInit(bench.session, NULL, 0), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_GetSessionInfo(0, &info), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_GetSessionInfo((CK_SESSION_HANDLE)-1, &info), CKR_SESSION_HANDLE_INVALID);
}

static void all_sessions_of_a_slot_close_together(void **state)
{
	CK_SESSION_HANDLE other = open_session(bench.slot);
	CK_SESSION_INFO info;

	(void)state;
	assert_int_equal(C_CloseAllSessions(bench.slot), CKR_OK);
	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_GetSessionInfo(other, &info), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_CloseAllSessions(bench.slot), CKR_OK);
	assert_int_equal(C_CloseAllSessions(bench.slot + 1), CKR_SLOT_ID_INVALID);
}

/* ---- removal ---- */

static void a_pulled_card_ends_its_sessions(void **state)
{
	CK_SESSION_INFO info;

	(void)state;
	fake_eject(READER);
	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_DEVICE_REMOVED);
	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_SESSION_HANDLE_INVALID);
	fake_insert(READER, bench.card);
	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_SESSION_HANDLE_INVALID);
	bench.session = open_session(bench.slot);
	assert_int_equal(info_of(bench.session).state, CKS_RW_PUBLIC_SESSION);
}

static void a_card_away_and_back_between_two_calls_ends_them_too(void **state)
{
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	unsigned char sig[256];

	(void)state;
	fake_eject(READER);
	fake_insert(READER, bench.card);
	assert_true(is_gone(C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key)));
	bench.session = open_session(bench.slot);
	assert_int_equal(info_of(bench.session).state, CKS_RW_PUBLIC_SESSION);
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key),
			 CKR_KEY_HANDLE_INVALID);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	assert_int_equal(sign_sha256(bench.session, key, "text", sig), CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, "text", sig));
}

static void another_card_is_another_token(void **state)
{
	struct vcard *other = testcard_load_other();
	CK_OBJECT_HANDLE old = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	CK_TOKEN_INFO info;

	(void)state;
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_memory_equal(info.serialNumber, vcard_card_number(bench.card), 16);
	fake_eject(READER);
	fake_insert(READER, other);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_memory_equal(info.serialNumber, "TP99999999999999", 16);
	assert_int_equal(info.ulSessionCount, 0);
	bench.session = open_session(bench.slot);
	assert_int_not_equal(find_one(bench.session, CKO_CERTIFICATE, "SIGN"), old);
	fake_eject(READER);
	vcard_free(&other);
}

static void the_pin_is_not_kept_for_the_next_card(void **state)
{
	struct vcard *other = testcard_load_other();
	struct vcard_stats stats;
	CK_OBJECT_HANDLE found[4];

	(void)state;
	fake_eject(READER);
	fake_insert(READER, other);
	bench.session = open_session(bench.slot);
	assert_int_equal(find_class(bench.session, CKO_PRIVATE_KEY, found, COUNT(found)), 0);
	vcard_stats(other, &stats);
	assert_int_equal(stats.verifies, 0);
	fake_eject(READER);
	vcard_free(&other);
}

static void a_card_pulled_inside_an_operation_is_not_a_general_error(void **state)
{
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	unsigned char sig[256];
	CK_ULONG len = sizeof sig;

	(void)state;
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key), CKR_OK);
	fake_eject(READER);
	assert_true(is_gone(C_Sign(bench.session, (CK_BYTE *)"text", 4, sig, &len)));
	assert_true(is_gone(C_Sign(bench.session, (CK_BYTE *)"text", 4, sig, &len)));
}

/* It is connected anew: what it is cannot be said before it answers. */
static void a_card_that_did_not_answer_is_asked_by_the_next_session(void **state)
{
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	CK_SESSION_HANDLE session;
	unsigned char sig[256];

	(void)state;
	fake_fail(READER, 1000, SCARD_F_COMM_ERROR);
	assert_int_not_equal(sign_sha256(bench.session, key, "text", sig), CKR_OK);
	assert_int_not_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
	fake_fail(READER, 0, 0);
	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
}

static void a_removed_reader_ends_its_sessions_whatever_code_says_so(void **state)
{
	static const long codes[] = {(long)0x80100017, (long)0x80100011, (long)0x80100003,
				     (long)0x80100009}; /* READER_UNAVAILABLE, INVALID_VALUE,
							 INVALID_HANDLE, UNKNOWN_READER */

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
		unsigned char sig[256];
		CK_ULONG len = sizeof sig;

		assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key), CKR_OK);
		fake_set_gone_code(codes[i]);
		fake_remove_reader(READER);
		assert_true(is_gone(C_Sign(bench.session, (CK_BYTE *)"text", 4, sig, &len)));
		fake_add_reader(READER);
		fake_insert(READER, bench.card);
		assert_int_equal(slot_of(READER), bench.slot);
		bench.session = open_session(bench.slot);
		assert_int_equal(login(bench.session, PIN), CKR_OK);
	}
}

static void a_pulled_card_leaves_the_other_slot_alone(void **state)
{
	struct vcard *other = testcard_load_other();
	CK_SESSION_HANDLE session;
	CK_SESSION_INFO info;

	(void)state;
	fake_add_reader(OTHER_READER);
	fake_insert(OTHER_READER, other);
	session = open_session(slot_of(OTHER_READER));
	assert_int_equal(login(session, PIN), CKR_OK);
	fake_eject(READER);
	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_DEVICE_REMOVED);
	assert_int_equal(info_of(session).state, CKS_RW_USER_FUNCTIONS);
	fake_eject(OTHER_READER);
	vcard_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(read_write_sessions_are_accepted),
		BENCH_TEST(parallel_sessions_are_refused),
		BENCH_TEST(sessions_are_counted),
		SESSION_TEST(a_login_is_shared_by_all_sessions),
		LOGIN_TEST(only_the_last_session_takes_the_login_with_it),
		SESSION_TEST(a_closed_session_is_unknown),
		SESSION_TEST(all_sessions_of_a_slot_close_together),
		LOGIN_TEST(a_pulled_card_ends_its_sessions),
		LOGIN_TEST(a_card_away_and_back_between_two_calls_ends_them_too),
		SESSION_TEST(another_card_is_another_token),
		LOGIN_TEST(the_pin_is_not_kept_for_the_next_card),
		LOGIN_TEST(a_card_pulled_inside_an_operation_is_not_a_general_error),
		LOGIN_TEST(a_card_that_did_not_answer_is_asked_by_the_next_session),
		LOGIN_TEST(a_removed_reader_ends_its_sessions_whatever_code_says_so),
		LOGIN_TEST(a_pulled_card_leaves_the_other_slot_alone),
	};

	return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
