/* twcard: finds the command, takes its options apart, runs it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/twcard/card.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/help.h"
#include "tools/twcard/message.h"

/* How many of the words are the command's name; 0: it is not this one. */
static int names(const struct subcommand *c, int argc, char **argv)
{
	const char *blank = strchr(c->name, ' ');
	size_t first = blank ? (size_t)(blank - c->name) : strlen(c->name);

	if (argc < 1 || strlen(argv[0]) != first || strncmp(c->name, argv[0], first) != 0)
		return 0;
	if (!blank)
		return 1;
	return argc > 1 && strcmp(blank + 1, argv[1]) == 0 ? 2 : 0;
}

static const struct subcommand *find(int argc, char **argv, int *words)
{
	for (size_t i = 0; commands[i]; i++) {
		*words = names(commands[i], argc, argv);
		if (*words)
			return commands[i];
	}
	*words = 0;
	return NULL;
}

/* True if the word is a common option whose value is the next word. */
static bool takes_next(const char *word)
{
	for (const struct option_row *o = common_options; o->name; o++) {
		if (!o->value)
			continue;
		if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, o->name) == 0)
			return true;
		if (word[0] == '-' && word[1] == o->letter && !word[2])
			return true;
	}
	return false;
}

/* Options may stand before the command: where it begins, from 1. */
static int command_at(int argc, char **argv)
{
	int at = 1;

	while (at < argc && argv[at][0] == '-' && strcmp(argv[at], "--") != 0)
		at += takes_next(argv[at]) ? 2 : 1;
	return at < argc ? at : argc;
}

/* Puts the options that stand before the command's words behind them. */
static void move_options(char **argv, int at, int words)
{
	for (; words; words--, argv++) {
		char *word = argv[at];

		memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof *argv);
		argv[1] = word;
	}
}

/* Scripts want JSON also for a command line that is wrong. */
static bool asks_for_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0)
			return true;
	return false;
}

static enum exit_code run(const struct subcommand *command, int argc, char **argv)
{
	struct arguments args;
	enum exit_code code;

	if (!arguments_parse(command, argc, argv, &args))
		return EXIT_USAGE;
	if (arguments_has(&args, "help")) {
		help_command(command, stdout);
		return EXIT_GOOD;
	}
	if (arguments_has(&args, "json"))
		message_use_json();
	code = command->run(&args);
	cards_end();
	return code;
}

/* No command has these words; perhaps some have the first of them. */
static enum exit_code tell_what_there_is(int argc, char **argv)
{
	const char *next = argc > 1 ? argv[1] : "";
	bool asked = strcmp(next, "--help") == 0 || strcmp(next, "-h") == 0;

	if (asked && help_group(argv[0], stdout))
		return EXIT_GOOD;
	if (*next && *next != '-')
		message_error(_("there is no command %s %s"), argv[0], next);
	else
		message_error(_("there is no command %s"), argv[0]);
	if (!message_is_json() && !help_group(argv[0], stderr))
		fprintf(stderr, "%s", _("'twcard --help' lists the commands.\n"));
	return EXIT_USAGE;
}

/* What stands for a command of its own. True: it was that. */
static bool answer_alone(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
		help_all(stdout);
	else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		printf("%s %s\n", PACKAGE_NAME, PACKAGE_VERSION);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	const struct subcommand *command = &command_status;
	enum exit_code code;
	int words = 0, at;

	message_start();
	if (asks_for_json(argc, argv))
		message_use_json();
	if (argc > 1 && answer_alone(argv[1])) {
		code = EXIT_GOOD;
	} else {
		at = command_at(argc, argv);
		if (at < argc && argv[at][0] != '-')
			command = find(argc - at, argv + at, &words);
		move_options(argv, at, words);
		code = command ? run(command, argc - words, argv + words)
			       : tell_what_there_is(argc - at, argv + at);
	}
	message_end(code);
	return code;
}
