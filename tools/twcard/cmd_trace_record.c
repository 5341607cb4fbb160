/* twcard trace record: what goes to the card and comes back, while it is listed or a program uses it. */
#include "config.h"

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>

#include "apdu/log.h"
#include "src/crypto/context.h"
#include "tools/twcard/card.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/output.h"
#include "tools/twcard/program.h"
#include "tools/twcard/trace_file.h"

extern char **environ;

/* ---- what is recorded by ourselves: all that is public ---- */

struct recording {
	FILE *stream;
	size_t commands;
};

static void write_line(enum log_level level, const char *line, void *context)
{
	struct recording *r = context;

	if (level == LOG_TRACE)
		fprintf(r->stream, "%s\n", line);
	else
		fprintf(r->stream, "# %s: %s\n", log_level_name(level), line);
	r->commands += level == LOG_TRACE && line[0] == '>';
}

static void read_values(struct card *card, const struct p15_list *list)
{
	struct buffer value = BUFFER_INIT;
	struct rsa_public key;

	for (size_t i = 0; i < list->count; i++) {
		const struct p15_object *o = &list->items[i];

		if (o->kind == P15_PUBLIC_KEY)
			(void)!card_read_public_key(card, o->key_ref, &key);
		else if (o->kind != P15_PRIVATE_KEY && !o->is_private)
			(void)!card_read_object(card, o, &value);
		buffer_reset(&value);
	}
	buffer_clear(&value);
}

/* What fails is in the trace, and that is what it is for: only the first failure is told. */
static enum result list_card(struct card *card)
{
	struct token_data data;
	enum result first = card_read_token(card, &data), r;

	for (enum p15_class kind = 0; kind < P15_CLASSES; kind++) {
		struct p15_list list;

		r = card_read_directory(card, kind, &list, NULL);
		if (r == RESULT_OK)
			read_values(card, &list);
		else if (first == RESULT_OK)
			first = r;
		p15_list_clear(&list);
	}
	return first;
}

/* Not through the slot: the disk cache would save commands that belong into the trace. */
static enum result record_card(const char *reader)
{
	const struct card_options options = {.libctx = crypto_context()};
	struct channel *channel;
	struct pcsc *context;
	struct card *card;
	enum result r = pcsc_open(&context);

	if (r != RESULT_OK)
		return r;
	r = pcsc_connect(context, reader, &channel);
	if (r == RESULT_OK)
		r = card_open(channel, &options, &card);
	if (r == RESULT_OK) {
		r = list_card(card);
		(void)!card_end(card, false);
		card_free(&card);
	}
	pcsc_close(&context);
	return r;
}

/* ---- a program ---- */

static volatile sig_atomic_t child; /* 0: none runs */

/* Who ends us means the program; the trace of it is kept. */
static void pass_on(int signal)
{
	if (child > 0)
		kill((pid_t)child, signal);
}

static void watch_signals(bool watch)
{
	static const struct {
		int signal;
		bool passed; /* a terminal sends it to the program itself */
	} rows[] = {{SIGINT, false}, {SIGQUIT, false}, {SIGTERM, true}, {SIGHUP, true}};
	static struct sigaction before[sizeof rows / sizeof *rows]; /* of a file that is being written */

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sigaction action = {.sa_flags = SA_RESTART};

		action.sa_handler = rows[i].passed ? pass_on : SIG_IGN;
		if (watch)
			sigaction(rows[i].signal, &action, &before[i]);
		else
			sigaction(rows[i].signal, &before[i], NULL);
	}
}

