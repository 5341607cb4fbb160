/*
 * Another program uses the same second-generation card between our calls: the
 * secure channel is lost, the login is re-established with one VERIFY and no
 * more, or dropped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apdu/scp03.h"
#include "gen2card.h"

static const uint8_t select_applet[] = {0x00, 0xA4, 0x04, 0x0C, 0x10, 0xA0, 0x00, 0x00,
					0x02, 0x83, 0x00, 0x00, 0x06, 0x22, 0x01, 0x69,
					0x64, 0x00, 0x01, 0x01, 0x01, 0x00};
static const uint8_t select_issuer[] = {0x00, 0xA4, 0x04, 0x00, 0x07, 0xA0,
					0x00, 0x00, 0x01, 0x51, 0x00, 0x00};
static const uint8_t select_root[] = {0x00, 0xA4, 0x00, 0x04, 0x02, 0x7F, 0xFF, 0x00};
static const uint8_t get_challenge[] = {0x00, 0x84, 0x00, 0x00, 0x08};
static const uint8_t initialize_update[] = {0x80, 0x50, 0x01, 0x00, 0x08, 1, 2,
					    3,    4,    5,    6,    7,    8, 0x00};
static const uint8_t forged[] = {0x84, 0xC1, 0x00, 0x80, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0x80};

static CK_OBJECT_HANDLE key;

static int setup(void **state)
{
	unsigned char sig[256];

	gen2_setup_login(state);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	assert_int_equal(sign_sha256(bench.session, key, "before", sig), CKR_OK);
	assert_int_equal(verifies(bench.card), 1);
	return 0;
}

static void assert_signs(const char *text)
{
	unsigned char sig[256];

	assert_int_equal(sign_sha256(bench.session, key, text, sig), CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, text, sig));
}

/* After what happened, the next signature costs this many VERIFYs, and the one after it none. */
static void assert_reestablished_with(unsigned count)
{
	unsigned before = verifies(bench.card);

	assert_signs("after");
	assert_int_equal(verifies(bench.card), before + count);
	assert_signs("and again");
	assert_int_equal(verifies(bench.card), before + count);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

static void assert_login_dropped(void)
{
	unsigned before = verifies(bench.card);
	unsigned char sig[256] = {0};
	CK_SESSION_INFO info;

	assert_int_not_equal(sign_sha256(bench.session, key, "again", sig), CKR_OK);
	assert_int_equal(verifies(bench.card), before);
	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_OK);
	assert_int_equal(info.state, CKS_RW_PUBLIC_SESSION);
}

/* ---- what another program does ---- */

static void nothing_costs_nothing(void **state)
{
	(void)state;
	assert_reestablished_with(0);
}

static void another_program_selects_the_applet(void **state)
{
	(void)state;
	fake_foreign_command(READER, select_applet, sizeof select_applet);
	assert_reestablished_with(1);
}

static void another_program_selects_another_application(void **state)
{
	(void)state;
	fake_foreign_command(READER, select_issuer, sizeof select_issuer);
	assert_reestablished_with(1);
}

static void another_program_selects_another_file(void **state)
{
	(void)state;
	fake_foreign_command(READER, select_root, sizeof select_root);
	assert_reestablished_with(1);
}

static void a_plain_command_that_the_card_does_not_mind_costs_nothing(void **state)
{
	(void)state;
	fake_foreign_command(READER, get_challenge, sizeof get_challenge);
	assert_reestablished_with(0);
}

static void a_plain_command_that_ends_the_channel_costs_one_verify(void **state)
{
	(void)state;
	gen2_behave(bench.card, WAY_PLAIN_ENDS_CHANNEL);
	fake_foreign_command(READER, get_challenge, sizeof get_challenge);
	assert_reestablished_with(1);
}

static void another_program_begins_a_channel(void **state)
{
	(void)state;
	fake_foreign_command(READER, select_applet, sizeof select_applet);
	fake_foreign_command(READER, initialize_update, sizeof initialize_update);
	assert_reestablished_with(1);
}

static void another_program_forges_a_command(void **state)
{
	(void)state;
	fake_foreign_command(READER, forged, sizeof forged);
	assert_reestablished_with(1);
}

static void another_program_resets_the_card(void **state)
{
	(void)state;
	fake_foreign_reset(READER);
	assert_reestablished_with(1);
	fake_foreign_reset(READER);
	fake_foreign_reset(READER);
	assert_reestablished_with(1);
}

/* A whole channel of its own, with the PIN, in the key directory: as we would have it. */

