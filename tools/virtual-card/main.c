/* main.c - twcard-virtual: subcommands and nothing else. */
#include "server.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdio.h>
#include <string.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "(unversioned build)"
#endif

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "create", vc_cli_create, "make a card image" },
	{ "show", vc_cli_show, "say what is on a card image" },
	{ "export", vc_cli_export, "write a certificate of a card image as PEM" },
	{ "run", vc_cli_run, "put a card into the virtual reader and serve it" },
	{ "insert", vc_cli_control, "put the card, or another one, into the reader" },
	{ "eject", vc_cli_control, "take the card out of the reader" },
	{ "reset", vc_cli_control, "reset the card" },
	{ "stats", vc_cli_control, "counters and modelled card time" },
	{ "fault", vc_cli_control, "spoil a coming answer" },
	{ "trace", vc_cli_control, "record commands and answers, without secrets" },
	{ "behaviour", vc_cli_control, "change what real cards may do differently" },
};

static void
print_help(FILE *out)
{
	size_t i;

	fprintf(out, "Usage: twcard-virtual COMMAND [OPTION...]\n"
	    "A virtual Taiwan government smart card for the virtual reader (vpcd).\n\n");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n'twcard-virtual COMMAND --help' says more; so does twcard-virtual(1).\n");
}

int
main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		print_help(stderr);
		return VC_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return VC_EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("twcard-virtual %s\n", PACKAGE_VERSION);
		return VC_EXIT_OK;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "twcard-virtual: unknown command '%s' (see 'twcard-virtual --help')\n",
	    argv[1]);
	return VC_EXIT_USAGE;
}
