/*
 * A new PIN, from the card library up to C_SetPIN, on both generations: one
 * command, never a second; nothing at all where it is refused; and what holds
 * for the card and for logins afterwards, also when the answer is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "faultcard.h"
#include "gen2card.h"
#include "profiles/internal.h"
#include "spycard.h"
#include "src/token/pin_watch.h"

#define NEW_PIN "N3wP1n"
#define CODE "87654321"
#define INS_VERIFY 0x20
#define INS_CHANGE 0x24
#define INS_UNBLOCK 0x2C

#define BYTES(text) ((const uint8_t *)(text)), strlen(text)

/* ---- the card library ---- */

static struct faultcard f;

static int setup_card(void **state)
{
	faultcard_load(&f, (int)(uintptr_t)*state);
	faultcard_must_open(&f);
	f.card->options.allow_unproven = true;
	return 0;
}

static int teardown_card(void **state)
{
	(void)state;
	faultcard_clear(&f);
	return 0;
}

static enum result change(const char *old, const char *new, int *tries)
{
	return card_change_pin(f.card, BYTES(old), BYTES(new), tries);
}

static enum result unblock(const char *code, const char *new, int *tries)
{
	return card_unblock_pin(f.card, BYTES(code), BYTES(new), tries);
}

static enum result verify(const char *pin)
{
	int tries;

	return card_verify_pin(f.card, BYTES(pin), &tries);
}

static void the_new_pin_holds_and_the_old_one_does_not(void **state)
{
	int tries;

	(void)state;
	assert_int_equal(change(PIN, NEW_PIN, &tries), RESULT_OK);
	assert_int_equal(tries, -1);
	assert_int_equal(f.sent[INS_CHANGE], 1);
	assert_int_equal(f.sent[INS_VERIFY], 0);
	assert_int_equal(verify(PIN), RESULT_PIN_WRONG);
	assert_int_equal(verify(NEW_PIN), RESULT_OK);
}

/* What docs/PROTOCOL.md says of the header; the data of gen 1 has known answers of its own. */
static void the_command_has_its_form(void **state)
{
	static const uint8_t headers[2][2][5] = {
		{{0x8C, INS_CHANGE, 0x00, 0x01, 0x28}, {0x8C, INS_UNBLOCK, 0x00, 0x01, 0x28}},
		{{0x04, INS_CHANGE, 0x00, 0x01, 0x28}, {0x04, INS_UNBLOCK, 0x00, 0x01, 0x28}},
	};
	int tries;

	(void)state;
	f.keep = INS_CHANGE;
	assert_int_equal(change(PIN, NEW_PIN, &tries), RESULT_OK);
	assert_int_equal(f.command_len, 5 + 0x28);
	assert_memory_equal(f.command, headers[f.generation - 1][0], 5);
	f.keep = INS_UNBLOCK;
	assert_int_equal(unblock(CODE, PIN, &tries), RESULT_OK);
	assert_int_equal(f.command_len, 5 + 0x28);
	assert_memory_equal(f.command, headers[f.generation - 1][1], 5);
}

static void a_wrong_old_pin_costs_one_try(void **state)
{
	int tries;

	(void)state;
	assert_int_equal(change(WRONG_PIN, NEW_PIN, &tries), RESULT_PIN_WRONG);
	assert_int_equal(tries, 2);
	assert_int_equal(vcard_tries_left(f.vcard), 2);
	assert_int_equal(f.sent[INS_CHANGE], 1);
	assert_int_equal(verify(PIN), RESULT_OK);
}

static void three_of_them_lock_it(void **state)
{
	int tries;

	(void)state;
	for (int left = 2; left > 0; left--) {
		assert_int_equal(change(WRONG_PIN, NEW_PIN, &tries), RESULT_PIN_WRONG);
		assert_int_equal(tries, left);
	}
	assert_int_equal(change(WRONG_PIN, NEW_PIN, &tries), RESULT_PIN_LOCKED);
	assert_int_equal(change(PIN, NEW_PIN, &tries), RESULT_PIN_LOCKED);
	assert_int_equal(tries, 0);
	assert_int_equal(f.sent[INS_CHANGE], 4);
}

