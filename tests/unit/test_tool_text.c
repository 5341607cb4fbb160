/* twcard's own small parts: its command line, texts on a terminal, tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/twcard/arguments.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/table.h"
#include "tools/twcard/text.h"

/* ---- the command line ---- */

static enum exit_code do_nothing(const struct arguments *args)
{
	(void)args;
	return EXIT_GOOD;
}

static const struct option_row rows[] = {
	{"out", 'o', "FILE", "where"},
	{"ca", 0, "FILE", "whom"},
	{"force", 'f', NULL, "all the same"},
	{NULL, 0, NULL, NULL},
};

static const struct subcommand one_file = {
	.name = "try",
	.words = "FILE",
	.words_min = 1,
	.words_max = 1,
	.summary = "tries",
	.options = rows,
	.run = do_nothing,
};

static bool parse(struct arguments *out, const char *line)
{
	static char copy[256], *argv[32];
	int argc = 0;

	snprintf(copy, sizeof copy, "try %s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return arguments_parse(&one_file, argc, argv, out);
}

static void options_and_words_are_told_apart(void **state)
{
	struct arguments a;

	(void)state;
	assert_true(parse(&a, "-o x --ca 1 file --ca=2 -f"));
	assert_string_equal(arguments_value(&a, "out"), "x");
	assert_string_equal(arguments_value(&a, "ca"), "2");
	assert_string_equal(arguments_nth(&a, "ca", 0), "1");
	assert_string_equal(arguments_nth(&a, "ca", 1), "2");
	assert_null(arguments_nth(&a, "ca", 2));
	assert_true(arguments_has(&a, "force"));
	assert_null(arguments_value(&a, "force"));
	assert_false(arguments_has(&a, "json"));
	assert_int_equal(a.word_count, 1);
	assert_string_equal(a.words[0], "file");
	assert_true(parse(&a, "-r 2 -j -- -file"));
	assert_string_equal(arguments_value(&a, "reader"), "2");
	assert_true(arguments_has(&a, "json"));
	assert_string_equal(a.words[0], "-file");
}

static void a_wrong_command_line_is_refused(void **state)
{
	static const char *const wrong[] = {"", "a b", "--nothing a", "-x a", "a -o", "a --force=1"};
	struct arguments a;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(parse(&a, wrong[i]));
	assert_true(parse(&a, "--help")); /* who asks for help need not have the rest right */
}

static void more_options_than_there_is_room_for_are_refused(void **state)
{
	char line[256] = "a";
	struct arguments a;

	(void)state;
	for (int i = 0; i < 28; i++)
		strcat(line, " -f");
	assert_true(parse(&a, line));
	memset(&a, 0, sizeof a);
	strcpy(line, "a -");
	memset(line + 3, 'f', ARGUMENTS_OPTIONS_MAX);
	line[3 + ARGUMENTS_OPTIONS_MAX] = '\0';
	assert_true(parse(&a, line));
	strcat(line, "f");
	assert_false(parse(&a, line));
	assert_int_equal(a.given_count, ARGUMENTS_OPTIONS_MAX);
}

/* Names and options are looked up by their words: two of one name would hide each other. */
static void rows_do_not_hide_each_other(void **state)
{
	(void)state;
	for (size_t i = 0; commands[i]; i++) {
		const struct option_row *own = commands[i]->options;

		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(commands[i]->name, commands[j]->name);
		for (; own && own->name; own++) {
			for (const struct option_row *o = common_options; o->name; o++) {
				assert_string_not_equal(own->name, o->name);
				assert_true(!own->letter || own->letter != o->letter);
			}
			for (const struct option_row *o = commands[i]->options; o != own; o++) {
				assert_string_not_equal(own->name, o->name);
				assert_true(!own->letter || own->letter != o->letter);
			}
		}
	}
}

/* ---- texts ---- */

static void check_copy(char *(*copy)(const char *), const char *text, const char *wanted)
{
	char *got = copy(text);

	assert_non_null(got);
	assert_string_equal(got, wanted);
	free(got);
}

#define BAD "\xEF\xBF\xBD"

static void bytes_that_are_no_text_are_replaced(void **state)
{
	(void)state;
	check_copy(text_valid, "王小明 a", "王小明 a");
	check_copy(text_valid, "\xFF" "a\x80", BAD "a" BAD);
	check_copy(text_valid, "\xE7\x8E", BAD BAD);          /* cut */
	check_copy(text_valid, "\xC0\xAF", BAD BAD);          /* longer than it must be */
	check_copy(text_valid, "\xE0\x80\xAF", BAD BAD BAD);
	check_copy(text_valid, "\xED\xA0\x80", BAD BAD BAD);  /* half of a pair */
	check_copy(text_valid, "\xF4\x90\x80\x80", BAD BAD BAD BAD); /* above the last */
	check_copy(text_valid, "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80");
	check_copy(text_valid, "a\033[31m", "a\033[31m");
}

static void nothing_that_a_terminal_obeys_gets_through(void **state)
{
	(void)state;
	check_copy(text_safe, "a\033[31mb\n\x7F", "a" BAD "[31mb" BAD BAD);
	check_copy(text_safe, "\xC2\x9B" "31m", BAD "31m");         /* C1: CSI */
	check_copy(text_safe, "a\xE2\x80\xAE" "b", "a" BAD "b");    /* right to left from here */
	check_copy(text_safe, "\xE2\x81\xA7", BAD);
	check_copy(text_safe, "測試股份有限公司", "測試股份有限公司");
}

static void wide_characters_take_two_columns(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("王小明"), 6);
	assert_int_equal(text_width("e\xCC\x81"), 1); /* with an accent of its own */
	assert_int_equal(text_width("\xF0\x9F\x98\x80"), 2);
	assert_int_equal(text_width("\xFF"), 1);
}

