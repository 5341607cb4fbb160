/*
 * The lines of a trace put together: commands with their answers, what they
 * are called, and counts. A trace of any origin is possible.
 */
#ifndef TWCARD_TOOLS_TRACE_DECODE_H
#define TWCARD_TOOLS_TRACE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apdu/trace_read.h"

#define DECODE_TEXT 200

struct trace_exchange {
	const struct trace_line *command;
	const struct trace_line *answer; /* NULL: there was none */
	char name[DECODE_TEXT];   /* "SELECT", "INS 5A" */
	char detail[DECODE_TEXT]; /* "0903 card number"; translated */
	bool has_status;
	uint16_t status;
};

struct trace_counts {
	size_t commands, answers;
	size_t sent, received; /* bytes */
	size_t verifies;
	size_t private_operations;
	size_t not_good;       /* answers with another status word than 9000, 61xx, 6Cxx */
	size_t events, bad_lines;
};

/* What is told of; each may be NULL. The pointers are good during the call. */
struct trace_listener {
	void (*exchange)(void *context, const struct trace_exchange *exchange);
	/* of = @ !, and bad ones */
	void (*line)(void *context, const struct trace_line *line);
	void *context;
};

/* Reads to the end. False: out of memory, or the file could not be read. */
bool trace_decode(FILE *stream, const struct trace_listener *listener, struct trace_counts *counts);

#endif
