#include <string.h>

#include <winscard.h>

#include "clock.h"
#include "fault.h"

#define SILENCE 3000 /* ms */
enum { INS_CHANGE = 0x24 };

static struct {
	const struct strike *strikes;
	size_t count, struck;
	unsigned commands;
	uint8_t ins[2];   /* of those that were struck */
	uint16_t tail[2]; /* of answers without a status word: what is taken for one */
} armed;

static void strike(void *context, const uint8_t *cmd, size_t len);

/* ---- answers ---- */

static size_t status_only(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	memmove(answer, answer + len - 2, 2);
	return 2;
}

static size_t half_of_the_data(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	const size_t half = (len - 2) / 2;

	memmove(answer + half, answer + len - 2, 2);
	return half + 2;
}

static size_t one_byte_short(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	if (len > 2)
		memmove(answer + len - 3, answer + len - 2, 2);
	return len > 2 ? len - 1 : len;
}

static size_t one_byte_long(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	memmove(answer + len - 1, answer + len - 2, 2);
	answer[len - 2] = 0;
	return len + 1;
}

static size_t without_status(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	if (len > 3)
		armed.tail[armed.struck - 1] = (uint16_t)(answer[len - 4] << 8 | answer[len - 3]);
	return len > 2 ? len - 2 : 1;
}

static size_t first_bit(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	if (len > 2)
		answer[0] ^= 0x80;
	return len;
}

static size_t middle_bit(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	if (len > 2)
		answer[(len - 2) / 2] ^= 0x01;
	return len;
}

static size_t last_bit(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	if (len > 2)
		answer[len - 3] ^= 0x01;
	return len;
}

static size_t zeros(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	memset(answer, 0x00, len - 2);
	return len;
}

static size_t ones(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	memset(answer, 0xFF, len - 2);
	return len;
}

/* A directory's record, as one of a kind that is not known. */
static size_t other_kind(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	if (answer[0] == 0x30)
		answer[0] = 0xB0;
	return len;
}

static size_t backwards(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	for (size_t i = 0; len > 2 && i < (len - 2) / 2; i++) {
		const uint8_t kept = answer[i];

		answer[i] = answer[len - 3 - i];
		answer[len - 3 - i] = kept;
	}
	return len;
}

/* More than any answer has: what is beyond the buffer is the caller's trouble. */
static size_t much_too_long(uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	(void)len;
	memset(answer, 0x30, FAKE_ANSWER_MAX);
	memcpy(answer + FAKE_ANSWER_MAX - 2, "\x90", 2);
	return FAKE_ANSWER_MAX;
}

/* ---- reader and service ---- */

static void foreign_reset(void)
{
	fake_foreign_reset(READER);
}

static void pull(void)
{
	fake_eject(READER);
}

static void pull_in_answer(void)
{
	fake_eject_in_answer(READER);
}

/* Out and in again before anybody looks. */
static void pull_and_insert(void)
{
	fake_eject(READER);
	scene_insert();
}

static void break_connection(void)
{
	fake_break_handles(READER, SCARD_F_COMM_ERROR);
}

static void unplug(void)
{
	fake_remove_reader(READER);
}

static void plug_in(void)
{
	fake_add_reader(READER);
	scene_insert();
}

static void unplug_and_plug_in(void)
{
	unplug();
	plug_in();
	fake_on_command(READER, strike, NULL);
}

static void be_silent(void)
{
	clock_pass(SILENCE);
}

#define FAILS(name, code)                                                                          \
	static void name(void)                                                                     \
	{                                                                                          \
		fake_fail(READER, 1, code);                                                        \
	}

FAILS(comm_error, SCARD_F_COMM_ERROR)
FAILS(not_transacted, SCARD_E_NOT_TRANSACTED)
FAILS(timeout, SCARD_E_TIMEOUT)
FAILS(cancelled, SCARD_E_CANCELLED)
FAILS(internal_error, SCARD_F_INTERNAL_ERROR)
FAILS(unpowered, SCARD_W_UNPOWERED_CARD)
FAILS(unresponsive, SCARD_W_UNRESPONSIVE_CARD)
FAILS(sharing, SCARD_E_SHARING_VIOLATION)
FAILS(no_memory, SCARD_E_NO_MEMORY)
FAILS(small_buffer, SCARD_E_INSUFFICIENT_BUFFER)

static void silence_and_error(void)
{
	be_silent();
	comm_error();
}

/* ---- all of them ---- */

