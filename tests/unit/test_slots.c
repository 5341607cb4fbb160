/* Slots: readers come, go and come back; pcscd is there or not. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <winscard.h>

#include "gen2card.h"
#include "testcard.h"

static CK_ULONG slot_count(CK_BBOOL with_card)
{
	CK_ULONG count = 99;

	assert_int_equal(C_GetSlotList(with_card, NULL, &count), CKR_OK);
	return count;
}

static bool has_token(CK_SLOT_ID slot)
{
	CK_SLOT_INFO info;

	assert_int_equal(C_GetSlotInfo(slot, &info), CKR_OK);
	assert_true(info.flags & CKF_REMOVABLE_DEVICE);
	assert_true(info.flags & CKF_HW_SLOT);
	return info.flags & CKF_TOKEN_PRESENT;
}

/* The module alone, no reader yet. */
static int setup_empty(void **state)
{
	(void)state;
	memset(&bench, 0, sizeof bench);
	fake_clear();
	bench.card = testcard_load();
	return 0;
}

#define EMPTY_TEST(f) cmocka_unit_test_setup_teardown(f, setup_empty, bench_teardown)

static void without_a_service_there_are_no_slots_and_no_error(void **state)
{
	(void)state;
	fake_service_stop();
	module_start();
	assert_int_equal(slot_count(CK_FALSE), 0);
	assert_int_equal(slot_count(CK_TRUE), 0);
}

static void a_service_that_comes_later_is_found(void **state)
{
	(void)state;
	fake_service_stop();
	module_start();
	assert_int_equal(slot_count(CK_FALSE), 0);
	fake_service_start();
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	assert_int_equal(slot_count(CK_TRUE), 1);
	assert_true(has_token(slot_of(READER)));
}

static void without_a_reader_there_are_no_slots(void **state)
{
	CK_SLOT_ID ids[2] = {0};
	CK_ULONG count = COUNT(ids);

	(void)state;
	module_start();
	assert_int_equal(slot_count(CK_FALSE), 0);
	assert_int_equal(C_GetSlotList(CK_FALSE, ids, &count), CKR_OK);
	assert_int_equal(count, 0);
}

static void initializing_talks_to_no_card(void **state)
{
	(void)state;
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	module_start();
	assert_int_equal(slot_count(CK_TRUE), 1);
	assert_int_equal(fake_commands(READER), 0);
}

static void slots_keep_their_ids_while_readers_come_and_go(void **state)
{
	CK_SLOT_ID first, second, third;

	(void)state;
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	fake_add_reader(OTHER_READER);
	module_start();
	first = slot_of(READER);
	second = slot_of(OTHER_READER);
	assert_true(first != second && first < 2 && second < 2); /* programs that never ask take 0 */
	assert_true(has_token(first) && !has_token(second));
	fake_remove_reader(READER);
	assert_int_equal(slot_count(CK_FALSE), 2); /* a removed reader's slot stays, empty */
	assert_int_equal(slot_of(OTHER_READER), second);
	assert_false(has_token(first));
	assert_int_equal(slot_count(CK_TRUE), 0);
	fake_add_reader("A third reader 00 00");
	third = slot_of("A third reader 00 00");
	assert_true(third != first && third != second);
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	assert_int_equal(slot_of(READER), first);
	assert_true(has_token(first));
	assert_true(first <= INT32_MAX && third <= INT32_MAX);
}

