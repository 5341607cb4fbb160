/* C_WaitForSlotEvent: both ways, every kind of change, and C_Finalize under it. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "ck_objects.h"

#define PROMPT_MS 5000 /* within which a waiter must have heard */
#define WOKEN_MS 600   /* for one who was woken: without that he sleeps for a second */
#define RACES 50

static CK_RV poll_event(CK_SLOT_ID *slot)
{
	*slot = 0;
	return C_WaitForSlotEvent(CKF_DONT_BLOCK, slot, NULL);
}

static void assert_event(CK_SLOT_ID wanted)
{
	CK_SLOT_ID slot;

	assert_int_equal(poll_event(&slot), CKR_OK);
	assert_int_equal(slot, wanted);
}

static void assert_no_event(void)
{
	CK_SLOT_ID slot;

	assert_int_equal(poll_event(&slot), CKR_NO_EVENT);
}

static void sleep_ms(unsigned ms)
{
	const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

/* ---- a thread that waits ---- */

struct waiter {
	pthread_t thread;
	CK_RV rv;
	CK_SLOT_ID slot;
	atomic_bool done;
};

static void *wait_in_thread(void *context)
{
	struct waiter *w = context;

	w->rv = C_WaitForSlotEvent(0, &w->slot, NULL);
	atomic_store(&w->done, true);
	return NULL;
}

static void start_waiting(struct waiter *w)
{
	w->slot = 0;
	atomic_init(&w->done, false);
	assert_int_equal(pthread_create(&w->thread, NULL, wait_in_thread, w), 0);
}

/* It must still wait after that time. */
static void assert_waits(struct waiter *w, unsigned ms)
{
	sleep_ms(ms);
	assert_false(atomic_load(&w->done));
}

static void finish_waiting(struct waiter *w, CK_RV rv)
{
	unsigned start = ck_now_ms();

	while (!atomic_load(&w->done) && ck_now_ms() - start < PROMPT_MS)
		sleep_ms(5);
	if (!atomic_load(&w->done))
		fail_msg("C_WaitForSlotEvent did not return within %d ms", PROMPT_MS);
	pthread_join(w->thread, NULL);
	assert_int_equal(w->rv, rv);
}

/* ---- polling ---- */

static void each_change_is_told_once(void **state)
{
	(void)state;
	assert_no_event();
	fake_eject(READER);
	assert_event(bench.slot);
	assert_no_event();
	fake_insert(READER, bench.card);
	assert_event(bench.slot);
	assert_no_event();
	fake_eject(READER);
	fake_insert(READER, bench.card); /* both between two calls: one change is left to see */
	assert_event(bench.slot);
	assert_no_event();
}

static void polling_sends_nothing_to_the_card(void **state)
{
	CK_SLOT_ID slot;

	(void)state;
	fake_new_commands(READER);
	for (int i = 0; i < 100; i++)
		assert_int_equal(poll_event(&slot), CKR_NO_EVENT);
	assert_int_equal(fake_new_commands(READER), 0);
}

static void using_a_card_is_no_event(void **state)
{
	unsigned char sig[256];

	(void)state;
	assert_int_equal(sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), "x",
				     sig),
			 CKR_OK);
	assert_no_event();
	fake_foreign_reset(READER);
	assert_no_event();
}

static void readers_that_come_and_go_are_events(void **state)
{
	CK_SLOT_ID slot, other;

	(void)state;
	fake_add_reader(OTHER_READER);
	assert_int_equal(poll_event(&slot), CKR_OK);
	other = slot_of(OTHER_READER);
	assert_int_equal(slot, other);
	assert_no_event();
	fake_remove_reader(OTHER_READER);
	assert_event(other);
	assert_no_event();
	fake_add_reader(OTHER_READER);
	assert_event(other);
	fake_remove_reader(READER); /* with the card in it: one change */
	assert_event(bench.slot);
	assert_no_event();
}

static void changes_of_two_slots_are_two_events(void **state)
{
	CK_SLOT_ID first, second, other;

	(void)state;
	fake_add_reader(OTHER_READER);
	other = slot_of(OTHER_READER); /* whoever asks for the list knows of it */
	assert_no_event();
	fake_eject(READER);
	fake_remove_reader(OTHER_READER);
	assert_int_equal(poll_event(&first), CKR_OK);
	assert_int_equal(poll_event(&second), CKR_OK);
	assert_int_equal(first + second, bench.slot + other);
	assert_int_not_equal(first, second);
	assert_no_event();
}

static void wrong_arguments_are_told(void **state)
{
	CK_SLOT_ID slot;

	(void)state;
	assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_WaitForSlotEvent(0, NULL, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_WaitForSlotEvent(0, &slot, &slot), CKR_ARGUMENTS_BAD);
}

