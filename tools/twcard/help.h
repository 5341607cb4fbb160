/* --help, from the rows of the commands. */
#ifndef TWCARD_TOOLS_HELP_H
#define TWCARD_TOOLS_HELP_H

#include <stdio.h>

#include "tools/twcard/subcommand.h"

void help_all(FILE *stream);
void help_command(const struct subcommand *command, FILE *stream);

#endif
