/*
 * How logins, processes and PINs end: what the card and other programs find
 * afterwards.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include <winscard.h>

#include "child.h"
#include "ck_objects.h"
#include "gen2card.h"
#include "src/module/internal.h"
#include "src/token/pin_watch.h"

static CK_RV sign_text(void)
{
	unsigned char sig[256];
	CK_RV rv = sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), "text",
			       sig);

	if (rv == CKR_OK)
		assert_true(is_signature(bench.card, KEY_SIGN, "text", sig));
	return rv;
}

/* What another program gets that tries to sign with a first-generation card. */
static unsigned foreign_private_op(void)
{
	static const uint8_t selects[][7] = {{0x80, 0xA4, 0, 0, 2, 0x3F, 0x00},
					     {0x80, 0xA4, 0, 0, 2, 0x50, 0x30},
					     {0x80, 0xA4, 0, 0, 2, 0x08, 0x10}};
	uint8_t half[5 + 128] = {0x80, 0xEA, 0x82, 0x01, 0x80};

	for (size_t i = 0; i < COUNT(selects); i++)
		fake_foreign_command(READER, selects[i], sizeof selects[i]);
	return fake_foreign_command(READER, half, sizeof half);
}

/* ---- a process that ends without C_Finalize ---- */

static unsigned wanted_resets; /* that a child must have seen when all its exit handlers have run */
static bool child_looks;

/* Runs last of all: after the module's own destructor. */
static __attribute__((destructor(101))) void look_at_the_end(void)
{
	if (child_looks)
		_exit(fake_resets(READER) == wanted_resets ? 0 : 66);
}

/* In a child: logged in or not, it just ends. */
static void exit_child(bool logged_in, unsigned resets, bool openssl_first)
{
	pid_t child = child_start();

	if (child == 0) {
		CK_SESSION_HANDLE session;

		CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
		CHILD_WANTS(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK);
		if (logged_in)
			CHILD_WANTS(C_Login(session, CKU_USER, (CK_BYTE *)PIN, 6) == CKR_OK);
		wanted_resets = fake_resets(READER) + resets;
		child_looks = true;
		if (openssl_first)
			OPENSSL_cleanup();
		exit(0);
	}
	child_assert_well(child);
}

static void a_program_that_just_ends_resets_its_card(void **state)
{
	(void)state;
	module_stop();
	exit_child(true, 1, false);
	exit_child(true, 1, true);
}

static void a_program_that_never_logged_in_resets_nothing(void **state)
{
	(void)state;
	module_stop();
	exit_child(false, 0, false);
}

static void *let_go(void *context)
{
	const struct timespec t = {0, 120 * 1000 * 1000};

	nanosleep(&t, NULL);
	fake_hold_transaction(READER, false);
	return context;
}

/* Another program is in a transaction at that moment, for a while or for good. */
static void exit_child_under_a_transaction(bool for_good)
{
	pid_t child = child_start();

	if (child == 0) {
		CK_SESSION_HANDLE session;
		pthread_t thread;

		alarm(30);
		CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
		CHILD_WANTS(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK);
		CHILD_WANTS(C_Login(session, CKU_USER, (CK_BYTE *)PIN, 6) == CKR_OK);
		fake_hold_transaction(READER, true);
		wanted_resets = fake_resets(READER) + !for_good;
		child_looks = true;
		if (!for_good)
			CHILD_WANTS(pthread_create(&thread, NULL, let_go, NULL) == 0);
		exit(0);
	}
	child_assert_well(child);
}

static void a_program_that_just_ends_waits_a_moment_for_others(void **state)
{
	unsigned start = ck_now_ms();

	(void)state;
#ifdef __SANITIZE_THREAD__
	skip(); /* it does not follow threads in a forked child */
#endif
	module_stop();
	exit_child_under_a_transaction(false);
	exit_child_under_a_transaction(true); /* pcscd resets what its process leaves behind */
	assert_in_range(ck_now_ms() - start, 0, 10000);
}

/* The parent's login is not the child's to end. */
static void a_forked_child_that_ends_leaves_the_card_alone(void **state)
{
	pid_t child = child_start();

	(void)state;
	if (child == 0) {
		wanted_resets = fake_resets(READER);
		child_looks = true;
		exit(0);
	}
	child_assert_well(child);
	assert_int_equal(sign_text(), CKR_OK);
}

