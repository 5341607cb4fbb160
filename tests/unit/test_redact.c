/* What tells whose card it is goes out of a text; what only looks so, stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/twcard/redact.h"

static void assert_becomes(const struct redactor *r, const char *text, const char *wanted)
{
	char *got = redact_text(r, text);

	assert_non_null(got);
	assert_string_equal(got, wanted);
	free(got);
}

static void secrets_go_as_whole_words(void **state)
{
	struct redactor r = REDACTOR_INIT;

	(void)state;
	redact_add(&r, "wang", "<user>");
	redact_add(&r, "/home/wang", "<home>");
	redact_add(&r, "王小明", "<name>");
	redact_add(&r, "x", "<never>");
	redact_add(&r, NULL, "<never>");
	assert_becomes(&r, "/home/wang/.cache of wang, not swang", "<home>/.cache of <user>, not swang");
	assert_becomes(&r, "/home/wangs", "/home/wangs");
	assert_becomes(&r, "持卡人王小明的卡", "持卡人<name>的卡");
	assert_becomes(&r, "x", "x");
	assert_becomes(&r, "", "");
	redact_clear(&r);
}

static void what_looks_like_a_number_of_a_card_or_person_goes(void **state)
{
	struct redactor r = REDACTOR_INIT;

	(void)state;
	assert_becomes(&r, "TP07240513190395.cache", "<card-number>.cache");
	assert_becomes(&r, "(A123456789)", "(<national-id>)");
	assert_becomes(&r, "AB12345678", "<national-id>");
	assert_becomes(&r, "00A4040C10A0000002830000062201", "00A4040C10A0000002830000062201");
	assert_becomes(&r, "A1234567890 TP0724051319039", "A1234567890 TP0724051319039");
}

static void readers_keep_their_model_and_place(void **state)
{
	static const char *const rows[][2] = {
		{"Virtual PCD 00 00", "Virtual PCD 00 00"},
		{"Alcor Micro AU9540 00 00", "Alcor Micro AU9540 00 00"},
		{"Gemalto PC Twin Reader (EF1CA4C6) 00 00", "Gemalto PC Twin Reader (serial) 00 00"},
		{"X [Smart (Card)] (20070818000000000) 01 00", "X [Smart (serial) 01 00"},
		{"ACME 123456789 00 00", "ACME (serial) 00 00"},
		{"Feature 00 00", "Feature 00 00"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *got = redact_reader(rows[i][0]);

		assert_non_null(got);
		assert_string_equal(got, rows[i][1]);
		free(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_go_as_whole_words),
		cmocka_unit_test(what_looks_like_a_number_of_a_card_or_person_goes),
		cmocka_unit_test(readers_keep_their_model_and_place),
	};

	return cmocka_run_group_tests_name("redaction", tests, NULL, NULL);
}
