/* generate SHELL: prints the completion for bash, zsh or fish. Run by make. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tools/twcard/completion/completion.h"
#include "tools/twcard/explain.h"

enum completion_kind completion_kind(const char *value)
{
	if (!value)
		return COMPLETE_NOTHING;
	if (strstr(value, "FILE"))
		return COMPLETE_FILE;
	if (strstr(value, "DIR"))
		return COMPLETE_FOLDER;
	return strchr(value, '|') ? COMPLETE_CHOICES : COMPLETE_NOTHING;
}

/* "NAME" says little; these names are known. */
static bool is_source(const struct subcommand *command, const struct option_row *row)
{
	return strcmp(command->name, "explain") == 0 && strcmp(row->name, "source") == 0;
}

enum completion_kind completion_of(const struct subcommand *command, const struct option_row *row,
				   char choices[COMPLETION_CHOICES_MAX])
{
	enum completion_kind kind = completion_kind(row->value);
	size_t n = 0;

	choices[0] = '\0';
	if (is_source(command, row)) {
		for (size_t i = 0; explain_sources[i] && n < COMPLETION_CHOICES_MAX; i++)
			n += (size_t)snprintf(choices + n, COMPLETION_CHOICES_MAX - n, "%s%s", i ? " " : "",
					      explain_source_name(explain_sources[i]));
		return COMPLETE_CHOICES;
	}
	if (kind != COMPLETE_CHOICES)
		return kind;
	snprintf(choices, COMPLETION_CHOICES_MAX, "%s", row->value);
	for (char *bar = choices; (bar = strchr(bar, '|')) != NULL;)
		*bar = ' ';
	return kind;
}

const char *completion_first(const struct subcommand *command, char out[COMPLETION_WORD_MAX])
{
	snprintf(out, COMPLETION_WORD_MAX, "%.*s", (int)strcspn(command->name, " "), command->name);
	return out;
}

const char *completion_second(const struct subcommand *command)
{
	const char *blank = strchr(command->name, ' ');

	return blank ? blank + 1 : NULL;
}

bool completion_is_first(size_t command)
{
	char first[COMPLETION_WORD_MAX], other[COMPLETION_WORD_MAX];

	completion_first(commands[command], first);
	for (size_t i = 0; i < command; i++)
		if (strcmp(first, completion_first(commands[i], other)) == 0)
			return false;
	return true;
}

const struct option_row *completion_option(const struct subcommand *command, size_t n)
{
	for (const struct option_row *row = command->options; row && row->name; row++)
		if (n-- == 0)
			return row;
	for (const struct option_row *row = common_options; row->name; row++)
		if (n-- == 0)
			return row;
	return NULL;
}

void completion_escape(const char *text, const char *characters)
{
	for (; *text; text++) {
		if (strchr(characters, *text))
			putchar('\\');
		putchar(*text);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = {
		{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish},
	};

	for (size_t i = 0; argc == 2 && i < sizeof shells / sizeof *shells; i++) {
		if (strcmp(argv[1], shells[i].name) != 0)
			continue;
		shells[i].print();
		return fflush(stdout) || ferror(stdout) ? 1 : 0;
	}
	fputs("usage: generate bash|zsh|fish\n", stderr);
	return 2;
}
