/* --help, from the rows of the commands. */
#ifndef TWCARD_TOOLS_HELP_H
#define TWCARD_TOOLS_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/twcard/subcommand.h"

void help_all(FILE *stream);
/* The commands of two words that begin with this one. False, and nothing: there are none. */
bool help_group(const char *word, FILE *stream);

void help_command(const struct subcommand *command, FILE *stream);

#endif