/* Before its first call already: nobody knows whether there will be one. */
static void a_forked_child_has_no_pin_of_its_parent(void **state)
{
	const struct secret *pin = &module.slots[bench.slot]->token.pin;
	pid_t child;

	(void)state;
	if (!child_gets_zeros()) {
		print_message("# SKIP this system does not wipe pages for a forked child\n");
		skip();
	}
	child = child_start();
	if (child == 0) {
		for (size_t i = 0; i < pin->len; i++)
			CHILD_WANTS(pin->data[i] == 0);
		child_done_leaving_memory();
	}
	child_assert_well(child);
	assert_int_equal(pin->len, sizeof PIN - 1);
	assert_memory_equal(pin->data, PIN, sizeof PIN - 1);
}

/* ---- C_Finalize that may not wait for everything ---- */

struct job {
	CK_OBJECT_HANDLE key;
	CK_RV rv;
};

static void *sign_in_thread(void *context)
{
	struct job *job = context;
	unsigned char sig[256];

	job->rv = sign_sha256(bench.session, job->key, "text", sig);
	return NULL;
}

/* In a child: a bench.session that is logged in. */
static void log_in_as_child(void)
{
	CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
	CHILD_WANTS(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &bench.session) == CKR_OK);
	CHILD_WANTS(C_Login(bench.session, CKU_USER, (CK_BYTE *)PIN, 6) == CKR_OK);
}

/* What the call had open is left open, as C_Finalize said OK before. */
static void outlive_finalize(void)
{
	unsigned resets = fake_resets(READER);
	struct job job = {.rv = CKR_OK};
	pthread_t thread;

	log_in_as_child();
	job.key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	fake_hang(READER, true);
	CHILD_WANTS(pthread_create(&thread, NULL, sign_in_thread, &job) == 0);
	CHILD_WANTS(fake_wait_hanging(READER, 5000));
	CHILD_WANTS(C_Finalize(NULL) == CKR_OK); /* gives up on it */
	CHILD_WANTS(fake_resets(READER) == resets);
	fake_hang(READER, false);
	pthread_join(thread, NULL);
	CHILD_WANTS(fake_resets(READER) == resets + 1);
	CHILD_WANTS(foreign_private_op() != 0x9000);
}

static void a_call_that_outlives_finalize_resets_the_card_when_it_ends(void **state)
{
	pid_t child = child_start();

	(void)state;
	if (child == 0) {
		outlive_finalize();
		child_done_leaving_memory();
	}
	child_assert_well(child);
}

/* Nor does the end of the program wait for it. */
static void a_call_that_hangs_does_not_hold_up_the_end(void **state)
{
	pid_t child;

	(void)state;
	module_stop();
	child = child_start();
	if (child == 0) {
		struct job job;
		pthread_t thread;

		alarm(30);
		log_in_as_child();
		job.key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
		fake_hang(READER, true);
		CHILD_WANTS(pthread_create(&thread, NULL, sign_in_thread, &job) == 0);
		CHILD_WANTS(fake_wait_hanging(READER, 5000));
		wanted_resets = fake_resets(READER);
		child_looks = true;
		exit(0);
	}
	child_assert_well(child);
}

/* After OpenSSL has gone, too. */
static void finalize_resets_the_card_whatever_openssl_did(void **state)
{
	pid_t child = child_start();

	(void)state;
	if (child == 0) {
		unsigned resets;

		log_in_as_child();
		resets = fake_resets(READER);
		OPENSSL_cleanup();
		CHILD_WANTS(C_Finalize(NULL) == CKR_OK);
		CHILD_WANTS(fake_resets(READER) == resets + 1);
		CHILD_WANTS(foreign_private_op() != 0x9000);
		child_done_leaving_memory();
	}
	child_assert_well(child);
}

/* ---- a PIN that somebody changed ---- */

static int setup_run_dir(void **state)
{
	gen2_setup(state); /* its folder */
	bench_teardown(state);
	home_remove("run");
	assert_int_equal(mkdir(home_path("run"), 0700), 0);
	setenv("XDG_RUNTIME_DIR", home_path("run"), 1);
	setenv("TWCARD_CONF", "/dev/null", 1);
	return bench_setup_login(state);
}

static int teardown_run_dir(void **state)
{
	setenv("XDG_RUNTIME_DIR", "/dev/null/none", 1);
	return bench_teardown(state);
}

static const char *number(void)
{
	return vcard_card_number(bench.card);
}

