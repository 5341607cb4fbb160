/* twcard trace redact: a trace without what tells whose card it was. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/output.h"
#include "tools/twcard/trace_file.h"
#include "tools/twcard/trace_redact.h"

/* The whole result, so that nothing is given out when the end cannot be read. */
static enum exit_code redact(const char *path, char **text, size_t *len, struct trace_redaction *done)
{
	FILE *in, *out;
	bool good;
	enum exit_code code = trace_file_open(path, &in);

	if (code != EXIT_GOOD)
		return code;
	out = open_memstream(text, len);
	errno = 0;
	good = out && trace_redact(in, out, done);
	if (!good)
		message_error(_("%s cannot be read: %s"), path,
			      done->bad ? _(trace_problem_text(TRACE_LARGE_FILE)) : strerror(errno ? errno : ENOMEM));
	trace_file_close(in);
	if (out && fclose(out) != 0)
		good = false;
	if (!good)
		return EXIT_FILE;
	if (done->exchanges)
		return EXIT_GOOD;
	if (done->bad)
		return trace_file_tell(path, &done->first_bad);
	message_error(_("there is no command in %s: nothing to redact"), path);
	return EXIT_FILE;
}

static void write_result(FILE *stream, const char *text, size_t len, const struct trace_redaction *done)
{
	fwrite(text, 1, len, stream);
	fprintf(stream, "# redacted: %zu bytes of %zu commands and %zu answers, %zu comments, %zu bad lines\n",
		done->bytes, done->commands, done->answers, done->comments, done->bad);
}

static void tell_json(const char *path, const char *to, const struct trace_redaction *done)
{
	const struct {
		const char *key;
		size_t value;
	} counts[] = {
		{"lines", done->lines},       {"exchanges", done->exchanges}, {"bytes_hidden", done->bytes},
		{"commands", done->commands}, {"answers", done->answers},     {"readers", done->readers},
		{"comments_left_out", done->comments}, {"events_renamed", done->events},
		{"bad_lines_left_out", done->bad},
	};
	struct json_object *value = json_object_new_object();

	json_object_object_add(value, "file", message_json_text(path));
	json_object_object_add(value, "out", message_json_text(to));
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		json_object_object_add(value, counts[i].key, json_object_new_int64((int64_t)counts[i].value));
	message_json(value);
}

static void tell(const struct trace_redaction *done)
{
	message_note(_("Hidden: %zu bytes, in %zu commands and %zu answers. Names of readers: %zu replaced. "
		       "Comments: %zu left out. Events: %zu renamed."),
		     done->bytes, done->commands, done->answers, done->readers, done->comments, done->events);
	if (done->bad)
		message_note(_("Left out: %zu lines that are not of the format, the first of them line %zu."),
			     done->bad, done->first_bad.number);
	message_note(_("Lengths, status words and the kind of card are still there: look at it before you share it."));
}

static enum exit_code save(const char *to, bool force, const char *text, size_t len,
			   const struct trace_redaction *done)
{
	struct output file;
	enum exit_code code;

	if (!to) {
		write_result(stdout, text, len, done);
		return EXIT_GOOD;
	}
	code = output_open(to, OUTPUT_PRIVATE, force, &file);
	if (code != EXIT_GOOD)
		return code;
	write_result(file.file, text, len, done);
	return output_commit(&file);
}

static enum exit_code run(const struct arguments *args)
{
	const char *path = args->words[0], *to = arguments_value(args, "out");
	struct trace_redaction *done;
	enum exit_code code;
	char *text = NULL;
	size_t len = 0;

	if (message_is_json() && !to)
		return message_usage(args->command, _("with --json the trace goes to a file: --out FILE"));
	done = calloc(1, sizeof *done);
	if (!done)
		return message_result(RESULT_NO_MEMORY, NULL);
	code = redact(path, &text, &len, done);
	if (code == EXIT_GOOD)
		code = save(to, arguments_has(args, "force"), text, len, done);
	if (code == EXIT_GOOD) {
		tell(done);
		if (message_is_json())
			tell_json(path, to, done);
	}
	free(text);
	free(done);
	return code;
}

static const struct option_row options[] = {
	OUTPUT_PRIVATE_OPTIONS,
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_trace_redact = {
	.name = "trace redact",
	.words = N_("FILE"),
	.words_min = 1,
	.words_max = 1,
	.summary = N_("take out of a trace what tells whose card it was"),
	.more = N_("The card's number, names, certificates, keys and the reader's name go; lengths, status words\n"
		   "and the kind of card stay. Without --out the result goes to standard output."),
	.options = options,
	.run = run,
};
