/*
 * What is asked of PC/SC, and what becomes of each of its answers. The SCard*
 * functions here do what a test says, and write down what they are given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <winscard.h>

#include "apdu/pcsc.h"

#define NAME "A reader 00 00"
#define CONTEXT 0x1234
#define CARD 0x5678
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define ANSWERS 80
#define BOTH_PROTOCOLS (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)

enum call { ESTABLISH, RELEASE, LIST, WATCH, CANCEL, CONNECT, RECONNECT, STATUS, BEGIN, END, TRANSMIT,
	    DISCONNECT, CALLS };

static struct {
	LONG codes[CALLS][ANSWERS]; /* what the calls answer, one after the other; then 0 */
	unsigned count[CALLS];
	const char *block;          /* of reader names */
	DWORD block_len;
	DWORD said_len;             /* not 0: what the first question says instead */
	SCARD_READERSTATE states[4];
	DWORD state_count, timeout, seen;
	DWORD end, leaving;         /* dispositions */
	DWORD protocol;
	const SCARD_IO_REQUEST *pci;
	const char *answer;
	DWORD answer_len;
} pc;

static const uint8_t atr[] = {0x3B, 0x02, 0x14, 0x50};
const SCARD_IO_REQUEST g_rgSCardT0Pci = {SCARD_PROTOCOL_T0, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardT1Pci = {SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST)};

static LONG next(enum call call)
{
	unsigned n = pc.count[call]++;

	return n < ANSWERS ? pc.codes[call][n] : SCARD_S_SUCCESS;
}

LONG SCardEstablishContext(DWORD scope, LPCVOID reserved1, LPCVOID reserved2, LPSCARDCONTEXT context)
{
	assert_int_equal(scope, SCARD_SCOPE_SYSTEM);
	assert_true(!reserved1 && !reserved2);
	*context = CONTEXT;
	return next(ESTABLISH);
}

LONG SCardReleaseContext(SCARDCONTEXT context)
{
	assert_int_equal(context, CONTEXT);
	return next(RELEASE);
}

LONG SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR readers, LPDWORD len)
{
	LONG code = next(LIST);

	assert_int_equal(context, CONTEXT);
	assert_null(groups);
	if (code != SCARD_S_SUCCESS)
		return code;
	if (!readers) {
		*len = pc.said_len ? pc.said_len : pc.block_len;
		return SCARD_S_SUCCESS;
	}
	if (*len < pc.block_len)
		return SCARD_E_INSUFFICIENT_BUFFER;
	memcpy(readers, pc.block, pc.block_len);
	*len = pc.block_len;
	return SCARD_S_SUCCESS;
}

LONG SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states, DWORD count)
{
	assert_int_equal(context, CONTEXT);
	assert_in_range(count, 0, COUNT(pc.states));
	pc.timeout = timeout;
	pc.state_count = count;
	memcpy(pc.states, states, count * sizeof *states);
	for (DWORD i = 0; i < count; i++)
		states[i].dwEventState = pc.seen + i;
	return next(WATCH);
}

LONG SCardCancel(SCARDCONTEXT context)
{
	assert_int_equal(context, CONTEXT);
	return next(CANCEL);
}

LONG SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD mode, DWORD protocols, LPSCARDHANDLE card,
		  LPDWORD protocol)
{
	assert_int_equal(context, CONTEXT);
	assert_string_equal(reader, NAME);
	assert_int_equal(mode, SCARD_SHARE_SHARED);
	assert_int_equal(protocols, BOTH_PROTOCOLS);
	*card = CARD;
	*protocol = pc.protocol;
	return next(CONNECT);
}

LONG SCardReconnect(SCARDHANDLE card, DWORD mode, DWORD protocols, DWORD what, LPDWORD protocol)
{
	assert_int_equal(card, CARD);
	assert_int_equal(mode, SCARD_SHARE_SHARED);
	assert_int_equal(protocols, BOTH_PROTOCOLS);
	assert_int_equal(what, SCARD_LEAVE_CARD); /* others may be at work with it */
	*protocol = pc.protocol;
	return next(RECONNECT);
}

