/* twcard trace show: a trace in words. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/twcard/apdu_words.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/table.h"
#include "tools/twcard/text.h"
#include "tools/twcard/trace_decode.h"
#include "tools/twcard/trace_file.h"

#define ROWS_MAX 20000 /* shown; beyond them there are only the counts */
#define HEX_MAX (3 * TRACE_BYTES_MAX)

struct view {
	const char *path;
	struct table *table;
	struct json_object *exchanges, *lines;
	size_t rows;
	struct trace_line first_bad; /* .number 0: there was none */
};

static bool has_room(struct view *v)
{
	return v->rows < ROWS_MAX && ++v->rows;
}

/* ---- for people ---- */

static enum style style_of(const struct trace_exchange *e)
{
	if (!e->has_status || e->status == 0x9000)
		return STYLE_PLAIN;
	return e->status >> 12 == 6 && e->status >> 8 != 0x61 && e->status >> 8 != 0x6C ? STYLE_WARN : STYLE_PLAIN;
}

static void show_exchange(void *context, const struct trace_exchange *e)
{
	struct view *v = context;

	if (!has_room(v))
		return;
	table_cell(v->table, STYLE_PLAIN, "%zu", e->command->number);
	table_cell(v->table, STYLE_PLAIN, "%s", e->name);
	table_cell(v->table, STYLE_PLAIN, "%s", e->detail);
	table_cell(v->table, STYLE_PLAIN, "%zu", e->command->len);
	table_cell(v->table, STYLE_PLAIN, "%zu", e->answer ? e->answer->len : 0);
	if (e->has_status)
		table_cell(v->table, style_of(e), "%04X %s", e->status, apdu_status_text(e->status));
	else
		table_cell(v->table, STYLE_WARN, "%s", e->answer ? _("no status word") : _("no answer"));
}

static void show_bytes(const struct trace_line *line, char out[HEX_MAX])
{
	char *at = out;

	*at = '\0';
	for (size_t i = 0; i < line->len; i++)
		at += sprintf(at, "%s%02X", i ? " " : "", line->bytes[i]);
}

static void show_line(void *context, const struct trace_line *line)
{
	static const struct {
		char mark;
		const char *name;
	} names[] = {
		{'@', N_("reader")}, {'=', N_("ATR")}, {'!', N_("event")}, {'<', N_("answer without a command")},
	};
	struct view *v = context;
	const char *name = N_("line not understood");
	char bytes[HEX_MAX];

	if (line->problem != TRACE_GOOD && !v->first_bad.number)
		v->first_bad = *line;
	if (!has_room(v))
		return;
	for (size_t i = 0; line->problem == TRACE_GOOD && i < sizeof names / sizeof *names; i++)
		if (names[i].mark == line->mark)
			name = names[i].name;
	show_bytes(line, bytes);
	table_cell(v->table, STYLE_PLAIN, "%zu", line->number);
	table_cell(v->table, STYLE_HEAD, "%s", _(name));
	table_cell(v->table, STYLE_PLAIN, "%s",
		   line->problem != TRACE_GOOD ? _(trace_problem_text(line->problem))
		   : line->mark == '='         ? bytes
					       : line->text);
	for (int i = 0; i < 3; i++)
		table_cell(v->table, STYLE_PLAIN, "%s", "");
}

static void print_counts(const struct trace_counts *c)
{
	printf(_("\nCommands: %zu (%zu bytes), answers: %zu (%zu bytes), not successful: %zu\n"
		 "PIN verifications: %zu, private operations: %zu, events: %zu\n"),
	       c->commands, c->sent, c->answers, c->received, c->not_good, c->verifies,
	       c->private_operations, c->events);
}

/* ---- JSON ---- */

static struct json_object *json_line(const struct trace_line *line)
{
	struct json_object *value = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		return NULL;
	trace_put(line, stream);
	if (fclose(stream) == 0 && len > 2) {
		text[len - 1] = '\0'; /* the newline */
		value = message_json_text(text + 2);
	}
	free(text);
	return value;
}

static void json_exchange(void *context, const struct trace_exchange *e)
{
	struct view *v = context;
	struct json_object *value;
	char status[8];

	if (!has_room(v))
		return;
	value = json_object_new_object();
	json_object_object_add(value, "line", json_object_new_int64((int64_t)e->command->number));
	json_object_object_add(value, "name", message_json_text(e->name));
	if (*e->detail)
		json_object_object_add(value, "detail", message_json_text(e->detail));
	json_object_object_add(value, "command", json_line(e->command));
	json_object_object_add(value, "answer", e->answer ? json_line(e->answer) : NULL);
	snprintf(status, sizeof status, "%04X", e->status);
	json_object_object_add(value, "status", e->has_status ? json_object_new_string(status) : NULL);
	json_object_object_add(value, "meaning",
			       e->has_status ? message_json_text(apdu_status_text(e->status)) : NULL);
	json_object_array_add(v->exchanges, value);
}

