/* The data area of an attached card: what can be done with it, and what is refused, on both generations. */
#include <string.h>

#include "areacard.h"

static uint8_t bytes[AREA_RECORD_MAX + 1];

static struct area_space space(void)
{
	struct area_space s;

	assert_int_equal(area_space(area_bench.area, &s), RESULT_OK);
	return s;
}

static size_t count(void)
{
	size_t n = 0;

	assert_int_equal(area_list(area_bench.area, NULL, &n), RESULT_OK);
	return n;
}

static void it_is_activated_once(void **state)
{
	(void)state;
	areacard_login(&area_bench);
	assert_int_equal(areacard_again(&area_bench), RESULT_AREA_NOT_ACTIVATED);
	assert_null(area_bench.area);
	assert_int_equal(areacard_activate(&area_bench), RESULT_OK);
	assert_int_equal(area_bench.issuer.asked, 1);
	assert_int_equal(areacard_again(&area_bench), RESULT_OK);
	assert_int_equal(count(), 0);
	assert_int_equal(areacard_activate(&area_bench), RESULT_SNO_EXISTS);
	assert_int_equal(area_bench.issuer.asked, 1);
	assert_true(vcard_verified(area_bench.f.vcard));
}

/* Where the directory should be there is nothing that it could be in: that is no card to activate. */
static void a_card_without_its_application_is_not_one_without_an_area(void **state)
{
	const char *application = vcard_generation(area_bench.f.vcard) == 1 ? "3F00/5030" : "7FFF/5030";

	(void)state;
	areacard_login(&area_bench);
	assert_int_equal(areacard_again(&area_bench), RESULT_AREA_NOT_ACTIVATED);
	assert_true(vcard_file_delete(area_bench.f.vcard, application));
	assert_int_equal(areacard_again(&area_bench), RESULT_CARD_REFUSED);
	assert_int_not_equal(areacard_activate(&area_bench), RESULT_OK);
	assert_int_equal(area_bench.issuer.asked, 0);
}

/* What is no challenge is not taken to the issuer. */
static void a_challenge_that_is_none_ends_it(void **state)
{
	static const struct {
		enum moment moment;
		enum result want;
	} bad[] = {{MOMENT_CUT, RESULT_BAD_ANSWER}, {MOMENT_ONE_BYTE, RESULT_BAD_ANSWER},
		   {MOMENT_6982, RESULT_SECURITY_STATUS}, {MOMENT_6F00, RESULT_CARD_REFUSED}};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		areacard_login(&area_bench);
		faultcard_strike(&area_bench.f, bad[i].moment, 0x84, 1);
		assert_int_equal(areacard_activate(&area_bench), bad[i].want);
		assert_int_equal(area_bench.issuer.asked, 0);
	}
	areacard_login(&area_bench);
	assert_int_equal(areacard_activate(&area_bench), RESULT_OK);
}

static void a_wrong_cryptogram_makes_nothing_and_locks_in_the_end(void **state)
{
	(void)state;
	area_bench.issuer.refuses = true;
	areacard_login(&area_bench);
	assert_int_equal(areacard_activate(&area_bench), RESULT_CANCELLED);
	area_bench.issuer.refuses = false;
	area_bench.issuer.wrong = true;
	for (int i = 1; i <= 3; i++) {
		areacard_login(&area_bench);
		assert_int_equal(areacard_activate(&area_bench), i < 3 ? RESULT_AUTHENTICATION : RESULT_AREA_LOCKED);
		assert_int_equal(vcard_issuer_tries_left(area_bench.f.vcard), 3 - i);
	}
	area_bench.issuer.wrong = false;
	areacard_login(&area_bench);
	assert_int_equal(areacard_activate(&area_bench), RESULT_AREA_LOCKED);
	areacard_login(&area_bench);
	assert_int_equal(areacard_again(&area_bench), RESULT_AREA_NOT_ACTIVATED);
}

