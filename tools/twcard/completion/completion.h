/* Makes what shells need to complete twcard's command line, from its commands' rows. */
#ifndef TWCARD_TOOLS_COMPLETION_H
#define TWCARD_TOOLS_COMPLETION_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/twcard/subcommand.h"

#define COMPLETION_CHOICES_MAX 256
#define COMPLETION_WORD_MAX 64

/* What stands where a value or a word belongs. Reader names are not asked for: that would talk to cards. */
enum completion_kind { COMPLETE_NOTHING, COMPLETE_FILE, COMPLETE_FOLDER, COMPLETE_CHOICES };

/* As the help calls it: "FILE", "[FILE...]", "DIR", "pem|der". NULL: nothing belongs there. */
enum completion_kind completion_kind(const char *value);

/* The kind of an option's value; choices: the words to choose from, with blanks between. */
enum completion_kind completion_of(const struct subcommand *command, const struct option_row *row,
				   char choices[COMPLETION_CHOICES_MAX]);

/* The first of a name's one or two words, copied; and the second, NULL: it has none. */
const char *completion_first(const struct subcommand *command, char out[COMPLETION_WORD_MAX]);
const char *completion_second(const struct subcommand *command);

/* True if the command is the first with its first word. */
bool completion_is_first(size_t command);

/* The nth option of a command, from 0: its own, then every command's. NULL: no more. */
const struct option_row *completion_option(const struct subcommand *command, size_t n);

/* Prints a text with a backslash before each of these characters. */
void completion_escape(const char *text, const char *characters);

void completion_bash(void);
void completion_zsh(void);
void completion_fish(void);

#endif
