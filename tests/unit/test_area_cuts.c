/*
 * A card that is pulled, or fails, at each command of what changes its data
 * area has, afterwards, the old record or the new one, and takes the next.
 */
#include <string.h>

#include "areacard.h"

enum how {
	PULLED_AFTER,  /* the command is done, its answer is lost, and the card is without power */
	PULLED_DURING, /* half of what it writes is there, or nothing of it was done */
	ANSWER_LOST,   /* done, and the card goes on */
	ONE_BYTE,
	FAILS_6F00,    /* not done */
	FAILS_6581,
	HOWS
};

enum { OTHER_LEN = 350, NEW_LEN = 1229 };

/* What is done to the area: a record with number 5 is put or taken away. */
struct change {
	const char *name;
	size_t before, after; /* bytes of the record; 0: there is none */
	unsigned others;      /* records beside it */
};

static const struct change changes[] = {
	{"insert a small one", 0, 100, 1},
	{"insert", 0, NEW_LEN, 1},
	{"insert the largest", 0, AREA_RECORD_MAX, 1},
	{"replace", NEW_LEN, NEW_LEN, 1},
	{"replace by a longer one", 10, NEW_LEN, 1},
	{"replace by a shorter one", AREA_RECORD_MAX, 201, 1},
	{"delete", NEW_LEN, 0, 1},
	/* an index of three commands */
	{"replace among many", NEW_LEN, NEW_LEN, 22},
	{"delete among many", NEW_LEN, 0, 22},
};

static unsigned points;

static void strike(enum how how, unsigned nth)
{
	static const enum moment moments[HOWS] = {[ANSWER_LOST] = MOMENT_MUTE, [ONE_BYTE] = MOMENT_ONE_BYTE,
						  [FAILS_6F00] = MOMENT_6F00, [FAILS_6581] = MOMENT_6F00};

	if (how == PULLED_AFTER || how == PULLED_DURING) {
		vcard_fault(area_bench.f.vcard, nth, how == PULLED_AFTER ? VCARD_FAULT_DROP : VCARD_FAULT_TEAR, 0);
		return;
	}
	faultcard_strike(&area_bench.f, moments[how], ANY_INS, nth);
	if (how == FAILS_6581)
		area_bench.f.sw = 0x6581;
}

/* Commands that were sent since, of which the nth was struck: was it? */
static bool was_struck(unsigned before, unsigned nth)
{
	return area_bench.f.wire.commands - before >= nth;
}

/* ---- records ---- */

static void make_others(unsigned others)
{
	for (unsigned i = 0; i < others; i++)
		assert_int_equal(areacard_write(&area_bench, 100 + i, OTHER_LEN, i), RESULT_OK);
}

static void check_others(const struct change *w)
{
	size_t n = 0;

	for (unsigned i = 0; i < w->others; i++)
		assert_true(areacard_has(&area_bench, 100 + i, OTHER_LEN, i));
	assert_int_equal(area_list(area_bench.area, NULL, &n), RESULT_OK);
	assert_true(n - w->others <= 1);
}

/* The record is as it was, or as it is to be. */
static bool is_old(const struct change *w)
{
	size_t len = 0;

	return w->before ? areacard_has(&area_bench, 5, w->before, 1)
			 : area_read(area_bench.area, 5, NULL, &len) == RESULT_SNO_UNKNOWN;
}

static bool is_new(const struct change *w)
{
	size_t len = 0;

	return w->after ? areacard_has(&area_bench, 5, w->after, 2)
			: area_read(area_bench.area, 5, NULL, &len) == RESULT_SNO_UNKNOWN;
}

static enum result change(const struct change *w)
{
	return w->after ? areacard_write(&area_bench, 5, w->after, 2) : area_delete(area_bench.area, 5);
}

/* False: it came to its end before the nth command. */
static bool cut_at(const struct change *w, enum how how, unsigned nth)
{
	unsigned before, updates;
	enum result r, again;

	areacard_restore(&area_bench);
	areacard_open(&area_bench);
	before = area_bench.f.wire.commands;
	strike(how, nth);
	r = change(w);
	if (r == RESULT_OK && !was_struck(before, nth))
		return false;
	points++;
	areacard_open(&area_bench);
	updates = area_bench.f.sent[INS_UPDATE];
	check_others(w);
	if (r == RESULT_OK ? !is_new(w) : !is_old(w) && !is_new(w))
		fail_msg("%s, %d at command %u: neither the old nor the new one", w->name, how, nth);
	assert_int_equal(area_bench.f.sent[INS_UPDATE], updates); /* looking repairs nothing */
	again = w->after || is_old(w) ? RESULT_OK : RESULT_SNO_UNKNOWN;
	assert_int_equal(change(w), again);
	assert_int_equal(areacard_again(&area_bench), RESULT_OK);
	check_others(w);
	assert_true(is_new(w));
	return true;
}

