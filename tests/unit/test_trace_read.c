/* The trace format read back: good lines, bad lines, hostile files; and a written line is the read one. */
#include <stdlib.h>
#include <string.h>

#include "apdu/trace.h"
#include "apdu/trace_read.h"
#include "wire.h"

static struct trace_line line;

static bool read_line(const char *text)
{
	return trace_read_line(text, strlen(text), &line);
}

static void assert_bad(const char *text, enum trace_problem problem)
{
	assert_false(read_line(text));
	if (line.problem != problem)
		fail_msg("\"%s\": %s", text, trace_problem_text(line.problem));
	assert_int_equal(line.len, 0);
}

/* Of the last line that was read; owned by the caller. */
static char *written(void)
{
	char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	assert_non_null(stream);
	trace_put(&line, stream);
	assert_int_equal(fclose(stream), 0);
	return text;
}

static void assert_written(const char *text, const char *want)
{
	char *got;

	assert_true(read_line(text));
	got = written();
	assert_string_equal(got, want);
	free(got);
}

static void every_kind_of_line_is_read(void **state)
{
	static const uint8_t bytes[] = {0x80, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00};

	(void)state;
	assert_true(read_line("# a comment > 00"));
	assert_int_equal(line.mark, '#');
	assert_string_equal(line.text, "a comment > 00");
	assert_true(read_line("@ Reader 00 00"));
	assert_string_equal(line.text, "Reader 00 00");
	assert_true(read_line("! reset"));
	assert_int_equal(line.mark, '!');
	assert_true(read_line("= 3B00\r"));
	assert_int_equal(line.len, 2);
	assert_true(read_line("> 80A4 0000 023f00"));
	assert_int_equal(line.len, sizeof bytes);
	assert_memory_equal(line.bytes, bytes, sizeof bytes);
	assert_true(read_line("<"));
	assert_int_equal(line.len, 0);
	assert_true(read_line("< "));
}

static void hidden_bytes_have_a_length_and_no_value(void **state)
{
	(void)state;
	assert_true(read_line("> 8C20000120 **32"));
	assert_int_equal(line.len, 37);
	assert_false(line.hidden[4]);
	assert_true(line.hidden[5] && line.hidden[36]);
	assert_int_equal(line.bytes[5], 0);
	assert_true(read_line("< **3 61 **2 9000"));
	assert_int_equal(line.len, 8);
	assert_true(line.hidden[2] && !line.hidden[3] && line.hidden[4] && !line.hidden[6]);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	assert_bad("x 00", TRACE_BAD_MARK);
	assert_bad(">00", TRACE_BAD_MARK);
	assert_bad("\xE7\x8E\x8B", TRACE_BAD_MARK);
	assert_bad("> 0", TRACE_ODD_DIGITS);
	assert_bad("> 00 0", TRACE_ODD_DIGITS);
	assert_bad("> 0 0", TRACE_ODD_DIGITS);
	assert_bad("> 0G", TRACE_ODD_DIGITS);
	assert_bad("> G0", TRACE_BAD_DIGIT);
	assert_bad("> 00 ..", TRACE_BAD_DIGIT);
	assert_bad("> 00 *5", TRACE_BAD_HIDDEN);
	assert_bad("> 00 **", TRACE_BAD_HIDDEN);
	assert_bad("> 00 **0", TRACE_BAD_HIDDEN);
	assert_bad("> 00 **-1", TRACE_BAD_HIDDEN);
	assert_bad("> 00 **5x", TRACE_BAD_HIDDEN);
	assert_bad("> 00 **1024", TRACE_BAD_HIDDEN);
	assert_bad("> **18446744073709551617", TRACE_BAD_HIDDEN);
	assert_bad("= 3B", TRACE_BAD_ATR);
	assert_bad("= 3B **4", TRACE_BAD_ATR);
	assert_bad("= 3B0000000000000000000000000000000000000000000000000000000000000000000000",
		   TRACE_BAD_ATR);
	assert_bad("@ a\x1b[31mreader", TRACE_BAD_TEXT);
	for (int i = 0; i < TRACE_PROBLEM_COUNT; i++)
		assert_true(strlen(trace_problem_text((enum trace_problem)i)) > 3);
	assert_non_null(trace_problem_text((enum trace_problem)99));
}

static void lines_have_an_end(void **state)
{
	static char text[TRACE_TEXT_MAX + 10];

	(void)state;
	memset(text, '0', sizeof text - 1);
	memcpy(text, "> ", 2);
	assert_bad(text, TRACE_LONG_LINE);
	text[2 + 2 * TRACE_BYTES_MAX] = '\0';
	assert_true(read_line(text));
	assert_int_equal(line.len, TRACE_BYTES_MAX);
	strcat(text, "00");
	assert_bad(text, TRACE_MANY_BYTES);
	assert_true(read_line("< **1024"));
	assert_bad("< **1024 00", TRACE_MANY_BYTES);
}

