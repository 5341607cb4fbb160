/*
 * What twcard says: texts in the user's language, errors, JSON, colours. A
 * command says its result once, as text or (--json) as one JSON value.
 */
#ifndef TWCARD_TOOLS_MESSAGE_H
#define TWCARD_TOOLS_MESSAGE_H

#include <libintl.h>
#include <stdbool.h>
#include <stdio.h>

#include <json-c/json.h>

#include "apdu/result.h"
#include "tools/twcard/subcommand.h"

#define _(text) gettext(text)
#define N_(text) text /* marks what is translated where it is shown */

/* Language and terminal, once; json: --json was given. */
void message_start(void);
void message_use_json(void);
bool message_is_json(void);

/* Are texts shown in Chinese? For those of libraries, which know no gettext. */
bool message_in_chinese(void);

/*
 * To standard error, with "twcard: " in front; under --json it is kept for
 * message_end(). A next step may follow after a newline.
 */
void message_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same with a hint at the command's --help. Answers EXIT_USAGE. */
enum exit_code message_usage(const struct subcommand *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Says what went wrong and, where there is one, the next step; what: what was
 * being done, translated, or NULL. Answers the exit code that belongs to it.
 */
enum exit_code message_result(enum result r, const char *what);

/* To standard error, for people only: nothing under --json. */
void message_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the JSON value (taken over) that is the command's result. Memory that is out shows as null. */
void message_json(struct json_object *value);

/* What an error is told with, under --json, beside its text (taken over); otherwise nothing. */
void message_json_error_add(const char *key, struct json_object *value);

/*
 * At the end of a command: under --json an error that no value told becomes
 * {"error": …, "next": … or null, "exit": code}, and what was added to it.
 */
void message_end(enum exit_code code);

/* A string for JSON: bytes that are no UTF-8 become U+FFFD; NULL is null. */
struct json_object *message_json_text(const char *text);

/* The same, but an empty one is null, too. */
struct json_object *message_json_some(const char *text);

enum style { STYLE_PLAIN, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_HEAD };

/* Terminal codes; empty unless the stream is a terminal (and NO_COLOR is not set). */
const char *message_style(FILE *stream, enum style style);
const char *message_style_end(FILE *stream);

#endif