static void a_kept_pin_that_fails_is_told_to_the_other_processes(void **state)
{
	uint64_t before = pin_watch_now();

	(void)state;
	assert_int_equal(sign_text(), CKR_OK);
	assert_true(vcard_set_pin_tries(bench.card, 0)); /* any PIN is wrong now */
	fake_foreign_reset(READER);
	assert_int_equal(sign_text(), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(verifies(bench.card), 2);
	assert_true(pin_watch_failed(number(), before));
}

static void a_kept_pin_that_failed_elsewhere_is_not_sent(void **state)
{
	CK_SESSION_INFO info;

	(void)state;
	assert_int_equal(sign_text(), CKR_OK);
	(void)pin_watch_mark(number()); /* another process, which did not take it back */
	fake_foreign_reset(READER);
	assert_int_equal(sign_text(), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(verifies(bench.card), 1);
	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_OK);
	assert_int_equal(info.state, CKS_RW_PUBLIC_SESSION);
	/* who types the PIN proves it right: that counts from then on */
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	fake_foreign_reset(READER);
	assert_int_equal(sign_text(), CKR_OK);
}

static void a_kept_pin_that_works_leaves_no_mark(void **state)
{
	uint64_t before = pin_watch_now();

	(void)state;
	for (int i = 0; i < 3; i++) {
		fake_foreign_reset(READER);
		assert_int_equal(sign_text(), CKR_OK);
	}
	assert_false(pin_watch_failed(number(), before));
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

static void marks_of_other_cards_and_torn_ones_mean_nothing(void **state)
{
	(void)state;
	(void)pin_watch_mark("TP99999999999999");
	home_write_bytes("run/twcard/x", "", 0, 0600);
	fake_foreign_reset(READER);
	assert_int_equal(sign_text(), CKR_OK);
	assert_false(pin_watch_failed("../../etc", 0));
	assert_false(pin_watch_failed("", 0));
}

static void a_mark_is_not_written_into_another_file(void **state)
{
	char mark[100], text[8] = "";
	FILE *f;

	(void)state;
	assert_int_equal(mkdir(home_path("run/twcard"), 0700) == 0 || errno == EEXIST, 1);
	snprintf(mark, sizeof mark, "run/twcard/%s.pin", number());
	home_write("precious", "content", 0600);
	home_remove(mark);
	assert_int_equal(link(home_path("precious"), home_path(mark)), 0);
	(void)pin_watch_mark(number());
	home_remove(mark);
	assert_int_equal(symlink(home_path("precious"), home_path(mark)), 0);
	(void)pin_watch_mark(number());
	home_remove(mark);
	f = fopen(home_path("precious"), "r");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, sizeof text, f), 7);
	fclose(f);
	assert_string_equal(text, "content");
}

/* ---- verified-state = operation ---- */

static int setup_operation(void **state)
{
	gen2_setup(state);
	bench_teardown(state);
	home_write("twcard.conf", "cache = no\nverified-state = operation\n", 0600);
	setenv("TWCARD_CONF", home_path("twcard.conf"), 1);
	return bench_setup_login(state);
}

/* In place of the configuration that gen2_setup() left; its key set stays. */
static int setup_operation_gen2(void **state)
{
	char text[600];

	gen2_setup(state);
	module_stop();
	snprintf(text, sizeof text, "cache = no\nverified-state = operation\nkeyset-dir = %s\n",
		 home_path("keysets"));
	home_write("twcard.conf", text, 0600);
	module_start();
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	return 0;
}

static int teardown_conf(void **state)
{
	setenv("TWCARD_CONF", "/dev/null", 1);
	return bench_teardown(state);
}

static void between_operations_the_card_is_not_verified(void **state)
{
	unsigned resets = fake_resets(READER), before = verifies(bench.card);

	(void)state;
	assert_true(foreign_private_op() != 0x9000); /* right after the login */
	for (unsigned i = 1; i <= 3; i++) {
		fake_new_commands(READER);
		assert_int_equal(sign_text(), CKR_OK);
		print_message("# verified-state = operation: a signature in %u commands\n",
			      fake_new_commands(READER));
		assert_int_equal(verifies(bench.card), before + i);
		assert_int_equal(fake_resets(READER), resets + i);
		assert_true(foreign_private_op() != 0x9000);
	}
}

static void the_same_with_the_second_generation(void **state)
{
	unsigned resets = fake_resets(READER), before = verifies(bench.card);

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		fake_new_commands(READER);
		assert_int_equal(sign_text(), CKR_OK);
		print_message("# second generation: a signature in %u commands\n",
			      fake_new_commands(READER));
		assert_int_equal(verifies(bench.card), before + i);
		assert_int_equal(fake_resets(READER), resets + i);
	}
}