static void records_are_written_read_replaced_and_deleted(void **state)
{
	static const size_t lengths[] = {1, 199, 200, 201, 400, 1229, 3999, 4000};

	(void)state;
	areacard_fresh(&area_bench);
	for (unsigned i = 0; i < COUNT(lengths); i++)
		assert_int_equal(areacard_write(&area_bench, 100 - i, lengths[i], i), RESULT_OK);
	for (int again = 0; again < 2; again++) {
		for (unsigned i = 0; i < COUNT(lengths); i++)
			assert_true(areacard_has(&area_bench, 100 - i, lengths[i], i));
		areacard_open(&area_bench);
	}
	assert_int_equal(areacard_write(&area_bench, 97, 777, 50), RESULT_OK);
	assert_int_equal(area_delete(area_bench.area, 100), RESULT_OK);
	areacard_open(&area_bench);
	assert_true(areacard_has(&area_bench, 97, 777, 50));
	assert_false(areacard_has(&area_bench, 100, 1, 0));
	assert_true(areacard_has(&area_bench, 93, 4000, 7));
	assert_int_equal(count(), COUNT(lengths) - 1);
}

static void they_are_listed_by_their_numbers(void **state)
{
	struct area_record records[3];
	size_t n = 2;

	(void)state;
	areacard_fresh(&area_bench);
	assert_int_equal(areacard_write(&area_bench, 0xFFFFFFFF, 30, 1), RESULT_OK);
	assert_int_equal(areacard_write(&area_bench, 1, 20, 1), RESULT_OK);
	assert_int_equal(areacard_write(&area_bench, 7, 10, 1), RESULT_OK);
	assert_int_equal(area_list(area_bench.area, records, &n), RESULT_BUFFER_TOO_SMALL);
	assert_int_equal(n, 3);
	assert_int_equal(area_list(area_bench.area, records, &n), RESULT_OK);
	assert_int_equal(records[0].sno, 1);
	assert_int_equal(records[0].length, 20);
	assert_int_equal(records[1].sno, 7);
	assert_int_equal(records[2].sno, 0xFFFFFFFF);
	assert_int_equal(records[2].length, 30);
}

static void what_cannot_be_is_refused_and_nothing_is_sent(void **state)
{
	size_t len = 0;
	unsigned before;

	(void)state;
	areacard_fresh(&area_bench);
	assert_int_equal(areacard_write(&area_bench, 5, 100, 1), RESULT_OK);
	before = area_bench.f.wire.commands;
	assert_int_equal(area_read(area_bench.area, 6, bytes, &len), RESULT_SNO_UNKNOWN);
	assert_int_equal(area_read(area_bench.area, 5, NULL, &len), RESULT_OK);
	assert_int_equal(len, 100);
	len = 99;
	assert_int_equal(area_read(area_bench.area, 5, bytes, &len), RESULT_BUFFER_TOO_SMALL);
	assert_int_equal(len, 100);
	assert_int_equal(area_write(area_bench.area, 5, AREA_INSERT, bytes, 9), RESULT_SNO_EXISTS);
	assert_int_equal(area_write(area_bench.area, 6, AREA_REPLACE, bytes, 9), RESULT_SNO_UNKNOWN);
	assert_int_equal(area_write(area_bench.area, 6, AREA_PUT, bytes, AREA_RECORD_MAX + 1),
			 RESULT_DATA_TOO_LARGE);
	assert_int_equal(area_write(area_bench.area, 6, AREA_PUT, bytes, 0), RESULT_ARGUMENT);
	assert_int_equal(area_write(area_bench.area, 6, AREA_PUT, NULL, 9), RESULT_ARGUMENT);
	assert_int_equal(area_write(area_bench.area, 0, AREA_PUT, bytes, 9), RESULT_ARGUMENT);
	assert_int_equal(area_delete(area_bench.area, 6), RESULT_SNO_UNKNOWN);
	assert_int_equal(area_bench.f.wire.commands, before);
	assert_int_equal(area_write(area_bench.area, 5, AREA_REPLACE, bytes, 9), RESULT_OK);
	assert_int_equal(area_write(area_bench.area, 6, AREA_INSERT, bytes, 9), RESULT_OK);
}