LONG SCardStatus(SCARDHANDLE card, LPSTR reader, LPDWORD reader_len, LPDWORD state, LPDWORD protocol,
		 LPBYTE out, LPDWORD out_len)
{
	assert_int_equal(card, CARD);
	assert_true(!reader && reader_len && !state && !protocol);
	assert_int_equal(*reader_len, 0);
	assert_true(*out_len >= MAX_ATR_SIZE);
	memcpy(out, atr, sizeof atr);
	*out_len = sizeof atr;
	return next(STATUS);
}

LONG SCardBeginTransaction(SCARDHANDLE card)
{
	assert_int_equal(card, CARD);
	return next(BEGIN);
}

LONG SCardEndTransaction(SCARDHANDLE card, DWORD what)
{
	assert_int_equal(card, CARD);
	pc.end = what;
	return next(END);
}

LONG SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *pci, LPCBYTE cmd, DWORD len,
		   SCARD_IO_REQUEST *answer_pci, LPBYTE answer, LPDWORD answer_len)
{
	assert_int_equal(card, CARD);
	assert_int_equal(len, 3);
	assert_memory_equal(cmd, "abc", 3);
	assert_null(answer_pci);
	assert_true(*answer_len >= pc.answer_len);
	memcpy(answer, pc.answer, pc.answer_len);
	*answer_len = pc.answer_len;
	pc.pci = pci;
	return next(TRANSMIT);
}

LONG SCardDisconnect(SCARDHANDLE card, DWORD what)
{
	assert_int_equal(card, CARD);
	pc.leaving = what;
	return next(DISCONNECT);
}

const char *pcsc_stringify_error(const LONG code)
{
	(void)code;
	return "an error";
}

/* ---- contexts ---- */

static struct pcsc *opened(void)
{
	struct pcsc *ctx = NULL;

	memset(&pc, 0, sizeof pc);
	pc.protocol = SCARD_PROTOCOL_T1;
	assert_int_equal(pcsc_open(&ctx), RESULT_OK);
	assert_non_null(ctx);
	return ctx;
}

static void closed(struct pcsc **ctx)
{
	pcsc_close(ctx);
	assert_null(*ctx);
	pcsc_close(ctx);
	assert_int_equal(pc.count[RELEASE], 1);
}

static void a_context_is_released_once(void **state)
{
	struct pcsc *ctx = opened();

	(void)state;
	closed(&ctx);
}

/* Whatever the code: there is no difference between a service that does not run and one that refuses. */
static void without_a_service_there_is_no_context(void **state)
{
	static const LONG codes[] = {SCARD_E_NO_SERVICE, SCARD_E_NO_MEMORY, SCARD_F_INTERNAL_ERROR};

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		struct pcsc *ctx = (struct pcsc *)&pc;

		memset(&pc, 0, sizeof pc);
		pc.codes[ESTABLISH][0] = codes[i];
		assert_int_equal(pcsc_open(&ctx), RESULT_NO_SERVICE);
		assert_null(ctx);
		pcsc_close(&ctx);
		assert_int_equal(pc.count[RELEASE], 0);
	}
}

/* ---- codes ---- */