static void columns_stand_below_each_other(void **state)
{
	struct table *t = table_new(2);
	char text[256] = "";
	FILE *stream = tmpfile();

	(void)state;
	assert_non_null(t);
	assert_non_null(stream);
	table_cell(t, STYLE_PLAIN, "%s", "王");
	table_cell(t, STYLE_BAD, "%d", 1);
	table_cell(t, STYLE_PLAIN, "%s", "abc");
	table_cell(t, STYLE_PLAIN, "%s", "\033[2J");
	table_cell(t, STYLE_PLAIN, "%s", "end");
	table_print(t, stream, 1);
	rewind(stream);
	text[fread(text, 1, sizeof text - 1, stream)] = '\0';
	fclose(stream);
	table_free(&t);
	assert_null(t);
	assert_string_equal(text, " 王   1\n abc  " BAD "[2J\n end\n");
}

static void no_table_is_no_crash(void **state)
{
	struct table *none = table_new(TABLE_COLUMNS_MAX + 1);

	(void)state;
	assert_null(none);
	table_cell(none, STYLE_PLAIN, "%s", "x");
	table_print(none, stdout, 0);
	table_free(&none);
}

/* ---- results ---- */

static void every_result_has_an_exit_code_of_its_kind(void **state)
{
	(void)state;
	assert_int_equal(message_result(RESULT_OK, NULL), EXIT_GOOD);
	assert_int_equal(message_result(RESULT_NO_SERVICE, NULL), EXIT_NO_CARD);
	assert_int_equal(message_result(RESULT_NO_CARD, "x"), EXIT_NO_CARD);
	assert_int_equal(message_result(RESULT_PIN_WRONG, "x"), EXIT_PIN);
	assert_int_equal(message_result(RESULT_UNPROVEN, "x"), EXIT_REFUSED);
	assert_int_equal(message_result(RESULT_UNKNOWN_CARD, NULL), EXIT_CARD);
	assert_int_equal(message_result(RESULT_NO_MEMORY, NULL), EXIT_INTERNAL);
	for (enum result r = RESULT_OK + 1; r < RESULT_COUNT; r++)
		assert_int_not_equal(message_result(r, NULL), EXIT_GOOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_words_are_told_apart),
		cmocka_unit_test(a_wrong_command_line_is_refused),
		cmocka_unit_test(more_options_than_there_is_room_for_are_refused),
		cmocka_unit_test(rows_do_not_hide_each_other),
		cmocka_unit_test(bytes_that_are_no_text_are_replaced),
		cmocka_unit_test(nothing_that_a_terminal_obeys_gets_through),
		cmocka_unit_test(wide_characters_take_two_columns),
		cmocka_unit_test(columns_stand_below_each_other),
		cmocka_unit_test(no_table_is_no_crash),
		cmocka_unit_test(every_result_has_an_exit_code_of_its_kind),
	};

	return cmocka_run_group_tests_name("tool_text", tests, NULL, NULL);
}