static void the_old_or_the_new_record_is_there(void **state)
{
	(void)state;
	points = 0;
	for (size_t i = 0; i < COUNT(changes); i++) {
		const struct change *w = &changes[i];

		areacard_fresh(&area_bench);
		make_others(w->others);
		if (w->before)
			assert_int_equal(areacard_write(&area_bench, 5, w->before, 1), RESULT_OK);
		areacard_keep(&area_bench);
		for (enum how how = 0; how < HOWS; how++)
			for (unsigned nth = 1; cut_at(w, how, nth); nth++)
				assert_true(nth < 60);
	}
	print_message("# generation %d: %u points\n", area_bench.f.generation, points);
	assert_true(points > 400);
}

/* A second cut while the first is made good, at each pair of commands. */
static void nor_does_a_second_one_lose_it(void **state)
{
	const struct change *w = &changes[4];
	unsigned pairs = 0;

	(void)state;
	areacard_fresh(&area_bench);
	make_others(w->others);
	assert_int_equal(areacard_write(&area_bench, 5, w->before, 1), RESULT_OK);
	areacard_keep(&area_bench);
	for (unsigned nth = 1; nth < 12; nth++) {
		for (unsigned then = 1; then < 12; then++) {
			areacard_restore(&area_bench);
			areacard_open(&area_bench);
			strike(PULLED_DURING, nth);
			(void)!change(w);
			areacard_open(&area_bench);
			strike(PULLED_DURING, then);
			(void)!change(w);
			areacard_open(&area_bench);
			check_others(w);
			assert_true(is_old(w) || is_new(w));
			pairs++;
		}
	}
	assert_int_equal(pairs, 121);
}

/* The copy that is older is needed for room, and is written first. */
static void a_full_area_is_no_exception(void **state)
{
	const struct change w = {"replace on a full card", 1200, 1200, 0};

	(void)state;
	points = 0;
	areacard_fresh(&area_bench);
	for (uint32_t i = 0; i < 11; i++)
		assert_int_equal(areacard_write(&area_bench, 200 + i, 1200, i), RESULT_OK);
	assert_int_equal(areacard_write(&area_bench, 5, 1200, 3), RESULT_OK);
	assert_int_equal(areacard_write(&area_bench, 5, 1200, 1), RESULT_OK);
	areacard_keep(&area_bench);
	for (enum how how = 0; how < HOWS; how++) {
		for (unsigned nth = 1;; nth++) {
			unsigned before;
			enum result r;

			areacard_restore(&area_bench);
			areacard_open(&area_bench);
			before = area_bench.f.wire.commands;
			strike(how, nth);
			r = change(&w);
			if (r == RESULT_OK && !was_struck(before, nth))
				break;
			points++;
			areacard_open(&area_bench);
			for (uint32_t i = 0; i < 11; i++)
				assert_true(areacard_has(&area_bench, 200 + i, 1200, i));
			assert_true(is_new(&w) || (r != RESULT_OK && is_old(&w)));
			assert_int_equal(change(&w), RESULT_OK);
		}
	}
	print_message("# generation %d: %u points\n", area_bench.f.generation, points);
	assert_true(points > 60);
}

/* An activation that was broken off goes on, and one that was not is not done again. */
static void activation_can_be_broken_off_anywhere(void **state)
{
	(void)state;
	points = 0;
	for (enum how how = 0; how < HOWS; how++) {
		for (unsigned nth = 1;; nth++) {
			unsigned before;
			enum result r;

			areacard_remove(&area_bench);
			areacard_login(&area_bench);
			before = area_bench.f.wire.commands;
			strike(how, nth);
			r = areacard_activate(&area_bench);
			if (r == RESULT_OK && !was_struck(before, nth))
				break;
			points++;
			areacard_login(&area_bench);
			r = areacard_again(&area_bench);
			assert_true(r == RESULT_OK || r == RESULT_AREA_NOT_ACTIVATED);
			assert_int_equal(areacard_activate(&area_bench),
					 r == RESULT_OK ? RESULT_SNO_EXISTS : RESULT_OK);
			assert_int_equal(areacard_again(&area_bench), RESULT_OK);
			assert_int_equal(areacard_write(&area_bench, 5, NEW_LEN, 2), RESULT_OK);
			assert_int_equal(vcard_issuer_tries_left(area_bench.f.vcard), 3);
		}
	}
	print_message("# generation %d: %u points\n", area_bench.f.generation, points);
	assert_true(points > 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AREA_TESTS(the_old_or_the_new_record_is_there),
		AREA_TESTS(nor_does_a_second_one_lose_it),
		AREA_TESTS(a_full_area_is_no_exception),
		AREA_TESTS(activation_can_be_broken_off_anywhere),
	};

	return cmocka_run_group_tests_name("area_cuts", tests, NULL, NULL);
}
