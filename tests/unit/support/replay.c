#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "replay.h"

static void mismatch(struct replay *r, const char *what)
{
	if (!r->mismatch[0])
		snprintf(r->mismatch, sizeof r->mismatch, "line %zu: %s", r->line.number, what);
}

static bool take_reader(struct replay *r)
{
	if (!r->name[0])
		strcpy(r->name, r->line.text);
	r->ours = strcmp(r->name, r->line.text) == 0;
	return false;
}

/* The next line that says something of our card, kept until it is used. False: none is left. */
static bool look(struct replay *r)
{
	while (!r->has_line && !r->mismatch[0] && trace_next(&r->reader, &r->line)) {
		if (r->line.problem != TRACE_GOOD)
			mismatch(r, trace_problem_text(r->line.problem));
		else if (r->line.mark == '@')
			r->has_line = take_reader(r);
		else
			r->has_line = r->ours && r->line.mark != '#';
	}
	return r->has_line;
}

static bool fits(const struct trace_line *line, const uint8_t *bytes, size_t len)
{
	if (line->len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!line->hidden[i] && line->bytes[i] != bytes[i])
			return false;
	return true;
}

/* An event in the place of an answer: what the transport said then. */
static enum result event_result(const char *text)
{
	for (int r = 1; r < RESULT_COUNT; r++)
		if (strcmp(text, result_text((enum result)r)) == 0)
			return (enum result)r;
	return RESULT_CARD_MUTE;
}

static enum result replay_begin(void *self, bool *was_reset)
{
	struct replay *r = self;

	*was_reset = look(r) && r->line.mark == '!' && strcmp(r->line.text, "reset") == 0;
	if (*was_reset)
		r->has_line = false;
	return RESULT_OK;
}

static enum result replay_end(void *self, bool reset)
{
	(void)self;
	(void)reset;
	return RESULT_OK;
}

static enum result replay_transmit(void *self, const uint8_t *apdu, size_t len, uint8_t *answer,
				   size_t cap, size_t *answer_len)
{
	struct replay *r = self;

	*answer_len = 0;
	if (!look(r) || r->line.mark != '>' || !fits(&r->line, apdu, len)) {
		char got[TRACE_LINE], text[TRACE_LINE + 40];

		snprintf(text, sizeof text, "%s, but sent was %s",
			 r->has_line ? "something else was recorded" : "the trace is over",
			 trace_format(got, '>', apdu, len, 5, 0));
		mismatch(r, text);
		return RESULT_CARD_MUTE;
	}
	r->commands++;
	r->has_line = false;
	if (!look(r))
		return RESULT_CARD_MUTE;
	if (r->line.mark == '!') {
		r->has_line = false;
		return event_result(r->line.text);
	}
	if (r->line.mark != '<' || r->line.len > cap) {
		mismatch(r, "there is no answer to the command");
		return RESULT_CARD_MUTE;
	}
	memcpy(answer, r->line.bytes, r->line.len);
	*answer_len = r->line.len;
	r->has_line = false;
	return RESULT_OK;
}

/* The replay belongs to the test. */
static void replay_close(void *self)
{
	(void)self;
}

static const struct transport_ops replay_ops = {replay_begin, replay_end, replay_transmit,
						replay_close};

struct channel *replay_channel(struct replay *r, FILE *trace)
{
	struct channel *ch = NULL;

	memset(r, 0, sizeof *r);
	r->reader = trace_reader_of(trace);
	r->ours = true; /* a trace of one card may have no reader */
	if (!look(r) || r->line.mark != '=')
		return NULL;
	r->has_line = false;
	return channel_new(&replay_ops, r, "replay", r->line.bytes, r->line.len, &ch) == RESULT_OK ? ch : NULL;
}

bool replay_is_over(struct replay *r)
{
	return !look(r) && !r->mismatch[0];
}

static void collect(enum log_level level, const char *line, void *context)
{
	struct wire_log *log = context;
	char *text = NULL;
	int len = asprintf(&text, "%s%s%s\n", log->text ? log->text : "", level == LOG_TRACE ? "" : "# ",
			   line);

	assert_true(len > 0);
	free(log->text);
	log->text = text;
	log->len = (size_t)len;
}

void replay_record(struct wire_log *log)
{
	*log = (struct wire_log){NULL, 0};
	log_set(LOG_TRACE, collect, log);
}
