#include <string.h>

#include "faultcard.h"
#include "gen2card.h"

static const char *const names[MOMENTS] = {
	[MOMENT_NONE] = "nothing wrong", [MOMENT_NOTHING] = "an answer of no bytes",
	[MOMENT_MUTE] = "no answer",     [MOMENT_ONE_BYTE] = "one byte",
	[MOMENT_GARBLED] = "garbled",    [MOMENT_6F00] = "6F00",
	[MOMENT_6982] = "6982",          [MOMENT_6A82] = "6A82",
	[MOMENT_IDLE_6282] = "6282 without doing it",
	[MOMENT_6282] = "6282 with data", [MOMENT_CUT] = "half of the data",
	[MOMENT_RESET] = "a reset",
};

static const uint16_t words[MOMENTS] = {
	[MOMENT_6F00] = 0x6F00, [MOMENT_6982] = 0x6982, [MOMENT_6A82] = 0x6A82,
	[MOMENT_IDLE_6282] = 0x6282};

const char *moment_name(enum moment m)
{
	return names[m];
}

uint16_t moment_sw(enum moment m)
{
	return words[m];
}

static enum result answer_word(uint16_t sw, uint8_t *answer, size_t *len)
{
	answer[0] = (uint8_t)(sw >> 8);
	answer[1] = (uint8_t)sw;
	*len = 2;
	return RESULT_OK;
}

static enum result spoil(enum moment moment, uint8_t *answer, size_t *len)
{
	switch (moment) {
	case MOMENT_NOTHING:
		*len = 0;
		return RESULT_OK;
	case MOMENT_MUTE:
		*len = 0;
		return RESULT_CARD_MUTE;
	case MOMENT_ONE_BYTE:
		*len = 1;
		return RESULT_OK;
	case MOMENT_GARBLED:
		if (*len == 2)
			answer[1] ^= 0x55;
		for (size_t i = 0; i + 2 < *len; i++)
			answer[i] ^= 0x55;
		return RESULT_OK;
	case MOMENT_6282:
		memcpy(answer + *len - 2, "\x62\x82", 2);
		return RESULT_OK;
	case MOMENT_CUT:
		*len = (*len - 2) / 2 + 2;
		memcpy(answer + *len - 2, "\x90\x00", 2);
		return RESULT_OK;
	default:
		return RESULT_OK;
	}
}

static void keep_command(struct faultcard *f, const uint8_t *cmd, size_t len)
{
	assert_true(len <= sizeof f->command);
	memcpy(f->command, cmd, len);
	f->command_len = len;
}

static enum result answer(void *context, const uint8_t *cmd, size_t len, uint8_t *out, size_t cap,
			  size_t *out_len)
{
	struct faultcard *f = context;
	bool counts = f->at && (f->ins == ANY_INS || f->ins == cmd[1]);
	bool strikes = counts && ++f->counted >= f->at && f->counted <= f->at + f->more;
	uint16_t sw = f->sw ? f->sw : words[f->moment];

	f->sent[cmd[1]]++;
	if (f->keep == cmd[1])
		keep_command(f, cmd, len);
	if (strikes && sw)
		return answer_word(sw, out, out_len);
	if (strikes && f->moment == MOMENT_RESET)
		vcard_reset(f->vcard);
	if (vcard_transmit(f->vcard, cmd, len, out, cap, out_len) != VCARD_ANSWERED)
		return RESULT_CARD_MUTE;
	if (f->keep == cmd[1]) {
		memcpy(f->answer, out, *out_len);
		f->answer_len = *out_len;
	}
	if (strikes && f->flip)
		out[0] ^= 0x01;
	return strikes ? spoil(f->moment, out, out_len) : RESULT_OK;
}

void faultcard_load(struct faultcard *f, int generation)
{
	*f = (struct faultcard){.generation = generation, .keep = ANY_INS};
	home_make();
	keyset_install();
	f->vcard = generation == 1 ? testcard_load() : gen2_load();
}

enum result faultcard_open(struct faultcard *f)
{
	const char *const dirs[] = {home_path("keysets"), NULL};
	static const char *kept[2];
	struct card_options options = {.keyset_dirs = kept};
	struct channel *ch;
	const uint8_t *atr;
	enum result r;

	kept[0] = dirs[0];
	card_free(&f->card);
	vcard_power_on(f->vcard);
	vcard_reset(f->vcard);
	ch = wire_function(&f->wire, answer, f);
	atr = vcard_atr(f->vcard, &ch->atr_len);
	memcpy(ch->atr, atr, ch->atr_len);
	r = card_open(ch, &options, &f->card);
	assert_true((r == RESULT_OK) == (f->card != NULL));
	return r;
}

void faultcard_must_open(struct faultcard *f)
{
	f->at = 0;
	assert_int_equal(faultcard_open(f), RESULT_OK);
	faultcard_next_call(f);
}

void faultcard_next_call(struct faultcard *f)
{
	bool was_reset;

	(void)!card_end(f->card, false);
	assert_int_equal(card_begin(f->card, &was_reset), RESULT_OK);
}

void faultcard_strike(struct faultcard *f, enum moment moment, int ins, unsigned nth)
{
	f->moment = moment;
	f->ins = ins;
	f->at = nth;
	f->counted = 0;
	f->sw = 0;
	f->more = 0;
	f->flip = false;
}

void faultcard_clear(struct faultcard *f)
{
	card_free(&f->card);
	vcard_free(&f->vcard);
}
