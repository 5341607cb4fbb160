/*
 * A file that a command writes: it is there under its name when all of it is
 * good, or not at all, and what was there before stays until then. Until then
 * it has no name (where the file system can do that), so that nothing is left
 * of it however the program ends.
 */
#ifndef TWCARD_TOOLS_OUTPUT_H
#define TWCARD_TOOLS_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/twcard/subcommand.h"

/* Held: standard output, a pipe or a device gets nothing before all is good; until then memory holds it. */
enum output_kind {
	OUTPUT_PUBLIC,  /* mode 0666 without the umask's bits */
	OUTPUT_HELD,    /* the same, held */
	OUTPUT_SECRET,  /* 0600, held */
	OUTPUT_PRIVATE, /* 0600; a file and nothing else, and "-" is the name of one */
	OUTPUT_NAMED    /* the same; has `temporary`, for other programs to write to */
};

struct output {
	FILE *file;      /* what is written to; NULL: not open */
	int fd;          /* under it */
	int error;       /* errno of the first write that failed; 0: none did */
	const char *path; /* not owned; "-": standard output, for the first three kinds */
	char *temporary; /* its name until then, from the root; NULL: it has none */
	bool force;      /* may replace what is there */
	int target;      /* a device or pipe, or standard output; -1: it is a file */
	enum output_kind kind;
};

#define OUTPUT_CLOSED {.fd = -1, .target = -1}

/* The rows of commands that write one for the user alone. */
#define OUTPUT_PRIVATE_OPTIONS                                                                     \
	{"out", 'o', N_("FILE"), N_("write to FILE, which only you can read")},                    \
	{"force", 'f', NULL, N_("replace FILE if it is there")}

/*
 * EXIT_FILE: there is something already and not `force`, or it cannot be written; the user has been told.
 * The struct stays where it is while it is open.
 */
enum exit_code output_open(const char *path, enum output_kind kind, bool force, struct output *out);

/*
 * All is good: gives the file its name, and closes. EXIT_FILE: it could not be
 * written (what was there before is still there); the user has been told.
 */
enum exit_code output_commit(struct output *out);

/* All of it at once, as OUTPUT_PRIVATE. */
enum exit_code output_save(const char *path, bool force, const char *data, size_t len);

/* Leaves nothing. Does nothing after output_commit(). */
void output_abort(struct output *out);

#endif
