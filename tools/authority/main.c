/* twcard-authority: finds the command, opens the database, runs it. */
#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "tools/authority/commands.h"

static const struct command commands[] = {
	{"serve", "", 0, true, "answer, until SIGTERM", command_serve},
	{"catalogue import", "FILE", 1, true, "replace the catalogue of applications (JSON; -: standard input)",
	 command_catalogue_import},
	{"catalogue show", "", 0, true, "print it", command_catalogue_show},
	{"audit verify", "", 0, true, "is every row as it was written?", command_audit_verify},
	{"audit export", "FILE", 1, true, "write the audit, a JSON object a line (-: standard output)",
	 command_audit_export},
	{"backup", "FILE", 1, true, "copy the whole database, while others go on", command_backup},
	{"user-code set", "", 0, true, "set the user code of --card, read from standard input", command_user_code_set},
	{"version", "", 0, false, "print the version", command_version},
};

static void help(void)
{
	printf("Usage: twcard-authority COMMAND [OPTION…]\n"
	       "The authority of authorization certificates of attached cards.\n\nCommands:\n");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		char head[64];

		snprintf(head, sizeof head, "%s %s", commands[i].name, commands[i].words);
		printf("  %-24s %s\n", head, commands[i].help);
	}
	printf("\nOptions:\n");
	options_help();
}

/* How many of the words are the command's name; 0: another's. */
static int names(const struct command *c, int count, char **words)
{
	const char *blank = strchr(c->name, ' ');
	size_t first = blank ? (size_t)(blank - c->name) : strlen(c->name);

	if (count < 1 || strlen(words[0]) != first || strncmp(words[0], c->name, first) != 0)
		return 0;
	if (!blank)
		return 1;
	return count > 1 && strcmp(words[1], blank + 1) == 0 ? 2 : 0;
}

static enum command_exit run(const struct command *c, const struct options *o, char **words)
{
	struct store *store = NULL;
	char problem[STORE_PROBLEM_SIZE] = "";
	enum command_exit code;

	if (c->database && !o->database) {
		options_error("--database says which database, for instance --database /var/lib/twcard-authority/authority.db");
		return COMMAND_USAGE;
	}
	if (c->database && store_open(o->database, &store, problem) != STORE_OK) {
		options_error("the database cannot be opened: %s", problem);
		return COMMAND_FILE;
	}
	code = c->run(o, store, words);
	store_close(&store);
	return code;
}

static enum command_exit find_and_run(const struct options *o, int count, char **words)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		int used = names(&commands[i], count, words);

		if (!used)
			continue;
		if (count - used == commands[i].word_count)
			return run(&commands[i], o, words + used);
		options_error("%s wants %s", commands[i].name, *commands[i].words ? commands[i].words : "no more words");
		return COMMAND_USAGE;
	}
	options_error("there is no such command; 'twcard-authority --help' lists them");
	return COMMAND_USAGE;
}

int main(int argc, char **argv)
{
	struct options o;
	enum command_exit code = COMMAND_USAGE;
	int words;

	setlocale(LC_CTYPE, "C.UTF-8");
	if (options_read(argc, argv, &o, &words)) {
		if (o.help) {
			help();
			code = COMMAND_GOOD;
		} else if (o.version) {
			code = command_version(&o, NULL, NULL);
		} else {
			code = find_and_run(&o, words, argv + 1);
		}
	}
	options_clear(&o);
	return code;
}
