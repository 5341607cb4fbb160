/* Rows that completion.test looks at, in place of twcard's: one of each kind. */
#include "config.h"

#include <stddef.h>

#include "tools/twcard/subcommand.h"

static const struct option_row show_options[] = {
	{"out", 'o', "FILE", "where it goes"},
	{"into", 0, "DIR", "a folder"},
	{"form", 'f', "pem|der", "what's [written]: \"one\" or $HOME `two`"},
	{"days", 0, "N", "a number"},
	{"all", 'a', NULL, "all of them"},
	{NULL, 0, NULL, NULL},
};

static const struct subcommand status = {.name = "status", .summary = "the default"};
static const struct subcommand show = {
	.name = "cert show", .words = "FILE...", .summary = "one", .options = show_options};
static const struct subcommand list = {.name = "cert list", .words = "[NAME]", .summary = "it's all"};
static const struct subcommand sign = {
	.name = "sign", .words = "FILE", .summary = "a file", .options = show_options};

const struct subcommand *const commands[] = {&status, &show, &list, &sign, NULL};

const struct option_row common_options[] = {
	{"json", 'j', NULL, "for programs"},
	{NULL, 0, NULL, NULL},
};
