/* Status words become results, results have names, texts and Cryptoki codes. */
#include <string.h>

#include "apdu/status.h"
#include "src/base/rv.h"
#include "wire.h"

static void status_words_have_their_results(void **state)
{
	static const struct {
		uint16_t sw;
		enum result result;
	} rows[] = {
		{0x9000, RESULT_OK},              {0x6282, RESULT_END_OF_FILE},
		{0x6B00, RESULT_END_OF_FILE},     {0x6700, RESULT_WRONG_LENGTH},
		{0x6C10, RESULT_WRONG_LENGTH},    {0x6982, RESULT_SECURITY_STATUS},
		{0x6985, RESULT_SECURITY_STATUS}, {0x6983, RESULT_SECURITY_STATUS},
		{0x6A82, RESULT_NOT_FOUND},       {0x6A83, RESULT_NOT_FOUND},
		{0x6D00, RESULT_NOT_SUPPORTED},   {0x6E00, RESULT_NOT_SUPPORTED},
		{0x6F00, RESULT_CARD_REFUSED},    {0x9001, RESULT_CARD_REFUSED},
		{0x6300, RESULT_CARD_REFUSED},    {0x63C2, RESULT_CARD_REFUSED},
		{0x6984, RESULT_SECURITY_STATUS}, {0x6987, RESULT_SECURITY_STATUS},
		{0x6988, RESULT_SECURITY_STATUS}, {0x6986, RESULT_CARD_REFUSED},
		{0x6981, RESULT_CARD_REFUSED},    {0x6A81, RESULT_NOT_SUPPORTED},
		{0x6A88, RESULT_NOT_FOUND},       {0x6A80, RESULT_CARD_REFUSED},
		{0x6DFF, RESULT_NOT_SUPPORTED},   {0x6EFF, RESULT_NOT_SUPPORTED},
		{0x6701, RESULT_CARD_REFUSED},    {0x6B01, RESULT_CARD_REFUSED},
		{0x6281, RESULT_CARD_REFUSED},    {0x6283, RESULT_CARD_REFUSED},
		{0x6CFF, RESULT_WRONG_LENGTH},    {0x61FF, RESULT_BAD_ANSWER},
		{0x6110, RESULT_BAD_ANSWER},      {0x0000, RESULT_CARD_REFUSED},
		{0xFFFF, RESULT_CARD_REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(status_result(rows[i].sw), rows[i].result);
}

static void only_6a82_says_that_there_is_no_file(void **state)
{
	(void)state;
	for (unsigned sw = 0; sw <= 0xFFFF; sw++)
		assert_int_equal(status_select_result((uint16_t)sw) == RESULT_NOT_FOUND, sw == 0x6A82);
	assert_int_equal(status_select_result(0x9000), RESULT_OK);
	assert_int_equal(status_select_result(0x6982), RESULT_SECURITY_STATUS);
}

static void only_9000_is_success(void **state)
{
	int tries;

	(void)state;
	for (unsigned sw = 0; sw <= 0xFFFF; sw++) {
		if (sw == 0x9000)
			continue;
		assert_int_not_equal(status_result((uint16_t)sw), RESULT_OK);
		assert_int_not_equal(status_pin_result((uint16_t)sw, &tries), RESULT_OK);
	}
	assert_int_equal(status_result(0x9000), RESULT_OK);
	assert_int_equal(status_pin_result(0x9000, &tries), RESULT_OK);
	assert_int_equal(tries, -1);
}

static void a_verify_tells_the_tries_left(void **state)
{
	static const struct {
		uint16_t sw;
		enum result result;
		int tries;
	} rows[] = {
		{0x63C3, RESULT_PIN_WRONG, 3},  {0x63C2, RESULT_PIN_WRONG, 2},
		{0x63C1, RESULT_PIN_WRONG, 1},  {0x63C0, RESULT_PIN_LOCKED, 0},
		{0x6983, RESULT_PIN_LOCKED, 0}, {0x6984, RESULT_PIN_LOCKED, 0},
		{0x63CF, RESULT_PIN_WRONG, 15}, {0x63D0, RESULT_CARD_REFUSED, -1},
		{0x6300, RESULT_CARD_REFUSED, -1}, {0x6982, RESULT_SECURITY_STATUS, -1},
		{0x6988, RESULT_SECURITY_STATUS, -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int tries = 99;

		assert_int_equal(status_pin_result(rows[i].sw, &tries), rows[i].result);
		assert_int_equal(tries, rows[i].tries);
	}
}

static void files_with_rules_and_their_issuer_have_words_of_their_own(void **state)
{
	static const struct {
		uint16_t sw;
		enum result file, issuer;
	} rows[] = {
		{0x9000, RESULT_OK, RESULT_OK},
		{0x6982, RESULT_SECURITY_STATUS, RESULT_SECURITY_STATUS},
		{0x6983, RESULT_AREA_LOCKED, RESULT_AREA_LOCKED},
		{0x6984, RESULT_AREA_LOCKED, RESULT_AREA_LOCKED},
		{0x6A84, RESULT_NO_SPACE, RESULT_NO_SPACE},
		{0x6A89, RESULT_FILE_EXISTS, RESULT_FILE_EXISTS},
		{0x6A82, RESULT_NOT_FOUND, RESULT_NOT_FOUND},
		{0x6581, RESULT_CARD_REFUSED, RESULT_CARD_REFUSED},
		{0x63C2, RESULT_CARD_REFUSED, RESULT_AUTHENTICATION},
		{0x6300, RESULT_CARD_REFUSED, RESULT_AUTHENTICATION},
		{0x63C0, RESULT_CARD_REFUSED, RESULT_AREA_LOCKED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(status_guarded_result(rows[i].sw), rows[i].file);
		assert_int_equal(status_authenticate_result(rows[i].sw), rows[i].issuer);
	}
}

static void every_result_has_name_text_and_code(void **state)
{
	(void)state;
	for (int r = 0; r < RESULT_COUNT; r++) {
		assert_memory_equal(result_name((enum result)r), "RESULT_", 7);
		assert_true(strlen(result_text((enum result)r)) > 5);
		if (r != RESULT_OK)
			assert_int_not_equal(rv_of((enum result)r), CKR_OK);
	}
	assert_int_equal(rv_of(RESULT_OK), CKR_OK);
}

static void a_value_outside_the_list_is_no_crash(void **state)
{
	(void)state;
	assert_non_null(result_name((enum result)RESULT_COUNT));
	assert_non_null(result_text((enum result)9999));
	assert_int_equal(rv_of((enum result)RESULT_COUNT), CKR_GENERAL_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_words_have_their_results),
		cmocka_unit_test(only_6a82_says_that_there_is_no_file),
		cmocka_unit_test(only_9000_is_success),
		cmocka_unit_test(a_verify_tells_the_tries_left),
		cmocka_unit_test(files_with_rules_and_their_issuer_have_words_of_their_own),
		cmocka_unit_test(every_result_has_name_text_and_code),
		cmocka_unit_test(a_value_outside_the_list_is_no_crash),
	};

	return cmocka_run_group_tests_name("status words and results", tests, NULL, NULL);
}