#define STATUS(sw, blame) {"not done: " #sw, blame, SPY_STATUS, 0x##sw, 1, NULL, NULL, NULL, false, false}
#define WARNING(sw, blame) {"done: " #sw, blame, SPY_WARNING, 0x##sw, 1, NULL, NULL, NULL, false, false}
#define ANSWER(name, spoil) {name, BLAME_CARD, SPY_SPOILT, 0, 1, spoil, NULL, NULL, false, false}
#define LIE(name, spoil) {name, BLAME_ANYBODY, SPY_SPOILT, 0, 1, spoil, NULL, pull_and_insert, true, false}
#define STATUS_LIE(name, sw, times)                                                                \
	{name, BLAME_ANYBODY, SPY_STATUS, sw, times, NULL, NULL, pull_and_insert, true, false}
#define READER_FAULT(name, blame, happen, mend) {name, blame, SPY_CLEAN, 0, 1, NULL, happen, mend, false, false}

const struct fault faults[] = {
	{"lost answer", BLAME_CARD, SPY_LOST, 0, 1, NULL, NULL, NULL, false, false},
	{"lost answer, then mute", BLAME_CARD, SPY_MUTE, 0, 1, NULL, NULL, foreign_reset, false, false},
	{"one byte", BLAME_CARD, SPY_ONE_BYTE, 0, 1, NULL, NULL, NULL, false, false},
	{"garbled", BLAME_CARD, SPY_GARBLED, 0, 1, NULL, NULL, NULL, false, false},
	STATUS(6F00, BLAME_CARD),
	STATUS(6982, BLAME_CARD),
	STATUS(6A82, BLAME_CARD),
	WARNING(6282, BLAME_CARD),
	{"silent reset", BLAME_CARD, SPY_SILENT_RESET, 0, 1, NULL, NULL, NULL, false, false},
	STATUS(6300, BLAME_CARD),
	STATUS(63C2, BLAME_PIN),
	STATUS(63C0, BLAME_PIN),
	STATUS(6400, BLAME_CARD),
	STATUS(6581, BLAME_CARD),
	STATUS(6700, BLAME_CARD),
	STATUS(6983, BLAME_PIN),
	STATUS(6985, BLAME_CARD),
	STATUS(6A86, BLAME_CARD),
	STATUS(6A88, BLAME_CARD),
	STATUS(6B00, BLAME_CARD),
	STATUS(6C10, BLAME_CARD),
	STATUS(6D00, BLAME_COMMAND),
	STATUS(6E00, BLAME_COMMAND),
	STATUS(6282, BLAME_CARD),
	WARNING(6283, BLAME_CARD),
	WARNING(6F00, BLAME_CARD),
	WARNING(6D00, BLAME_COMMAND),
	{"three times 6F00", BLAME_CARD, SPY_STATUS, 0x6F00, 3, NULL, NULL, NULL, false, false},
	STATUS_LIE("not done: 9000", 0x9000, 1),
	STATUS_LIE("not done: 6100", 0x6100, 1),
	STATUS_LIE("6110 for ever", 0x6110, SPY_EVER),
	STATUS_LIE("6C01 for ever", 0x6C01, SPY_EVER),
	ANSWER("status word only", status_only),
	ANSWER("half of the data", half_of_the_data),
	ANSWER("one byte short", one_byte_short),
	ANSWER("one byte long", one_byte_long),
	ANSWER("no status word", without_status),
	LIE("the first bit", first_bit),
	LIE("a bit in the middle", middle_bit),
	LIE("the last bit", last_bit),
	LIE("zeros", zeros),
	LIE("ones", ones),
	LIE("backwards", backwards),
	{"a record of another kind", BLAME_ANYBODY, SPY_SPOILT, 0, 1, other_kind, NULL, pull_and_insert, true, true},
	ANSWER("much too long", much_too_long),
	READER_FAULT("reset by a program", BLAME_CARD, foreign_reset, NULL),
	READER_FAULT("card pulled", BLAME_GONE, pull, scene_insert),
	READER_FAULT("card pulled in the answer", BLAME_GONE, pull_in_answer, scene_insert),
	{"card pulled, its answer lost", BLAME_GONE, SPY_LOST, 0, 1, NULL, pull_in_answer, scene_insert, false, false},
	READER_FAULT("card out and in", BLAME_GONE, pull_and_insert, NULL),
	READER_FAULT("reader unplugged", BLAME_GONE, unplug, plug_in),
	READER_FAULT("reader out and in", BLAME_GONE, unplug_and_plug_in, NULL),
	READER_FAULT("service stopped", BLAME_GONE, fake_service_stop, fake_service_start),
	READER_FAULT("3 s of silence", BLAME_NOBODY, be_silent, NULL),
	READER_FAULT("3 s of silence, then an error", BLAME_CARD, silence_and_error, NULL),
	READER_FAULT("reader: communication", BLAME_CARD, comm_error, NULL),
	READER_FAULT("reader: connection broken", BLAME_CARD, break_connection, NULL),
	READER_FAULT("reader: not transacted", BLAME_CARD, not_transacted, NULL),
	READER_FAULT("reader: timeout", BLAME_CARD, timeout, NULL),
	READER_FAULT("reader: cancelled", BLAME_CARD, cancelled, NULL),
	READER_FAULT("reader: internal", BLAME_CARD, internal_error, NULL),
	READER_FAULT("reader: no power", BLAME_CARD, unpowered, NULL),
	READER_FAULT("reader: unresponsive card", BLAME_CARD, unresponsive, NULL),
	READER_FAULT("reader: held by another", BLAME_CARD, sharing, NULL),
	READER_FAULT("reader: no memory", BLAME_MEMORY, no_memory, NULL),
	READER_FAULT("reader: buffer too small", BLAME_CARD, small_buffer, NULL),
};

