/*
 * The trace format (trace.h) read back: for those who show, redact or replay
 * one. A trace comes from anybody, so nothing of it is believed: each line is
 * good, or says what is wrong with it, and the next one can be read all the same.
 */
#ifndef TWCARD_APDU_TRACE_READ_H
#define TWCARD_APDU_TRACE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TRACE_BYTES_MAX 1024 /* of a command or answer: more than any card sends */
#define TRACE_TEXT_MAX 4096  /* of a line in the file */
#define TRACE_FILE_MAX (64u << 20) /* bytes that are read of one file */

/* clang-format off */
#define TRACE_PROBLEM_LIST(P) \
	P(TRACE_GOOD,        "nothing is wrong") \
	P(TRACE_LONG_LINE,   "the line is too long") \
	P(TRACE_BAD_MARK,    "it does not begin with one of # @ = > < ! and a blank") \
	P(TRACE_BAD_TEXT,    "there are control characters in the text") \
	P(TRACE_BAD_DIGIT,   "something in it is no hex digit") \
	P(TRACE_ODD_DIGITS,  "half a byte is missing") \
	P(TRACE_BAD_HIDDEN,  "after ** comes no number of bytes that can be") \
	P(TRACE_MANY_BYTES,  "there are more bytes than a card sends") \
	P(TRACE_BAD_ATR,     "an ATR has 2 to 33 bytes, and none is left out") \
	P(TRACE_LARGE_FILE,  "the file is too large")
/* clang-format on */

#define TRACE_PROBLEM_ENUM(code, text) code,
enum trace_problem { TRACE_PROBLEM_LIST(TRACE_PROBLEM_ENUM) TRACE_PROBLEM_COUNT };
#undef TRACE_PROBLEM_ENUM

struct trace_line {
	char mark; /* one of # @ = > < !; 0: nothing was understood */
	enum trace_problem problem;
	size_t number; /* of the line, from 1; by trace_next() */
	char text[TRACE_TEXT_MAX]; /* of # @ !: what follows, NUL-terminated, no control characters */
	/* of = > <: */
	size_t len;
	uint8_t bytes[TRACE_BYTES_MAX]; /* 0 where hidden */
	bool hidden[TRACE_BYTES_MAX];   /* stood as "**N" */
};

/* "half a byte is missing"; never NULL. */
const char *trace_problem_text(enum trace_problem problem);

/* Takes one line, without its newline. False: out->problem says why; no byte of it is to be used. */
bool trace_read_line(const char *text, size_t len, struct trace_line *out);

/* The same for bytes alone: "80A40000 02 3F00", "**16 9000". Sets no mark. */
bool trace_read_bytes(const char *text, size_t len, struct trace_line *out);

struct trace_reader {
	FILE *stream; /* not owned */
	size_t number; /* lines read */
	size_t bytes;  /* and what they had */
	bool ended;
};

struct trace_reader trace_reader_of(FILE *stream);

/*
 * The next line that is not empty, good or bad (out->problem). False: there is
 * none any more. The last one of a file that is too large is TRACE_LARGE_FILE.
 */
bool trace_next(struct trace_reader *reader, struct trace_line *out);

/* Writes the line as the format has it, hidden bytes as "**N"; a bad one is not written. */
void trace_put(const struct trace_line *line, FILE *stream);

#endif
