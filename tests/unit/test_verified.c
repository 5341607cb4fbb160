/*
 * Whatever ends a login, or leaves it in doubt once a VERIFY went out, ends
 * the card's verified state, too: nobody else signs with what we opened. And
 * what reaches the card on the way: one VERIFY for a login, one more for an
 * operation at the most, and none to another card.
 */
#include <string.h>

#include <winscard.h>

#include "gen2card.h"
#include "spycard.h"

static struct spy spy;
static int generation;
static struct vcard *other; /* the same ATR, another number; made by a test that wants one */

/* ---- the bench ---- */

static int setup(void **state)
{
	generation = (int)(uintptr_t)*state;
	home_make();
	spy_bench(&spy, generation);
	return 0;
}

static int setup_login(void **state)
{
	setup(state);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	return 0;
}

static int teardown(void **state)
{
	int status = bench_teardown(state);

	vcard_free(&other);
	return status;
}

#define BOTH(f, first) {"generation 1: " #f, f, first, teardown, (void *)1}, \
		       {"generation 2: " #f, f, first, teardown, (void *)2}

/* The next case of a table: card and module as at the start. */
static void once_more(bool logged_in)
{
	spy_bench_again(&spy);
	if (logged_in)
		assert_int_equal(login(bench.session, PIN), CKR_OK);
	spy_watch(&spy);
}

/* ---- findings: a table is gone through to its end ---- */

static struct {
	const char *fault, *end;
	unsigned count;
} now;

static void expect(bool well, const char *what)
{
	if (well)
		return;
	print_error("generation %d, %s, then %s: %s\n", generation, now.fault, now.end, what);
	now.count++;
}

static void assert_no_findings(void)
{
	unsigned count = now.count;

	now.count = 0;
	if (count)
		fail_msg("%u findings", count);
}

static bool says_logged_in(void)
{
	CK_SESSION_INFO info;

	return C_GetSessionInfo(bench.session, &info) == CKR_OK &&
	       info.state == CKS_RW_USER_FUNCTIONS;
}

static bool signs(void)
{
	CK_OBJECT_CLASS klass = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass}, TEXT_ATTRIBUTE(CKA_ID, "SIGN")};
	unsigned char sig[256];
	CK_OBJECT_HANDLE key;
	CK_ULONG count = 0;

	if (C_FindObjectsInit(bench.session, template, COUNT(template)) != CKR_OK)
		return false;
	C_FindObjects(bench.session, &key, 1, &count);
	C_FindObjectsFinal(bench.session);
	return count == 1 && sign_sha256(bench.session, key, "text", sig) == CKR_OK &&
	       is_signature(bench.card, KEY_SIGN, "text", sig);
}

static CK_RV sign_rv(void)
{
	unsigned char sig[256];

	return sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), "text",
			   sig);
}

/* ---- the ways in which it ends ---- */

static void do_nothing(void)
{
}

static void log_out(void)
{
	CK_RV rv = C_Logout(bench.session);

	expect(rv == CKR_OK || rv == CKR_USER_NOT_LOGGED_IN, "C_Logout failed");
}

static void close_session(void)
{
	expect(C_CloseSession(bench.session) == CKR_OK, "C_CloseSession failed");
}

static void close_all(void)
{
	expect(C_CloseAllSessions(bench.slot) == CKR_OK, "C_CloseAllSessions failed");
}

static void finalize(void)
{
	module_stop();
}

static const struct {
	const char *name;
	void (*end)(void);
	bool keeps_login; /* if the module says that there still is one */
} ends[] = {
	{"nothing", do_nothing, true},
	{"C_Logout", log_out, false},
	{"C_CloseSession", close_session, false},
	{"C_CloseAllSessions", close_all, false},
	{"C_Finalize", finalize, false},
};

/* After the trouble, and after what a program does then. */
static void expect_nothing_left(size_t end)
{
	bool logged_in = says_logged_in();

	if (!logged_in)
		expect(!spy_stranger_can_sign(&spy, READER), "logged out, and a stranger can sign");
	ends[end].end();
	if (!logged_in || !ends[end].keeps_login)
		expect(!spy_stranger_can_sign(&spy, READER), "at the end a stranger can sign");
}