static void without_leave_nothing_is_sent_that_changes_a_card(void **state)
{
	unsigned before;

	(void)state;
	areacard_fresh(&area_bench);
	assert_int_equal(areacard_write(&area_bench, 5, 100, 1), RESULT_OK);
	areacard_keep(&area_bench);
	areacard_open(&area_bench);
	area_bench.f.card->options.allow_unproven = false;
	before = area_bench.f.wire.commands;
	area_bench.issuer.asked = 0;
	assert_int_equal(areacard_write(&area_bench, 5, 10, 1), RESULT_UNPROVEN);
	assert_int_equal(area_delete(area_bench.area, 5), RESULT_UNPROVEN);
	assert_int_equal(areacard_activate(&area_bench), RESULT_UNPROVEN);
	assert_int_equal(card_update_file(area_bench.f.card, &area_layout.data, 0, bytes, 1), RESULT_UNPROVEN);
	assert_int_equal(card_create_file(area_bench.f.card, &area_layout.data, 1), RESULT_UNPROVEN);
	assert_int_equal(card_delete_file(area_bench.f.card, &area_layout.data), RESULT_UNPROVEN);
	assert_int_equal(card_authenticate_issuer(area_bench.f.card, bytes), RESULT_UNPROVEN);
	assert_int_equal(area_bench.f.wire.commands, before);
	assert_int_equal(area_bench.issuer.asked, 0);
	assert_true(areacard_has(&area_bench, 5, 100, 1)); /* looking is no change */
}

static void without_the_pin_there_is_nothing(void **state)
{
	(void)state;
	areacard_fresh(&area_bench);
	areacard_insert(&area_bench);
	assert_int_equal(areacard_again(&area_bench), RESULT_SECURITY_STATUS);
	assert_int_equal(areacard_activate(&area_bench), RESULT_SECURITY_STATUS);
	areacard_open(&area_bench);
	assert_int_equal(areacard_write(&area_bench, 5, 1000, 1), RESULT_OK);
	vcard_reset(area_bench.f.vcard); /* and nobody is told */
	assert_false(areacard_has(&area_bench, 5, 1000, 1));
	assert_int_equal(areacard_write(&area_bench, 5, 100, 2), RESULT_SECURITY_STATUS);
	assert_int_equal(areacard_write(&area_bench, 5, 100, 2), RESULT_NOT_READ);
	areacard_open(&area_bench);
	assert_true(areacard_has(&area_bench, 5, 1000, 1));
	if (area_bench.f.generation == 1) { /* the channel asks for more than a PIN that is right */
		assert_true(vcard_set_pin_tries(area_bench.f.vcard, 0));
		assert_int_equal(areacard_again(&area_bench), RESULT_AREA_LOCKED);
		assert_true(vcard_set_pin_tries(area_bench.f.vcard, 3));
	}
}

/* What a delete that failed left is not certain: nothing is said of it until the index is read anew. */
static void after_a_delete_that_failed_nothing_is_believed(void **state)
{
	uint8_t out[100];
	size_t len = sizeof out, count = 0;
	struct area_space there;
	unsigned before;

	(void)state;
	areacard_fresh(&area_bench);
	assert_int_equal(areacard_write(&area_bench, 5, 100, 1), RESULT_OK);
	vcard_reset(area_bench.f.vcard); /* the login is gone, and the first generation's channel */
	assert_int_not_equal(area_delete(area_bench.area, 5), RESULT_OK);
	before = area_bench.f.wire.commands;
	assert_int_equal(area_list(area_bench.area, NULL, &count), RESULT_NOT_READ);
	assert_int_equal(area_read(area_bench.area, 5, out, &len), RESULT_NOT_READ);
	assert_int_equal(area_space(area_bench.area, &there), RESULT_NOT_READ);
	assert_int_equal(areacard_write(&area_bench, 6, 100, 2), RESULT_NOT_READ);
	assert_int_equal(area_delete(area_bench.area, 5), RESULT_NOT_READ);
	assert_int_equal(area_bench.f.wire.commands, before);
	areacard_open(&area_bench);
	assert_true(areacard_has(&area_bench, 5, 100, 1));
	assert_int_equal(area_delete(area_bench.area, 5), RESULT_OK);
}