static void the_code_opens_a_locked_pin(void **state)
{
	int tries;

	(void)state;
	assert_true(vcard_set_pin_tries(f.vcard, 0));
	assert_int_equal(unblock("00000000", NEW_PIN, &tries), RESULT_PIN_WRONG);
	assert_int_equal(tries, 2);
	assert_int_equal(vcard_tries_left(f.vcard), 0);
	assert_int_equal(unblock(CODE, NEW_PIN, &tries), RESULT_OK);
	assert_int_equal(f.sent[INS_UNBLOCK], 2);
	assert_int_equal(vcard_tries_left(f.vcard), 3);
	assert_int_equal(vcard_unblock_tries_left(f.vcard), 3);
	assert_int_equal(verify(NEW_PIN), RESULT_OK);
}

static void a_locked_code_opens_nothing(void **state)
{
	int tries;

	(void)state;
	assert_int_equal(unblock("00000000", NEW_PIN, &tries), RESULT_PIN_WRONG);
	assert_int_equal(unblock("00000000", NEW_PIN, &tries), RESULT_PIN_WRONG);
	assert_int_equal(unblock("00000000", NEW_PIN, &tries), RESULT_PIN_LOCKED);
	assert_int_equal(unblock(CODE, NEW_PIN, &tries), RESULT_PIN_LOCKED);
	assert_int_equal(tries, 0);
	assert_int_equal(vcard_tries_left(f.vcard), 3);
	assert_int_equal(verify(PIN), RESULT_OK);
}

/* Old or code, new, and what is said of it. */
static const struct {
	const char *right, *new;
	enum result r;
} bad[] = {
	{"", NEW_PIN, RESULT_PIN_LENGTH},
	{"12345", NEW_PIN, RESULT_PIN_LENGTH},
	{"123456789", NEW_PIN, RESULT_PIN_LENGTH},
	{PIN, "", RESULT_PIN_LENGTH},
	{PIN, "12345", RESULT_PIN_LENGTH},
	{PIN, "123456789", RESULT_PIN_LENGTH},
	{PIN, "12345678901", RESULT_PIN_LENGTH},
	{PIN, "123 56", RESULT_PIN_INVALID},
	{PIN, "12345/", RESULT_PIN_INVALID},
	{PIN, "12345:", RESULT_PIN_INVALID},
	{PIN, "@BCDEF", RESULT_PIN_INVALID},
	{PIN, "ABCDE[", RESULT_PIN_INVALID},
	{PIN, "`bcdef", RESULT_PIN_INVALID},
	{PIN, "abcde{", RESULT_PIN_INVALID},
	{PIN, "\xE5\xAF\x86\xE7\xA2\xBC", RESULT_PIN_INVALID},
};

static void what_cannot_be_a_pin_is_not_sent(void **state)
{
	unsigned before = f.wire.commands;
	int tries;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(change(bad[i].right, bad[i].new, &tries), bad[i].r);
		assert_int_equal(unblock(bad[i].right, bad[i].new, &tries), bad[i].r);
		assert_int_equal(tries, -1);
	}
	assert_int_equal(change(PIN, PIN, &tries), RESULT_PIN_INVALID);
	assert_int_equal(f.wire.commands, before);
}

/* Only a change has an old PIN to differ from; the ends of each range are letters and digits. */
static void what_can_be_one_is(void **state)
{
	static const char *const pins[] = {"09AZaz", "0123456", "ABCDEFGH", "abcdefgh", "123457"};
	const char *old = PIN;
	int tries;

	(void)state;
	for (size_t i = 0; i < COUNT(pins); i++) {
		assert_int_equal(change(old, pins[i], &tries), RESULT_OK);
		old = pins[i];
	}
	assert_int_equal(unblock(CODE, CODE, &tries), RESULT_OK);
	assert_int_equal(verify(CODE), RESULT_OK);
}