/* ---- a login that failed after its VERIFY ---- */

static const struct spy_fault after_verify[] = {
	{"VERIFY's answer lost", SPY_LOST, 0},
	{"VERIFY's answer lost, the card mute", SPY_MUTE, 0},
	{"VERIFY's answer garbled", SPY_GARBLED, 0},
	{"one byte for VERIFY's answer", SPY_ONE_BYTE, 0},
	{"6282 to a VERIFY that was right", SPY_WARNING, 0x6282},
	{"6F00 to a VERIFY that was right", SPY_WARNING, 0x6F00},
};

static void a_login_with_a_lost_answer(const struct spy_fault *fault, size_t end)
{
	now.fault = fault->name;
	now.end = ends[end].name;
	once_more(false);
	spy_strike(&spy, fault, SPY_VERIFY, 1, 1);
	expect(login(bench.session, PIN) != CKR_OK, "C_Login says it worked");
	expect(spy.struck && spy.verifies == 1, "not exactly one VERIFY reached the card");
	expect(!says_logged_in(), "the session says it is logged in");
	expect_nothing_left(end);
	expect(spy.verifies == 1, "a VERIFY was sent without a C_Login");
	expect(vcard_tries_left(bench.card) == VCARD_PIN_TRIES, "a try is lost");
}

static void a_login_in_doubt_leaves_nothing_verified(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(after_verify); i++)
		for (size_t end = 0; end < COUNT(ends); end++)
			a_login_with_a_lost_answer(&after_verify[i], end);
	assert_no_findings();
}

static void after_a_login_in_doubt_the_next_one_works(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(after_verify); i++) {
		now.fault = after_verify[i].name;
		now.end = "C_Login again";
		once_more(false);
		spy_strike(&spy, &after_verify[i], SPY_VERIFY, 1, 1);
		expect(login(bench.session, PIN) != CKR_OK, "C_Login says it worked");
		if (after_verify[i].kind == SPY_MUTE) /* if the module has not done it */
			fake_foreign_reset(READER);
		expect(login(bench.session, PIN) == CKR_OK, "the next C_Login failed");
		expect(spy.verifies == 2, "two logins are not two VERIFYs");
		expect(signs(), "and then no signature");
		expect(spy.verifies == 2, "a signature after it costs a VERIFY");
	}
	assert_no_findings();
}

static void a_wrong_pin_leaves_nothing_verified(void **state)
{
	(void)state;
	spy_watch(&spy);
	assert_int_equal(login(bench.session, WRONG_PIN), CKR_PIN_INCORRECT);
	assert_int_equal(spy.verifies, 1);
	assert_false(spy_stranger_can_sign(&spy, READER));
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(spy.verifies, 2);
}

/* ---- the control: without trouble the check finds what it looks for ---- */

static void while_logged_in_the_card_is_verified(void **state)
{
	(void)state;
	assert_true(signs());
	assert_true(spy_stranger_can_sign(&spy, READER));
	assert_true(signs());
}

static void every_end_of_a_login_resets_the_card(void **state)
{
	(void)state;
	now.fault = "no trouble";
	for (size_t end = 0; end < COUNT(ends); end++) {
		now.end = ends[end].name;
		once_more(true);
		expect(signs(), "no signature");
		expect_nothing_left(end);
	}
	assert_no_findings();
}

/* ---- an operation that failed ---- */

/* A private operation that is refused for ever, also after the PIN was given again. */
static const struct spy_fault refusals[] = {
	{"6982 to each private operation", SPY_STATUS, 0x6982},
	{"6983 to each private operation", SPY_STATUS, 0x6983},
	{"6984 to each private operation", SPY_STATUS, 0x6984},
	{"6985 to each private operation", SPY_STATUS, 0x6985},
	{"6987 to each private operation", SPY_STATUS, 0x6987},
	{"6988 to each private operation", SPY_STATUS, 0x6988},
};