static const struct code_row {
	LONG code;
	enum result result;    /* of a question */
	enum result with_card; /* of who has a connection */
} code_rows[] = {
	{SCARD_S_SUCCESS, RESULT_OK, RESULT_OK},
	{SCARD_W_REMOVED_CARD, RESULT_CARD_REMOVED, RESULT_CARD_REMOVED},
	{SCARD_E_NO_SMARTCARD, RESULT_NO_CARD, RESULT_CARD_REMOVED},
	{SCARD_E_UNKNOWN_READER, RESULT_NO_READER, RESULT_NO_READER},
	{SCARD_E_READER_UNAVAILABLE, RESULT_NO_READER, RESULT_NO_READER},
	{SCARD_E_NO_READERS_AVAILABLE, RESULT_NO_READER, RESULT_NO_READER},
	{SCARD_E_NO_SERVICE, RESULT_NO_SERVICE, RESULT_NO_SERVICE},
	{SCARD_E_SERVICE_STOPPED, RESULT_NO_SERVICE, RESULT_NO_SERVICE},
	{SCARD_E_INVALID_HANDLE, RESULT_NO_SERVICE, RESULT_NO_SERVICE},
	{SCARD_E_SHARING_VIOLATION, RESULT_READER_BUSY, RESULT_READER_BUSY},
	{SCARD_E_CANCELLED, RESULT_CANCELLED, RESULT_CARD_MUTE},
	{SCARD_E_TIMEOUT, RESULT_TIMEOUT, RESULT_CARD_MUTE},
	{SCARD_E_NO_MEMORY, RESULT_NO_MEMORY, RESULT_NO_MEMORY},
	{SCARD_W_UNRESPONSIVE_CARD, RESULT_CARD_MUTE, RESULT_CARD_MUTE},
	{SCARD_W_UNPOWERED_CARD, RESULT_CARD_MUTE, RESULT_CARD_MUTE},
	{SCARD_W_UNSUPPORTED_CARD, RESULT_CARD_MUTE, RESULT_CARD_MUTE},
	{SCARD_E_NOT_TRANSACTED, RESULT_CARD_MUTE, RESULT_CARD_MUTE},
	{SCARD_F_COMM_ERROR, RESULT_CARD_MUTE, RESULT_CARD_MUTE},
	{SCARD_F_INTERNAL_ERROR, RESULT_CARD_MUTE, RESULT_CARD_MUTE}, /* and what else there is */
	{0x7FFF0001, RESULT_CARD_MUTE, RESULT_CARD_MUTE},
};

static void codes_have_their_results_in_either_width(void **state)
{
	struct pcsc *ctx = opened();

	(void)state;
	for (size_t i = 0; i < COUNT(code_rows); i++) {
		const uint32_t code = (uint32_t)code_rows[i].code;
		const LONG both[] = {(LONG)code, (LONG)(int32_t)code};

		for (size_t k = 0; k < COUNT(both); k++) {
			pc.count[WATCH] = 0;
			pc.codes[WATCH][0] = both[k];
			assert_int_equal(pcsc_watch(ctx, NULL, 0, 0), code_rows[i].result);
		}
	}
	closed(&ctx);
}

/* ---- lists of readers ---- */

static void assert_list(const char *block, size_t len, size_t count, const char *last)
{
	struct pcsc *ctx = opened();
	struct pcsc_readers readers = {.count = 77};

	pc.block = block;
	pc.block_len = (DWORD)len;
	assert_int_equal(pcsc_list(ctx, &readers), RESULT_OK);
	assert_int_equal(readers.count, count);
	if (count)
		assert_string_equal(readers.names[count - 1], last);
	pcsc_readers_clear(&readers);
	assert_int_equal(readers.count, 0);
	closed(&ctx);
}

static void names_stand_in_one_block(void **state)
{
	(void)state;
	assert_list("One\0", 5, 1, "One");
	assert_list("One\0Another\0", 13, 2, "Another");
	assert_list("One\0\0Hidden\0", 13, 1, "One");
	/* what ends too early is read to its end and no further */
	assert_list("One\0Another", 7, 2, "Ano");
	assert_list("One", 3, 1, "One");
	assert_list("", 1, 0, NULL);
	assert_list("", 0, 0, NULL);
}

static void more_readers_than_there_is_room_for_are_left_out(void **state)
{
	char block[2 * (PCSC_READERS_MAX + 3) + 1];
	size_t len = 0;

	(void)state;
	for (int i = 0; i < PCSC_READERS_MAX + 3; i++) {
		block[len++] = (char)(' ' + i);
		block[len++] = '\0';
		if (i == PCSC_READERS_MAX - 1)
			assert_list(block, len, PCSC_READERS_MAX, "_");
	}
	block[len++] = '\0';
	assert_list(block, len, PCSC_READERS_MAX, "_");
}

