/*
 * The data area from the token layer: nothing without a login, the index read
 * once for a transaction, the PIN given again once and to the same card only,
 * and nothing verified left when a login ends.
 */
#include <string.h>

#include "areabench.h"

static const struct spy_fault silent_reset = {"a reset that nobody tells of", SPY_SILENT_RESET, 0};
static const struct spy_fault silent_swap = {"another card", SPY_SILENT_SWAP, 0};
static const struct spy_fault refusal = {"6982", SPY_STATUS, 0x6982};

static const uint8_t some[300] = {1, 2, 3};

/* ---- each function, with its turn ended ---- */

static enum result list(struct area_record *out, size_t *count)
{
	enum result r = data_area_list(areabench_slot(), out, count);

	slot_leave(areabench_slot());
	return r;
}

static enum result activate(void)
{
	enum result r = data_area_activate(areabench_slot(), areacard_authority, &area_issuer);

	slot_leave(areabench_slot());
	return r;
}

static enum result delete(uint32_t sno)
{
	enum result r = data_area_delete(areabench_slot(), sno);

	slot_leave(areabench_slot());
	return r;
}

/* All of them, in one turn. */
static void all_are(enum result looking, enum result changing)
{
	struct slot *slot = areabench_slot();
	struct buffer bytes = BUFFER_INIT;
	struct area_space space;
	size_t count = 0;

	assert_int_equal(data_area_list(slot, NULL, &count), looking);
	assert_int_equal(data_area_read(slot, 1, &bytes), looking);
	assert_null(bytes.data);
	assert_int_equal(data_area_space(slot, &space), looking);
	assert_int_equal(data_area_write(slot, 1, AREA_PUT, some, sizeof some), changing);
	assert_int_equal(data_area_delete(slot, 1), changing);
	slot_leave(slot);
}

/* ---- tests ---- */

static void nothing_is_sent_without_a_login(void **state)
{
	(void)state;
	areabench_fresh();
	areabench_again();
	spy_watch(&area_spy);
	all_are(RESULT_SECURITY_STATUS, RESULT_SECURITY_STATUS);
	assert_int_equal(activate(), RESULT_SECURITY_STATUS);
	assert_int_equal(area_spy.commands, 0);
	assert_int_equal(area_issuer.asked, 1);
}

static void a_card_without_an_area_says_so(void **state)
{
	(void)state;
	areabench_login();
	all_are(RESULT_AREA_NOT_ACTIVATED, RESULT_AREA_NOT_ACTIVATED);
	assert_int_equal(slot_logged_in(areabench_slot()), true);
}

static void records_are_written_listed_read_and_deleted(void **state)
{
	struct area_record records[2];
	struct area_space space;
	size_t count = COUNT(records);

	(void)state;
	areabench_fresh();
	assert_int_equal(activate(), RESULT_SNO_EXISTS);
	assert_int_equal(area_issuer.asked, 1);
	assert_int_equal(areabench_write(1, AREA_INSERT, 1229, 5), RESULT_OK);
	assert_int_equal(areabench_write(1, AREA_INSERT, 10, 6), RESULT_SNO_EXISTS);
	assert_int_equal(areabench_write(7, AREA_REPLACE, 10, 6), RESULT_SNO_UNKNOWN);
	assert_int_equal(areabench_write(7, AREA_PUT, 10, 6), RESULT_OK);
	areabench_login();
	assert_int_equal(list(records, &count), RESULT_OK);
	assert_int_equal(count, 2);
	assert_int_equal(records[0].sno, 1);
	assert_int_equal(records[0].length, 1229);
	assert_int_equal(records[1].sno, 7);
	count = 1;
	assert_int_equal(list(records, &count), RESULT_BUFFER_TOO_SMALL);
	assert_true(areabench_has(1, 1229, 5));
	assert_true(areabench_has(7, 10, 6));
	assert_int_equal(data_area_space(areabench_slot(), &space), RESULT_OK);
	slot_leave(areabench_slot());
	assert_int_equal(space.used, 8 * AREA_BLOCK);
	assert_int_equal(delete(7), RESULT_OK);
	assert_int_equal(delete(7), RESULT_SNO_UNKNOWN);
	assert_false(areabench_has(7, 10, 6));
	assert_true(areabench_has(1, 1229, 5));
}