static void a_full_area_takes_no_more_but_lets_each_record_be_replaced(void **state)
{
	uint32_t n = 0;
	size_t before;

	(void)state;
	areacard_fresh(&area_bench);
	assert_int_equal(space().total, 16000);
	assert_int_equal(space().insert, 4000);
	while (space().insert >= 1200) {
		n++;
		assert_int_equal(areacard_write(&area_bench, n, 1200, n), RESULT_OK);
	}
	assert_int_equal(n, 12);
	assert_int_equal(areacard_write(&area_bench, 100, 1200, 9), RESULT_NO_SPACE);
	before = space().insert;
	assert_int_equal(areacard_write(&area_bench, 100, before + 1, 9), RESULT_NO_SPACE);
	if (before) {
		assert_int_equal(areacard_write(&area_bench, 100, before, 9), RESULT_OK);
		assert_int_equal(area_delete(area_bench.area, 100), RESULT_OK);
	}
	for (uint32_t i = 1; i <= n; i++)
		assert_int_equal(areacard_write(&area_bench, i, 1200, 100 + i), RESULT_OK);
	assert_int_equal(areacard_write(&area_bench, 1, 4000, 9), RESULT_NO_SPACE);
	assert_int_equal(areacard_write(&area_bench, 1, 10, 9), RESULT_OK);
	areacard_open(&area_bench);
	for (uint32_t i = 2; i <= n; i++)
		assert_true(areacard_has(&area_bench, i, 1200, 100 + i));
	assert_true(areacard_has(&area_bench, 1, 10, 9));
	assert_int_equal(space().used, 11 * 1200 + 200);
}

static void there_is_an_end_to_the_number_of_records(void **state)
{
	(void)state;
	areacard_fresh(&area_bench);
	for (uint32_t i = 1; i <= AREA_RECORDS_MAX; i++) {
		assert_int_equal(space().records, AREA_RECORDS_MAX + 1 - i);
		assert_int_equal(areacard_write(&area_bench, i, 300, i), RESULT_OK);
	}
	assert_int_equal(space().insert, 0);
	assert_int_equal(areacard_write(&area_bench, 99, 1, 1), RESULT_NO_SPACE);
	areacard_open(&area_bench); /* the index takes two commands now */
	for (uint32_t i = 1; i <= AREA_RECORDS_MAX; i++) {
		assert_true(areacard_has(&area_bench, i, 300, i));
		assert_int_equal(area_delete(area_bench.area, i), RESULT_OK);
	}
	assert_int_equal(space().used, 0);
}

/* What changes a card costs time and wear: little beyond the blocks themselves and the index. */
static void a_write_costs_hardly_more_than_its_blocks(void **state)
{
	static const size_t lengths[] = {1200, 1229, 4000};

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		unsigned before, blocks = (unsigned)(lengths[i] + 199) / 200, took;

		areacard_fresh(&area_bench);
		for (int round = 0; round < 3; round++) { /* insert, and replace twice */
			before = area_bench.f.wire.commands;
			assert_int_equal(areacard_write(&area_bench, 5, lengths[i], 1), RESULT_OK);
			took = area_bench.f.wire.commands - before;
			print_message("# generation %d, %zu bytes: %u commands, at least %u\n",
				      area_bench.f.generation, lengths[i], took, blocks + 1);
			assert_true(took * 10 <= (blocks + 1) * 13);
		}
	}
}

static void other_files_and_keys_are_as_before(void **state)
{
	uint8_t block[CARD_MODULUS_SIZE] = {[1] = 1}, result[CARD_MODULUS_SIZE];
	struct rsa_public key;

	(void)state;
	areacard_fresh(&area_bench);
	assert_int_equal(card_private_op(area_bench.f.card, KEY_SIGN, block, result), RESULT_OK);
	assert_int_equal(areacard_again(&area_bench), RESULT_OK);
	assert_int_equal(areacard_write(&area_bench, 5, 500, 1), RESULT_OK);
	assert_int_equal(card_private_op(area_bench.f.card, KEY_SIGN, block, result), RESULT_OK);
	assert_int_equal(areacard_again(&area_bench), RESULT_OK);
	assert_true(areacard_has(&area_bench, 5, 500, 1));
	faultcard_next_call(&area_bench.f);
	assert_int_equal(areacard_again(&area_bench), RESULT_OK); /* in another transaction */
	assert_true(areacard_has(&area_bench, 5, 500, 1));
	assert_int_equal(card_read_public_key(area_bench.f.card, KEY_SIGN, &key), RESULT_OK);
	assert_int_equal(areacard_again(&area_bench),
			 area_bench.f.generation == 1 ? RESULT_OK : RESULT_SECURITY_STATUS);
}