static void what_is_not_allowed_sends_nothing(void **state)
{
	struct wire_log log;
	unsigned before;
	int tries;

	(void)state;
	f.card->options.allow_unproven = false;
	before = f.wire.commands;
	wire_log_start(&log);
	assert_int_equal(change(PIN, NEW_PIN, &tries), RESULT_UNPROVEN);
	assert_int_equal(unblock(CODE, NEW_PIN, &tries), RESULT_UNPROVEN);
	/* what is wrong with the PINs is nobody's business then */
	assert_int_equal(change("1", "1", &tries), RESULT_UNPROVEN);
	assert_int_equal(f.wire.commands, before);
	assert_non_null(strstr(log.text, "change PIN refused"));
	assert_non_null(strstr(log.text, "unblock PIN refused"));
	wire_log_stop(&log);
	assert_int_equal(vcard_tries_left(f.vcard), 3);
	assert_int_equal(vcard_unblock_tries_left(f.vcard), 3);
}

static void no_pin_gets_into_the_log(void **state)
{
	static const char *const secrets[] = {PIN, NEW_PIN, CODE, "313233343536", "4E335750316E",
					      "3837363534333231"};
	struct wire_log log;
	int tries;

	(void)state;
	wire_log_start(&log);
	assert_int_equal(change(PIN, NEW_PIN, &tries), RESULT_OK);
	assert_int_equal(unblock(CODE, PIN, &tries), RESULT_OK);
	assert_non_null(strstr(log.text, "24000128 **40"));
	assert_non_null(strstr(log.text, "2C000128 **40"));
	for (size_t i = 0; i < COUNT(secrets); i++)
		assert_null(strstr(log.text, secrets[i]));
	wire_log_stop(&log);
}

/* One bad moment in the command's answer: never a second command, never RESULT_OK. */
static void a_bad_moment_is_no_success_and_no_second_try(void **state)
{
	static const struct {
		uint8_t ins;
		enum result (*replace)(const char *, const char *, int *);
		const char *right;
	} ways[] = {{INS_CHANGE, change, PIN}, {INS_UNBLOCK, unblock, CODE}};

	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		for (enum moment m = MOMENT_NOTHING; m < MOMENTS; m++) {
			int tries;

			if (m == MOMENT_CUT || m == MOMENT_RESET) /* no data; refused below */
				continue;
			faultcard_must_open(&f);
			f.card->options.allow_unproven = true;
			memset(f.sent, 0, sizeof f.sent);
			faultcard_strike(&f, m, ways[i].ins, 1);
			if (ways[i].replace(ways[i].right, NEW_PIN, &tries) == RESULT_OK || tries >= 0)
				fail_msg("%02X, %s: it worked", ways[i].ins, moment_name(m));
			assert_int_equal(f.sent[ways[i].ins], 1);
			assert_int_equal(f.sent[INS_VERIFY], 0);
			/* back to the PIN of before, whichever holds */
			f.at = 0;
			faultcard_must_open(&f);
			f.card->options.allow_unproven = true;
			assert_int_equal(unblock(CODE, PIN, &tries), RESULT_OK);
		}
	}
}

/* ---- C_SetPIN ---- */

static struct spy spy;
static int generation;

static void allow(bool yes)
{
	char conf[400];

	snprintf(conf, sizeof conf, "cache = no\nkeyset-dir = %s\nallow-unproven = %s\n",
		 home_path("keysets"), yes ? "yes" : "no");
	home_write("twcard.conf", conf, 0600);
}

static int setup(void **state)
{
	generation = (int)(uintptr_t)*state;
	home_make();
	allow(true);
	mkdir(home_path("run"), 0700);
	setenv("XDG_RUNTIME_DIR", home_path("run"), 1);
	spy_bench(&spy, generation);
	return 0;
}