static void readers_are_looked_for_when_the_count_is_asked(void **state)
{
	CK_SLOT_ID ids[4];
	CK_ULONG count = COUNT(ids);

	(void)state;
	fake_add_reader(READER);
	module_start();
	assert_int_equal(slot_count(CK_FALSE), 1);
	fake_add_reader(OTHER_READER);
	assert_int_equal(C_GetSlotList(CK_FALSE, ids, &count), CKR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(slot_count(CK_FALSE), 2);
}

static void a_list_that_is_too_small_tells_the_count(void **state)
{
	CK_SLOT_ID ids[2];
	CK_ULONG count = 1;

	(void)state;
	fake_add_reader(READER);
	fake_add_reader(OTHER_READER);
	module_start();
	assert_int_equal(slot_count(CK_FALSE), 2);
	assert_int_equal(C_GetSlotList(CK_FALSE, ids, &count), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(count, 2);
	assert_int_equal(C_GetSlotList(CK_FALSE, ids, &count), CKR_OK);
	assert_int_equal(count, 2);
}

static void slots_with_a_card_are_listed_alone(void **state)
{
	CK_SLOT_ID ids[2];
	CK_ULONG count = COUNT(ids);

	(void)state;
	fake_add_reader(OTHER_READER);
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	module_start();
	assert_int_equal(slot_count(CK_FALSE), 2);
	assert_int_equal(C_GetSlotList(CK_TRUE, ids, &count), CKR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(ids[0], slot_of(READER));
	fake_eject(READER);
	assert_int_equal(slot_count(CK_TRUE), 0);
}

/* twcard.conf: "reader". */
static void only_wanted_readers_are_known(void **state)
{
	(void)state;
	home_make();
	home_write("reader.conf", "reader = " OTHER_READER "\n", 0600);
	setenv("TWCARD_CONF", home_path("reader.conf"), 1);
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	module_start();
	assert_int_equal(slot_count(CK_FALSE), 0);
	fake_add_reader(OTHER_READER);
	assert_int_equal(slot_count(CK_FALSE), 1);
	assert_int_equal(slot_of(OTHER_READER), 0);
	assert_false(has_token(0));
	fake_eject(READER);
	fake_insert(OTHER_READER, bench.card);
	assert_true(has_token(0));
	assert_int_equal(fake_commands(READER), 0);
	setenv("TWCARD_CONF", "/dev/null", 1);
}

static void slot_texts_are_padded_with_blanks(void **state)
{
	CK_SLOT_INFO info;

	(void)state;
	fake_add_reader(READER);
	module_start();
	assert_int_equal(C_GetSlotInfo(slot_of(READER), &info), CKR_OK);
	assert_memory_equal(info.slotDescription, READER, sizeof READER - 1);
	for (size_t i = sizeof READER - 1; i < sizeof info.slotDescription; i++)
		assert_int_equal(info.slotDescription[i], ' ');
	assert_null(memchr(info.manufacturerID, 0, sizeof info.manufacturerID));
}

static void unknown_slots_are_told(void **state)
{
	static const CK_SLOT_ID ids[] = {1, 2, 2047, 2048, 0x7FFFFFFF, (CK_SLOT_ID)-1};
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	CK_SESSION_HANDLE session;

	(void)state;
	fake_add_reader(READER);
	module_start();
	assert_int_equal(slot_of(READER), 0);
	for (size_t i = 0; i < COUNT(ids); i++) {
		assert_int_equal(C_GetSlotInfo(ids[i], &slot), CKR_SLOT_ID_INVALID);
		assert_int_equal(C_GetTokenInfo(ids[i], &token), CKR_SLOT_ID_INVALID);
		assert_int_equal(C_OpenSession(ids[i], CKF_SERIAL_SESSION, NULL, NULL, &session),
				 CKR_SLOT_ID_INVALID);
	}
}

static void a_mute_card_in_a_reader_is_no_crash(void **state)
{
	static const struct fake_card mute = {.atr_len = 0};
	CK_TOKEN_INFO info;

	(void)state;
	fake_add_reader(READER);
	fake_insert_card(READER, &mute);
	module_start();
	assert_true(has_token(slot_of(READER)));
	assert_int_equal(C_GetTokenInfo(0, &info), CKR_DEVICE_ERROR);
	fake_eject(READER);
}

/* ---- a card that is reset while it is being recognized ---- */

/* The command that is the first not to reach the card, and how many do not. */
static unsigned until_reset, resets;

static void reset_at_a_command(void *context, const uint8_t *cmd, size_t len)
{
	(void)cmd;
	(void)len;
	if (until_reset && !--until_reset)
		fake_fail(READER, resets, *(const long *)context);
}

/*
 * So pcscd answers on a handle that it made before it cleaned up after a killed
 * program: the card is reset, and the handle is told late, or never.
 */
static void a_connection_that_loses_its_card_is_made_again(void **state)
{
	static const long codes[] = {SCARD_E_PROTO_MISMATCH, SCARD_W_RESET_CARD};
	CK_SESSION_HANDLE session;
	CK_TOKEN_INFO info;

	(void)state;
	fake_add_reader(READER);
	for (unsigned i = 0; i < 8; i++) {
		long code = codes[i % 2];

		fake_insert(READER, bench.card);
		module_start();
		fake_fail(READER, 2, code); /* twice is something else */
		assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session),
				 CKR_DEVICE_ERROR);
		until_reset = i / 2;
		resets = 1;
		fake_fail(READER, until_reset ? 0 : 1, code);
		fake_on_command(READER, reset_at_a_command, &code);
		assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
		fake_on_command(READER, NULL, NULL);
		assert_int_equal(until_reset, 0);
		assert_int_equal(C_GetTokenInfo(0, &info), CKR_OK);
		assert_memory_equal(info.label, "HiCOS PKI Smart Card", 20);
		fake_fail(READER, 1, code); /* what was begun is not repeated */
		assert_int_equal(C_Login(session, CKU_USER, (CK_BYTE *)PIN, 6), CKR_DEVICE_ERROR);
		assert_int_equal(C_Login(session, CKU_USER, (CK_BYTE *)PIN, 6), CKR_OK);
		assert_int_equal(C_Finalize(NULL), CKR_OK);
		fake_eject(READER);
	}
}

/* ---- a card that was pulled is mute before PC/SC notices that it is gone ---- */

static size_t say_nothing(void *context, const uint8_t *cmd, size_t len,
			  uint8_t answer[FAKE_ANSWER_MAX])
{
	(void)context;
	(void)cmd;
	(void)len;
	(void)answer;
	return 0;
}

static void *pull_late(void *context)
{
	const struct timespec t = {1, 200 * 1000 * 1000};

	nanosleep(&t, NULL);
	fake_eject(READER);
	return context;
}

/* pcscd looks every 400 ms, a busy machine lets it do so late. */
static void a_card_on_its_way_out_is_waited_for(void **state)
{
	struct fake_card mute = {.answer = say_nothing};
	const uint8_t *atr = vcard_atr(bench.card, &mute.atr_len);
	CK_SESSION_HANDLE session;
	CK_TOKEN_INFO info;
	pthread_t thread;

	(void)state;
	memcpy(mute.atr, atr, mute.atr_len);
	fake_add_reader(READER);
	fake_insert_card(READER, &mute);
	module_start();
	assert_int_equal(C_GetTokenInfo(0, &info), CKR_DEVICE_ERROR); /* one that stays */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&thread, NULL, pull_late, NULL), 0);
		assert_int_equal(i ? C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session)
				   : C_GetTokenInfo(0, &info),
				 CKR_DEVICE_REMOVED);
		pthread_join(thread, NULL);
		assert_int_equal(C_GetTokenInfo(0, &info), CKR_TOKEN_NOT_PRESENT);
		fake_insert_card(READER, &mute);
	}
}

