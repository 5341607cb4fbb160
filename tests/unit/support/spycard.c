#include <string.h>

#include "gen2card.h"
#include "spycard.h"

static void count(struct spy *spy, uint8_t ins)
{
	spy->commands++;
	spy->verifies += ins == SPY_VERIFY;
	spy->private_ops += ins == SPY_PRIVATE_OP;
}

/* The fault whose turn it is. */
static enum spy_kind due(struct spy *spy, uint8_t ins)
{
	if (spy->fault.kind == SPY_CLEAN || (spy->ins != SPY_ANY && spy->ins != ins))
		return SPY_CLEAN;
	spy->seen++;
	if (spy->seen < spy->from || spy->seen > spy->to)
		return SPY_CLEAN;
	spy->struck = true;
	return spy->fault.kind;
}

static void swap(struct spy *spy)
{
	struct vcard *before = spy->card;

	spy->card = spy->other;
	spy->other = before;
	spy->swap_at_power = false;
}

static const struct {
	enum spy_kind kind;
	enum vcard_fault_kind fault;
} in_card[] = {
	{SPY_MUTE, VCARD_FAULT_DROP},
	{SPY_ONE_BYTE, VCARD_FAULT_TRUNCATE},
	{SPY_GARBLED, VCARD_FAULT_GARBLE},
	{SPY_STATUS, VCARD_FAULT_STATUS},
};

/* What happens before the card gets the command. */
static void tamper_before(struct spy *spy, enum spy_kind kind)
{
	for (size_t i = 0; i < COUNT(in_card); i++) {
		if (in_card[i].kind != kind)
			continue;
		vcard_fault(spy->card, 1, in_card[i].fault, spy->fault.sw);
		spy->rest_len = 0;
	}
	if (kind == SPY_SILENT_SWAP)
		swap(spy);
	if (kind == SPY_SILENT_RESET || kind == SPY_SILENT_SWAP) {
		vcard_power_on(spy->card);
		spy->rest_len = 0;
	}
}

/* ---- answers in parts ---- */

static void put_status(uint8_t *at, unsigned sw)
{
	at[0] = (uint8_t)(sw >> 8);
	at[1] = (uint8_t)sw;
}

/* How many bytes the next part has. */
static unsigned more(const struct spy *spy)
{
	const size_t left = spy->rest_len - 2 - spy->rest_at;

	return 0x6100 | (unsigned)(left < SPY_PART ? left : SPY_PART);
}

static size_t next_part(struct spy *spy, uint8_t answer[FAKE_ANSWER_MAX])
{
	const size_t left = spy->rest_len - 2 - spy->rest_at, n = left < SPY_PART ? left : SPY_PART;

	memcpy(answer, spy->rest + spy->rest_at, n);
	spy->rest_at += n;
	if (n < left) {
		put_status(answer + n, more(spy));
	} else {
		memcpy(answer + n, spy->rest + spy->rest_len - 2, 2);
		spy->rest_len = 0;
	}
	return n + 2;
}

/* Keeps data back, if there are any. */
static size_t keep_rest(struct spy *spy, uint8_t answer[FAKE_ANSWER_MAX], size_t len)
{
	spy->rest_len = spy->rest_at = 0;
	if (!spy->in_parts || len <= 2)
		return len;
	memcpy(spy->rest, answer, len);
	spy->rest_len = len;
	put_status(answer, more(spy));
	return 2;
}

/* 0: none. */
static size_t ask_card(struct spy *spy, const uint8_t *cmd, size_t len, uint8_t answer[FAKE_ANSWER_MAX])
{
	size_t n = 0;

	if (cmd[1] == SPY_GET_RESPONSE && spy->rest_len)
		return next_part(spy, answer);
	if (vcard_transmit(spy->card, cmd, len, answer, FAKE_ANSWER_MAX, &n) != VCARD_ANSWERED)
		return 0;
	return keep_rest(spy, answer, n);
}