static int setup_login(void **state)
{
	setup(state);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	spy_watch(&spy);
	return 0;
}

static CK_RV set_pin(const char *old, const char *new)
{
	return C_SetPIN(bench.session, (CK_BYTE *)(uintptr_t)old, strlen(old),
			(CK_BYTE *)(uintptr_t)new, strlen(new));
}

static CK_RV sign(void)
{
	unsigned char sig[256];
	CK_RV rv = sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), "text", sig);

	if (rv == CKR_OK)
		assert_true(is_signature(bench.card, KEY_SIGN, "text", sig));
	return rv;
}

static bool says_logged_in(void)
{
	CK_SESSION_INFO info;

	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_OK);
	return info.state == CKS_RW_USER_FUNCTIONS;
}

static void a_change_without_login_leaves_nothing_verified(void **state)
{
	(void)state;
	assert_int_equal(set_pin(PIN, NEW_PIN), CKR_OK);
	assert_int_equal(spy.verifies, 0);
	assert_false(says_logged_in());
	assert_false(spy_stranger_can_sign(&spy, READER));
	assert_false(vcard_verified(bench.card));
	assert_int_equal(login(bench.session, PIN), CKR_PIN_INCORRECT);
	assert_int_equal(login(bench.session, NEW_PIN), CKR_OK);
	assert_int_equal(sign(), CKR_OK);
}

static void a_login_goes_on_with_the_new_pin(void **state)
{
	(void)state;
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(set_pin(PIN, NEW_PIN), CKR_OK);
	assert_true(says_logged_in());
	spy_watch(&spy);
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(spy.verifies, 1);
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(spy.verifies, 1);
	fake_foreign_reset(READER);
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_false(spy_stranger_can_sign(&spy, READER));
}

static void a_wrong_old_pin_ends_no_login_with_the_right_one(void **state)
{
	(void)state;
	assert_int_equal(set_pin(WRONG_PIN, NEW_PIN), CKR_PIN_INCORRECT);
	assert_int_equal(vcard_tries_left(bench.card), 2);
	assert_true(token_flags(bench.slot) & CKF_USER_PIN_COUNT_LOW);
	assert_true(says_logged_in());
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(spy.verifies, 1);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	assert_false(token_flags(bench.slot) & CKF_USER_PIN_COUNT_LOW);
}

/* Somebody changed it: what the login keeps was just found wrong, and is not given again. */
static void a_login_whose_own_pin_is_wrong_ends(void **state)
{
	static const struct spy_fault wrong = {"63C2", SPY_STATUS, 0x63C2};

	(void)state;
	spy_strike(&spy, &wrong, INS_CHANGE, 1, 1);
	assert_int_equal(set_pin(PIN, NEW_PIN), CKR_PIN_INCORRECT);
	assert_false(says_logged_in());
	assert_false(spy_stranger_can_sign(&spy, READER));
	assert_int_equal(spy.verifies, 0);
}

static void a_locked_pin_ends_the_login(void **state)
{
	(void)state;
	assert_true(vcard_set_pin_tries(bench.card, 1));
	assert_int_equal(set_pin(WRONG_PIN, NEW_PIN), CKR_PIN_LOCKED);
	assert_true(token_flags(bench.slot) & CKF_USER_PIN_LOCKED);
	assert_false(says_logged_in());
	assert_int_equal(spy.verifies, 0);
	assert_int_equal(set_pin(PIN, NEW_PIN), CKR_PIN_LOCKED);
}

/* Executed, and the answer is not what the card said. */
static const struct spy_fault doubts[] = {
	{"the answer lost", SPY_LOST, 0},
	{"the answer lost, the card mute", SPY_MUTE, 0},
	{"the answer garbled", SPY_GARBLED, 0},
	{"one byte for the answer", SPY_ONE_BYTE, 0},
	{"6282", SPY_WARNING, 0x6282},
	{"6F00", SPY_WARNING, 0x6F00},
	{"6985", SPY_WARNING, 0x6985},
	{"6D00", SPY_WARNING, 0x6D00},
};