/* The answer to a part of it is lost. */
static const struct {
	struct spy_fault fault;
	int ins;
	unsigned nth;
} breaks[] = {
	{{"the answer to the first half lost", SPY_LOST, 0}, SPY_PRIVATE_OP, 1},
	{{"the answer to the second half lost", SPY_LOST, 0}, SPY_PRIVATE_OP, 2},
	{{"the rest of the result lost", SPY_LOST, 0}, SPY_REST, 1},
	{{"the card mute in the first half", SPY_MUTE, 0}, SPY_PRIVATE_OP, 1},
	{{"one byte for the first half", SPY_ONE_BYTE, 0}, SPY_PRIVATE_OP, 1},
	{{"one byte for the second half", SPY_ONE_BYTE, 0}, SPY_PRIVATE_OP, 2},
	{{"6F00 to the first half", SPY_STATUS, 0x6F00}, SPY_PRIVATE_OP, 1},
	{{"the result garbled", SPY_GARBLED, 0}, SPY_PRIVATE_OP, 2},
};

static void an_operation_with(const struct spy_fault *fault, int ins, unsigned nth, unsigned times,
			      size_t end)
{
	CK_RV rv;

	now.fault = fault->name;
	now.end = ends[end].name;
	once_more(true);
	spy_strike(&spy, fault, ins, nth, times);
	rv = sign_rv();
	expect(spy.struck, "the fault had no turn");
	expect(rv != CKR_OK || times == 1, "C_Sign says it worked");
	expect(spy.verifies <= 1, "the PIN was given twice for one operation");
	expect_nothing_left(end);
	expect(spy.verifies <= 1, "a VERIFY was sent without need");
	expect(vcard_tries_left(bench.card) == VCARD_PIN_TRIES, "a try is lost");
}

static void an_operation_that_is_always_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++)
		for (size_t end = 0; end < COUNT(ends); end++)
			an_operation_with(&refusals[i], SPY_PRIVATE_OP, 1, SPY_EVER, end);
	assert_no_findings();
}

/* The reset made the PIN necessary; a refusal after that does not make it so again. */
static void an_operation_that_is_refused_after_a_reset(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		for (size_t end = 0; end < COUNT(ends); end++) {
			now.fault = refusals[i].name;
			now.end = ends[end].name;
			once_more(true);
			fake_foreign_reset(READER);
			spy_strike(&spy, &refusals[i], SPY_PRIVATE_OP, 1, SPY_EVER);
			expect(sign_rv() != CKR_OK, "C_Sign says it worked");
			expect(spy.verifies <= 1, "the PIN was given twice for one operation");
			expect_nothing_left(end);
			expect(spy.verifies <= 1, "a VERIFY was sent without need");
		}
	}
	assert_no_findings();
}

static void an_operation_that_breaks_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(breaks); i++)
		for (size_t end = 0; end < COUNT(ends); end++)
			an_operation_with(&breaks[i].fault, breaks[i].ins, breaks[i].nth, 1, end);
	assert_no_findings();
}

static void after_a_refused_operation_a_new_login_works(void **state)
{
	(void)state;
	now.end = "C_Login again";
	for (size_t i = 0; i < COUNT(refusals); i++) {
		now.fault = refusals[i].name;
		once_more(true);
		spy_strike(&spy, &refusals[i], SPY_PRIVATE_OP, 1, SPY_EVER);
		expect(sign_rv() != CKR_OK, "C_Sign says it worked");
		spy_watch(&spy);
		if (!says_logged_in())
			expect(login(bench.session, PIN) == CKR_OK, "C_Login failed");
		expect(signs(), "and then no signature");
		expect(spy.verifies <= 1, "more than one VERIFY for it");
	}
	assert_no_findings();
}

/* ---- what the reader's side does ---- */

static const struct {
	const char *name;
	long code;
} transport_errors[] = {
	{"SCARD_F_COMM_ERROR", SCARD_F_COMM_ERROR},
	{"SCARD_E_NOT_TRANSACTED", SCARD_E_NOT_TRANSACTED},
	{"SCARD_W_UNRESPONSIVE_CARD", SCARD_W_UNRESPONSIVE_CARD},
	{"SCARD_F_INTERNAL_ERROR", SCARD_F_INTERNAL_ERROR},
	{"SCARD_E_INSUFFICIENT_BUFFER", SCARD_E_INSUFFICIENT_BUFFER},
};