static void without_leave_nothing_is_sent_that_changes_the_card(void **state)
{
	(void)state;
	areabench_fresh();
	assert_int_equal(areabench_write(1, AREA_PUT, 30, 1), RESULT_OK);
	areabench_configure("no", "");
	areabench_login();
	fake_foreign_reset(READER);
	spy_watch(&area_spy);
	assert_int_equal(areabench_write(1, AREA_PUT, 30, 2), RESULT_UNPROVEN);
	assert_int_equal(delete(1), RESULT_UNPROVEN);
	assert_int_equal(activate(), RESULT_UNPROVEN);
	assert_int_equal(area_spy.commands, 0);
	assert_int_equal(area_issuer.asked, 1);
	assert_true(areabench_has(1, 30, 1)); /* looking is no change */
}

static void the_index_is_read_once_for_a_turn(void **state)
{
	struct slot *slot;
	size_t count = 0;
	unsigned first;

	(void)state;
	areabench_fresh();
	slot = areabench_slot();
	assert_int_equal(areabench_write(3, AREA_PUT, 30, 1), RESULT_OK);
	spy_watch(&area_spy);
	assert_int_equal(data_area_list(slot, NULL, &count), RESULT_OK);
	first = area_spy.commands;
	assert_true(first > 0);
	assert_int_equal(data_area_list(slot, NULL, &count), RESULT_OK);
	assert_int_equal(data_area_delete(slot, 4), RESULT_SNO_UNKNOWN);
	assert_int_equal(data_area_write(slot, 3, AREA_INSERT, some, 3), RESULT_SNO_EXISTS);
	assert_int_equal(area_spy.commands, first);
	assert_int_equal(data_area_write(slot, 4, AREA_INSERT, some, 3), RESULT_OK);
	first = area_spy.commands;
	assert_int_equal(data_area_list(slot, NULL, &count), RESULT_OK);
	assert_int_equal(count, 2);
	assert_int_equal(area_spy.commands, first);
	slot_leave(slot);
	assert_int_equal(data_area_list(slot, NULL, &count), RESULT_OK);
	assert_true(area_spy.commands > first);
	slot_leave(slot);
}

static void the_pin_is_given_again_once_after_a_reset(void **state)
{
	size_t count = 0;
	unsigned commands;

	(void)state;
	areabench_fresh();
	assert_int_equal(areabench_write(1, AREA_PUT, 700, 1), RESULT_OK);
	fake_foreign_reset(READER);
	spy_watch(&area_spy);
	assert_true(areabench_has(1, 700, 1));
	assert_int_equal(area_spy.verifies, 1);
	spy_watch(&area_spy);
	assert_int_equal(list(NULL, &count), RESULT_OK);
	assert_int_equal(area_spy.verifies, 0);
	commands = area_spy.commands;
	for (unsigned at = 1; at <= commands; at++) {
		spy_watch(&area_spy);
		spy_strike(&area_spy, &silent_reset, SPY_ANY, at, 1);
		/* in the middle of a file it is an error of that call, and no other */
		if (list(NULL, &count) != RESULT_OK)
			assert_int_equal(list(NULL, &count), RESULT_OK);
		assert_true(area_spy.struck);
		assert_int_equal(count, 1);
		assert_in_range(area_spy.verifies, 0, 1);
	}
	assert_true(slot_logged_in(areabench_slot()));
}

/* It has an area, too, and the same PIN. */
static void another_card_gets_no_pin(void **state)
{
	struct vcard *other;
	size_t count = 0;

	(void)state;
	areabench_fresh();
	other = bench.card;
	bench.card = vcard_generation(other) == 1 ? testcard_load_other() : gen2_load_other();
	areabench_fresh();
	area_spy.other = other;
	spy_watch(&area_spy);
	spy_strike(&area_spy, &silent_swap, SPY_ANY, 1, 1);
	assert_int_not_equal(list(NULL, &count), RESULT_OK);
	assert_true(area_spy.struck);
	assert_int_equal(area_spy.verifies, 0);
	assert_false(slot_logged_in(areabench_slot()));
	assert_ptr_equal(area_spy.card, other);
	assert_false(vcard_verified(other));
	assert_int_equal(C_Finalize(NULL), CKR_OK);
	fake_clear();
	vcard_free(&other);
}