/* Told at the first question, how long the list is, and at the second, for the list. */
static void assert_no_list(long code, enum result r)
{
	for (unsigned at = 0; at < 2; at++) {
		struct pcsc *ctx = opened();
		struct pcsc_readers readers = {.count = 77};

		pc.block = "One\0";
		pc.block_len = 5;
		pc.codes[LIST][at] = code;
		assert_int_equal(pcsc_list(ctx, &readers), r);
		assert_int_equal(readers.count, 0);
		assert_int_equal(pc.count[LIST], at + 1);
		closed(&ctx);
	}
}

static void that_there_is_no_reader_is_no_error(void **state)
{
	(void)state;
	assert_no_list(SCARD_E_NO_READERS_AVAILABLE, RESULT_OK);
}

static void a_list_that_cannot_be_had_is_an_error_at_either_question(void **state)
{
	(void)state;
	assert_no_list(SCARD_E_SERVICE_STOPPED, RESULT_NO_SERVICE);
}

static void a_reader_that_comes_between_two_questions_is_in_the_list(void **state)
{
	struct pcsc *ctx = opened();
	struct pcsc_readers readers;

	(void)state;
	pc.block = "One\0Two\0";
	pc.block_len = 9;
	pc.codes[LIST][1] = SCARD_E_INSUFFICIENT_BUFFER;
	assert_int_equal(pcsc_list(ctx, &readers), RESULT_OK);
	assert_int_equal(readers.count, 2);
	assert_int_equal(pc.count[LIST], 4);
	pcsc_readers_clear(&readers);
	/* one that comes each time does not keep us for ever */
	pc.said_len = 5;
	assert_int_equal(pcsc_list(ctx, &readers), RESULT_NO_SERVICE);
	assert_int_equal(readers.count, 0);
	assert_in_range(pc.count[LIST] - 4, 4, 20);
	closed(&ctx);
}

/* ---- states ---- */

static void states_are_asked_for_and_told_also_when_nothing_changed(void **state)
{
	static const LONG codes[] = {SCARD_S_SUCCESS, SCARD_E_TIMEOUT};

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		struct pcsc_watch watches[] = {{.reader = NAME, .known = 0x00030022},
					       {.reader = PCSC_NEW_READERS, .known = 0}};
		struct pcsc *ctx = opened();

		pc.codes[WATCH][0] = codes[i];
		pc.seen = 0x00040012;
		assert_int_equal(pcsc_watch(ctx, watches, 2, 700), i ? RESULT_TIMEOUT : RESULT_OK);
		assert_int_equal(pc.timeout, 700);
		assert_int_equal(pc.state_count, 2);
		assert_string_equal(pc.states[0].szReader, NAME);
		assert_string_equal(pc.states[1].szReader, PCSC_NEW_READERS);
		assert_int_equal(pc.states[0].dwCurrentState, 0x00030020); /* "changed" is not a state */
		assert_int_equal(pc.states[1].dwCurrentState, 0);
		assert_int_equal(watches[0].seen, 0x00040012);
		assert_int_equal(watches[1].seen, 0x00040013);
		closed(&ctx);
	}
}

static void for_ever_is_pcscs_for_ever_and_can_be_cancelled(void **state)
{
	struct pcsc *ctx = opened();

	(void)state;
	pc.codes[WATCH][0] = SCARD_E_CANCELLED;
	assert_int_equal(pcsc_watch(ctx, NULL, 0, PCSC_FOREVER), RESULT_CANCELLED);
	assert_int_equal(pc.timeout, INFINITE);
	pcsc_cancel(ctx);
	assert_int_equal(pc.count[CANCEL], 1);
	closed(&ctx);
}

