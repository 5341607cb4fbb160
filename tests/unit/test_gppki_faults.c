/*
 * Trouble at every single command of a login and two signatures: no crash, no
 * PIN try lost, no second VERIFY, and no signature that is wrong. The card is
 * as good as new afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen2card.h"

#define POSITIONS 60 /* more than login and two signatures have */

struct trouble {
	const char *name;
	enum vcard_fault_kind kind;
	uint16_t sw;
	unsigned ways;
};

static const struct trouble *trouble; /* of the test that runs */

static const struct trouble troubles[] = {
	{"a garbled answer", VCARD_FAULT_GARBLE, 0, 0},
	{"a garbled answer, every way", VCARD_FAULT_GARBLE, 0, WAYS - 1},
	{"a truncated answer", VCARD_FAULT_TRUNCATE, 0, 0},
	{"no answer", VCARD_FAULT_DROP, 0, 0},
	{"no answer, PIN state lost", VCARD_FAULT_DROP, 0, WAY_PIN_LOST},
	{"6F00", VCARD_FAULT_STATUS, 0x6F00, 0},
	{"6982", VCARD_FAULT_STATUS, 0x6982, 0},
	{"6982, every way", VCARD_FAULT_STATUS, 0x6982, WAYS - 1},
	{"6985", VCARD_FAULT_STATUS, 0x6985, WAY_PLAIN_ENDS_CHANNEL},
	{"6988", VCARD_FAULT_STATUS, 0x6988, 0},
	{"6A82", VCARD_FAULT_STATUS, 0x6A82, 0},
	{"6E00", VCARD_FAULT_STATUS, 0x6E00, 0},
	{"6700", VCARD_FAULT_STATUS, 0x6700, 0},
	{"6C10", VCARD_FAULT_STATUS, 0x6C10, 0},
	{"6110", VCARD_FAULT_STATUS, 0x6110, 0},
	{"9000 without doing it", VCARD_FAULT_STATUS, 0x9000, 0},
};

static int setup(void **state)
{
	trouble = *state;
	return gen2_setup(state);
}

/* A call that the fault may have made fail; it must not have cost more than one VERIFY. */
static void assert_one_verify_at_most(unsigned before)
{
	assert_in_range(verifies(bench.card), before, before + 1);
}

static void try_signature(const char *text)
{
	CK_OBJECT_HANDLE found[4];
	CK_OBJECT_CLASS klass = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass}, {CKA_ID, (char *)"SIGN", 4}};
	unsigned before = verifies(bench.card);
	unsigned char sig[256];
	CK_ULONG count = 0;

	if (C_FindObjectsInit(bench.session, template, COUNT(template)) != CKR_OK)
		return;
	if (C_FindObjects(bench.session, found, COUNT(found), &count) != CKR_OK)
		count = 0;
	C_FindObjectsFinal(bench.session);
	if (count && sign_sha256(bench.session, found[0], text, sig) == CKR_OK)
		assert_true(is_signature(bench.card, KEY_SIGN, text, sig));
	assert_one_verify_at_most(before);
}

static void use_card(void)
{
	unsigned before = verifies(bench.card);
	CK_TOKEN_INFO info;

	C_GetTokenInfo(bench.slot, &info);
	if (C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &bench.session) != CKR_OK)
		return;
	login(bench.session, PIN);
	assert_one_verify_at_most(before);
	try_signature("first");
	try_signature("second");
}

/* Everything anew, without a fault. */
static void assert_card_is_good(void)
{
	unsigned char sig[256];

	module_stop();
	fake_eject(READER);
	vcard_fault(bench.card, 0, VCARD_FAULT_NONE, 0);
	fake_insert(READER, bench.card);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	module_start();
	bench.slot = slot_of(READER);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(sign_sha256(bench.session,
				     find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), "after", sig),
			 CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, "after", sig));
	assert_int_equal(C_CloseAllSessions(bench.slot), CKR_OK);
	module_stop();
	fake_eject(READER);
	fake_insert(READER, bench.card);
	module_start();
	bench.slot = slot_of(READER);
}

static void trouble_at_every_command(void **state)
{
	unsigned commands;

	(void)state;
	gen2_behave(bench.card, trouble->ways);
	use_card();
	commands = fake_commands(READER);
	assert_in_range(commands, 30, POSITIONS);
	assert_card_is_good();
	for (unsigned at = 1; at <= commands; at++) {
		vcard_fault(bench.card, at, trouble->kind, trouble->sw);
		use_card();
		if (vcard_tries_left(bench.card) != 3)
			fail_msg("a try was lost by %s at command %u", trouble->name, at);
		assert_card_is_good();
	}
}

/* The reader itself fails instead of the card. */
static void a_failing_reader_at_every_command(void **state)
{
	static const long codes[] = {(long)0x80100016, (long)0x8010002F, (long)0x80100001};

	(void)state;
	for (size_t code = 0; code < COUNT(codes); code++) {
		for (unsigned skip = 0; skip < 6; skip++) {
			fake_fail(READER, 1 + skip, codes[code]);
			use_card();
			fake_fail(READER, 0, 0);
			assert_int_equal(vcard_tries_left(bench.card), 3);
			assert_card_is_good();
		}
	}
}

/* Pulls the card before the nth command. */
static struct {
	unsigned left;
	bool reset; /* another program resets it instead */
} accident;

static void on_command(void *context, const uint8_t *cmd, size_t len)
{
	(void)context;
	(void)cmd;
	(void)len;
	if (!accident.left || --accident.left)
		return;
	if (accident.reset)
		fake_foreign_reset(READER);
	else
		fake_eject(READER);
}

static void accident_at_every_command(bool reset)
{
	for (unsigned at = 1; at <= 40; at++) {
		fake_on_command(READER, on_command, NULL);
		accident.left = at;
		accident.reset = reset;
		use_card();
		accident.left = 0;
		fake_on_command(READER, NULL, NULL);
		assert_int_equal(vcard_tries_left(bench.card), 3);
		assert_card_is_good();
	}
}

static void pulling_the_card_at_every_command(void **state)
{
	(void)state;
	accident_at_every_command(false);
}

static void a_reset_at_every_command(void **state)
{
	(void)state;
	accident_at_every_command(true);
}

int main(void)
{
	static char names[COUNT(troubles)][120];
	struct CMUnitTest tests[COUNT(troubles) + 3];
	size_t count = 0;

	for (; count < COUNT(troubles); count++) {
		snprintf(names[count], sizeof names[0], "at every command: %s", troubles[count].name);
		tests[count] = (struct CMUnitTest){names[count], trouble_at_every_command, setup,
						   gen2_teardown, (void *)&troubles[count]};
	}
	tests[count++] = (struct CMUnitTest)GEN2_TEST(a_failing_reader_at_every_command);
	tests[count++] = (struct CMUnitTest)GEN2_TEST(pulling_the_card_at_every_command);
	tests[count++] = (struct CMUnitTest)GEN2_TEST(a_reset_at_every_command);
	return _cmocka_run_group_tests("gppki faults", tests, count, NULL, NULL);
}
