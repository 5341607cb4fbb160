/*
 * Where the card library says what it does. Off until somebody sets a sink:
 * the module does at C_Initialize, a tool at its start. Lines are English,
 * one per call, without a newline, and never hold a PIN, a key or a
 * plaintext, at any level.
 */
#ifndef TWCARD_APDU_LOG_H
#define TWCARD_APDU_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_NONE,
	LOG_ERROR, /* something the user asked for did not work */
	LOG_INFO,  /* what a person who looks for a cause wants to know */
	LOG_DEBUG, /* steps */
	LOG_TRACE  /* every APDU, redacted */
};

/* "error"; never NULL. */
const char *log_level_name(enum log_level level);

/* The level of that name, in any case of letters. False: there is none. */
bool log_level_parse(const char *name, enum log_level *out);

/* Called for each line at or below the level; may be called by several threads at once. */
typedef void (*log_sink)(enum log_level level, const char *line, void *context);

/* Sets the sink and the highest level it gets; (LOG_NONE, NULL, NULL) turns logging off. */
void log_set(enum log_level level, log_sink sink, void *context);

/* True if a line of this level would go anywhere: ask before costly formatting. */
bool log_wants(enum log_level level);

/* Longer lines are cut at 1,023 bytes. Control characters become '?'. */
void log_line(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