static void a_change_is_more_than_that_somebody_uses_the_card(void **state)
{
	const uint32_t empty = SCARD_STATE_EMPTY, in = SCARD_STATE_PRESENT | 0x10000;

	(void)state;
	assert_true(pcsc_card_present(in | SCARD_STATE_MUTE) && !pcsc_card_present(empty));
	assert_true(pcsc_reader_present(in) && pcsc_reader_present(empty));
	assert_false(pcsc_reader_present(0));
	assert_false(pcsc_reader_present(SCARD_STATE_UNKNOWN | SCARD_STATE_CHANGED));
	assert_false(pcsc_reader_present(SCARD_STATE_UNAVAILABLE | SCARD_STATE_CHANGED));
	assert_false(pcsc_reader_present(SCARD_STATE_IGNORE | SCARD_STATE_CHANGED));
	assert_false(pcsc_card_changed(in, in | SCARD_STATE_INUSE | SCARD_STATE_CHANGED));
	assert_false(pcsc_card_changed(in, in | SCARD_STATE_EXCLUSIVE));
	assert_true(pcsc_card_changed(in, SCARD_STATE_EMPTY | 0x10000));
	assert_true(pcsc_card_changed(in, in + 0x20000)); /* out and in again */
	assert_true(pcsc_card_changed(empty, SCARD_STATE_UNAVAILABLE));
	assert_true(pcsc_card_changed(empty, 0));
	assert_false(pcsc_card_changed(SCARD_STATE_UNKNOWN, SCARD_STATE_UNAVAILABLE));
}

/* ---- connections ---- */

static struct channel *connected(struct pcsc **ctx)
{
	struct channel *ch = NULL;

	*ctx = opened();
	assert_int_equal(pcsc_connect(*ctx, NAME, &ch), RESULT_OK);
	assert_non_null(ch);
	return ch;
}

static void left_with(struct pcsc **ctx, struct channel **ch, DWORD what)
{
	pc.leaving = 99;
	channel_free(ch);
	assert_int_equal(pc.count[DISCONNECT], 1);
	assert_int_equal(pc.leaving, what);
	closed(ctx);
}

/* The card is left as it is. */
static void left(struct pcsc **ctx, struct channel **ch)
{
	left_with(ctx, ch, SCARD_LEAVE_CARD);
}

/* After the end of a transaction that answered this: one that did not end is ended with a reset. */
static void left_after(struct pcsc **ctx, struct channel **ch, enum result end)
{
	left_with(ctx, ch,
		  end == RESULT_OK || end == RESULT_CARD_REMOVED ? SCARD_LEAVE_CARD : SCARD_RESET_CARD);
}

static void a_connection_knows_its_reader_and_the_cards_atr(void **state)
{
	struct pcsc *ctx;
	struct channel *ch = connected(&ctx);

	(void)state;
	assert_string_equal(ch->name, NAME);
	assert_int_equal(ch->atr_len, sizeof atr);
	assert_memory_equal(ch->atr, atr, sizeof atr);
	assert_int_equal(pc.count[BEGIN] + pc.count[RECONNECT], 0);
	left(&ctx, &ch);
}

static void a_refused_connection_leaves_nothing_open(void **state)
{
	static const enum call calls[] = {CONNECT, STATUS};

	(void)state;
	for (size_t k = 0; k < COUNT(calls); k++)
		for (size_t i = 1; i < COUNT(code_rows); i++) {
			struct channel *ch = (struct channel *)&pc;
			struct pcsc *ctx = opened();

			pc.codes[calls[k]][0] = code_rows[i].code;
			assert_int_equal(pcsc_connect(ctx, NAME, &ch), code_rows[i].result);
			assert_null(ch);
			assert_int_equal(pc.count[DISCONNECT], calls[k] == STATUS ? 1 : 0);
			assert_int_equal(pc.leaving, SCARD_LEAVE_CARD);
			closed(&ctx);
		}
}

static void a_reset_while_connecting_costs_a_reconnect(void **state)
{
	static const LONG resets[] = {SCARD_W_RESET_CARD, SCARD_E_PROTO_MISMATCH};

	(void)state;
	for (size_t i = 0; i < COUNT(resets); i++) {
		struct pcsc *ctx = opened();
		struct channel *ch = NULL;

		pc.codes[STATUS][0] = resets[i];
		assert_int_equal(pcsc_connect(ctx, NAME, &ch), RESULT_OK);
		assert_int_equal(pc.count[RECONNECT], 1);
		assert_memory_equal(ch->atr, atr, sizeof atr);
		left(&ctx, &ch);
		ctx = opened();
		pc.codes[STATUS][0] = resets[i];
		pc.codes[RECONNECT][0] = SCARD_W_UNPOWERED_CARD;
		assert_int_equal(pcsc_connect(ctx, NAME, &ch), RESULT_CARD_MUTE);
		assert_null(ch);
		assert_int_equal(pc.count[DISCONNECT], 1);
		closed(&ctx);
	}
}