const size_t fault_count = COUNT(faults);

const struct fault *fault_find(const char *name)
{
	for (size_t i = 0; i < fault_count; i++)
		if (strcmp(faults[i].name, name) == 0)
			return &faults[i];
	return NULL;
}

/* ---- striking ---- */

/*
 * A card that says it has the new PIN and has not: whoever believes it, as all
 * must, loses a try with his next login. That lie is not told.
 */
static bool deceives_owner(const struct fault *fault, uint8_t ins)
{
	return ins == INS_CHANGE && fault->lie && (fault->sw == 0x9000 || fault->sw == 0x6100);
}

/* Before each command that gets to the reader. */
static void strike(void *context, const uint8_t *cmd, size_t len)
{
	const struct strike *next = &armed.strikes[armed.struck];

	(void)context;
	armed.commands++;
	if (armed.struck == armed.count || armed.commands < next->command ||
	    deceives_owner(next->fault, len > 1 ? cmd[1] : 0))
		return;
	armed.tail[armed.struck] = 0;
	armed.ins[armed.struck++] = len > 1 ? cmd[1] : 0;
	if (next->fault->happen)
		next->fault->happen();
	if (next->fault->kind == SPY_CLEAN)
		return;
	scene_spy.spoil = next->fault->spoil;
	spy_strike(&scene_spy,
		   &(struct spy_fault){next->fault->name, next->fault->kind, next->fault->sw}, SPY_ANY, 1,
		   next->fault->times);
}

void fault_arm(const struct strike *strikes, size_t count)
{
	armed.strikes = strikes;
	armed.count = count;
	armed.struck = 0;
	armed.commands = 0;
	fake_on_command(READER, strike, NULL);
}

size_t fault_disarm(void)
{
	armed.count = armed.struck;
	scene_spy.fault.kind = SPY_CLEAN;
	return armed.struck;
}

unsigned fault_commands(void)
{
	return armed.commands;
}

/* Keys and signatures end in any bytes. */
static bool says_no_such_command(uint16_t sw)
{
	return sw >> 8 == 0x6D || sw >> 8 == 0x6E || sw == 0x6A81;
}

/* Only a command with a PIN can say something of it, and GET RESPONSE nothing of the command before it. */
enum fault_blame fault_blame(size_t which)
{
	const enum fault_blame said = armed.strikes[which].fault->blame;
	const enum fault_blame blame = says_no_such_command(armed.tail[which]) ? BLAME_COMMAND : said;
	const uint8_t ins = armed.ins[which];

	if (blame == BLAME_PIN && ins != SPY_VERIFY && ins != INS_CHANGE)
		return BLAME_CARD;
	return blame == BLAME_COMMAND && ins == SPY_GET_RESPONSE ? BLAME_CARD : blame;
}

/* The last one first: a reader that is gone must be there again before its card can be reset. */
void fault_mend(void)
{
	for (size_t i = armed.struck; i-- > 0;)
		if (armed.strikes[i].fault->mend)
			armed.strikes[i].fault->mend();
	fake_fail(READER, 0, 0);
}
