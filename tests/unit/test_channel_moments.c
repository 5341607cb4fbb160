/* One bad moment of the second generation's secure channel, and while it is opened: what is told, and what is not sent. */
#include <string.h>

#include "faultcard.h"
#include "profiles/internal.h"

static struct faultcard f;

/* ---- a secure channel that is gone ---- */

static unsigned commands_of_an_operation(uint8_t in[256], uint8_t out[256])
{
	unsigned before = f.wire.commands;

	assert_int_equal(card_private_op(f.card, KEY_SIGN, in, out), RESULT_OK);
	return f.wire.commands - before;
}

/* In whatever words the card says so: the PIN once more, and it works. */
static void a_lost_channel_is_told_as_a_lost_login(void **state)
{
	static const uint16_t words[] = {0x6982, 0x6983, 0x6985, 0x6988, 0x6881, 0x6882, 0x6A86,
					 0x6700, 0x6F00, 0x6A82, 0x6A88, 0x6D00, 0x6E00};
	uint8_t in[256] = {0, 1, 2, 3}, out[256];
	unsigned commands = 1;
	int tries;

	(void)state;
	faultcard_load(&f, 2);
	for (size_t i = 0; i < COUNT(words); i++) {
		for (unsigned nth = 1; nth <= commands; nth++) {
			faultcard_must_open(&f);
			assert_int_equal(card_verify_pin(f.card, (const uint8_t *)PIN, 6, &tries), RESULT_OK);
			faultcard_next_call(&f);
			faultcard_strike(&f, MOMENT_NONE, ANY_INS, nth);
			f.sw = words[i];
			assert_int_equal(card_private_op(f.card, KEY_SIGN, in, out),
					 RESULT_SECURITY_STATUS);
			assert_int_equal(f.counted, nth); /* and nothing after it */
			assert_true(card_wants_pin_again(f.card));
			f.at = 0;
			assert_int_equal(card_verify_pin(f.card, (const uint8_t *)PIN, 6, &tries), RESULT_OK);
			commands = commands_of_an_operation(in, out);
			assert_int_equal(commands, 5);
		}
	}
	assert_int_equal(vcard_tries_left(f.vcard), 3);
	faultcard_clear(&f);
}

/* ---- one that is not opened ---- */

/* What the keys are made from is not to be had: no channel is tried, and no PIN told. */
static void without_what_makes_the_keys_no_channel_is_opened(void **state)
{
	static const struct {
		enum moment moment;
		int ins;
		enum result result;
	} rows[] = {
		{MOMENT_GARBLED, 0xCA, RESULT_BAD_ANSWER},
		{MOMENT_6A82, 0xCA, RESULT_CHANNEL},    {MOMENT_6982, 0xCA, RESULT_CHANNEL},
		{MOMENT_6A82, 0xA4, RESULT_CHANNEL},    {MOMENT_MUTE, 0xCA, RESULT_CARD_MUTE},
	};

	(void)state;
	faultcard_load(&f, 2);
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (unsigned nth = 1; nth <= 2; nth++) {
			unsigned updates = f.sent[0x50], verifies = f.sent[0x20];
			int tries;

			faultcard_must_open(&f);
			faultcard_strike(&f, rows[i].moment, rows[i].ins, nth);
			assert_int_equal(card_verify_pin(f.card, (const uint8_t *)PIN, strlen(PIN), &tries),
					 rows[i].result);
			assert_int_equal(f.sent[0x50], updates);
			assert_int_equal(f.sent[0x20], verifies);
			assert_int_equal(card_verify_pin(f.card, (const uint8_t *)PIN, strlen(PIN), &tries),
					 RESULT_OK);
		}
	}
	faultcard_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_channel_is_told_as_a_lost_login),
		cmocka_unit_test(without_what_makes_the_keys_no_channel_is_opened),
	};

	return cmocka_run_group_tests_name("one bad moment of a secure channel", tests, NULL, NULL);
}
