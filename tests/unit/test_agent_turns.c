/* Turns at the card: one at a time, and no asker behind all that another has asked. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tools/agent/turns.h"

#define MANY 16

static struct turns *turns;
static char order[MANY + 1];
static _Atomic unsigned at_once, most;

static void *take_one(void *who)
{
	turns_begin(turns, who);
	if (atomic_fetch_add(&at_once, 1) >= 1)
		atomic_fetch_add(&most, 1);
	order[strlen(order)] = *(const char *)who;
	atomic_fetch_sub(&at_once, 1);
	turns_end(turns);
	return NULL;
}

/* Each waits before the next one comes. */
static void come(pthread_t *threads, const char *who)
{
	static char names[MANY][2];
	const struct timespec moment = {.tv_nsec = 1000000};

	for (size_t i = 0; who[i]; i++) {
		unsigned before = turns_count(turns);

		names[i][0] = who[i];
		assert_int_equal(pthread_create(&threads[i], NULL, take_one, names[i]), 0);
		while (turns_count(turns) == before)
			nanosleep(&moment, NULL);
	}
}

/* As those of `who` come while `first` has the turn, they have theirs as `wanted` says. */
static void assert_order(const char *first, const char *who, const char *wanted)
{
	pthread_t threads[MANY];

	memset(order, 0, sizeof order);
	turns_begin(turns, first);
	come(threads, who);
	turns_end(turns);
	for (size_t i = 0; who[i]; i++)
		pthread_join(threads[i], NULL);
	assert_string_equal(order, wanted);
	assert_int_equal(turns_count(turns), 0);
	assert_int_equal(atomic_load(&most), 0);
}

static void test_one_asker_has_them_as_they_came(void **state)
{
	(void)state;
	assert_order("h", "aaaa", "aaaa");
	assert_order("h", "abcd", "abcd");
}

static void test_no_asker_waits_for_all_of_another(void **state)
{
	(void)state;
	assert_order("h", "aaaab", "abaaa");
	assert_order("h", "aaaabbc", "abcabaa");
	assert_order("h", "aabbaabb", "abababab");
}

static void test_who_had_the_last_turn_is_behind_the_others(void **state)
{
	(void)state;
	assert_order("a", "aab", "baa");
	assert_order("a", "aabc", "bcaa");
}

/* Rounds go on; nobody is owed anything for the time when he did not wait. */
static void test_who_was_away_is_as_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		turns_begin(turns, "a");
		turns_end(turns);
	}
	assert_order("a", "ab", "ba");
	assert_order("h", "bbaa", "baba");
}

static int begin(void **state)
{
	(void)state;
	turns = turns_new();
	return turns ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	turns_free(turns);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_asker_has_them_as_they_came),
		cmocka_unit_test(test_no_asker_waits_for_all_of_another),
		cmocka_unit_test(test_who_had_the_last_turn_is_behind_the_others),
		cmocka_unit_test(test_who_was_away_is_as_others),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