static void files_can_be_made_and_deleted_by_the_issuer_alone(void **state)
{
	const struct card_path extra = {3, {0x5030, 0x0880, 0x0884}};
	struct buffer out = BUFFER_INIT;

	(void)state;
	areacard_fresh(&area_bench); /* who activates is authenticated until the reset */
	assert_int_equal(card_create_file(area_bench.f.card, &extra, 40), RESULT_OK);
	assert_int_equal(card_create_file(area_bench.f.card, &extra, 40), RESULT_FILE_EXISTS);
	assert_int_equal(card_update_file(area_bench.f.card, &extra, 38, bytes, 2), RESULT_OK);
	assert_int_equal(card_read_guarded(area_bench.f.card, &extra, 37, 3, &out), RESULT_OK);
	assert_memory_equal(out.data, "\xFF\0\0", 3);
	assert_int_equal(card_delete_file(area_bench.f.card, &extra), RESULT_OK);
	assert_int_equal(card_create_file(area_bench.f.card, &extra, 0x7000), RESULT_NO_SPACE);
	areacard_open(&area_bench);
	assert_int_equal(card_create_file(area_bench.f.card, &extra, 40), RESULT_SECURITY_STATUS);
	areacard_open(&area_bench);
	assert_int_equal(card_delete_file(area_bench.f.card, &area_layout.data), RESULT_SECURITY_STATUS);
	assert_int_equal(card_create_file(area_bench.f.card, &extra, 0x8000), RESULT_ARGUMENT);
	assert_int_equal(card_update_file(area_bench.f.card, &extra, 0x7FFF, bytes, 1), RESULT_DATA_TOO_LARGE);
	buffer_clear(&out);
}

static void what_is_in_records_is_in_no_trace(void **state)
{
	struct wire_log log;

	(void)state;
	wire_log_start(&log);
	areacard_fresh(&area_bench);
	memset(bytes, 'S', sizeof bytes);
	assert_int_equal(area_write(area_bench.area, 5, AREA_PUT, bytes, 700), RESULT_OK);
	assert_int_equal(area_read(area_bench.area, 5, bytes, &(size_t){sizeof bytes}), RESULT_OK);
	assert_non_null(log.text);
	assert_null(strstr(log.text, "53535353"));
	if (area_bench.f.generation == 1)
		assert_non_null(strstr(log.text, "> 8082000010 **16"));
	wire_log_stop(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AREA_TESTS(it_is_activated_once),
		AREA_TESTS(a_card_without_its_application_is_not_one_without_an_area),
		AREA_TESTS(a_challenge_that_is_none_ends_it),
		AREA_TESTS(a_wrong_cryptogram_makes_nothing_and_locks_in_the_end),
		AREA_TESTS(records_are_written_read_replaced_and_deleted),
		AREA_TESTS(they_are_listed_by_their_numbers),
		AREA_TESTS(what_cannot_be_is_refused_and_nothing_is_sent),
		AREA_TESTS(without_leave_nothing_is_sent_that_changes_a_card),
		AREA_TESTS(without_the_pin_there_is_nothing),
		AREA_TESTS(after_a_delete_that_failed_nothing_is_believed),
		AREA_TESTS(a_full_area_takes_no_more_but_lets_each_record_be_replaced),
		AREA_TESTS(there_is_an_end_to_the_number_of_records),
		AREA_TESTS(a_write_costs_hardly_more_than_its_blocks),
		AREA_TESTS(other_files_and_keys_are_as_before),
		AREA_TESTS(files_can_be_made_and_deleted_by_the_issuer_alone),
		AREA_TESTS(what_is_in_records_is_in_no_trace),
	};

	return cmocka_run_group_tests_name("area", tests, NULL, NULL);
}