/* ---- transactions ---- */

static void a_transaction_ends_as_it_is_told(void **state)
{
	struct pcsc *ctx;
	struct channel *ch = connected(&ctx);
	bool was_reset = true;

	(void)state;
	for (int reset = 0; reset < 2; reset++) {
		assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
		assert_false(was_reset);
		assert_int_equal(channel_end(ch, reset), RESULT_OK);
		assert_int_equal(pc.end, reset ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
	}
	assert_int_equal(pc.count[BEGIN], 2);
	assert_int_equal(pc.count[END], 2);
	assert_int_equal(pc.count[RECONNECT], 0);
	left(&ctx, &ch);
}

static void with_a_connection_codes_are_about_the_card(void **state)
{
	(void)state;
	for (size_t i = 1; i < COUNT(code_rows); i++) {
		const enum result want = code_rows[i].with_card;
		struct pcsc *ctx;
		struct channel *ch = connected(&ctx);
		uint8_t answer[10];
		size_t len = 99;
		bool was_reset;

		pc.answer = "";
		pc.codes[BEGIN][0] = pc.codes[END][0] = pc.codes[TRANSMIT][0] = code_rows[i].code;
		assert_int_equal(channel_begin(ch, &was_reset), want);
		assert_false(was_reset);
		assert_int_equal(pc.count[BEGIN], 1);
		assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
		assert_int_equal(ch->ops->transmit(ch->self, (const uint8_t *)"abc", 3, answer,
						   sizeof answer, &len),
				 want);
		assert_int_equal(len, 0);
		assert_int_equal(channel_end(ch, true), want);
		assert_int_equal(pc.count[RECONNECT], 0);
		assert_int_equal(pc.count[END], 1);
		left_after(&ctx, &ch, want);
	}
}

/* Resets by others before our turn: we connect again, and say so. */
static void a_reset_before_our_turn_is_told(void **state)
{
	struct pcsc *ctx;
	struct channel *ch = connected(&ctx);
	bool was_reset = false;

	(void)state;
	pc.codes[BEGIN][0] = pc.codes[BEGIN][1] = SCARD_W_RESET_CARD;
	pc.codes[RECONNECT][1] = SCARD_W_RESET_CARD; /* another one, meanwhile */
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	assert_true(was_reset);
	assert_int_equal(pc.count[BEGIN], 3);
	assert_int_equal(pc.count[RECONNECT], 2);
	assert_int_equal(channel_end(ch, false), RESULT_OK);
	left(&ctx, &ch);
}

static void what_a_reconnect_finds_ends_the_wait_for_our_turn(void **state)
{
	(void)state;
	for (size_t i = 1; i < COUNT(code_rows); i++) {
		struct pcsc *ctx;
		struct channel *ch = connected(&ctx);
		bool was_reset = false;

		pc.codes[BEGIN][0] = SCARD_W_RESET_CARD;
		pc.codes[RECONNECT][0] = code_rows[i].code;
		assert_int_equal(channel_begin(ch, &was_reset), code_rows[i].with_card);
		assert_true(was_reset);
		assert_int_equal(pc.count[BEGIN], 1);
		assert_int_equal(pc.count[RECONNECT], 1);
		left(&ctx, &ch);
	}
}

static void resets_without_end_are_no_endless_wait(void **state)
{
	struct pcsc *ctx;
	struct channel *ch = connected(&ctx);
	bool was_reset = false;

	(void)state;
	for (size_t i = 0; i < ANSWERS; i++)
		pc.codes[BEGIN][i] = SCARD_W_RESET_CARD;
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_CARD_RESET);
	assert_true(was_reset);
	assert_int_equal(pc.count[BEGIN], 64); /* so many programs may log out before us */
	left(&ctx, &ch);
}

