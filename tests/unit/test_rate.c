/*
 * The authority's rates without memory, at each single request for it: who asks
 * is refused, once; nobody else notices, and nothing is left of him. Linked with
 * --wrap for what gives memory. What a rate is, is in test_authority_refused.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/authority/rate.h"

#define NOW 1000
#define CALLERS 400 /* more than uthash has in its first table: ten for each of 32 places */

static struct {
	bool armed, fired;
	unsigned until; /* requests before the one that fails */
} memory;

static bool fails_now(void)
{
	if (!memory.armed || memory.fired || memory.until-- > 0)
		return false;
	memory.fired = true;
	return true;
}

/* Seen by all: where symbols have no versions, the linker takes a library's malloc for this one, too. */
#pragma GCC visibility push(default)
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
#pragma GCC visibility pop

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails_now() ? NULL : __real_calloc(count, size);
}

static void fail_after(unsigned requests)
{
	memory.until = requests;
	memory.fired = false;
	memory.armed = true;
}

/* Until a request is granted all it wants; how many were refused for it. */
static unsigned take_with_ever_more(struct rates *r, const char *who)
{
	for (unsigned n = 0;; n++) {
		bool taken;

		assert_in_range(n, 0, 20);
		fail_after(n);
		taken = rates_take_at(r, who, NOW);
		memory.armed = false;
		assert_int_equal(taken, !memory.fired);
		if (taken)
			return n;
	}
}

static void without_memory_there_are_no_rates(void **state)
{
	(void)state;
	fail_after(0);
	assert_null(rates_new(2, 1));
	memory.armed = false;
	rates_free(NULL);
}

static void who_comes_without_memory_is_refused_once(void **state)
{
	struct rates *r = rates_new(2, 1);
	unsigned larger = 0;
	char name[32];

	(void)state;
	assert_non_null(r);
	assert_in_range(take_with_ever_more(r, "first"), 2, 20); /* himself and the table of all */
	for (unsigned i = 0; i < CALLERS; i++) {
		snprintf(name, sizeof name, "caller %u", i);
		larger += take_with_ever_more(r, name) > 1;
	}
	assert_true(larger > 0); /* the table grew */
	for (unsigned i = 0; i < CALLERS; i++) { /* all are known: one of two is left to each */
		snprintf(name, sizeof name, "caller %u", i);
		assert_true(rates_take_at(r, name, NOW));
		assert_false(rates_take_at(r, name, NOW));
	}
	assert_true(rates_take_at(r, "first", NOW));
	assert_false(rates_take_at(r, "first", NOW));
	rates_free(r);
}

/* Who is alone takes the table with him while he moves to its end. */
static void who_is_known_and_alone_is_refused_once(void **state)
{
	struct rates *r = rates_new(5, 1);

	(void)state;
	assert_non_null(r);
	assert_true(rates_take_at(r, "alone", NOW));
	assert_in_range(take_with_ever_more(r, "alone"), 1, 20);
	assert_true(rates_take_at(r, "another", NOW));
	assert_true(rates_take_at(r, "alone", NOW));
	rates_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory_there_are_no_rates),
		cmocka_unit_test(who_comes_without_memory_is_refused_once),
		cmocka_unit_test(who_is_known_and_alone_is_refused_once),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