static void a_lost_answer(const struct spy_fault *fault, bool logged_in)
{
	CK_RV rv;

	spy_bench_again(&spy);
	/* from one PIN to the other, and at the next fault back */
	if (logged_in && login(bench.session, PIN) != CKR_OK)
		assert_int_equal(login(bench.session, NEW_PIN), CKR_OK);
	testcard_freshen(bench.card);
	fake_foreign_reset(READER);
	spy_watch(&spy);
	spy_strike(&spy, fault, INS_CHANGE, 1, 1);
	rv = set_pin(PIN, NEW_PIN);
	assert_true(spy.struck);
	if (rv == CKR_OK || says_logged_in() || spy.verifies || spy_stranger_can_sign(&spy, READER))
		fail_msg("%s: answer %lX, logged in: %d, %u verifies, verified: %d", fault->name, rv,
			 says_logged_in(), spy.verifies, vcard_verified(bench.card));
	fake_foreign_reset(READER);
	assert_int_equal(login(bench.session, NEW_PIN), CKR_OK);
	assert_int_equal(set_pin(NEW_PIN, PIN), CKR_OK);
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(spy.verifies, 2);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

static void after_a_lost_answer_nothing_is_believed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(doubts); i++) {
		a_lost_answer(&doubts[i], false);
		a_lost_answer(&doubts[i], true);
	}
}

/* What they keep is the old one, and each would spend a try with it. */
static void other_processes_hear_of_it(void **state)
{
	const char *number = vcard_card_number(bench.card);
	uint64_t since;

	(void)state;
	since = pin_watch_now();
	assert_int_equal(set_pin(WRONG_PIN, NEW_PIN), CKR_PIN_INCORRECT);
	assert_int_equal(set_pin(PIN, PIN), CKR_PIN_INVALID);
	assert_false(pin_watch_failed(number, since));
	assert_int_equal(set_pin(PIN, NEW_PIN), CKR_OK);
	assert_true(pin_watch_failed(number, since));
	/* and our own giving of the new one does not take it back */
	assert_int_equal(sign(), CKR_OK);
	assert_true(pin_watch_failed(number, since));
	assert_false(pin_watch_failed(number, pin_watch_now()));
}

static void pull(void *context, const uint8_t *cmd, size_t len)
{
	(void)context;
	if (len > 1 && cmd[1] == INS_CHANGE)
		fake_eject(READER);
}