static enum result foreign_begin(void *self, bool *was_reset)
{
	(void)self;
	*was_reset = false;
	return RESULT_OK;
}

static enum result foreign_end(void *self, bool reset)
{
	(void)self;
	(void)reset;
	return RESULT_OK;
}

static void foreign_close(void *self)
{
	(void)self;
}

static enum result foreign_transmit(void *self, const uint8_t *apdu, size_t len, uint8_t *answer,
				    size_t cap, size_t *answer_len)
{
	return vcard_transmit(self, apdu, len, answer, cap, answer_len) == VCARD_ANSWERED
		       ? RESULT_OK
		       : RESULT_CARD_MUTE;
}

static void foreign_send(struct channel *ch, struct scp03 *s, const struct command *cmd)
{
	struct response resp = RESPONSE_INIT;

	assert_int_equal(scp03_transmit(ch, s, cmd, &resp), RESULT_OK);
	assert_int_equal(resp.sw, 0x9000);
	response_clear(&resp);
}

static void get_cin(uint8_t cin[VCARD_CIN_LEN])
{
	static const uint8_t get_data[] = {0x80, 0xCA, 0x00, 0x45, 0x00};
	uint8_t answer[VCARD_RESPONSE_MAX];
	size_t n;

	vcard_transmit(bench.card, select_issuer, sizeof select_issuer, answer, sizeof answer, &n);
	vcard_transmit(bench.card, get_data, sizeof get_data, answer, sizeof answer, &n);
	assert_int_equal(n, 2 + VCARD_CIN_LEN + 2);
	memcpy(cin, answer + 2, VCARD_CIN_LEN);
	vcard_transmit(bench.card, select_applet, sizeof select_applet, answer, sizeof answer, &n);
	assert_int_equal(answer[0] << 8 | answer[1], 0x9000);
}

