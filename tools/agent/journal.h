/* The agent's log: on standard error, for the journal, and the last lines in memory. Never a secret, never text from outside as it came. */
#ifndef TWCARD_AGENT_JOURNAL_H
#define TWCARD_AGENT_JOURNAL_H

#include <stdarg.h>
#include <stdbool.h>

struct json_object;
struct journal;

#define JOURNAL_LINES 500

/* echo: to standard error, too. NULL: out of memory. */
struct journal *journal_new(bool echo);
void journal_free(struct journal *j); /* NULL: nothing */

/* A line without its end; control characters become '?'. By any thread. */
void journal_line(struct journal *j, const char *format, ...) __attribute__((format(printf, 2, 3)));
void journal_arguments(struct journal *j, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* The last ones, the oldest first: ["2026-11-22T00:00:00Z …"]. Owned by the caller. */
struct json_object *journal_json(struct journal *j);

#endif
