/*
 * Takes out of a trace what tells whose card it was, for a public report.
 * What is kept is a short list, of what is known to be the same on every card
 * of its kind; all other bytes of commands and answers become "**N", whatever
 * the file says about them.
 *
 * Kept: marks, ATRs, command headers and lengths, file identifiers and known
 * application names in SELECT, status words, file control and key information
 * templates as far as they are sizes and identifiers, the name of the card's
 * operating system.
 */
#ifndef TWCARD_TOOLS_TRACE_REDACT_H
#define TWCARD_TOOLS_TRACE_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "apdu/trace_read.h"

struct trace_redaction {
	size_t lines;    /* written */
	size_t commands; /* of which bytes were hidden that were not before … */
	size_t answers;
	size_t bytes;    /* … and how many in all */
	size_t readers;  /* whose names became "reader 1" and so on */
	size_t comments; /* left out */
	size_t events;   /* whose text became "event" */
	size_t bad;      /* lines left out that are not of the format */
	struct trace_line first_bad; /* .problem is TRACE_GOOD if there was none */
	size_t exchanges; /* commands in the file: 0, it was no trace of anything */
};

/*
 * Reads a trace, writes another. False: a part of it could not be read (out
 * then is not all of it), or memory is out.
 */
bool trace_redact(FILE *in, FILE *out, struct trace_redaction *done);

#endif
