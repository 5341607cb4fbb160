#include "config.h"

#include <string.h>

#include "tools/twcard/help.h"
#include "tools/twcard/message.h"
#include "tools/twcard/table.h"

static void add_rows(struct table *t, const struct option_row *rows)
{
	for (; rows && rows->name; rows++) {
		char letter[] = {'-', rows->letter, ',', ' ', '\0'};

		table_cell(t, STYLE_PLAIN, "%s--%s%s%s", rows->letter ? letter : "    ", rows->name,
			   rows->value ? " " : "", rows->value ? _(rows->value) : "");
		table_cell(t, STYLE_PLAIN, "%s", _(rows->help));
	}
}

void help_all(FILE *stream)
{
	struct table *t = table_new(2);

	fprintf(stream, _("Usage: twcard [COMMAND] [OPTION...]\n"
			  "Government smart cards of Taiwan: what is on them, and what they do.\n\n"));
	for (size_t i = 0; commands[i]; i++) {
		table_cell(t, STYLE_PLAIN, "%s", commands[i]->name);
		table_cell(t, STYLE_PLAIN, "%s", _(commands[i]->summary));
	}
	table_print(t, stream, 2);
	table_free(&t);
	fprintf(stream, _("\nWithout a command: status. Every command takes:\n"));
	t = table_new(2);
	add_rows(t, common_options);
	table_print(t, stream, 2);
	table_free(&t);
	fprintf(stream, _("\n'twcard COMMAND --help' says more; so does twcard(1).\n"));
}

bool help_group(const char *word, FILE *stream)
{
	struct table *t = table_new(2);
	const size_t len = strlen(word);
	bool found = false;

	for (size_t i = 0; commands[i]; i++) {
		if (strncmp(commands[i]->name, word, len) != 0 || commands[i]->name[len] != ' ')
			continue;
		table_cell(t, STYLE_PLAIN, "twcard %s", commands[i]->name);
		table_cell(t, STYLE_PLAIN, "%s", _(commands[i]->summary));
		found = true;
	}
	table_print(t, stream, 2);
	table_free(&t);
	return found;
}

void help_command(const struct subcommand *command, FILE *stream)
{
	struct table *t = table_new(2);

	fprintf(stream, _("Usage: twcard %s [OPTION...]%s%s\n"), command->name, command->words ? " " : "",
		command->words ? _(command->words) : "");
	fprintf(stream, "%s\n", _(command->summary));
	if (command->more)
		fprintf(stream, "\n%s\n", _(command->more));
	fputc('\n', stream);
	add_rows(t, command->options);
	add_rows(t, common_options);
	table_print(t, stream, 2);
	table_free(&t);
}
