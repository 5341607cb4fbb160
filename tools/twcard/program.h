/* Other programs: run with an array of arguments, never through a shell. */
#ifndef TWCARD_TOOLS_PROGRAM_H
#define TWCARD_TOOLS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "apdu/buffer.h"

struct program_result {
	int status;        /* its exit code; 128 and its number for a signal */
	struct buffer out; /* standard output and error, a megabyte at most of each, NUL-terminated */
	struct buffer err;
};

#define PROGRAM_RESULT_INIT {-1, BUFFER_INIT, BUFFER_INIT}

/*
 * Runs argv[0], from PATH or the folders of administrators' programs, in this
 * folder (NULL: ours) and with `in` (may be NULL) as its standard input, and
 * waits for its end. False, with errno: it could not be run (ENOENT: there is
 * none).
 */
bool program_run(const char *const argv[], const char *folder, const void *in, size_t len,
		 struct program_result *out);

void program_result_clear(struct program_result *result);

/* Waits for the end of a child: its exit code, or 128 and a signal's number; -1: there is none. */
int program_wait(pid_t child);

#endif