static void another_program_has_a_channel_of_its_own(void **state)
{
	static const struct transport_ops ops = {foreign_begin, foreign_end, foreign_transmit,
						 foreign_close};
	static const uint8_t master[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	static const uint8_t tail[] = {0x53, 0x89, 0xC0, 0x00, 0x14};
	static const uint8_t pin[] = {'1', '2', '3', '4', '5', '6', 0xFF, 0xFF, 0xFF, 0xFF};
	static const uint8_t pki[] = {0x50, 0x30}, key_df[] = {0x08, 0x10};
	uint8_t cin[VCARD_CIN_LEN];
	struct scp03_keys keys;
	struct scp03 s = {.open = false};
	struct channel *ch;

	(void)state;
	assert_int_equal(channel_new(&ops, bench.card, "foreign", pin, 0, &ch), RESULT_OK);
	get_cin(cin);
	assert_int_equal(scp03_diversify(NULL, master, cin, tail, &keys), RESULT_OK);
	assert_int_equal(scp03_open(NULL, ch, &keys, NULL, &s), RESULT_OK);
	foreign_send(ch, &s, &(struct command){.ins = 0x20, .p2 = 1, .data = pin, .len = 10});
	foreign_send(ch, &s, &(struct command){.ins = 0xA4, .p2 = 4, .data = pki, .len = 2});
	foreign_send(ch, &s, &(struct command){.ins = 0xA4, .p2 = 4, .data = key_df, .len = 2});
	assert_true(vcard_channel_open(bench.card));
	assert_reestablished_with(1);
	scp03_release(&s);
	channel_free(&ch);
}

/* It does so before each of our transactions: each signature costs one VERIFY, none fails. */
static void disturb(void *context)
{
	(void)context;
	fake_foreign_command(READER, select_applet, sizeof select_applet);
}

static void another_program_interferes_all_the_time(void **state)
{
	(void)state;
	fake_on_begin(READER, disturb, NULL);
	for (unsigned i = 0; i < 10; i++) {
		unsigned before = verifies(bench.card);

		assert_signs("between");
		assert_int_equal(verifies(bench.card), before + 1);
	}
	fake_on_begin(READER, NULL, NULL);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

/* ---- another card, another PIN ---- */

/* What the reader is connected to may change without the reader noticing. */
static struct vcard *behind;

static size_t answer_behind(void *context, const uint8_t *cmd, size_t len,
			    uint8_t answer[FAKE_ANSWER_MAX])
{
	size_t n = 0;

	(void)context;
	if (vcard_transmit(behind, cmd, len, answer, FAKE_ANSWER_MAX, &n) != VCARD_ANSWERED)
		return 0;
	return n;
}

static void power_behind(void *context, bool on)
{
	(void)context;
	if (on)
		vcard_power_on(behind);
	else
		vcard_power_off(behind);
}

static void insert_behind(void)
{
	struct fake_card in_reader = {.answer = answer_behind, .power = power_behind};
	const uint8_t *atr = vcard_atr(behind, &in_reader.atr_len);

	memcpy(in_reader.atr, atr, in_reader.atr_len);
	fake_insert_card(READER, &in_reader);
}

static int setup_behind(void **state)
{
	static const uint8_t cin[VCARD_CIN_LEN] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	unsigned char sig[256];

	gen2_setup(state);
	vcard_set_cin(bench.card, cin);
	behind = bench.card;
	insert_behind();
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	assert_int_equal(sign_sha256(bench.session, key, "before", sig), CKR_OK);
	return 0;
}

/* The same card as far as one can see, but the PIN is another. */
static struct vcard *card_with_other_pin(void)
{
	static const uint8_t cin[VCARD_CIN_LEN] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	const struct vcard_options options = {.generation = 2,
					      .pin = WRONG_PIN,
					      .cin = cin,
					      .card_number = vcard_card_number(bench.card)};
	struct vcard *card = NULL;
	char error[200];

	if (!vcard_create(&options, &card, error, sizeof error))
		fail_msg("%s", error);
	return card;
}

static void a_pin_changed_meanwhile_drops_the_login_after_one_verify(void **state)
{
	struct vcard *changed = card_with_other_pin();
	unsigned char sig[256];

	(void)state;
	behind = changed;
	fake_foreign_reset(READER);
	assert_int_equal(sign_sha256(bench.session, key, "after", sig), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(verifies(changed), 1);
	assert_int_equal(vcard_tries_left(changed), 2);
	assert_login_dropped();
	assert_int_equal(verifies(changed), 1);
	assert_true(token_flags(bench.slot) & CKF_USER_PIN_COUNT_LOW);
	fake_eject(READER);
	vcard_free(&changed);
}

static void another_card_never_sees_the_pin(void **state)
{
	static const uint8_t cin[VCARD_CIN_LEN] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	struct vcard *other = gen2_load_other();
	unsigned char sig[256];
	CK_TOKEN_INFO info;

	(void)state;
	vcard_set_cin(other, cin);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK); /* its number is known */
	behind = other;
	fake_foreign_reset(READER);
	assert_int_not_equal(sign_sha256(bench.session, key, "after", sig), CKR_OK);
	assert_int_equal(verifies(other), 0);
	assert_login_dropped();
	assert_int_equal(verifies(other), 0);
	assert_int_equal(vcard_tries_left(other), 3);
	fake_eject(READER);
	vcard_free(&other);
}

/* Nobody asked for the token's data before; the card's own keys stop it. */
static void another_card_never_sees_the_pin_of_a_silent_program(void **state)
{
	static const uint8_t cin[VCARD_CIN_LEN] = {9, 9, 9, 4, 5, 6, 7, 8, 9, 10};
	struct vcard *other = gen2_load_other();
	unsigned char sig[256];

	(void)state;
	vcard_set_cin(other, cin);
	behind = other;
	fake_foreign_reset(READER);
	assert_int_not_equal(sign_sha256(bench.session, key, "after", sig), CKR_OK);
	assert_int_equal(verifies(other), 0);
	fake_eject(READER);
	vcard_free(&other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, gen2_teardown)
#define BEHIND_TEST(f) cmocka_unit_test_setup_teardown(f, setup_behind, gen2_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_costs_nothing),
		TEST(another_program_selects_the_applet),
		TEST(another_program_selects_another_application),
		TEST(another_program_selects_another_file),
		TEST(a_plain_command_that_the_card_does_not_mind_costs_nothing),
		TEST(a_plain_command_that_ends_the_channel_costs_one_verify),
		TEST(another_program_begins_a_channel),
		TEST(another_program_forges_a_command),
		TEST(another_program_resets_the_card),
		TEST(another_program_has_a_channel_of_its_own),
		TEST(another_program_interferes_all_the_time),
		BEHIND_TEST(a_pin_changed_meanwhile_drops_the_login_after_one_verify),
		BEHIND_TEST(another_card_never_sees_the_pin),
		BEHIND_TEST(another_card_never_sees_the_pin_of_a_silent_program),
	};

	return cmocka_run_group_tests_name("gppki and other programs", tests, NULL, NULL);
}
