/*
 * A file that a command writes: under another name in the same folder until it
 * is whole, so that no half of one is ever found, and the old one stays where
 * something fails. Mode 0600.
 */
#ifndef TWCARD_TOOLS_OUT_FILE_H
#define TWCARD_TOOLS_OUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/twcard/subcommand.h"

struct out_file {
	FILE *stream;
	char *path;      /* what it will be called; owned */
	char *temporary; /* what it is called until then, absolute; owned */
	bool force;
};

/* The rows of commands that write one. */
#define OUT_FILE_OPTIONS                                                                           \
	{"out", 'o', N_("FILE"), N_("write to FILE, which only you can read")},                    \
	{"force", 'f', NULL, N_("replace FILE if it is there")}

/*
 * force: a file that is there is replaced; otherwise it is refused, also when
 * it comes meanwhile. The user has been told of all that is not EXIT_GOOD.
 */
enum exit_code out_file_open(const char *path, bool force, struct out_file *out);

/* Everything is on the disk, under its name, or nothing is. Ends it in any case. */
enum exit_code out_file_commit(struct out_file *out);

/* Removes what was written. Does nothing after a commit, or if it was never opened. */
void out_file_abandon(struct out_file *out);

#endif