static void what_is_written_is_what_was_read(void **state)
{
	(void)state;
	assert_written("> 80a4000002 3F00", "> 80A40000023F00\n");
	assert_written("> 8C20000120 **32", "> 8C20000120 **32\n");
	assert_written("< **128 9000", "< **128 9000\n");
	assert_written("< **1 **2 90 **1", "< **3 90 **1\n");
	assert_written("= 3B00", "= 3B00\n");
	assert_written("! reset", "! reset\n");
	assert_written("<", "< \n");
}

/* What trace.h writes, for every length and every kind of hiding. */
static void all_that_the_log_writes_is_read(void **state)
{
	uint8_t bytes[512];
	char text[TRACE_LINE];

	(void)state;
	memset(bytes, 0xAB, sizeof bytes);
	for (size_t len = 0; len <= sizeof bytes; len++) {
		assert_true(read_line(trace_format(text, '<', bytes, len, len, 0)));
		assert_int_equal(line.len, len);
		assert_true(read_line(trace_format(text, '>', bytes, len, 5, 2)));
		assert_int_equal(line.len, len);
	}
}

static struct trace_reader open_text(const char *text, size_t len)
{
	FILE *stream = fmemopen((char *)text, len, "r");

	assert_non_null(stream);
	return trace_reader_of(stream);
}

static void a_bad_line_does_not_end_a_file(void **state)
{
	static const char text[] = "# twcard trace 1\n\n\r\n> 00\nwhat\n< 9000";
	struct trace_reader reader = open_text(text, sizeof text - 1);

	(void)state;
	assert_true(trace_next(&reader, &line));
	assert_int_equal(line.number, 1);
	assert_true(trace_next(&reader, &line));
	assert_int_equal(line.number, 4);
	assert_true(trace_next(&reader, &line));
	assert_int_equal(line.problem, TRACE_BAD_MARK);
	assert_int_equal(line.number, 5);
	assert_true(trace_next(&reader, &line));
	assert_int_equal(line.problem, TRACE_GOOD);
	assert_int_equal(line.len, 2);
	assert_false(trace_next(&reader, &line));
	assert_false(trace_next(&reader, &line));
	fclose(reader.stream);
}

static void a_huge_line_costs_itself_only(void **state)
{
	size_t len = 3u << 20;
	char *text = malloc(len);
	struct trace_reader reader;

	(void)state;
	assert_non_null(text);
	memset(text, 'A', len);
	memcpy(text, "> ", 2);
	memcpy(text + len - 6, "\n> 00\n", 6);
	reader = open_text(text, len);
	assert_true(trace_next(&reader, &line));
	assert_int_equal(line.problem, TRACE_LONG_LINE);
	assert_true(trace_next(&reader, &line));
	assert_int_equal(line.problem, TRACE_GOOD);
	assert_int_equal(line.number, 2);
	assert_false(trace_next(&reader, &line));
	fclose(reader.stream);
	free(text);
}

/* A file without an end: /dev/zero has no newline, /dev/full neither. */
static void a_file_without_an_end_has_one(void **state)
{
	struct trace_reader reader = trace_reader_of(fopen("/dev/zero", "r"));

	(void)state;
	assert_non_null(reader.stream);
	assert_true(trace_next(&reader, &line));
	assert_int_equal(line.problem, TRACE_LARGE_FILE);
	assert_false(trace_next(&reader, &line));
	assert_int_equal(reader.bytes, TRACE_FILE_MAX);
	fclose(reader.stream);
}

/* Any bytes: a line is good or bad, and a good one is written as one that reads the same. */
static void random_lines_do_no_harm(void **state)
{
	static const char letters[] = "0123456789ABCDEFabcdef**  ><=#@!\n\r\0xZ\x80";
	uint32_t random = 20201105;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[80], *again;
		size_t len;
		struct trace_line *copy;

		random = random * 1664525 + 1013904223;
		len = random >> 8 & 63;
		for (size_t i = 0; i < len; i++) {
			random = random * 1664525 + 1013904223;
			text[i] = letters[(random >> 12) % sizeof letters];
		}
		if (len > 2 && round & 1)
			memcpy(text, "< ", 2);
		if (!trace_read_line(text, len, &line) || line.mark == '#' || !line.len)
			continue;
		copy = malloc(sizeof *copy);
		assert_non_null(copy);
		*copy = line;
		again = written();
		assert_true(trace_read_line(again, strcspn(again, "\n"), &line));
		assert_int_equal(line.len, copy->len);
		assert_memory_equal(line.bytes, copy->bytes, line.len);
		assert_memory_equal(line.hidden, copy->hidden, line.len * sizeof *line.hidden);
		free(again);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_line_is_read),
		cmocka_unit_test(hidden_bytes_have_a_length_and_no_value),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(lines_have_an_end),
		cmocka_unit_test(what_is_written_is_what_was_read),
		cmocka_unit_test(all_that_the_log_writes_is_read),
		cmocka_unit_test(a_bad_line_does_not_end_a_file),
		cmocka_unit_test(a_huge_line_costs_itself_only),
		cmocka_unit_test(a_file_without_an_end_has_one),
		cmocka_unit_test(random_lines_do_no_harm),
	};

	return cmocka_run_group_tests_name("trace_read", tests, NULL, NULL);
}
