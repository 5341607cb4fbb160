#include "config.h"

#include <getopt.h>
#include <string.h>

#include "tools/twcard/arguments.h"
#include "tools/twcard/message.h"
#include "tools/twcard/subcommand.h"

#define ROWS_MAX 48 /* of a command and the common ones */
#define FIRST_KEY 256

/* getopt's table and letters, made from the rows. */
struct spelling {
	const struct option_row *rows[ROWS_MAX];
	struct option longs[ROWS_MAX + 1];
	char letters[2 * ROWS_MAX + 2];
	int count;
};

static void add_rows(struct spelling *s, const struct option_row *rows)
{
	size_t at = strlen(s->letters);

	for (; rows && rows->name && s->count < ROWS_MAX; rows++) {
		s->rows[s->count] = rows;
		s->longs[s->count] = (struct option){
			rows->name, rows->value ? required_argument : no_argument, NULL,
			FIRST_KEY + s->count};
		if (rows->letter) {
			s->letters[at++] = rows->letter;
			if (rows->value)
				s->letters[at++] = ':';
		}
		s->count++;
	}
	s->letters[at] = '\0';
}

static const struct option_row *row_of(const struct spelling *s, int key)
{
	if (key >= FIRST_KEY && key < FIRST_KEY + s->count)
		return s->rows[key - FIRST_KEY];
	for (int i = 0; i < s->count; i++)
		if (s->rows[i]->letter == key)
			return s->rows[i];
	return NULL;
}

static bool has_right_words(const struct subcommand *c, int count)
{
	if (count < c->words_min) {
		message_usage(c, _("something is missing: twcard %s %s"), c->name, _(c->words));
		return false;
	}
	if (c->words_max >= 0 && count > c->words_max) {
		message_usage(c, _("too many words"));
		return false;
	}
	return true;
}

bool arguments_parse(const struct subcommand *command, int argc, char **argv,
		     struct arguments *out)
{
	struct spelling s = {.letters = ":", .count = 0};
	const struct option_row *row;
	int key;

	memset(out, 0, sizeof *out);
	out->command = command;
	add_rows(&s, common_options);
	add_rows(&s, command->options);
	optind = 0; /* also forgets what it knew of another line */
	opterr = 0;
	while ((key = getopt_long(argc, argv, s.letters, s.longs, NULL)) != -1) {
		row = row_of(&s, key);
		if (!row) {
			message_usage(command, key == ':' ? _("%s needs a value") : _("%s is no option here"),
				      argv[optind - 1]);
			return false;
		}
		if (out->given_count == ARGUMENTS_OPTIONS_MAX) {
			message_usage(command, _("too many options"));
			return false;
		}
		out->given[out->given_count].name = row->name;
		out->given[out->given_count++].value = row->value ? optarg : NULL;
	}
	out->words = argv + optind;
	out->word_count = argc - optind;
	/* who asks for help need not have the rest right */
	return arguments_has(out, "help") || has_right_words(command, out->word_count);
}

bool arguments_has(const struct arguments *args, const char *name)
{
	for (size_t i = 0; i < args->given_count; i++)
		if (strcmp(args->given[i].name, name) == 0)
			return true;
	return false;
}

const char *arguments_value(const struct arguments *args, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < args->given_count; i++)
		if (strcmp(args->given[i].name, name) == 0)
			value = args->given[i].value;
	return value;
}

const char *arguments_nth(const struct arguments *args, const char *name, size_t n)
{
	for (size_t i = 0; i < args->given_count; i++)
		if (strcmp(args->given[i].name, name) == 0 && n-- == 0)
			return args->given[i].value;
	return NULL;
}
