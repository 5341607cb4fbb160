#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "apdu/channel.h"
#include "apdu/log.h"
#include "apdu/status.h"
#include "apdu/trace.h"

#define MORE_ROUNDS 256 /* of GET RESPONSE for one command: 64 KiB, the most a file can be */

void response_clear(struct response *resp)
{
	buffer_clear(&resp->data);
	resp->sw = 0;
}

/* Setting the system's time must not end a transaction. */
static int64_t now_ms(void)
{
	struct timespec now = {0, 0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void start_budget(struct channel *ch)
{
	ch->commands_left = ch->budget_commands;
	ch->deadline_ms = now_ms() + ch->budget_ms;
}

void channel_set_budget(struct channel *ch, unsigned commands, unsigned ms)
{
	ch->budget_commands = commands;
	ch->budget_ms = ms;
	start_budget(ch);
}

/* One exchange more? */
static enum result spend_budget(struct channel *ch, uint8_t ins)
{
	if (ch->commands_left && now_ms() < ch->deadline_ms) {
		ch->commands_left--;
		return RESULT_OK;
	}
	log_line(LOG_ERROR, "%s: INS %02X not sent: %s (at most %u, and %u ms)", ch->name, ins,
		 result_text(RESULT_BUDGET), ch->budget_commands, ch->budget_ms);
	ch->commands_left = 0; /* also when time was short: it is over until the next begin */
	return RESULT_BUDGET;
}

enum result channel_new(const struct transport_ops *ops, void *self, const char *name,
			const uint8_t *atr, size_t atr_len, struct channel **out)
{
	struct channel *ch = calloc(1, sizeof *ch);

	*out = NULL;
	if (ch)
		ch->name = strdup(name);
	if (!ch || !ch->name) {
		free(ch);
		ops->close(self);
		return RESULT_NO_MEMORY;
	}
	ch->ops = ops;
	ch->self = self;
	ch->atr_len = atr_len < ATR_MAX ? atr_len : ATR_MAX;
	memcpy(ch->atr, atr, ch->atr_len);
	channel_set_budget(ch, CHANNEL_BUDGET_COMMANDS, CHANNEL_BUDGET_MS);
	trace_atr(name, ch->atr, ch->atr_len);
	*out = ch;
	return RESULT_OK;
}

void channel_free(struct channel **ch)
{
	if (!*ch)
		return;
	(void)!channel_end(*ch, false);
	(*ch)->ops->close((*ch)->self);
	free((*ch)->name);
	free(*ch);
	*ch = NULL;
}

enum result channel_begin(struct channel *ch, bool *was_reset)
{
	enum result r;

	*was_reset = false;
	r = ch->ops->begin(ch->self, was_reset);
	ch->in_transaction = r == RESULT_OK;
	start_budget(ch);
	if (*was_reset)
		trace_event(ch->name, "reset");
	if (r != RESULT_OK)
		log_line(LOG_DEBUG, "%s: %s", ch->name, result_text(r));
	return r;
}

enum result channel_end(struct channel *ch, bool reset)
{
	enum result r;

	if (!ch->in_transaction)
		return reset ? RESULT_FAILED : RESULT_OK;
	ch->in_transaction = false;
	r = ch->ops->end(ch->self, reset);
	if (reset)
		log_line(r == RESULT_OK ? LOG_DEBUG : LOG_ERROR, "%s: reset by us: %s", ch->name,
			 result_text(r));
	return r;
}

enum result channel_reset_now(struct channel *ch)
{
	ch->in_transaction = false;
	return ch->ops->end(ch->self, true);
}

/* One exchange: bytes out, bytes in, the answer's data appended to resp. */
static enum result exchange(struct channel *ch, const struct command *cmd, struct response *resp)
{
	struct buffer apdu = BUFFER_INIT;
	uint8_t answer[TRANSPORT_ANSWER_MAX];
	size_t len = 0;
	enum result r;

	r = command_encode(cmd, &apdu);
	if (r == RESULT_OK)
		r = spend_budget(ch, cmd->ins);
	if (r != RESULT_OK)
		goto out;
	trace_command(ch->name, apdu.data, apdu.len, cmd->sensitive);
	r = ch->ops->transmit(ch->self, apdu.data, apdu.len, answer, sizeof answer, &len);
	if (r != RESULT_OK) {
		log_line(LOG_INFO, "%s: INS %02X: %s", ch->name, cmd->ins, result_text(r));
		trace_event(ch->name, result_text(r));
		goto out;
	}
	trace_answer(answer, len, cmd->sensitive);
	if (len < 2 || len > COMMAND_MAX_LE + 2) {
		log_line(LOG_ERROR, "%s: INS %02X: an answer of %zu bytes is no answer", ch->name,
			 cmd->ins, len);
		r = RESULT_BAD_ANSWER;
		goto out;
	}
	resp->sw = (uint16_t)(answer[len - 2] << 8 | answer[len - 1]);
	r = buffer_append(&resp->data, answer, len - 2);
out:
	OPENSSL_cleanse(answer, sizeof answer);
	buffer_clear(&apdu);
	return r;
}

/* Data, or the end of them. Any other word is about GET RESPONSE, and no answer to the command. */
static bool is_rest(uint16_t sw)
{
	return sw == SW_OK || sw >> 8 == 0x61 || sw >> 8 == 0x62;
}

/*
 * A card that sends less than it has announced, and announces something else than what is missing,
 * has lost bytes: what follows would move up into their place, where nobody sees it. "6100" is no
 * number: 256 or more.
 */
static bool has_lost(const struct command *more, size_t got, uint16_t sw)
{
	const size_t next = sw >> 8 == 0x61 ? sw & 0xFF : 0;

	return more->le != COMMAND_MAX_LE && got < more->le && got + next != more->le;
}

/* Collects what 61xx announces. Each round must bring data: no card can keep us here. */
static enum result get_more(struct channel *ch, bool sensitive, struct response *resp)
{
	struct command more = {.cla = ch->get_response_cla, .ins = 0xC0, .sensitive = sensitive};

	for (int round = 0; resp->sw >> 8 == 0x61; round++) {
		size_t before = resp->data.len;
		enum result r;

		more.le = resp->sw & 0xFF ? resp->sw & 0xFF : COMMAND_MAX_LE;
		r = exchange(ch, &more, resp);
		if (r != RESULT_OK)
			return r;
		/* the standard's class and the card's own: one of them is understood */
		if (resp->sw == 0x6E00 && round == 0 && more.cla != 0x00) {
			more.cla = 0x00;
			resp->sw = (uint16_t)(0x6100 | (more.le & 0xFF));
			continue;
		}
		if (!is_rest(resp->sw) || has_lost(&more, resp->data.len - before, resp->sw) ||
		    (resp->sw >> 8 == 0x61 && (resp->data.len == before || round >= MORE_ROUNDS)))
			return RESULT_BAD_ANSWER;
	}
	return RESULT_OK;
}

enum result channel_transmit(struct channel *ch, const struct command *cmd, struct response *resp)
{
	enum result r;

	buffer_reset(&resp->data);
	resp->sw = 0;
	r = exchange(ch, cmd, resp);
	/* only a command that asks for data can have asked for the wrong amount */
	if (r == RESULT_OK && resp->sw >> 8 == 0x6C && cmd->le && !cmd->once) {
		struct command again = *cmd;

		again.le = resp->sw & 0xFF ? resp->sw & 0xFF : COMMAND_MAX_LE;
		buffer_reset(&resp->data);
		r = exchange(ch, &again, resp);
	}
	if (r == RESULT_OK && resp->sw >> 8 == 0x61 && cmd->ignore_more)
		resp->sw = SW_OK;
	if (r == RESULT_OK && resp->sw >> 8 == 0x61)
		r = get_more(ch, cmd->sensitive, resp);
	if (r != RESULT_OK)
		buffer_reset(&resp->data);
	return r;
}