/* ---- blocking ---- */

static void a_waiter_hears_of_a_card_that_goes_and_comes(void **state)
{
	struct waiter w;

	(void)state;
	start_waiting(&w);
	assert_waits(&w, 100);
	fake_eject(READER);
	finish_waiting(&w, CKR_OK);
	assert_int_equal(w.slot, bench.slot);
	start_waiting(&w);
	assert_waits(&w, 100); /* the same change is not told again */
	fake_insert(READER, bench.card);
	finish_waiting(&w, CKR_OK);
	assert_int_equal(w.slot, bench.slot);
	assert_no_event();
}

/* The card moves; how long until the waiter knows. */
static unsigned time_to_hear(const char *reader, bool in)
{
	struct waiter w;
	unsigned start;

	start_waiting(&w);
	assert_waits(&w, 100);
	start = ck_now_ms();
	if (in)
		fake_insert(reader, bench.card);
	else
		fake_eject(reader);
	finish_waiting(&w, CKR_OK);
	return ck_now_ms() - start;
}

/* Not only at the next look, a second later: once at least, because machines are busy. */
static void a_waiter_hears_of_each_slot_at_once(void **state)
{
	static const char *const readers[] = {READER, OTHER_READER};
	CK_SLOT_ID slot;

	(void)state;
	fake_eject(READER);
	fake_add_reader(OTHER_READER);
	while (poll_event(&slot) == CKR_OK)
		continue;
	for (size_t i = 0; i < COUNT(readers); i++) {
		unsigned best = PROMPT_MS;

		for (int round = 0; round < 5 && best > WOKEN_MS; round++) {
			unsigned in = time_to_hear(readers[i], true), out = time_to_hear(readers[i], false);

			best = in < out ? in : out;
		}
		assert_in_range(best, 0, WOKEN_MS);
	}
}

static void a_waiter_hears_of_readers(void **state)
{
	struct waiter w;

	(void)state;
	start_waiting(&w);
	assert_waits(&w, 100);
	fake_add_reader(OTHER_READER);
	finish_waiting(&w, CKR_OK);
	assert_int_equal(w.slot, slot_of(OTHER_READER));
	start_waiting(&w);
	assert_waits(&w, 50);
	fake_remove_reader(OTHER_READER);
	finish_waiting(&w, CKR_OK);
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

static void a_waiter_may_come_before_the_first_reader(void **state)
{
	struct waiter w;

	(void)state;
	module_start();
	start_waiting(&w);
	assert_waits(&w, 100);
	fake_add_reader(READER);
	finish_waiting(&w, CKR_OK);
	assert_int_equal(w.slot, slot_of(READER));
	start_waiting(&w);
	fake_insert(READER, bench.card);
	finish_waiting(&w, CKR_OK);
	assert_int_equal(w.slot, slot_of(READER));
}

static void a_waiter_may_come_before_the_service(void **state)
{
	struct waiter w;

	(void)state;
	fake_service_stop();
	module_start();
	assert_no_event();
	start_waiting(&w);
	assert_waits(&w, 250);
	fake_service_start();
	fake_add_reader(READER);
	finish_waiting(&w, CKR_OK);
	assert_int_equal(w.slot, slot_of(READER));
}

static void a_waiter_outlives_a_restarted_service(void **state)
{
	struct waiter w;

	(void)state;
	start_waiting(&w);
	assert_waits(&w, 100);
	fake_service_stop();
	finish_waiting(&w, CKR_OK); /* nothing is to be seen any more */
	assert_int_equal(w.slot, bench.slot);
	start_waiting(&w);
	assert_waits(&w, 250);
	fake_service_start();
	finish_waiting(&w, CKR_OK);
	assert_int_equal(w.slot, bench.slot);
	start_waiting(&w);
	assert_waits(&w, 50);
	fake_eject(READER);
	finish_waiting(&w, CKR_OK);
}

static void a_waiter_holds_nobody_up(void **state)
{
	unsigned start = ck_now_ms();
	unsigned char sig[256];
	struct waiter w;

	(void)state;
	start_waiting(&w);
	for (int i = 0; i < 5; i++)
		assert_int_equal(sign_sha256(bench.session,
					     find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), "x", sig),
				 CKR_OK);
	assert_in_range(ck_now_ms() - start, 0, PROMPT_MS);
	assert_waits(&w, 50);
	fake_eject(READER);
	finish_waiting(&w, CKR_OK);
}

