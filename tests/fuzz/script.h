/*
 * A card made of fuzz input: each command gets the next answer of a script.
 * One fuzz target includes it once.
 *
 * An answer in the script is a control byte, a length byte, and the bytes:
 *   bits 0-1  the length's bits 8 and 9
 *   bit 2     let the target repair the answer before it goes out
 *   bit 3     the card is reset by somebody before the next transaction
 *   bits 4-6  if all set: no answer at all, bits 0-1 say why; the length is 0
 * A script that is at its end, or torn, is a card that stays mute.
 */
#ifndef TESTS_FUZZ_SCRIPT_H
#define TESTS_FUZZ_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apdu/channel.h"
#include "apdu/cursor.h"

#define SCRIPT_LENGTH_HIGH 0x03
#define SCRIPT_REPAIR 0x04
#define SCRIPT_RESET 0x08
#define SCRIPT_NO_ANSWER 0x70
#define SCRIPT_COMMANDS_MAX 4000 /* a client that sends more to one input is in a loop */

struct script {
	struct cursor in;
	/* Sees every command. May be NULL, like the next one. */
	void (*on_command)(void *context, const uint8_t *cmd, size_t len);
	/* Makes right in an answer what no fuzzer can guess. */
	void (*repair)(void *context, const uint8_t *cmd, size_t len, uint8_t *answer, size_t n);
	void *context;
	bool was_reset;
	bool in_transaction;
	unsigned commands;
};

/*
 * A real (virtual) card in place of the script: record.c has one, to make the
 * corpus. No other program defines it.
 */
size_t script_live(const uint8_t *cmd, size_t len, uint8_t *answer, size_t cap)
	__attribute__((weak));

/* An assertion that stays in every build: a finding. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static inline enum result script_begin(void *self, bool *was_reset)
{
	struct script *s = self;

	MUST(!s->in_transaction);
	s->in_transaction = true;
	*was_reset = s->was_reset;
	s->was_reset = false;
	return RESULT_OK;
}

static inline enum result script_end(void *self, bool reset)
{
	struct script *s = self;

	(void)reset;
	MUST(s->in_transaction);
	s->in_transaction = false;
	return RESULT_OK;
}

static inline enum result script_transmit(void *self, const uint8_t *cmd, size_t len,
					  uint8_t *answer, size_t cap, size_t *answer_len)
{
	static const enum result why[] = {RESULT_CARD_MUTE, RESULT_CARD_REMOVED, RESULT_CARD_RESET,
					  RESULT_NO_SERVICE};
	struct script *s = self;
	struct cursor bytes;
	uint8_t control, low;
	size_t n;

	MUST(s->in_transaction);
	MUST(len >= 4 && len <= COMMAND_MAX_SIZE && cap >= TRANSPORT_ANSWER_MAX);
	MUST(++s->commands <= SCRIPT_COMMANDS_MAX);
	*answer_len = 0;
	if (s->on_command)
		s->on_command(s->context, cmd, len);
	if (script_live) {
		*answer_len = script_live(cmd, len, answer, cap);
		return *answer_len ? RESULT_OK : RESULT_CARD_MUTE;
	}
	if (!cursor_u8(&s->in, &control) || !cursor_u8(&s->in, &low))
		return RESULT_CARD_MUTE;
	s->was_reset |= (control & SCRIPT_RESET) != 0;
	if ((control & SCRIPT_NO_ANSWER) == SCRIPT_NO_ANSWER)
		return why[control & SCRIPT_LENGTH_HIGH];
	n = (size_t)(control & SCRIPT_LENGTH_HIGH) << 8 | low;
	if (n > cap || !cursor_bytes(&s->in, n, &bytes))
		return RESULT_CARD_MUTE;
	if (n)
		memcpy(answer, bytes.p, n);
	if (control & SCRIPT_REPAIR && s->repair)
		s->repair(s->context, cmd, len, answer, n);
	*answer_len = n;
	return RESULT_OK;
}

/* The script belongs to the target. */
static inline void script_close(void *self)
{
	(void)self;
}

static const struct transport_ops script_ops = {script_begin, script_end, script_transmit,
						script_close};

/* NULL: out of memory. */
static inline struct channel *script_channel(struct script *s, const uint8_t *atr, size_t atr_len)
{
	struct channel *ch;

	return channel_new(&script_ops, s, "script", atr, atr_len, &ch) == RESULT_OK ? ch : NULL;
}

#endif