static void the_authority_is_asked_once_and_the_login_ends(void **state)
{
	static const uint8_t instructions[] = {0xE0, 0xD6};

	(void)state;
	for (size_t i = 0; i < COUNT(instructions); i++) {
		area_issuer.asked = 0;
		areabench_login();
		spy_watch(&area_spy);
		/* on the second generation the instruction is in the clear, too */
		spy_strike(&area_spy, &refusal, instructions[i], 1, 1);
		assert_int_equal(activate(), RESULT_SECURITY_STATUS);
		assert_true(area_spy.struck);
		assert_int_equal(area_issuer.asked, 1);
		assert_false(slot_logged_in(areabench_slot()));
		assert_false(spy_stranger_can_sign(&area_spy, READER));
	}
	areabench_login();
	area_issuer.refuses = true;
	assert_int_equal(activate(), RESULT_CANCELLED);
	area_issuer.refuses = false;
	assert_int_equal(activate(), RESULT_OK);
	assert_true(slot_logged_in(areabench_slot()));
}

static void verified_for_an_operation_it_is_reset_after_each(void **state)
{
	(void)state;
	areabench_fresh();
	areabench_configure("yes", "verified-state = operation\n");
	areabench_login();
	for (int i = 0; i < 2; i++) {
		spy_watch(&area_spy);
		assert_int_equal(areabench_write(1, AREA_PUT, 300, 1), RESULT_OK);
		assert_int_equal(area_spy.verifies, 1);
		assert_false(vcard_verified(area_spy.card));
	}
	assert_true(areabench_has(1, 300, 1));
}

/* ---- each command of a change, struck ---- */

static enum result write_new(void)
{
	return areabench_write(1, AREA_REPLACE, 450, 2);
}

static enum result delete_old(void)
{
	return delete(1);
}

static void each_command(enum result (*change)(void), const struct spy_fault *fault)
{
	bool struck = true;

	for (unsigned at = 1; struck; at++) {
		enum result r;
		bool old, new;

		assert_in_range(at, 1, 300);
		areabench_login();
		if (!areabench_has(1, 700, 1))
			assert_int_equal(areabench_write(1, AREA_PUT, 700, 1), RESULT_OK);
		spy_watch(&area_spy);
		spy_strike(&area_spy, fault, SPY_ANY, at, 1);
		r = change();
		struck = area_spy.struck;
		assert_in_range(area_spy.verifies, 0, 1);
		if (!slot_logged_in(areabench_slot())) {
			assert_int_not_equal(r, RESULT_OK);
			assert_false(spy_stranger_can_sign(&area_spy, READER));
		}
		areabench_login();
		old = areabench_has(1, 700, 1);
		new = change == write_new ? areabench_has(1, 450, 2) : !old;
		assert_true(old != new);
		if (r == RESULT_OK)
			assert_true(new);
		assert_true(areabench_has(9, 250, 9));
		if (change != delete_old || old)
			assert_int_equal(change(), RESULT_OK); /* the next try is right */
		areabench_again();
		assert_false(spy_stranger_can_sign(&area_spy, READER));
	}
}

static void whatever_is_struck_the_old_or_the_new_record_is_there(void **state)
{
	static const struct spy_fault faults[] = {
		{"lost", SPY_LOST, 0}, {"mute", SPY_MUTE, 0}, {"6F00", SPY_STATUS, 0x6F00},
		{"6982", SPY_STATUS, 0x6982}, {"reset", SPY_SILENT_RESET, 0},
	};

	(void)state;
	areabench_fresh();
	assert_int_equal(areabench_write(9, AREA_PUT, 250, 9), RESULT_OK);
	assert_int_equal(areabench_write(1, AREA_PUT, 700, 1), RESULT_OK);
	for (size_t i = 0; i < COUNT(faults); i++) {
		each_command(write_new, &faults[i]);
		each_command(delete_old, &faults[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AREABENCH_TESTS(nothing_is_sent_without_a_login),
		AREABENCH_TESTS(a_card_without_an_area_says_so),
		AREABENCH_TESTS(records_are_written_listed_read_and_deleted),
		AREABENCH_TESTS(without_leave_nothing_is_sent_that_changes_the_card),
		AREABENCH_TESTS(the_index_is_read_once_for_a_turn),
		AREABENCH_TESTS(the_pin_is_given_again_once_after_a_reset),
		AREABENCH_TESTS(another_card_gets_no_pin),
		AREABENCH_TESTS(the_authority_is_asked_once_and_the_login_ends),
		AREABENCH_TESTS(verified_for_an_operation_it_is_reset_after_each),
		AREABENCH_TESTS(whatever_is_struck_the_old_or_the_new_record_is_there),
	};

	return cmocka_run_group_tests_name("data area of a slot", tests, NULL, NULL);
}
