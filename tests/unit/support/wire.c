#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

static const uint8_t atr[] = {0x3B, 0xB8, 0x13, 0x00, 0x81, 0x31, 0xFA, 0x52, 0x43,
			      0x48, 0x54, 0x4D, 0x4F, 0x49, 0x43, 0x41, 0xA5};

size_t wire_unhex(const char *hex, uint8_t *out, size_t cap)
{
	unsigned byte;
	size_t n = 0;

	for (; *hex; hex += 2) {
		while (*hex == ' ')
			hex++;
		assert_true(n < cap);
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		out[n++] = (uint8_t)byte;
	}
	return n;
}

static enum result begin(void *self, bool *was_reset)
{
	struct wire *w = self;

	w->begins++;
	*was_reset = w->reset_next;
	w->reset_next = false;
	return RESULT_OK;
}

static enum result end(void *self, bool reset)
{
	struct wire *w = self;

	w->ends++;
	w->resets += reset;
	return RESULT_OK;
}

static enum result transmit(void *self, const uint8_t *cmd, size_t len, uint8_t *answer, size_t cap,
			    size_t *answer_len)
{
	struct wire *w = self;

	w->commands++;
	w->class_00 += cmd[0] == 0x00;
	*answer_len = 0;
	return w->answer(w->context, cmd, len, answer, cap, answer_len);
}

static void close_wire(void *self)
{
	struct wire *w = self;

	w->closes++;
}

static const struct transport_ops ops = {begin, end, transmit, close_wire};

struct channel *wire_function(struct wire *w, wire_answer *answer, void *context)
{
	struct channel *ch = NULL;

	*w = (struct wire){.answer = answer, .context = context, .script = w->script};
	assert_int_equal(channel_new(&ops, w, "wire", atr, sizeof atr, &ch), RESULT_OK);
	return ch;
}

static enum result script_answer(void *context, const uint8_t *cmd, size_t len, uint8_t *answer,
				 size_t cap, size_t *answer_len)
{
	struct wire *w = context;
	uint8_t want[300];

	if (!w->script[0])
		return RESULT_CARD_MUTE;
	assert_int_equal(wire_unhex(w->script[0], want, sizeof want), len);
	assert_memory_equal(cmd, want, len);
	*answer_len = wire_unhex(w->script[1], answer, cap);
	w->script += 2;
	return RESULT_OK;
}

struct channel *wire_script(struct wire *w, const char *const *script)
{
	w->script = script;
	return wire_function(w, script_answer, w);
}

static enum result vcard_answer(void *context, const uint8_t *cmd, size_t len, uint8_t *answer,
				size_t cap, size_t *answer_len)
{
	return vcard_transmit(context, cmd, len, answer, cap, answer_len) == VCARD_ANSWERED
		       ? RESULT_OK
		       : RESULT_CARD_MUTE;
}

struct channel *wire_vcard(struct wire *w, struct vcard *card)
{
	vcard_power_on(card);
	w->script = NULL;
	return wire_function(w, vcard_answer, card);
}

static void collect(enum log_level level, const char *line, void *context)
{
	struct wire_log *log = context;
	size_t len = strlen(line);
	char *text = realloc(log->text, log->len + len + 2);

	(void)level;
	assert_non_null(text);
	memcpy(text + log->len, line, len);
	memcpy(text + log->len + len, "\n", 2);
	log->text = text;
	log->len += len + 1;
}

void wire_log_start_at(struct wire_log *log, enum log_level level)
{
	*log = (struct wire_log){NULL, 0};
	log_set(level, collect, log);
}

void wire_log_start(struct wire_log *log)
{
	wire_log_start_at(log, LOG_TRACE);
}

void wire_log_stop(struct wire_log *log)
{
	log_set(LOG_NONE, NULL, NULL);
	free(log->text);
	*log = (struct wire_log){NULL, 0};
}