static void json_other(void *context, const struct trace_line *line)
{
	static const struct {
		char mark;
		const char *kind;
	} kinds[] = {{'@', "reader"}, {'=', "atr"}, {'!', "event"}, {'<', "answer"}};
	struct view *v = context;
	struct json_object *value;
	const char *kind = "bad";

	if (line->problem != TRACE_GOOD && !v->first_bad.number)
		v->first_bad = *line;
	if (!has_room(v))
		return;
	for (size_t i = 0; line->problem == TRACE_GOOD && i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].mark == line->mark)
			kind = kinds[i].kind;
	value = json_object_new_object();
	json_object_object_add(value, "line", json_object_new_int64((int64_t)line->number));
	json_object_object_add(value, "kind", json_object_new_string(kind));
	json_object_object_add(value, "text",
			       line->problem != TRACE_GOOD
				       ? message_json_text(_(trace_problem_text(line->problem)))
				       : json_line(line));
	json_object_array_add(v->lines, value);
}

static void print_json(const struct view *v, const struct trace_counts *c)
{
	const struct {
		const char *key;
		size_t value;
	} rows[] = {
		{"commands", c->commands}, {"answers", c->answers}, {"bytes_sent", c->sent},
		{"bytes_received", c->received}, {"not_successful", c->not_good}, {"verifies", c->verifies},
		{"private_operations", c->private_operations}, {"events", c->events},
		{"bad_lines", c->bad_lines},
	};
	struct json_object *value = json_object_new_object(), *counts = json_object_new_object();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		json_object_object_add(counts, rows[i].key, json_object_new_int64((int64_t)rows[i].value));
	json_object_object_add(value, "file", message_json_text(v->path));
	json_object_object_add(value, "exchanges", v->exchanges);
	json_object_object_add(value, "lines", v->lines);
	json_object_object_add(value, "complete", json_object_new_boolean(v->rows < ROWS_MAX));
	json_object_object_add(value, "counts", counts);
	message_json(value);
}

/* ---- the command ---- */

static enum exit_code show(FILE *stream, struct view *v, struct trace_counts *counts)
{
	const struct trace_listener listener = {
		.exchange = message_is_json() ? json_exchange : show_exchange,
		.line = message_is_json() ? json_other : show_line,
		.context = v,
	};

	if (!trace_decode(stream, &listener, counts)) {
		message_error(_("%s cannot be read: %s"), v->path, strerror(errno ? errno : ENOMEM));
		return EXIT_FILE;
	}
	if (!counts->commands && v->first_bad.number)
		return trace_file_tell(v->path, &v->first_bad); /* it is no trace at all */
	if (message_is_json()) {
		print_json(v, counts);
		v->exchanges = v->lines = NULL;
	} else {
		table_print(v->table, stdout, 0);
		if (v->rows == ROWS_MAX)
			printf(_("The first %d lines are shown.\n"), ROWS_MAX);
		print_counts(counts);
	}
	return v->first_bad.number ? trace_file_tell(v->path, &v->first_bad) : EXIT_GOOD;
}

static enum exit_code run(const struct arguments *args)
{
	struct view *v = calloc(1, sizeof *v);
	struct trace_counts counts;
	enum exit_code code;
	FILE *stream;

	if (!v)
		return message_result(RESULT_NO_MEMORY, NULL);
	v->path = args->words[0];
	v->table = table_new(6);
	v->exchanges = json_object_new_array();
	v->lines = json_object_new_array();
	code = trace_file_open(v->path, &stream);
	if (code == EXIT_GOOD) {
		errno = 0;
		code = show(stream, v, &counts);
		trace_file_close(stream);
	}
	json_object_put(v->exchanges);
	json_object_put(v->lines);
	table_free(&v->table);
	free(v);
	return code;
}

const struct subcommand command_trace_show = {
	.name = "trace show",
	.words = N_("FILE"),
	.words_min = 1,
	.words_max = 1,
	.summary = N_("a trace in words: commands, files, status words"),
	.more = N_("Columns: line of the file, command, what it is about, bytes sent, bytes received, status word.\n"
		   "FILE - is standard input."),
	.run = run,
};
