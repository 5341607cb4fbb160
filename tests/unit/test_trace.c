/* The trace format: what is shown, what is redacted, lengths, log lines that cannot be forged. */
#include <string.h>

#include "apdu/trace.h"
#include "wire.h"

static void assert_format(const uint8_t *data, size_t len, size_t clear, size_t tail,
			  const char *want)
{
	char line[TRACE_LINE];

	assert_string_equal(trace_format(line, '>', data, len, clear, tail), want);
}

static void all_or_part_is_shown(void **state)
{
	static const uint8_t bytes[] = {0x8C, 0x20, 0x00, 0x01, 0x03, 0xAA, 0xBB, 0xCC};

	(void)state;
	assert_format(bytes, 8, 8, 0, "> 8C20000103AABBCC");
	assert_format(bytes, 8, 5, 0, "> 8C20000103 **3");
	assert_format(bytes, 8, 0, 2, "> **6 BBCC");
	assert_format(bytes, 8, 3, 2, "> 8C2000 **3 BBCC");
	assert_format(bytes, 8, 0, 0, "> **8");
	assert_format(bytes, 2, 0, 2, "> 8C20");
	assert_format(bytes, 0, 0, 0, "> ");
}

static void the_longest_line_fits(void **state)
{
	uint8_t bytes[600];
	char line[TRACE_LINE];

	(void)state;
	memset(bytes, 0xAB, sizeof bytes);
	for (size_t len = 0; len < sizeof bytes; len++) {
		assert_true(strlen(trace_format(line, '<', bytes, len, len, 0)) < TRACE_LINE);
		assert_true(strlen(trace_format(line, '<', bytes, len, 5, 2)) < TRACE_LINE);
	}
	trace_format(line, '<', bytes, 500, 500, 0);
	assert_non_null(strstr(line, " **484"));
}

static void a_sensitive_answer_of_any_length_shows_its_status_word_at_most(void **state)
{
	uint8_t bytes[512];

	(void)state;
	memset(bytes, 0x5E, sizeof bytes);
	for (size_t len = 3; len < sizeof bytes; len += 7) {
		struct wire_log log;

		bytes[len - 2] = 0x90;
		bytes[len - 1] = 0x00;
		wire_log_start(&log);
		trace_answer(bytes, len, true);
		assert_null(strstr(log.text, "5E"));
		wire_log_stop(&log);
		memset(bytes, 0x5E, sizeof bytes);
	}
}

static void a_reader_name_cannot_forge_a_line(void **state)
{
	struct wire_log log;

	(void)state;
	wire_log_start(&log);
	trace_event("evil\n> 00A40000\x1b[31m", "reset");
	assert_null(strstr(log.text, "\n> 00A4"));
	assert_null(strchr(log.text, '\x1b'));
	assert_non_null(strstr(log.text, "! reset\n"));
	wire_log_stop(&log);
}

static void a_line_that_is_too_long_is_cut(void **state)
{
	static char name[3000];
	struct wire_log log;

	(void)state;
	memset(name, 'n', sizeof name - 1);
	wire_log_start(&log);
	log_line(LOG_ERROR, "%s", name);
	assert_int_equal(log.len, 1023 + 1);
	wire_log_stop(&log);
}

static void levels_above_the_wanted_one_are_silent(void **state)
{
	(void)state;
	log_set(LOG_NONE, NULL, NULL);
	assert_false(log_wants(LOG_ERROR));
	log_line(LOG_ERROR, "to nobody");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_or_part_is_shown),
		cmocka_unit_test(the_longest_line_fits),
		cmocka_unit_test(a_sensitive_answer_of_any_length_shows_its_status_word_at_most),
		cmocka_unit_test(a_reader_name_cannot_forge_a_line),
		cmocka_unit_test(a_line_that_is_too_long_is_cut),
		cmocka_unit_test(levels_above_the_wanted_one_are_silent),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