static void a_transport_error_in_an_operation(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(transport_errors); i++) {
		for (size_t end = 0; end < COUNT(ends); end++) {
			CK_OBJECT_HANDLE key;
			unsigned char sig[256];

			now.fault = transport_errors[i].name;
			now.end = ends[end].name;
			once_more(true);
			key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
			fake_fail(READER, 1, transport_errors[i].code);
			expect(sign_sha256(bench.session, key, "text", sig) != CKR_OK,
			       "C_Sign says it worked");
			expect_nothing_left(end);
			expect(spy.verifies == 0, "a VERIFY was sent");
		}
	}
	assert_no_findings();
}

/* The card was reset, the PIN is given again for the operation, and that goes wrong. */
static void a_second_verify_in_doubt(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(after_verify); i++) {
		for (size_t end = 0; end < COUNT(ends); end++) {
			now.fault = after_verify[i].name;
			now.end = ends[end].name;
			once_more(true);
			fake_foreign_reset(READER);
			spy_strike(&spy, &after_verify[i], SPY_VERIFY, 1, 1);
			expect(sign_rv() != CKR_OK, "C_Sign says it worked");
			expect(spy.verifies == 1, "not exactly one VERIFY reached the card");
			expect_nothing_left(end);
			expect(spy.verifies == 1, "a VERIFY was sent without need");
		}
	}
	assert_no_findings();
}

static void a_pulled_card_comes_back_unverified(void **state)
{
	(void)state;
	assert_true(signs());
	spy_watch(&spy);
	fake_eject(READER);
	spy_insert(&spy, READER, bench.card);
	assert_false(spy_stranger_can_sign(&spy, READER));
	assert_false(says_logged_in());
	assert_int_equal(spy.verifies, 0);
}

/* ---- whose PIN it is ---- */

/* Reported or not, a reset costs one VERIFY and the login goes on. */
static void a_reset_costs_one_verify(void **state)
{
	static const struct spy_fault silent = {"silent reset", SPY_SILENT_RESET, 0};

	(void)state;
	assert_true(signs());
	spy_watch(&spy);
	fake_foreign_reset(READER);
	assert_true(signs());
	assert_int_equal(spy.verifies, 1);
	spy_watch(&spy);
	spy_strike(&spy, &silent, SPY_PRIVATE_OP, 1, 1);
	assert_true(signs());
	assert_true(spy.struck);
	assert_int_equal(spy.verifies, 1);
	assert_int_equal(vcard_tries_left(bench.card), VCARD_PIN_TRIES);
}

static void make_other(void)
{
	other = generation == 1 ? testcard_load_other() : gen2_load_other();
	spy.other = other;
}

static void assert_no_pin_for_the_other(void)
{
	CK_RV rv = sign_rv();
	struct vcard_stats stats;

	assert_int_not_equal(rv, CKR_OK);
	assert_ptr_equal(spy.card, other);
	vcard_stats(other, &stats);
	assert_int_equal(stats.verifies, 0);
	assert_int_equal(vcard_tries_left(other), VCARD_PIN_TRIES);
	assert_false(says_logged_in());
}

/* So quickly exchanged that PC/SC saw a reset only. */
static void another_card_after_a_reset_gets_no_pin(void **state)
{
	(void)state;
	assert_true(signs());
	make_other();
	spy.swap_at_power = true;
	fake_foreign_reset(READER);
	assert_no_pin_for_the_other();
}

/* The same, and nobody has asked for the token's data or signed before. */
static void another_card_after_a_reset_gets_no_pin_at_the_first_operation(void **state)
{
	(void)state;
	make_other();
	spy.swap_at_power = true;
	fake_foreign_reset(READER);
	assert_no_pin_for_the_other();
}

/* PC/SC saw nothing: the card of before is believed to be there until it refuses. */
static void another_card_without_a_reset_gets_no_pin(void **state)
{
	static const struct spy_fault swap = {"silent swap", SPY_SILENT_SWAP, 0};

	(void)state;
	assert_true(signs());
	make_other();
	spy_strike(&spy, &swap, SPY_ANY, 1, 1);
	assert_no_pin_for_the_other();
}