static size_t spy_answer(void *context, const uint8_t *cmd, size_t len,
			 uint8_t answer[FAKE_ANSWER_MAX])
{
	struct spy *spy = context;
	enum spy_kind kind = due(spy, cmd[1]);
	size_t n;

	count(spy, cmd[1]);
	tamper_before(spy, kind);
	n = ask_card(spy, cmd, len, answer);
	if (n == 0 || kind == SPY_LOST)
		return 0;
	if (kind == SPY_SPOILT)
		return spy->spoil(answer, n);
	if (kind == SPY_WARNING && n >= 2 && answer[n - 2] == 0x90 && answer[n - 1] == 0x00) {
		answer[n - 2] = (uint8_t)(spy->fault.sw >> 8);
		answer[n - 1] = (uint8_t)spy->fault.sw;
	}
	return n;
}

static void spy_power(void *context, bool on)
{
	struct spy *spy = context;

	spy->rest_len = 0;
	if (!on) {
		vcard_power_off(spy->card);
		return;
	}
	if (spy->swap_at_power)
		swap(spy);
	vcard_power_on(spy->card);
}

void spy_insert(struct spy *spy, const char *reader, struct vcard *card)
{
	struct fake_card in_reader = {.answer = spy_answer, .power = spy_power, .context = spy};
	const uint8_t *atr = vcard_atr(card, &in_reader.atr_len);

	memcpy(in_reader.atr, atr, in_reader.atr_len);
	*spy = (struct spy){.card = card};
	fake_insert_card(reader, &in_reader);
}

/* A session with the spy's card, in the reader that is there. */
static void begin(struct spy *spy)
{
	spy_insert(spy, READER, bench.card);
	module_start();
	bench.slot = slot_of(READER);
	bench.session = open_session(bench.slot);
}

void spy_bench(struct spy *spy, int generation)
{
	memset(&bench, 0, sizeof bench);
	keyset_install();
	log_level("none");
	fake_clear();
	bench.card = generation == 1 ? testcard_load() : gen2_load();
	fake_add_reader(READER);
	begin(spy);
}

void spy_bench_again(struct spy *spy)
{
	C_Finalize(NULL);
	testcard_freshen(bench.card);
	begin(spy);
}

void spy_watch(struct spy *spy)
{
	static const struct spy_fault none = {"none", SPY_CLEAN, 0};

	spy->commands = spy->verifies = spy->private_ops = 0;
	spy_strike(spy, &none, SPY_ANY, 1, 1);
}

void spy_strike(struct spy *spy, const struct spy_fault *fault, int ins, unsigned nth, unsigned times)
{
	spy->fault = *fault;
	spy->ins = ins;
	spy->from = nth;
	spy->to = nth + (times - 1);
	spy->seen = 0;
	spy->struck = false;
}

static bool can_sign(const char *reader)
{
	static const uint8_t selects[][7] = {{0x80, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00},
					     {0x80, 0xA4, 0x00, 0x00, 0x02, 0x50, 0x30},
					     {0x80, 0xA4, 0x00, 0x00, 0x02, 0x08, 0x10}};
	const uint8_t half[5 + 128] = {0x80, 0xEA, 0x82, KEY_SIGN, 0x80};

	for (size_t i = 0; i < COUNT(selects); i++)
		if (fake_foreign_command(reader, selects[i], sizeof selects[i]) != 0x9000)
			return false;
	return fake_foreign_command(reader, half, sizeof half) == 0x9000;
}

bool spy_stranger_can_sign(struct spy *spy, const char *reader)
{
	const struct spy before = *spy;
	bool can;

	if (vcard_generation(spy->card) == 2)
		return vcard_verified(spy->card);
	spy->fault.kind = SPY_CLEAN;
	spy->in_parts = false;
	can = can_sign(reader);
	*spy = before;
	return can;
}