/* Answers as posix_spawnp(). What is ignored here must not be ignored there. */
static int spawn(char **words, pid_t *pid)
{
	posix_spawnattr_t attributes;
	sigset_t usual;
	int failed = posix_spawnattr_init(&attributes);

	if (failed)
		return failed;
	sigemptyset(&usual);
	sigaddset(&usual, SIGINT);
	sigaddset(&usual, SIGQUIT);
	posix_spawnattr_setsigdefault(&attributes, &usual);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	failed = posix_spawnp(pid, words[0], NULL, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	return failed;
}

/* *status: the program's exit code, or 128 and the signal. */
static enum exit_code run_program(char **words, const char *file, int *status)
{
	pid_t pid = 0;
	int failed;

	if (setenv("TWCARD_DEBUG", "trace", 1) != 0 || setenv("TWCARD_DEBUG_FILE", file, 1) != 0)
		return message_result(RESULT_NO_MEMORY, NULL);
	watch_signals(true);
	failed = spawn(words, &pid);
	if (!failed) {
		child = pid;
		*status = program_wait(pid);
		child = 0;
	}
	watch_signals(false);
	if (failed) {
		message_error(_("%s cannot be run: %s"), words[0], strerror(failed));
		return EXIT_FILE;
	}
	return EXIT_GOOD;
}

static size_t count_commands(const char *path)
{
	FILE *stream = fopen(path, "re");
	struct trace_reader reader = trace_reader_of(stream);
	struct trace_line *line = malloc(sizeof *line);
	size_t count = 0;

	while (stream && line && trace_next(&reader, line))
		count += line->mark == '>' && line->problem == TRACE_GOOD;
	free(line);
	if (stream)
		fclose(stream);
	return count;
}

/* ---- the command ---- */

/* status: -1 if no program was run; r: what our own listing came to. */
static void tell(const char *to, size_t count, int status, enum result r)
{
	struct json_object *value;

	if (!message_is_json()) {
		message_note(_("Recorded: %zu commands. PINs and plaintexts are not in it; the holder's name, the\n"
			       "certificates and the card's number are: 'twcard trace redact' takes them out."),
			     count);
		if (status > 0)
			message_note(_("The program ended with %d."), status);
		return;
	}
	value = json_object_new_object();
	json_object_object_add(value, "out", message_json_text(to));
	json_object_object_add(value, "commands", json_object_new_int64((int64_t)count));
	if (status >= 0)
		json_object_object_add(value, "program_status", json_object_new_int(status));
	if (r != RESULT_OK)
		json_object_object_add(value, "error", message_json_text(_(result_text(r))));
	message_json(value);
}

static enum exit_code record_program(const struct arguments *args, const char *to)
{
	struct output file;
	size_t count = 0;
	int status = 0;
	enum exit_code code = output_open(to, OUTPUT_NAMED, arguments_has(args, "force"), &file);

	if (code != EXIT_GOOD)
		return code;
	trace_file_head(file.file);
	fflush(file.file);
	code = run_program(args->words, file.temporary, &status);
	if (code == EXIT_GOOD)
		count = count_commands(file.temporary);
	if (code == EXIT_GOOD && !count) {
		message_error(_("the program sent nothing to a card (it ended with %d): no trace was kept\n"
				"It must load this module, twcard-pkcs11.so, and reach a card."), status);
		code = EXIT_NEGATIVE;
	}
	if (code == EXIT_GOOD)
		code = output_commit(&file);
	if (code == EXIT_GOOD)
		tell(to, count, status, RESULT_OK);
	output_abort(&file);
	return code;
}

static enum exit_code save(const struct arguments *args, const char *to, const char *text, size_t len)
{
	if (to)
		return output_save(to, arguments_has(args, "force"), text, len);
	fwrite(text, 1, len, stdout);
	return EXIT_GOOD;
}

static enum exit_code record_listing(const struct arguments *args, const char *to)
{
	struct recording recording = {NULL, 0};
	struct slot *slot;
	char *text = NULL;
	size_t len = 0;
	enum result r;
	enum exit_code code = cards_choose(args, &slot);

	if (code != EXIT_GOOD)
		return code;
	recording.stream = open_memstream(&text, &len);
	if (!recording.stream)
		return message_result(RESULT_NO_MEMORY, NULL);
	trace_file_head(recording.stream);
	log_set(LOG_TRACE, write_line, &recording);
	r = record_card(slot->reader);
	log_set(LOG_NONE, NULL, NULL);
	if (fclose(recording.stream) != 0) {
		free(text);
		return message_result(RESULT_NO_MEMORY, NULL);
	}
	/* a card that fails is what traces are for */
	if (recording.commands)
		code = save(args, to, text, len);
	free(text);
	if (code == EXIT_GOOD && recording.commands)
		tell(to, recording.commands, -1, r);
	return code == EXIT_GOOD && r != RESULT_OK ? message_result(r, slot->reader) : code;
}

static enum exit_code run(const struct arguments *args)
{
	const char *to = arguments_value(args, "out");

	if (args->word_count && !to)
		return message_usage(args->command, _("the trace of a program goes to a file: --out FILE"));
	if (message_is_json() && !to)
		return message_usage(args->command, _("with --json the trace goes to a file: --out FILE"));
	return args->word_count ? record_program(args, to) : record_listing(args, to);
}

static const struct option_row options[] = {
	OUTPUT_PRIVATE_OPTIONS,
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_trace_record = {
	.name = "trace record",
	.words = N_("[-- PROGRAM [ARGUMENT...]]"),
	.words_min = 0,
	.words_max = -1,
	.summary = N_("record what goes to the card and comes back"),
	.more = N_("Without a program, everything public on the card is read. A program is run as it is, with\n"
		   "TWCARD_DEBUG and TWCARD_DEBUG_FILE set; it must load the module. No PIN or plaintext is\n"
		   "recorded."),
	.options = options,
	.run = run,
};