/* In the middle of the operation, between its commands. */
static void another_card_within_an_operation_gets_no_pin(void **state)
{
	static const struct spy_fault swap = {"silent swap", SPY_SILENT_SWAP, 0};

	(void)state;
	assert_true(signs());
	make_other();
	spy_strike(&spy, &swap, SPY_PRIVATE_OP, 2, 1);
	assert_no_pin_for_the_other();
}

/* The card of before comes back: the login was dropped, and is not taken up again. */
static void a_dropped_login_stays_dropped(void **state)
{
	(void)state;
	another_card_after_a_reset_gets_no_pin(state);
	spy_watch(&spy);
	spy.swap_at_power = true;
	fake_foreign_reset(READER);
	assert_ptr_equal(spy.card, bench.card);
	assert_false(signs());
	assert_int_equal(spy.verifies, 0);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_true(signs());
}

/* ---- transactions that do not end ---- */

/* Everybody else would wait for it. */
static void a_transaction_that_does_not_end_ends_with_its_connection(void **state)
{
	(void)state;
	for (unsigned count = 1; count <= 2; count++) {
		fake_fail_ends(READER, count, SCARD_F_COMM_ERROR);
		assert_true(signs());
		assert_false(fake_in_transaction(READER));
		assert_in_range(fake_open_handles(), 0, 1);
	}
	fake_fail_ends(READER, 0, 0);
	assert_true(signs());
	assert_int_equal(fake_open_handles(), 1);
	assert_int_equal(vcard_tries_left(bench.card), VCARD_PIN_TRIES);
}

/* Whoever ends without a logout after it. */
static void a_login_whose_transaction_does_not_end_leaves_nothing_verified(void **state)
{
	(void)state;
	fake_fail_ends(READER, 1, SCARD_F_COMM_ERROR);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_false(fake_in_transaction(READER));
	module_stop();
	assert_false(spy_stranger_can_sign(&spy, READER));
	module_start();
}

static void a_logout_whose_reset_fails_resets_the_card_all_the_same(void **state)
{
	(void)state;
	fake_fail_ends(READER, 1, SCARD_F_COMM_ERROR);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_false(fake_in_transaction(READER));
	assert_false(spy_stranger_can_sign(&spy, READER));
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_true(signs());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_login_in_doubt_leaves_nothing_verified, setup),
		BOTH(after_a_login_in_doubt_the_next_one_works, setup),
		BOTH(a_wrong_pin_leaves_nothing_verified, setup),
		BOTH(while_logged_in_the_card_is_verified, setup_login),
		BOTH(every_end_of_a_login_resets_the_card, setup_login),
		BOTH(an_operation_that_is_always_refused, setup_login),
		BOTH(an_operation_that_is_refused_after_a_reset, setup_login),
		BOTH(an_operation_that_breaks_off, setup_login),
		BOTH(after_a_refused_operation_a_new_login_works, setup_login),
		BOTH(a_transport_error_in_an_operation, setup_login),
		BOTH(a_second_verify_in_doubt, setup_login),
		BOTH(a_pulled_card_comes_back_unverified, setup_login),
		BOTH(a_reset_costs_one_verify, setup_login),
		BOTH(another_card_after_a_reset_gets_no_pin, setup_login),
		BOTH(another_card_after_a_reset_gets_no_pin_at_the_first_operation, setup_login),
		BOTH(another_card_without_a_reset_gets_no_pin, setup_login),
		BOTH(another_card_within_an_operation_gets_no_pin, setup_login),
		BOTH(a_dropped_login_stays_dropped, setup_login),
		BOTH(a_transaction_that_does_not_end_ends_with_its_connection, setup_login),
		BOTH(a_login_whose_transaction_does_not_end_leaves_nothing_verified, setup),
		BOTH(a_logout_whose_reset_fails_resets_the_card_all_the_same, setup_login),
	};

	return cmocka_run_group_tests_name("verified", tests, NULL, NULL);
}
