/*
 * A thousand random things that happen to cards and readers while a program
 * works on. Whatever they are: no wrong answer, no answer that takes longer
 * than the bound, no lost try, and a card that is there works again at once.
 * TWCARD_TEST_SEED repeats a run, TWCARD_TEST_CYCLES makes it longer.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ck_objects.h"

#define CYCLES 1000
#define BOUND_MS 5000

static struct vcard *cards[2];
static int inserted; /* which of them is in the reader; -1: none */
static bool reader_there;
static uint64_t random_state;

/* splitmix64: the same numbers everywhere */
static unsigned random_below(unsigned n)
{
	uint64_t z = random_state += 0x9E3779B97F4A7C15;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
	z = (z ^ z >> 27) * 0x94D049BB133111EB;
	return (unsigned)((z ^ z >> 31) >> 33) % n;
}

static unsigned long number_from(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 10) : otherwise;
}

/* ---- what happens ---- */

static void eject(void)
{
	if (reader_there && inserted >= 0)
		fake_eject(READER);
	inserted = -1;
}

static void insert(int which)
{
	if (!reader_there)
		return;
	eject();
	fake_insert(READER, cards[which]);
	inserted = which;
}

static void toggle_reader(void)
{
	if (reader_there) {
		fake_remove_reader(READER);
		inserted = -1;
	} else {
		fake_add_reader(READER);
		fake_insert(READER, cards[0]); /* as a reader with a card in it is plugged in */
		inserted = 0;
	}
	reader_there = !reader_there;
}

static void foreign_reset(void)
{
	if (reader_there && inserted >= 0)
		fake_foreign_reset(READER);
}

static void foreign_select(void)
{
	if (reader_there && inserted >= 0)
		fake_foreign_select(READER);
}

static void restart_service(void)
{
	fake_service_stop();
	fake_service_start();
}

static void lose_an_exchange(void)
{
	if (reader_there)
		fake_fail(READER, 1, (long)0x80100016); /* SCARD_E_NOT_TRANSACTED */
}

static void restart_module(void)
{
	module_stop();
	module_start();
	bench.session = 0;
}

static void something_happens(void)
{
	switch (random_below(14)) {
	case 0:
		eject();
		break;
	case 1:
	case 2:
		insert((int)random_below(2));
		break;
	case 3: /* out and in between two calls */
		if (inserted >= 0)
			insert(inserted);
		break;
	case 4: /* swapped between two calls */
		if (inserted >= 0)
			insert(1 - inserted);
		break;
	case 5:
	case 6:
		foreign_reset();
		break;
	case 7:
	case 8:
		foreign_select();
		break;
	case 9:
		toggle_reader();
		break;
	case 10:
		restart_service();
		break;
	case 11:
		lose_an_exchange();
		break;
	case 12:
		if (random_below(8) == 0)
			restart_module();
		break;
	default:
		break; /* nothing */
	}
}

/* ---- what the program does ---- */

static bool is_about_the_card(CK_RV rv)
{
	switch (rv) {
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_DEVICE_ERROR:
	case CKR_USER_NOT_LOGGED_IN:
	case CKR_KEY_HANDLE_INVALID:
	case CKR_SLOT_ID_INVALID:
		return true;
	default:
		return false;
	}
}

/* CKR_OK, or a code that a program can make sense of. */
static bool worked(const char *name, CK_RV rv)
{
	if (rv != CKR_OK && !is_about_the_card(rv))
		fail_msg("%s: %lX", name, rv);
	return rv == CKR_OK;
}

static bool has_slot(void)
{
	CK_ULONG count = 0;

	assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
	if (!count)
		return false;
	bench.slot = 0;
	return true;
}

static bool renew_session(void)
{
	CK_SESSION_INFO info;
	CK_RV rv = bench.session ? C_GetSessionInfo(bench.session, &info) : CKR_SESSION_HANDLE_INVALID;

	if (worked("C_GetSessionInfo", rv))
		return true;
	bench.session = 0;
	return worked("C_OpenSession", C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL,
						     &bench.session));
}

static bool have_login(void)
{
	CK_RV rv = login(bench.session, PIN);

	return rv == CKR_USER_ALREADY_LOGGED_IN || worked("C_Login", rv);
}

