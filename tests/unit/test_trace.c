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

static void assert_log(struct wire_log *log, const char *want)
{
	assert_non_null(log->text);
	assert_string_equal(log->text, want);
	wire_log_stop(log);
}

static void commands_answers_and_cards_name_their_reader(void **state)
{
	static const uint8_t bytes[] = {0x8C, 0x20, 0x00, 0x01, 0x02, 0xAA, 0xBB, 0x90};
	struct wire_log log;

	(void)state;
	wire_log_start(&log);
	trace_command("Reader", bytes, 8, false);
	trace_command("Reader", bytes, 8, true);
	trace_command("Reader", bytes, 5, true); /* nothing is in it that could be hidden */
	assert_log(&log, "@ Reader\n> 8C20000102AABB90\n@ Reader\n> 8C20000102 **3\n"
			 "@ Reader\n> 8C20000102\n");
	wire_log_start(&log);
	trace_answer(bytes, 8, false);
	trace_answer(bytes, 8, true);
	trace_answer(bytes, 2, true);
	trace_answer(bytes, 1, true);
	trace_answer(bytes, 0, true);
	assert_log(&log, "< 8C20000102AABB90\n< **6 BB90\n< 8C20\n< 8C\n< \n");
	wire_log_start(&log);
	trace_atr("Reader", bytes, 3);
	trace_event("Reader", "reset");
	assert_log(&log, "@ Reader\n= 8C2000\n@ Reader\n! reset\n");
}

static void who_does_not_want_the_trace_does_not_get_it(void **state)
{
	static const uint8_t bytes[8];
	struct wire_log log;

	(void)state;
	wire_log_start_at(&log, LOG_DEBUG);
	trace_command("Reader", bytes, 8, false);
	trace_answer(bytes, 8, false);
	trace_answer(bytes, 300, true);
	trace_event("Reader", "reset");
	trace_atr("Reader", bytes, 3);
	assert_null(log.text);
	wire_log_stop(&log);
}

/* 270 bytes: a short command, or an answer with its status word. */
static void what_is_longer_than_an_apdu_shows_its_start_only(void **state)
{
	uint8_t bytes[300];
	char line[TRACE_LINE], longest[2 + 2 * 270 + 1] = "< ", start[64] = "< ";
	struct wire_log log;

	(void)state;
	memset(bytes, 0xAB, sizeof bytes);
	for (int i = 0; i < 270; i++)
		memcpy(longest + 2 + 2 * i, "AB", 3);
	memcpy(start, longest, 2 + 2 * 16);
	strcpy(start + 2 + 2 * 16, " **255");
	assert_string_equal(trace_format(line, '<', bytes, 270, 270, 0), longest);
	assert_string_equal(trace_format(line, '<', bytes, 271, 271, 0), start);
	assert_string_equal(trace_format(line, '<', bytes, 271, 5, 2), start);
	assert_string_equal(trace_format(line, '<', bytes, 270, 0, 2), "< **268 ABAB");
	wire_log_start(&log);
	trace_answer(bytes, 270, true);
	trace_answer(bytes, 271, true);
	assert_log(&log, "< **268 ABAB\n< **271\n");
}

static void levels_have_names_both_ways(void **state)
{
	static const char *const names[] = {"none", "error", "info", "debug", "trace"};
	enum log_level level;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_string_equal(log_level_name((enum log_level)i), names[i]);
		assert_true(log_level_parse(names[i], &level));
		assert_int_equal(level, i);
	}
	assert_true(log_level_parse("TRACE", &level));
	assert_false(log_level_parse("unknown", &level));
	assert_false(log_level_parse("", &level));
	assert_string_equal(log_level_name((enum log_level)COUNT(names)), "unknown");
	assert_string_equal(log_level_name((enum log_level)-1), "unknown");
}

static void control_characters_and_nothing_else_are_replaced(void **state)
{
	struct wire_log log;

	(void)state;
	for (int c = 1; c < 256; c++) {
		wire_log_start(&log);
		log_line(LOG_ERROR, "%c", c);
		assert_int_equal((uint8_t)log.text[0], c < 0x20 || c == 0x7F ? '?' : c);
		wire_log_stop(&log);
	}
}

static void a_log_without_a_listener_is_off(void **state)
{
	struct wire_log log;

	(void)state;
	log_set(LOG_TRACE, NULL, NULL);
	assert_false(log_wants(LOG_ERROR));
	wire_log_start_at(&log, LOG_INFO);
	assert_true(log_wants(LOG_ERROR) && log_wants(LOG_INFO));
	assert_false(log_wants(LOG_DEBUG));
	wire_log_stop(&log);
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
		cmocka_unit_test(commands_answers_and_cards_name_their_reader),
		cmocka_unit_test(who_does_not_want_the_trace_does_not_get_it),
		cmocka_unit_test(what_is_longer_than_an_apdu_shows_its_start_only),
		cmocka_unit_test(levels_have_names_both_ways),
		cmocka_unit_test(control_characters_and_nothing_else_are_replaced),
		cmocka_unit_test(a_log_without_a_listener_is_off),
		cmocka_unit_test(a_reader_name_cannot_forge_a_line),
		cmocka_unit_test(a_line_that_is_too_long_is_cut),
		cmocka_unit_test(levels_above_the_wanted_one_are_silent),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
