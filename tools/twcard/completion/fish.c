/* For fish: one line for each thing that can be completed. */
#include "config.h"

#include <stdio.h>

#include "tools/twcard/completion/completion.h"

static const char head[] =
	"# fish completion for twcard; made from the rows of its commands.\n"
	"\n"
	"# True if the words given after twcard begin with these, and one more is typed.\n"
	"function __twcard_in\n"
	"\tset -l given (commandline -opc)\n"
	"\ttest (count $given) -gt (count $argv); or return 1\n"
	"\tfor i in (seq (count $argv))\n"
	"\t\tset -l at (math $i + 1)\n"
	"\t\ttest \"$given[$at]\" = \"$argv[$i]\"; or return 1\n"
	"\tend\n"
	"end\n"
	"\n"
	"# True if these are all that is given.\n"
	"function __twcard_at\n"
	"\tset -l given (commandline -opc)\n"
	"\ttest (count $given) -eq (math (count $argv) + 1); and __twcard_in $argv\n"
	"end\n"
	"\n"
	"# True if no command is given, which is status.\n"
	"function __twcard_alone\n"
	"\tset -l given (commandline -opc)\n"
	"\ttest (count $given) -eq 1; or string match -q -- '-*' $given[2]\n"
	"end\n"
	"\n"
	"complete -c twcard -f\n";

/* -d 'text', where a quote and a backslash need a backslash. */
static void print_description(const char *text)
{
	printf(" -d '");
	completion_escape(text, "'\\");
	printf("'\n");
}

static void print_option(const struct subcommand *command, const struct option_row *row,
			 const char *condition)
{
	char choices[COMPLETION_CHOICES_MAX];
	enum completion_kind kind = completion_of(command, row, choices);

	printf("complete -c twcard -n '%s' -l %s", condition, row->name);
	if (row->letter)
		printf(" -s %c", row->letter);
	if (row->value && kind == COMPLETE_FILE)
		printf(" -r -F");
	else if (row->value && kind == COMPLETE_FOLDER)
		printf(" -x -a '(__fish_complete_directories)'");
	else if (row->value && kind == COMPLETE_CHOICES)
		printf(" -x -a '%s'", choices);
	else if (row->value)
		printf(" -x");
	print_description(row->help);
}

static void print_command(const struct subcommand *command, const char *condition)
{
	const struct option_row *row;

	for (size_t n = 0; (row = completion_option(command, n)) != NULL; n++)
		print_option(command, row, condition);
	if (completion_kind(command->words) == COMPLETE_FILE)
		printf("complete -c twcard -n '%s' -F\n", condition);
}

void completion_fish(void)
{
	char first[COMPLETION_WORD_MAX], condition[128];

	fputs(head, stdout);
	for (size_t i = 0; commands[i]; i++) {
		completion_first(commands[i], first);
		if (!completion_second(commands[i])) {
			printf("complete -c twcard -n '__twcard_at' -a %s", first);
			print_description(commands[i]->summary);
			continue;
		}
		if (completion_is_first(i))
			printf("complete -c twcard -n '__twcard_at' -a %s\n", first);
		printf("complete -c twcard -n '__twcard_at %s' -a %s", first, completion_second(commands[i]));
		print_description(commands[i]->summary);
	}
	for (size_t i = 0; commands[i]; i++) {
		snprintf(condition, sizeof condition, "__twcard_in %s", commands[i]->name);
		print_command(commands[i], condition);
	}
	print_command(commands[0], "__twcard_alone");
}