static bool find_key(CK_OBJECT_HANDLE *key)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_PRIVATE_KEY), BYTES_OF(CKA_ID, "SIGN", 4)};
	CK_ULONG found = 0;
	bool ok = worked("C_FindObjectsInit", C_FindObjectsInit(bench.session, template, 2)) &&
		  worked("C_FindObjects", C_FindObjects(bench.session, key, 1, &found)) &&
		  worked("C_FindObjectsFinal", C_FindObjectsFinal(bench.session));

	if (!ok && bench.session)
		C_SessionCancel(bench.session, CKF_FIND_OBJECTS);
	return ok && found == 1;
}

/* With what may happen between any two calls. True: a signature was made. */
static bool sign_once(unsigned cycle, bool disturbed)
{
	CK_OBJECT_HANDLE key;
	unsigned char sig[256];
	char text[32];
	CK_RV rv;

	snprintf(text, sizeof text, "cycle %u", cycle);
	if (!has_slot() || !renew_session() || !have_login() || !find_key(&key))
		return false;
	if (disturbed && random_below(3) == 0)
		something_happens();
	rv = sign_sha256(bench.session, key, text, sig);
	if (!worked("C_Sign", rv))
		return false;
	assert_true(reader_there && inserted >= 0);
	if (!is_signature(cards[inserted], KEY_SIGN, text, sig))
		fail_msg("cycle %u: a wrong signature", cycle);
	return true;
}

static void check_serial(void)
{
	CK_TOKEN_INFO info;

	if (has_slot() && worked("C_GetTokenInfo", C_GetTokenInfo(bench.slot, &info)) && inserted >= 0) {
		const uint8_t *number;
		size_t len;

		assert_true(vcard_file_get(cards[inserted], "3F00/0900/0903", &number, &len));
		assert_memory_equal(info.serialNumber, number, 16);
	}
}

static void log_out_or_close(void)
{
	if (!bench.session)
		return;
	if (random_below(2)) {
		worked("C_Logout", C_Logout(bench.session));
	} else {
		worked("C_CloseSession", C_CloseSession(bench.session));
		bench.session = 0;
	}
}

/* Nothing disturbs now: the card in the reader must work, after one failed call at most. */
static void assert_works(unsigned cycle)
{
	bool good = false;

	if (!reader_there || inserted < 0)
		return;
	for (int i = 0; i < 3 && !good; i++)
		good = sign_once(cycle, false);
	if (!good)
		fail_msg("cycle %u: the card does not work any more", cycle);
}

static int setup_cycles(void **state)
{
	static const uint8_t other_number[] = "TP99999999999999";

	bench_setup(state);
	cards[0] = bench.card;
	cards[1] = testcard_load();
	assert_true(vcard_file_put(cards[1], "3F00/0900/0903", other_number, sizeof other_number - 1));
	inserted = 0;
	reader_there = true;
	return 0;
}

static int teardown_cycles(void **state)
{
	int failed = bench_teardown(state);

	vcard_free(&cards[1]);
	return failed;
}

static void a_thousand_random_events_do_no_harm(void **state)
{
	unsigned long seed = number_from("TWCARD_TEST_SEED", (unsigned long)time(NULL));
	unsigned long cycles = number_from("TWCARD_TEST_CYCLES", CYCLES);
	unsigned signatures = 0, longest = 0;

	(void)state;
	print_message("# TWCARD_TEST_SEED=%lu\n", seed);
	random_state = seed;
	for (unsigned i = 0; i < cycles; i++) {
		unsigned start = ck_now_ms(), took;

		something_happens();
		signatures += sign_once(i, true);
		if (random_below(4) == 0)
			check_serial();
		if (random_below(6) == 0)
			log_out_or_close();
		if (random_below(5) == 0)
			assert_works(i);
		took = ck_now_ms() - start;
		longest = took > longest ? took : longest;
		if (took > BOUND_MS)
			fail_msg("cycle %u took %u ms (seed %lu)", i, took, seed);
		for (int k = 0; k < 2; k++)
			if (vcard_tries_left(cards[k]) != 3)
				fail_msg("cycle %u: a try is lost (seed %lu)", i, seed);
	}
	print_message("# %lu cycles, %u signatures, the longest cycle %u ms\n", cycles, signatures, longest);
	assert_true(signatures > cycles / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_thousand_random_events_do_no_harm, setup_cycles,
						teardown_cycles),
	};

	return cmocka_run_group_tests_name("random cycles", tests, NULL, NULL);
}