static void by_default_the_card_stays_verified_while_logged_in(void **state)
{
	unsigned resets = fake_resets(READER);

	(void)state;
	assert_int_equal(sign_text(), CKR_OK);
	assert_int_equal(sign_text(), CKR_OK);
	assert_int_equal(fake_resets(READER), resets);
	assert_int_equal(verifies(bench.card), 1);
}

/* ---- a card that had a bad moment when it was first looked at ---- */

static void a_session_asks_an_unknown_card_again(void **state)
{
	static const char unknown[] = "CHT V21N                ";
	uint8_t known[64];
	const uint8_t *data;
	CK_TOKEN_INFO info;
	size_t len;

	(void)state;
	assert_true(vcard_file_get(bench.card, "3F00/0900/0905", &data, &len) && len <= sizeof known);
	memcpy(known, data, len);
	assert_true(vcard_file_put(bench.card, "3F00/0900/0905", (const uint8_t *)unknown,
				   sizeof unknown - 1));
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_TOKEN_NOT_RECOGNIZED);
	assert_true(vcard_file_put(bench.card, "3F00/0900/0905", known, len));
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_TOKEN_NOT_RECOGNIZED);
	bench.session = open_session(bench.slot);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(sign_text(), CKR_OK);
}

/* ---- a card that nobody can log in to ---- */

static void without_a_key_set_no_program_is_told_to_ask_for_a_pin(void **state)
{
	(void)state;
	keyset_remove();
	module_stop();
	module_start();
	bench.session = open_session(bench.slot);
	assert_false(token_flags(bench.slot) & CKF_LOGIN_REQUIRED);
	assert_int_equal(login(bench.session, PIN), CKR_KEY_NEEDED); /* who asks all the same is told why */
	assert_int_equal(verifies(bench.card), 0);
	keyset_install(); /* noticed without a new card, or a new start */
	assert_true(token_flags(bench.slot) & CKF_LOGIN_REQUIRED);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	keyset_remove();
	assert_true(token_flags(bench.slot) & CKF_LOGIN_REQUIRED);
}

/* ---- slot ids ---- */

static void ids_work_without_asking_for_the_list(void **state)
{
	CK_SESSION_HANDLE session;
	CK_TOKEN_INFO token;
	CK_SLOT_INFO slot;

	(void)state;
	module_stop();
	module_start();
	assert_int_equal(C_GetSlotInfo(0, &slot), CKR_OK);
	assert_int_equal(C_GetTokenInfo(0, &token), CKR_OK);
	assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
	assert_int_equal(C_GetSlotInfo(1, &slot), CKR_SLOT_ID_INVALID);
	fake_add_reader(OTHER_READER); /* plugged in since */
	assert_int_equal(C_GetSlotInfo(1, &slot), CKR_OK);
}

#define RUN_TEST(f) cmocka_unit_test_setup_teardown(f, setup_run_dir, teardown_run_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(a_program_that_just_ends_resets_its_card),
		BENCH_TEST(a_program_that_just_ends_waits_a_moment_for_others),
		BENCH_TEST(a_program_that_never_logged_in_resets_nothing),
		LOGIN_TEST(a_forked_child_that_ends_leaves_the_card_alone),
		LOGIN_TEST(a_forked_child_has_no_pin_of_its_parent),
		BENCH_TEST(a_call_that_outlives_finalize_resets_the_card_when_it_ends),
		BENCH_TEST(a_call_that_hangs_does_not_hold_up_the_end),
		BENCH_TEST(finalize_resets_the_card_whatever_openssl_did),
		RUN_TEST(a_kept_pin_that_fails_is_told_to_the_other_processes),
		RUN_TEST(a_kept_pin_that_failed_elsewhere_is_not_sent),
		RUN_TEST(a_kept_pin_that_works_leaves_no_mark),
		RUN_TEST(marks_of_other_cards_and_torn_ones_mean_nothing),
		RUN_TEST(a_mark_is_not_written_into_another_file),
		cmocka_unit_test_setup_teardown(between_operations_the_card_is_not_verified,
						setup_operation, teardown_conf),
		cmocka_unit_test_setup_teardown(the_same_with_the_second_generation,
						setup_operation_gen2, teardown_conf),
		LOGIN_TEST(by_default_the_card_stays_verified_while_logged_in),
		BENCH_TEST(a_session_asks_an_unknown_card_again),
		GEN2_TEST(without_a_key_set_no_program_is_told_to_ask_for_a_pin),
		BENCH_TEST(ids_work_without_asking_for_the_list),
	};

	return cmocka_run_group_tests_name("endings", tests, NULL, NULL);
}