static void a_card_that_is_pulled_keeps_its_pin_and_ends_its_sessions(void **state)
{
	(void)state;
	fake_on_command(READER, pull, NULL);
	assert_int_equal(set_pin(PIN, NEW_PIN), CKR_DEVICE_REMOVED);
	fake_on_command(READER, NULL, NULL);
	spy_insert(&spy, READER, bench.card);
	assert_false(spy_stranger_can_sign(&spy, READER));
	bench.session = open_session(slot_of(READER));
	assert_false(says_logged_in());
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

static void it_sends_nothing_unless_it_is_allowed(void **state)
{
	(void)state;
	C_Finalize(NULL);
	allow(false);
	module_start();
	bench.slot = slot_of(READER);
	bench.session = open_session(bench.slot);
	fake_new_commands(READER);
	assert_int_equal(set_pin(PIN, NEW_PIN), CKR_FUNCTION_NOT_SUPPORTED);
	assert_int_equal(fake_new_commands(READER), 0);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(sign(), CKR_OK);
	spy_watch(&spy);
	fake_new_commands(READER);
	assert_int_equal(set_pin(PIN, NEW_PIN), CKR_FUNCTION_NOT_SUPPORTED);
	assert_int_equal(fake_new_commands(READER), 0);
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(spy.verifies, 0);
}

static void what_cannot_be_a_pin_changes_nothing(void **state)
{
	(void)state;
	fake_new_commands(READER);
	assert_int_equal(set_pin(PIN, "12345"), CKR_PIN_LEN_RANGE);
	assert_int_equal(set_pin("12345", NEW_PIN), CKR_PIN_LEN_RANGE);
	assert_int_equal(set_pin(PIN, "123 56"), CKR_PIN_INVALID);
	assert_int_equal(set_pin(PIN, PIN), CKR_PIN_INVALID);
	assert_int_equal(fake_new_commands(READER), 0);
	assert_true(says_logged_in());
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(spy.verifies, 0);
}

/* The security officer's way stays closed, also to who allows everything. */
static void an_initial_pin_is_refused_all_the_same(void **state)
{
	(void)state;
	assert_int_equal(C_InitPIN(bench.session, (CK_BYTE *)NEW_PIN, strlen(NEW_PIN)),
			 CKR_FUNCTION_NOT_SUPPORTED);
	assert_int_equal(spy.verifies, 0);
	assert_int_equal(vcard_unblock_tries_left(bench.card), 3);
}

/* With verified-state = operation, too: VERIFY, operation and reset, with the new PIN. */
static void verified_for_operations_only(void **state)
{
	char conf[400];

	(void)state;
	C_Finalize(NULL);
	snprintf(conf, sizeof conf,
		 "cache = no\nkeyset-dir = %s\nallow-unproven = yes\nverified-state = operation\n",
		 home_path("keysets"));
	home_write("twcard.conf", conf, 0600);
	module_start();
	bench.slot = slot_of(READER);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(set_pin(PIN, NEW_PIN), CKR_OK);
	assert_false(vcard_verified(bench.card));
	assert_int_equal(sign(), CKR_OK);
	assert_false(vcard_verified(bench.card));
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

#define CARD(f) {"generation 1: " #f, f, setup_card, teardown_card, (void *)1}, \
		{"generation 2: " #f, f, setup_card, teardown_card, (void *)2}
#define BOTH(f, first) {"generation 1: " #f, f, first, bench_teardown, (void *)1}, \
		       {"generation 2: " #f, f, first, bench_teardown, (void *)2}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CARD(the_new_pin_holds_and_the_old_one_does_not),
		CARD(the_command_has_its_form),
		CARD(a_wrong_old_pin_costs_one_try),
		CARD(three_of_them_lock_it),
		CARD(the_code_opens_a_locked_pin),
		CARD(a_locked_code_opens_nothing),
		CARD(what_cannot_be_a_pin_is_not_sent),
		CARD(what_can_be_one_is),
		CARD(what_is_not_allowed_sends_nothing),
		CARD(no_pin_gets_into_the_log),
		CARD(a_bad_moment_is_no_success_and_no_second_try),
		BOTH(a_change_without_login_leaves_nothing_verified, setup),
		BOTH(a_login_goes_on_with_the_new_pin, setup_login),
		BOTH(a_wrong_old_pin_ends_no_login_with_the_right_one, setup_login),
		BOTH(a_login_whose_own_pin_is_wrong_ends, setup_login),
		BOTH(a_locked_pin_ends_the_login, setup_login),
		BOTH(after_a_lost_answer_nothing_is_believed, setup),
		BOTH(other_processes_hear_of_it, setup_login),
		BOTH(a_card_that_is_pulled_keeps_its_pin_and_ends_its_sessions, setup_login),
		BOTH(it_sends_nothing_unless_it_is_allowed, setup),
		BOTH(what_cannot_be_a_pin_changes_nothing, setup_login),
		BOTH(an_initial_pin_is_refused_all_the_same, setup_login),
		BOTH(verified_for_operations_only, setup),
	};

	return cmocka_run_group_tests_name("a new PIN", tests, NULL, NULL);
}
