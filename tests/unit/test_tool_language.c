/* twcard speaks 繁體中文: with the catalog of the build, laid out as it is installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <limits.h>
#include <locale.h>

#include "apdu/trace_read.h"
#include "profiles/card.h"
#include "tools/twcard/apdu_words.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/help.h"
#include "tools/twcard/message.h"
#include "tools/twcard/text.h"

static int speak(void **state)
{
	char folder[PATH_MAX];

	(void)state;
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("LANGUAGE", "zh_TW", 1);
	message_start();
	return realpath("po", folder) && bindtextdomain("twcard", folder) ? 0 : -1;
}

/* ---- what is said ---- */

static char *help_of(const struct subcommand *command)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	assert_non_null(stream);
	if (command)
		help_command(command, stream);
	else
		help_all(stream);
	assert_int_equal(fclose(stream), 0);
	return text;
}

static void help_is_in_the_users_language(void **state)
{
	char *text = help_of(NULL);

	(void)state;
	assert_non_null(strstr(text, "用法：twcard [命令] [選項...]\n"));
	assert_non_null(strstr(text, "對任意大小的檔案簽章"));
	assert_null(strstr(text, "Usage"));
	for (size_t i = 0; commands[i]; i++) {
		assert_non_null(strstr(text, _(commands[i]->summary)));
		assert_null(strstr(text, commands[i]->summary));
	}
	free(text);
}

/* Columns from the beginning of the line. */
static size_t column_of(const char *text, const char *at)
{
	const char *line = at;
	char *before;
	size_t column;

	while (line > text && line[-1] != '\n')
		line--;
	before = strndup(line, (size_t)(at - line));
	assert_non_null(before);
	column = text_width(before);
	free(before);
	return column;
}

/* What an option takes is written in wide characters. */
static void wide_characters_line_up(void **state)
{
	(void)state;
	for (size_t i = 0; commands[i]; i++) {
		const struct option_row *row = commands[i]->options;
		char *text = help_of(commands[i]);
		const char *common = strstr(text, _(common_options[0].help));

		assert_non_null(common);
		for (; row && row->name; row++) {
			char option[64], *at;

			snprintf(option, sizeof option, " --%s ", row->name);
			at = strstr(strstr(text, option), _(row->help));
			assert_non_null(at);
			assert_int_equal(column_of(text, at), column_of(text, common));
		}
		free(text);
	}
}

static void numbers_have_one_form(void **state)
{
	(void)state;
	for (unsigned long n = 0; n < 4; n++)
		assert_string_equal(ngettext("%d try is left.", "%d tries are left.", n), "還剩 %d 次機會。");
}

static void lists_are_written_with_their_own_comma(void **state)
{
	const struct cert_info info = {.usage = CERT_SIGNS | CERT_ENCRYPTS};
	char usage[CERT_USAGE_SIZE];

	(void)state;
	cert_info_usage(&info, usage);
	assert_string_equal(usage, "簽章、加密");
}

/* ---- what the card library says ---- */

static void assert_translated(const char *text)
{
	assert_string_not_equal(_(text), text);
}

static void texts_of_the_card_library_are_translated(void **state)
{
	const struct card_profile *profile;

	(void)state;
	for (int r = 0; r < RESULT_COUNT; r++)
		assert_translated(result_text((enum result)r));
	for (int p = 0; p < TRACE_PROBLEM_COUNT; p++)
		assert_translated(trace_problem_text((enum trace_problem)p));
	for (int op = 0; op < OP_COUNT; op++)
		assert_translated(card_op_name((enum card_op)op));
	for (int mark = PROVENANCE_NONE; mark <= OBSERVED; mark++)
		assert_translated(provenance_name((enum provenance)mark));
	for (size_t i = 0; (profile = card_profile_at(i)) != NULL; i++)
		assert_translated(card_profile_facts(profile).cards);
}

/* They are put together in a buffer, where a character could be torn. */
static void every_status_word_is_whole(void **state)
{
	(void)state;
	assert_string_equal(apdu_status_text(0x63C2), "錯誤；剩餘次數：2");
	for (unsigned sw = 0; sw <= 0xFFFF; sw++) {
		const char *text = apdu_status_text((uint16_t)sw);
		char *valid = text_valid(text);

		assert_non_null(valid);
		assert_string_equal(valid, text);
		free(valid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_is_in_the_users_language),
		cmocka_unit_test(wide_characters_line_up),
		cmocka_unit_test(numbers_have_one_form),
		cmocka_unit_test(lists_are_written_with_their_own_comma),
		cmocka_unit_test(texts_of_the_card_library_are_translated),
		cmocka_unit_test(every_status_word_is_whole),
	};

	if (!setlocale(LC_ALL, "C.UTF-8") || strcmp(setlocale(LC_MESSAGES, NULL), "C") == 0) {
		printf("1..0 # SKIP there is no locale C.UTF-8 with messages\n"); /* with musl, too */
		return 0;
	}
	return cmocka_run_group_tests(tests, speak, NULL);
}
