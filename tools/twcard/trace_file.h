/* What the trace commands do with files: they open one, and begin one. */
#ifndef TWCARD_TOOLS_TRACE_FILE_H
#define TWCARD_TOOLS_TRACE_FILE_H

#include <stdio.h>

#include "apdu/trace_read.h"
#include "tools/twcard/subcommand.h"

/* "-" is standard input. The user has been told of all that is not EXIT_GOOD. */
enum exit_code trace_file_open(const char *path, FILE **out);
void trace_file_close(FILE *stream);

/* The head that every trace of ours has: the format's and the versions. */
void trace_file_head(FILE *stream);

/* Says which line is wrong, and why. Answers EXIT_FILE. */
enum exit_code trace_file_tell(const char *path, const struct trace_line *line);

#endif