/* A handle that was not told of a reset yet lets nothing out of its transaction, nor resets. */
static void an_end_after_a_reset_is_said_again(void **state)
{
	static const struct {
		LONG reconnect, end;
		enum result result;
		unsigned ends;
	} rows[] = {{SCARD_S_SUCCESS, SCARD_S_SUCCESS, RESULT_OK, 2},
		    {SCARD_S_SUCCESS, SCARD_W_REMOVED_CARD, RESULT_CARD_REMOVED, 2},
		    {SCARD_S_SUCCESS, SCARD_E_NO_SMARTCARD, RESULT_CARD_REMOVED, 2},
		    {SCARD_W_REMOVED_CARD, SCARD_S_SUCCESS, RESULT_CARD_RESET, 1}};

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		const bool reset = i % 2;
		struct pcsc *ctx;
		struct channel *ch = connected(&ctx);
		bool was_reset;

		pc.codes[END][0] = SCARD_W_RESET_CARD;
		pc.codes[RECONNECT][0] = rows[i / 2].reconnect;
		pc.codes[END][1] = rows[i / 2].end;
		assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
		assert_int_equal(channel_end(ch, reset), rows[i / 2].result);
		assert_int_equal(pc.count[END], rows[i / 2].ends);
		assert_int_equal(pc.count[RECONNECT], 1);
		assert_int_equal(pc.end, reset ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
		left_after(&ctx, &ch, rows[i / 2].result);
	}
}

static void commands_go_out_in_the_protocol_of_the_last_connect(void **state)
{
	struct pcsc *ctx;
	struct channel *ch = connected(&ctx);
	uint8_t answer[10] = {0};
	bool was_reset;
	size_t len = 0;

	(void)state;
	pc.answer = "xy\x90";
	pc.answer_len = 4;
	assert_int_equal(ch->ops->transmit(ch->self, (const uint8_t *)"abc", 3, answer, sizeof answer, &len),
			 RESULT_OK);
	assert_int_equal(len, 4);
	assert_memory_equal(answer, "xy\x90\0", 4);
	assert_ptr_equal(pc.pci, SCARD_PCI_T1);
	pc.protocol = SCARD_PROTOCOL_T0;
	pc.codes[BEGIN][0] = SCARD_W_RESET_CARD;
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	assert_int_equal(ch->ops->transmit(ch->self, (const uint8_t *)"abc", 3, answer, sizeof answer, &len),
			 RESULT_OK);
	assert_ptr_equal(pc.pci, SCARD_PCI_T0);
	left(&ctx, &ch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_context_is_released_once),
		cmocka_unit_test(without_a_service_there_is_no_context),
		cmocka_unit_test(codes_have_their_results_in_either_width),
		cmocka_unit_test(names_stand_in_one_block),
		cmocka_unit_test(more_readers_than_there_is_room_for_are_left_out),
		cmocka_unit_test(that_there_is_no_reader_is_no_error),
		cmocka_unit_test(a_list_that_cannot_be_had_is_an_error_at_either_question),
		cmocka_unit_test(a_reader_that_comes_between_two_questions_is_in_the_list),
		cmocka_unit_test(states_are_asked_for_and_told_also_when_nothing_changed),
		cmocka_unit_test(for_ever_is_pcscs_for_ever_and_can_be_cancelled),
		cmocka_unit_test(a_change_is_more_than_that_somebody_uses_the_card),
		cmocka_unit_test(a_connection_knows_its_reader_and_the_cards_atr),
		cmocka_unit_test(a_refused_connection_leaves_nothing_open),
		cmocka_unit_test(a_reset_while_connecting_costs_a_reconnect),
		cmocka_unit_test(a_transaction_ends_as_it_is_told),
		cmocka_unit_test(with_a_connection_codes_are_about_the_card),
		cmocka_unit_test(a_reset_before_our_turn_is_told),
		cmocka_unit_test(what_a_reconnect_finds_ends_the_wait_for_our_turn),
		cmocka_unit_test(resets_without_end_are_no_endless_wait),
		cmocka_unit_test(an_end_after_a_reset_is_said_again),
		cmocka_unit_test(commands_go_out_in_the_protocol_of_the_last_connect),
	};

	return cmocka_run_group_tests_name("PC/SC", tests, NULL, NULL);
}
