/* For zsh: a file _twcard for its function path. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tools/twcard/completion/completion.h"

/* In '…', where a quote must be left for a moment. */
static void print_quoted(const char *text, const char *escaped)
{
	for (; *text; text++) {
		char one[2] = {*text, '\0'};

		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			completion_escape(one, escaped);
	}
}

/* ":name:action" of _arguments, for what belongs there. */
static void print_action(const char *name, enum completion_kind kind, const char *choices)
{
	putchar(':');
	print_quoted(name, ":\\");
	putchar(':');
	if (kind == COMPLETE_FILE)
		printf("_files");
	else if (kind == COMPLETE_FOLDER)
		printf("_files -/");
	else if (kind == COMPLETE_CHOICES)
		printf("(%s)", choices);
}

static void print_option(const struct subcommand *command, const struct option_row *row)
{
	char choices[COMPLETION_CHOICES_MAX];
	enum completion_kind kind = completion_of(command, row, choices);

	printf(" \\\n\t\t\t");
	/* what takes a value may be given several times */
	if (row->letter && row->value)
		printf("'*'{-%c+,--%s=}'[", row->letter, row->name);
	else if (row->letter)
		printf("'(-%c --%s)'{-%c,--%s}'[", row->letter, row->name, row->letter, row->name);
	else
		printf(row->value ? "'*--%s=[" : "'--%s[", row->name);
	print_quoted(row->help, "[]:\\");
	putchar(']');
	if (row->value)
		print_action(row->value, kind, choices);
	putchar('\'');
}

static void print_command(const struct subcommand *command)
{
	const struct option_row *row;

	printf("\t('%s')\n\t\t_arguments -s -S :", command->name);
	for (size_t n = 0; (row = completion_option(command, n)) != NULL; n++)
		print_option(command, row);
	if (command->words) {
		printf(" \\\n\t\t\t'*");
		print_action(command->words, completion_kind(command->words), "");
		putchar('\'');
	}
	printf("\n\t\t;;\n");
}

/* "name:summary" for _describe; of a group only the first word. */
static void print_described(const struct subcommand *command, const char *name)
{
	printf("\t\t'%s:", name);
	print_quoted(completion_second(command) && name != completion_second(command) ? "" : command->summary,
		     "\\:");
	printf("'\n");
}

static void print_groups(void)
{
	char first[COMPLETION_WORD_MAX], other[COMPLETION_WORD_MAX];

	for (size_t i = 0; commands[i]; i++) {
		if (!completion_is_first(i) || !completion_second(commands[i]))
			continue;
		completion_first(commands[i], first);
		printf("\t(%s)\n\t\tnames=(\n", first);
		for (size_t j = i; commands[j]; j++)
			if (strcmp(first, completion_first(commands[j], other)) == 0)
				print_described(commands[j], completion_second(commands[j]));
		printf("\t\t)\n\t\tif ((CURRENT == 3)); then\n\t\t\t_describe command names\n\t\t\treturn\n"
		       "\t\tfi\n\t\tcommand=\"$words[2] $words[3]\"\n\t\tshift words\n"
		       "\t\t((CURRENT--))\n\t\t;;\n");
	}
}

void completion_zsh(void)
{
	char first[COMPLETION_WORD_MAX];

	printf("#compdef twcard\n# made from the rows of twcard's commands\n\n_twcard() {\n"
	       "\tlocal command=$words[2]\n\tlocal -a names\n\n\tnames=(\n");
	for (size_t i = 0; commands[i]; i++)
		if (completion_is_first(i))
			print_described(commands[i], completion_first(commands[i], first));
	printf("\t)\n\tif ((CURRENT == 2)) && [[ $command != -* ]]; then\n\t\t_describe command names\n"
	       "\t\treturn\n\tfi\n\tcase $command in\n\t(-*) command=%s ;;\n", commands[0]->name);
	print_groups();
	printf("\tesac\n\tif [[ $words[2] != -* ]]; then\n\t\tshift words\n\t\t((CURRENT--))\n\tfi\n"
	       "\tcase $command in\n");
	for (size_t i = 0; commands[i]; i++)
		print_command(commands[i]);
	printf("\tesac\n}\n\n_twcard \"$@\"\n");
}
