/* The command line of one command, taken apart by its rows (subcommand.h). */
#ifndef TWCARD_TOOLS_ARGUMENTS_H
#define TWCARD_TOOLS_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

struct subcommand;

#define ARGUMENTS_OPTIONS_MAX 64 /* given on one command line */

struct arguments {
	const struct subcommand *command;
	struct {
		const char *name;  /* of its row */
		const char *value; /* NULL: it takes none */
	} given[ARGUMENTS_OPTIONS_MAX]; /* in the order given */
	size_t given_count;
	char **words; /* not owned */
	int word_count;
};

/*
 * Takes apart what follows the command's words. argv[0] is not looked at.
 * False: it is not right, and the user has been told.
 */
bool arguments_parse(const struct subcommand *command, int argc, char **argv,
		     struct arguments *out);

bool arguments_has(const struct arguments *args, const char *name);

/* The last value given; NULL: none. */
const char *arguments_value(const struct arguments *args, const char *name);

/* The nth of an option that may be given several times, from 0; NULL: no more. */
const char *arguments_nth(const struct arguments *args, const char *name, size_t n);

#endif
