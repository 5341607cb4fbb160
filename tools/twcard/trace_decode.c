#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/twcard/apdu_allow.h"
#include "tools/twcard/apdu_words.h"
#include "tools/twcard/message.h"
#include "tools/twcard/trace_decode.h"

#define SECOND_HALF 0x02 /* P1 of the command that does a private operation */

struct decoder {
	struct trace_line command, answer;
	bool waits; /* a command has no answer yet */
	unsigned file; /* the file that was selected last; 0: not known */
	char reader[TRACE_TEXT_MAX];
	const struct trace_listener *listener;
	struct trace_counts *counts;
};

/* The header, with a body as far as it is there to be looked at. */
static bool take_apart(const struct trace_line *line, struct command *out)
{
	if (line->len < 4)
		return false;
	for (size_t i = 0; i < 4; i++)
		if (line->hidden[i])
			return false;
	if (!apdu_parse(line->bytes, line->len, out))
		*out = (struct command){.cla = line->bytes[0], .ins = line->bytes[1],
					.p1 = line->bytes[2], .p2 = line->bytes[3]};
	return true;
}

/* ---- what each command is about ---- */

static bool is_shown(const struct trace_line *line, const struct command *cmd)
{
	size_t at = cmd->len ? (size_t)(cmd->data - line->bytes) : 0;

	for (size_t i = 0; i < cmd->len; i++)
		if (line->hidden[at + i])
			return false;
	return true;
}

static void name_file(unsigned fid, char out[DECODE_TEXT])
{
	const char *name = apdu_file_name(fid);

	snprintf(out, DECODE_TEXT, "%04X%s%s", fid, name ? " " : "", name ? name : "");
}

static void detail_select(struct decoder *d, const struct command *cmd, char out[DECODE_TEXT])
{
	const char *application = cmd->p1 == 0x04 ? apdu_application_name(cmd->data, cmd->len) : NULL;

	d->file = cmd->p1 == 0x00 && cmd->len == 2 ? (unsigned)(cmd->data[0] << 8 | cmd->data[1]) : 0;
	if (d->file)
		name_file(d->file, out);
	else if (application)
		snprintf(out, DECODE_TEXT, "%s", application);
	else if (cmd->p1 == 0x04)
		snprintf(out, DECODE_TEXT, _("an application"));
}

static void detail_read(struct decoder *d, const struct command *cmd, char out[DECODE_TEXT])
{
	unsigned offset = (unsigned)(cmd->p1 & 0x7F) << 8 | cmd->p2;
	char file[DECODE_TEXT] = "";

	if (d->file)
		name_file(d->file, file);
	snprintf(out, DECODE_TEXT, _("from byte %u, %u wanted%s%.100s"), offset, cmd->le,
		 d->file ? _(": ") : "", file);
}

static void detail_record(struct decoder *d, const struct command *cmd, char out[DECODE_TEXT])
{
	(void)d;
	snprintf(out, DECODE_TEXT, _("record %u"), cmd->p1);
}

static void detail_data(struct decoder *d, const struct command *cmd, char out[DECODE_TEXT])
{
	(void)d;
	snprintf(out, DECODE_TEXT, _("object %02X%02X"), cmd->p1, cmd->p2);
}

static void detail_private(struct decoder *d, const struct command *cmd, char out[DECODE_TEXT])
{
	(void)d;
	snprintf(out, DECODE_TEXT, cmd->p1 & 0x80 ? _("key %02X, first half") : _("key %02X, second half"),
		 cmd->p2);
}

static const struct {
	uint8_t ins;
	void (*detail)(struct decoder *d, const struct command *cmd, char out[DECODE_TEXT]);
	bool wants_body;
} details[] = {
	{INS_SELECT, detail_select, true},
	{INS_READ_BINARY, detail_read, false},
	{INS_READ_RECORD, detail_record, false},
	{INS_GET_DATA, detail_data, false},
	{INS_PRIVATE, detail_private, false},
};

static void describe(struct decoder *d, struct trace_exchange *e)
{
	struct command cmd;
	const char *name;

	if (!take_apart(e->command, &cmd)) {
		snprintf(e->name, sizeof e->name, _("no command"));
		return;
	}
	name = apdu_ins_name(cmd.ins);
	if (name)
		snprintf(e->name, sizeof e->name, "%s%s", name, apdu_is_secured(cmd.cla) ? _(" (secured)") : "");
	else
		snprintf(e->name, sizeof e->name, "INS %02X", cmd.ins);
	if (cmd.ins == INS_SELECT)
		d->file = 0;
	for (size_t i = 0; i < sizeof details / sizeof *details; i++) {
		if (details[i].ins != cmd.ins || (details[i].wants_body && apdu_is_secured(cmd.cla)))
			continue;
		if (!details[i].wants_body || (cmd.len && is_shown(e->command, &cmd)))
			details[i].detail(d, &cmd, e->detail);
	}
	d->counts->verifies += cmd.ins == INS_VERIFY;
	d->counts->private_operations += cmd.ins == INS_PRIVATE && cmd.p1 == SECOND_HALF;
}

/* ---- lines ---- */

static void read_status(struct trace_exchange *e)
{
	size_t len = e->answer ? e->answer->len : 0;

	if (len < 2 || e->answer->hidden[len - 1] || e->answer->hidden[len - 2])
		return;
	e->status = (uint16_t)(e->answer->bytes[len - 2] << 8 | e->answer->bytes[len - 1]);
	e->has_status = true;
}

static bool is_good(uint16_t sw)
{
	return sw == 0x9000 || sw >> 8 == 0x61 || sw >> 8 == 0x6C;
}

/* The command that waits is at its end, with an answer or without. */
static void finish(struct decoder *d, const struct trace_line *answer)
{
	struct trace_exchange e = {.command = &d->command, .answer = answer};

	if (!d->waits)
		return;
	d->waits = false;
	describe(d, &e);
	read_status(&e);
	d->counts->commands++;
	d->counts->sent += d->command.len;
	d->counts->answers += answer != NULL;
	d->counts->received += answer ? answer->len : 0;
	d->counts->not_good += e.has_status && !is_good(e.status);
	if (d->listener->exchange)
		d->listener->exchange(d->listener->context, &e);
}

static void take_other(struct decoder *d, const struct trace_line *line)
{
	finish(d, NULL);
	d->counts->bad_lines += line->problem != TRACE_GOOD;
	d->counts->events += line->mark == '!';
	if (line->mark == '@' && strcmp(line->text, d->reader) == 0)
		return; /* one stands before every command */
	d->file = 0;
	if (line->mark == '@')
		strcpy(d->reader, line->text);
	if (line->mark != '#' && d->listener->line)
		d->listener->line(d->listener->context, line);
}

bool trace_decode(FILE *stream, const struct trace_listener *listener, struct trace_counts *counts)
{
	struct trace_reader reader = trace_reader_of(stream);
	struct decoder *d = calloc(1, sizeof *d);

	memset(counts, 0, sizeof *counts);
	if (!d)
		return false;
	d->listener = listener;
	d->counts = counts;
	while (trace_next(&reader, &d->answer)) {
		bool good = d->answer.problem == TRACE_GOOD;

		if (good && d->answer.mark == '>') {
			finish(d, NULL);
			d->command = d->answer;
			d->waits = true;
		} else if (good && d->answer.mark == '<' && d->waits) {
			finish(d, &d->answer);
		} else if (!good || d->answer.mark != '#') {
			take_other(d, &d->answer);
		}
	}
	finish(d, NULL);
	free(d);
	return !ferror(stream);
}
