/*
 * A channel to one card: commands go out through a transport that can be
 * replaced (PC/SC, a virtual card in a test, a fuzzer's script), answers come
 * back whole. The channel knows ISO 7816-4's 61xx and 6Cxx; it does not know
 * what a command means. Not thread-safe: one slot's lock covers it.
 */
#ifndef TWCARD_APDU_CHANNEL_H
#define TWCARD_APDU_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apdu/atr.h"
#include "apdu/buffer.h"
#include "apdu/command.h"
#include "apdu/result.h"

/* A short answer is at most 256 bytes and a status word; some room shows a card that sends more. */
#define TRANSPORT_ANSWER_MAX 512

struct transport_ops {
	/*
	 * Starts a transaction: no other program reaches the card until end().
	 * *was_reset becomes true if the card lost its state since the last one.
	 * RESULT_CARD_REMOVED, RESULT_NO_READER, RESULT_NO_SERVICE: for good.
	 */
	MUST_USE enum result (*begin)(void *self, bool *was_reset);
	/*
	 * Ends it; with `reset` the card is reset, which ends its verified state.
	 * Anything but RESULT_OK: it may not have been reset.
	 */
	MUST_USE enum result (*end)(void *self, bool reset);
	/* One exchange. cap is at least TRANSPORT_ANSWER_MAX. */
	MUST_USE enum result (*transmit)(void *self, const uint8_t *apdu, size_t len,
					 uint8_t *answer, size_t cap, size_t *answer_len);
	/* Lets go of the card, leaving it as it is, and frees self. */
	void (*close)(void *self);
};

struct response {
	struct buffer data; /* without the status word */
	uint16_t sw;
};

/*
 * What one transaction, and with it one Cryptoki call, may take: many times
 * what the longest honest one does (all of a card in blocks of 16 bytes: 337
 * commands were seen), and an end to a card that never comes to one.
 */
#define CHANNEL_BUDGET_COMMANDS 1000
#define CHANNEL_BUDGET_MS 60000

#define RESPONSE_INIT {BUFFER_INIT, 0}

struct channel {
	const struct transport_ops *ops;
	void *self; /* the transport's; owned, released by ops->close */
	char *name; /* the reader's, for logs; owned */
	uint8_t atr[ATR_MAX];
	size_t atr_len;
	uint8_t get_response_cla; /* 00 by the standard; a profile may know better */
	bool in_transaction;
	unsigned budget_commands; /* exchanges that one transaction may take */
	unsigned budget_ms;       /* and how long, from its begin to its last exchange */
	unsigned commands_left;
	int64_t deadline_ms;      /* on the monotonic clock */
};

/*
 * Takes over self (also on failure, when ops->close is called) and copies the
 * name and the ATR (longer than 33 bytes: cut).
 */
MUST_USE enum result channel_new(const struct transport_ops *ops, void *self, const char *name,
				 const uint8_t *atr, size_t atr_len, struct channel **out);
void channel_free(struct channel **ch);

/* Another budget than the usual one, from now on: also for what is left of this transaction. */
void channel_set_budget(struct channel *ch, unsigned commands, unsigned ms);

/*
 * See transport_ops. begin and end do not nest. begin gives the whole budget
 * anew; an end outside a transaction does nothing, and answers RESULT_FAILED
 * if a reset was asked for.
 */
MUST_USE enum result channel_begin(struct channel *ch, bool *was_reset);
MUST_USE enum result channel_end(struct channel *ch, bool reset);

/*
 * Sends a command and collects its whole answer into *resp (contents
 * replaced). RESULT_OK means that the card answered, with whatever status
 * word; RESULT_BAD_ANSWER that it sent less than a status word, more than a
 * short answer, or 61xx without end; RESULT_BUDGET that the transaction has
 * used up its budget and nothing was sent any more. Ending it works all the same.
 */
MUST_USE enum result channel_transmit(struct channel *ch, const struct command *cmd,
				      struct response *resp);

/*
 * Resets the card without a transaction of ours, and without waiting for one:
 * for an exit handler. RESULT_READER_BUSY: another program is in the middle of
 * its own.
 */
MUST_USE enum result channel_reset_now(struct channel *ch);

void response_clear(struct response *resp);

#endif