static unsigned cpu_ms(const struct rusage *u)
{
	return (unsigned)((u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000 +
			  (u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1000);
}

/* What a program that only waits costs: PC/SC wakes it, it does not look again and again. */
static void a_waiter_sleeps(void **state)
{
	struct rusage before, after;
	struct waiter w;

	(void)state;
	start_waiting(&w);
	assert_waits(&w, 200);
	getrusage(RUSAGE_SELF, &before);
	assert_waits(&w, 1500);
	getrusage(RUSAGE_SELF, &after);
	fake_eject(READER);
	finish_waiting(&w, CKR_OK);
	print_message("# woken %ld times in 1.5 s\n", after.ru_nvcsw - before.ru_nvcsw);
	assert_in_range(after.ru_nvcsw - before.ru_nvcsw, 0, 30);
	/* nor does it look without ever sleeping */
	assert_in_range(cpu_ms(&after) - cpu_ms(&before), 0, 400);
}

/* ---- C_Finalize ---- */

/* One asks PC/SC, the others wait for him: all have to be woken. Milliseconds. */
static unsigned finalize_under(size_t waiters)
{
	unsigned start, took;
	struct waiter w[4];

	for (size_t i = 0; i < waiters; i++)
		start_waiting(&w[i]);
	assert_waits(&w[0], 150);
	start = ck_now_ms();
	assert_int_equal(C_Finalize(NULL), CKR_OK);
	for (size_t i = 0; i < waiters; i++)
		finish_waiting(&w[i], CKR_CRYPTOKI_NOT_INITIALIZED);
	took = ck_now_ms() - start;
	assert_int_equal(fake_open_contexts(), 0);
	module_start();
	slot_of(READER);
	return took;
}

static void finalize_wakes_a_waiter(void **state)
{
	unsigned shortest = PROMPT_MS;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		unsigned took = finalize_under(i < 3 ? 1 : 4);

		assert_in_range(took, 0, PROMPT_MS);
		shortest = took < shortest ? took : shortest;
		if (i % 3 < 2)
			continue;
		/* whatever else the machine does: one of three is quick */
		assert_in_range(shortest, 0, WOKEN_MS);
		shortest = PROMPT_MS;
	}
}

static void finalize_wakes_a_waiter_without_a_service(void **state)
{
	struct waiter w;

	(void)state;
	fake_service_stop();
	module_start();
	start_waiting(&w);
	assert_waits(&w, 150);
	assert_int_equal(C_Finalize(NULL), CKR_OK);
	finish_waiting(&w, CKR_CRYPTOKI_NOT_INITIALIZED);
}

/* At every moment of the waiter's way in: a wake-up that comes too early must not be lost. */
static void finalize_races_a_waiter_and_wins(void **state)
{
	unsigned longest = 0;

	(void)state;
	for (unsigned i = 0; i < RACES; i++) {
		const struct timespec moment = {0, (long)i * 20000};
		unsigned start;
		struct waiter w;

		start_waiting(&w);
		nanosleep(&moment, NULL);
		start = ck_now_ms();
		assert_int_equal(C_Finalize(NULL), CKR_OK);
		if (ck_now_ms() - start > longest)
			longest = ck_now_ms() - start;
		finish_waiting(&w, CKR_CRYPTOKI_NOT_INITIALIZED);
		assert_int_equal(fake_open_contexts(), 0);
		module_start();
		slot_of(READER); /* what is there now is no event for the next waiter */
	}
	print_message("# the longest of %d C_Finalize: %u ms\n", RACES, longest);
	assert_in_range(longest, 0, PROMPT_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(each_change_is_told_once),
		BENCH_TEST(polling_sends_nothing_to_the_card),
		LOGIN_TEST(using_a_card_is_no_event),
		BENCH_TEST(readers_that_come_and_go_are_events),
		BENCH_TEST(changes_of_two_slots_are_two_events),
		BENCH_TEST(wrong_arguments_are_told),
		BENCH_TEST(a_waiter_hears_of_a_card_that_goes_and_comes),
		BENCH_TEST(a_waiter_hears_of_each_slot_at_once),
		BENCH_TEST(a_waiter_hears_of_readers),
		EMPTY_TEST(a_waiter_may_come_before_the_first_reader),
		EMPTY_TEST(a_waiter_may_come_before_the_service),
		BENCH_TEST(a_waiter_outlives_a_restarted_service),
		LOGIN_TEST(a_waiter_holds_nobody_up),
		BENCH_TEST(a_waiter_sleeps),
		BENCH_TEST(finalize_wakes_a_waiter),
		EMPTY_TEST(finalize_wakes_a_waiter_without_a_service),
		BENCH_TEST(finalize_races_a_waiter_and_wins),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