static void a_card_pulled_in_the_middle_of_an_answer_is_removed(void **state)
{
	CK_SESSION_HANDLE session;
	CK_TOKEN_INFO info;

	(void)state;
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	module_start();
	assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
	fake_eject_in_answer(READER);
	assert_int_equal(C_FindObjectsInit(session, NULL, 0), CKR_DEVICE_REMOVED);
	assert_int_equal(C_GetTokenInfo(0, &info), CKR_TOKEN_NOT_PRESENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EMPTY_TEST(without_a_service_there_are_no_slots_and_no_error),
		EMPTY_TEST(a_service_that_comes_later_is_found),
		EMPTY_TEST(without_a_reader_there_are_no_slots),
		EMPTY_TEST(initializing_talks_to_no_card),
		EMPTY_TEST(slots_keep_their_ids_while_readers_come_and_go),
		EMPTY_TEST(readers_are_looked_for_when_the_count_is_asked),
		EMPTY_TEST(a_list_that_is_too_small_tells_the_count),
		EMPTY_TEST(slots_with_a_card_are_listed_alone),
		EMPTY_TEST(only_wanted_readers_are_known),
		EMPTY_TEST(slot_texts_are_padded_with_blanks),
		EMPTY_TEST(unknown_slots_are_told),
		EMPTY_TEST(a_mute_card_in_a_reader_is_no_crash),
		EMPTY_TEST(a_connection_that_loses_its_card_is_made_again),
		EMPTY_TEST(a_card_on_its_way_out_is_waited_for),
		EMPTY_TEST(a_card_pulled_in_the_middle_of_an_answer_is_removed),
	};

	return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
