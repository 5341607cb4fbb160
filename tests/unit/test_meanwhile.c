/*
 * What happens to a call while it waits, or between two of its steps: another
 * thread notices that the card has gone, closes its session, or finalizes; what
 * the token shows is read wrong once, or is another card's.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <winscard.h>

#include "child.h"
#include "ck_objects.h"
#include "gen2card.h"

#define SETTLED_MS 400 /* a thread that was started has got as far as it gets */
#define BOUND_MS 2000  /* for a call that waits for nobody */

static struct vcard *other_card; /* made by a test that wants one */

static int teardown(void **state)
{
	int failed = bench_teardown(state);

	vcard_free(&other_card);
	return failed;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* ---- calls in threads ---- */

enum what { SIGN, READ_VALUE, TOKEN_INFO, SLOT_INFO, SLOT_LIST, EVENT, CLOSE_ALL, FINALIZE };

struct job {
	pthread_t thread;
	enum what what;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE object;
	CK_TOKEN_INFO info;
	atomic_bool done;
	CK_RV rv;
};

static CK_RV do_job(struct job *job)
{
	CK_ATTRIBUTE value = {CKA_VALUE, NULL, 0};
	unsigned char sig[256];
	CK_SLOT_ID ids[8];
	CK_ULONG count = COUNT(ids);
	CK_SLOT_INFO slot;

	switch (job->what) {
	case SIGN:
		return sign_sha256(job->session, job->object, "text", sig);
	case READ_VALUE:
		return C_GetAttributeValue(job->session, job->object, &value, 1);
	case TOKEN_INFO:
		return C_GetTokenInfo(bench.slot, &job->info);
	case SLOT_INFO:
		return C_GetSlotInfo(bench.slot, &slot);
	case SLOT_LIST:
		return C_GetSlotList(CK_TRUE, ids, &count);
	case EVENT:
		return C_WaitForSlotEvent(CKF_DONT_BLOCK, ids, NULL);
	case CLOSE_ALL:
		return C_CloseAllSessions(bench.slot);
	default:
		return C_Finalize(NULL);
	}
}

static void *run_job(void *context)
{
	struct job *job = context;

	job->rv = do_job(job);
	atomic_store(&job->done, true);
	return NULL;
}

static void start(struct job *job, enum what what, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	*job = (struct job){.what = what, .session = session, .object = object};
	assert_int_equal(pthread_create(&job->thread, NULL, run_job, job), 0);
}

static CK_RV finish(struct job *job)
{
	pthread_join(job->thread, NULL);
	return job->rv;
}

/* A call of another thread, which comes to its end. */
static void by_another_thread(enum what what)
{
	struct job job;

	start(&job, what, 0, 0);
	(void)finish(&job);
}

/* ---- the card goes while calls wait for their turn ---- */

/* One call hangs in the reader, the second waits for its turn, the card is exchanged. */
static CK_RV wait_for_another_card(enum what what, CK_OBJECT_HANDLE object)
{
	CK_SESSION_HANDLE second = open_session(bench.slot);
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	struct job hanging, waiting;

	other_card = testcard_load_other();
	fake_hang(READER, true);
	start(&hanging, SIGN, bench.session, key);
	assert_true(fake_wait_hanging(READER, 5000));
	start(&waiting, what, second, object ? object : key);
	pause_ms(SETTLED_MS);
	fake_eject(READER);
	fake_insert(READER, other_card);
	by_another_thread(SLOT_INFO);
	fake_hang(READER, false);
	assert_int_equal(finish(&hanging), CKR_DEVICE_REMOVED);
	return finish(&waiting);
}

static void a_signature_that_waited_for_a_pulled_card_says_so(void **state)
{
	(void)state;
	assert_int_equal(wait_for_another_card(SIGN, 0), CKR_DEVICE_REMOVED);
	assert_int_equal(verifies(other_card), 0);
}

static void a_read_that_waited_for_a_pulled_card_says_so(void **state)
{
	CK_OBJECT_HANDLE certificate = find_one(bench.session, CKO_CERTIFICATE, "SIGN");

	(void)state;
	assert_int_equal(wait_for_another_card(READ_VALUE, certificate), CKR_DEVICE_REMOVED);
}

/* A reset of the new card is all that the old card's handle is told. */
static void exchange_and_reset(void *context)
{
	(void)context;
	fake_on_begin(READER, NULL, NULL);
	fake_eject(READER);
	fake_insert(READER, other_card);
	fake_foreign_reset(READER);
}

static void a_card_that_came_before_the_transaction_is_not_taken_for_the_one_before(void **state)
{
	CK_OBJECT_HANDLE certificate = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	CK_ATTRIBUTE value = {CKA_VALUE, NULL, 0};

	(void)state;
	other_card = testcard_load_other();
	fake_on_begin(READER, exchange_and_reset, NULL);
	assert_int_equal(C_GetAttributeValue(bench.session, certificate, &value, 1), CKR_DEVICE_REMOVED);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(verifies(other_card), 1);
}

/* What a handle to a reader that is away answers differs; another thread is the first to see it. */
static void another_thread_looks(void *context, const uint8_t *cmd, size_t len)
{
	(void)context;
	(void)cmd;
	(void)len;
	fake_on_command(READER, NULL, NULL);
	fake_set_gone_code(SCARD_E_NOT_TRANSACTED);
	fake_remove_reader(READER);
	by_another_thread(SLOT_INFO);
}

static void a_removal_that_another_thread_saw_first_is_one(void **state)
{
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	unsigned char sig[256];

	(void)state;
	fake_on_command(READER, another_thread_looks, NULL);
	assert_int_equal(sign_sha256(bench.session, key, "text", sig), CKR_DEVICE_REMOVED);
}

static void also_for_who_asks_about_the_token(void **state)
{
	CK_TOKEN_INFO info;

	(void)state;
	fake_on_command(READER, another_thread_looks, NULL);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_DEVICE_REMOVED);
}

/* Nobody could say anything about the reader: that is no news of it. */
static void a_question_without_an_answer_takes_no_card_away(void **state)
{
	static const LONG codes[] = {SCARD_E_NO_MEMORY, SCARD_F_INTERNAL_ERROR};
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	unsigned char sig[256];
	CK_SESSION_INFO info;
	CK_SLOT_ID slot;

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		fake_fail_looks(1, codes[i]);
		assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_OK);
		assert_int_equal(info.state, CKS_RW_USER_FUNCTIONS);
		fake_fail_looks(2, codes[i]);
		assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
		fake_fail_looks(0, 0);
		assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
	}
	assert_int_equal(sign_sha256(bench.session, key, "text", sig), CKR_OK);
	assert_int_equal(verifies(bench.card), 1);
}

/* ---- what is told of a token, from memory ---- */

static int setup_without_keyset(void **state)
{
	gen2_setup(state);
	keyset_remove();
	module_stop();
	module_start();
	bench.session = open_session(bench.slot);
	return 0;
}

static bool is_card(const CK_TOKEN_INFO *info)
{
	return memcmp(info->serialNumber, vcard_card_number(bench.card), 16) == 0;
}

static void token_info_from_memory_waits_for_no_card(void **state)
{
	CK_OBJECT_HANDLE certificate = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	struct job hanging, asking;
	CK_TOKEN_INFO info;
	bool done;

	(void)state;
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	fake_hang(READER, true);
	start(&hanging, READ_VALUE, bench.session, certificate);
	assert_true(fake_wait_hanging(READER, 5000));
	start(&asking, TOKEN_INFO, 0, 0);
	for (int i = 0; i < BOUND_MS / 10 && !atomic_load(&asking.done); i++)
		pause_ms(10);
	done = atomic_load(&asking.done);
	fake_eject(READER);
	by_another_thread(SLOT_INFO);
	fake_hang(READER, false);
	assert_int_equal(finish(&hanging), CKR_DEVICE_REMOVED);
	assert_int_equal(finish(&asking), CKR_OK);
	assert_true(is_card(&asking.info)); /* not an empty one */
	assert_true(done);
}

/* ---- a session is closed under a call ---- */

static struct job closing;

/* From memory: this thread has the card's turn. */
static CK_ULONG count_sessions(void)
{
	struct job asking;

	start(&asking, TOKEN_INFO, 0, 0);
	assert_int_equal(finish(&asking), CKR_OK);
	return asking.info.ulSessionCount;
}

static void close_all_sessions(void *context, const uint8_t *cmd, size_t len)
{
	(void)context;
	(void)cmd;
	(void)len;
	fake_on_command(READER, NULL, NULL);
	start(&closing, CLOSE_ALL, 0, 0); /* its logout waits for the card's turn */
	for (int i = 0; i < BOUND_MS / 10 && count_sessions() > 0; i++)
		pause_ms(10);
}

static void what_a_closed_session_made_ends_with_it(void **state)
{
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "KEYX"), made = 0, found[8];
	unsigned char wrapped[256];
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				   BOOL_OF(CKA_PRIVATE, false)};
	CK_SESSION_HANDLE session;

	(void)state;
	assert_int_equal(count_sessions(), 1);
	encrypt_to(bench.card, KEY_KEYX, "0123456789ABCDEF", wrapped);
	fake_on_command(READER, close_all_sessions, NULL);
	assert_int_equal(C_UnwrapKey(bench.session, MECHANISM(CKM_RSA_PKCS), key, wrapped,
				     sizeof wrapped, template, COUNT(template), &made),
			 CKR_SESSION_CLOSED);
	assert_int_equal(finish(&closing), CKR_OK);
	session = open_session(bench.slot);
	assert_int_equal(find_class(session, CKO_SECRET_KEY, found, COUNT(found)), 0);
}

/* ---- C_Finalize gives up on a call in its very last moment ---- */

static void finalize_from_outside(void *context)
{
	(void)context;
	fake_on_end(READER, NULL, NULL);
	by_another_thread(FINALIZE); /* waits two seconds for this call */
}

static void finalize_at_the_last_moment_of_a_call(void)
{
	unsigned char sig[256];
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	unsigned resets;

	CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
	CHILD_WANTS(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK);
	CHILD_WANTS(C_Login(session, CKU_USER, (CK_BYTE *)PIN, 6) == CKR_OK);
	key = find_one(session, CKO_PRIVATE_KEY, "SIGN");
	resets = fake_resets(READER);
	fake_on_end(READER, finalize_from_outside, NULL);
	CHILD_WANTS(sign_sha256(session, key, "text", sig) == CKR_OK);
	CHILD_WANTS(fake_resets(READER) == resets + 1);
}

static void a_call_that_finalize_gave_up_on_resets_the_card_however_late(void **state)
{
	pid_t child;

	(void)state;
	module_stop();
	child = child_start();
	if (child == 0) {
		finalize_at_the_last_moment_of_a_call();
		child_done_leaving_memory();
	}
	child_assert_well(child);
}

/* ---- the program ends, and other libraries' destructors run after the module's ---- */

static struct {
	bool wanted;
	unsigned resets;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	struct vcard *card;
} last;

static __attribute__((destructor(101))) void call_after_the_end(void)
{
	unsigned char sig[256];

	if (!last.wanted)
		return;
	CHILD_WANTS(sign_sha256(last.session, last.key, "text", sig) == CKR_CRYPTOKI_NOT_INITIALIZED);
	CHILD_WANTS(C_CloseSession(last.session) == CKR_CRYPTOKI_NOT_INITIALIZED);
	CHILD_WANTS(C_Finalize(NULL) == CKR_CRYPTOKI_NOT_INITIALIZED);
	CHILD_WANTS(verifies(last.card) == 1 && fake_resets(READER) == last.resets + 1);
	_exit(0);
}

/* They wait for no lock that nobody gives back, use nothing of OpenSSL, and send no PIN. */
static void calls_after_the_modules_own_end_come_back(void **state)
{
	pid_t child;

	(void)state;
	module_stop();
	child = child_start();
	if (child == 0) {
		alarm(20); /* ends a child that hangs */
		CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
		last.session = open_session(0);
		CHILD_WANTS(login(last.session, PIN) == CKR_OK);
		last.key = find_one(last.session, CKO_PRIVATE_KEY, "SIGN");
		last.card = bench.card;
		last.resets = fake_resets(READER);
		last.wanted = true;
		exit(0);
	}
	child_assert_well(child);
}

static const enum what lookers[] = {SLOT_LIST, EVENT};

/* The slots go while a call goes through them. */
static void finalize_under_a_look_that_hangs(enum what what)
{
	struct job looking;

	fake_add_reader(OTHER_READER);
	CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
	fake_hang_looks(true);
	start(&looking, what, 0, 0);
	pause_ms(SETTLED_MS);
	CHILD_WANTS(C_Finalize(NULL) == CKR_OK); /* gives up on it */
	fake_hang_looks(false);
	(void)finish(&looking);
	CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
	CHILD_WANTS(C_GetSlotList(CK_FALSE, NULL, &(CK_ULONG){0}) == CKR_OK);
	CHILD_WANTS(C_Finalize(NULL) == CKR_OK);
}

static void a_look_that_finalize_gave_up_on_finds_its_way_out(void **state)
{
	(void)state;
	module_stop();
	for (size_t i = 0; i < COUNT(lookers); i++) {
		pid_t child = child_start();

		if (child == 0) {
			finalize_under_a_look_that_hangs(lookers[i]);
			child_done_leaving_memory();
		}
		child_assert_well(child);
	}
}

/* ---- the card's number ---- */

#define NUMBER_FILE "3F00/0900/0903"

static char wrong_number[17];
static int strikes; /* READ BINARY commands until it is read wrong; 0: never */

static void put_number(const char *number)
{
	assert_true(vcard_file_put(bench.card, NUMBER_FILE, (const uint8_t *)number, 16));
}

/* One READ BINARY is answered with the wrong number. */
static void read_wrong_once(void *context, const uint8_t *cmd, size_t len)
{
	(void)len;
	put_number(cmd[1] == 0xB0 && --strikes == 0 ? wrong_number : context);
}

static void wrong_by_a_bit(char out[17])
{
	snprintf(out, 17, "%.16s", vcard_card_number(bench.card));
	out[15] ^= 1; /* another digit */
}

static void a_number_read_wrong_at_a_login_is_not_shown(void **state)
{
	char right[17];
	CK_TOKEN_INFO info;
	unsigned char sig[256];

	(void)state;
	snprintf(right, sizeof right, "%.16s", vcard_card_number(bench.card));
	wrong_by_a_bit(wrong_number);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_memory_equal(info.serialNumber, right, 16);
	fake_foreign_reset(READER); /* the login reads it again */
	strikes = 1;
	fake_on_command(READER, read_wrong_once, right);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	fake_on_command(READER, NULL, NULL);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_memory_equal(info.serialNumber, right, 16);
	fake_foreign_reset(READER); /* and before the PIN is given again it is compared */
	assert_int_equal(sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"),
				     "text", sig), CKR_OK);
}

/* PC/SC did not tell of it: what was shown is of the card of before. */
static void a_login_to_another_card_than_was_shown_sends_nothing(void **state)
{
	CK_TOKEN_INFO info;

	(void)state;
	wrong_by_a_bit(wrong_number);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	fake_foreign_reset(READER);
	put_number(wrong_number);
	assert_int_equal(login(bench.session, PIN), CKR_DEVICE_REMOVED);
	assert_int_equal(verifies(bench.card), 0);
	bench.session = open_session(bench.slot);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
}

/* ---- what is read wrong once is not told for as long as the card is there ---- */

struct misread {
	const char *file;
	unsigned at;      /* the READ BINARY that gets the wrong bytes, counted from 1 */
	unsigned seen;
	uint8_t right[512], wrong[512];
	size_t len;
};

static void read_file_wrong_once(void *context, const uint8_t *cmd, size_t len)
{
	struct misread *m = context;

	(void)len;
	m->seen += cmd[1] == 0xB0;
	assert_true(vcard_file_put(bench.card, m->file,
				   cmd[1] == 0xB0 && m->seen == m->at ? m->wrong : m->right, m->len));
}

/* One letter of `text` in the file. */
static void prepare_misread(struct misread *m, const char *file, const char *text)
{
	const uint8_t *data;
	uint8_t *place;

	*m = (struct misread){.file = file};
	assert_true(vcard_file_get(bench.card, file, &data, &m->len) && m->len <= sizeof m->right);
	memcpy(m->right, data, m->len);
	memcpy(m->wrong, data, m->len);
	place = memmem(m->wrong, m->len, text, strlen(text));
	assert_non_null(place);
	place[strlen(text) - 1] ^= 1;
}

/* Whichever command reads it wrong, the token is told as it is, or not at all. */
static void assert_told_right(const char *file, const char *text)
{
	CK_TOKEN_INFO right, info;
	struct misread m;
	unsigned reads = 0;

	assert_int_equal(C_GetTokenInfo(bench.slot, &right), CKR_OK);
	prepare_misread(&m, file, text);
	for (m.at = 1; m.at <= reads + 1; m.at++) {
		module_stop();
		module_start();
		m.seen = 0;
		fake_on_command(READER, read_file_wrong_once, &m);
		if (C_GetTokenInfo(bench.slot, &info) == CKR_OK)
			assert_memory_equal(&info, &right, sizeof info);
		reads = m.seen;
		fake_on_command(READER, NULL, NULL);
		assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
		assert_memory_equal(&info, &right, sizeof info);
	}
	assert_true(reads > 2);
}

static void a_letter_of_the_label_read_wrong_is_not_shown(void **state)
{
	(void)state;
	assert_told_right("3F00/5030/5032", "HiCOS PKI Smart Card");
}

static void a_letter_of_the_manufacturer_read_wrong_is_not_shown(void **state)
{
	(void)state;
	assert_told_right("3F00/5030/5032", "Chunghwa TeleCom Co");
}

static void a_letter_of_the_card_os_read_wrong_makes_no_other_model(void **state)
{
	(void)state;
	assert_told_right("7FFF/0900/0905", "CHT V32");
}

static void names_that_no_other_card_has_are_shown(void **state)
{
	CK_TOKEN_INFO info;
	struct misread m;

	(void)state;
	prepare_misread(&m, "3F00/5030/5032", "HiCOS PKI Smart Card");
	assert_true(vcard_file_put(bench.card, m.file, m.wrong, m.len));
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_memory_equal(info.label, "HiCOS PKI Smart Care ", 21);
}

/* ---- codes ---- */

static void a_reader_that_takes_too_long_is_a_device_error(void **state)
{
	static const LONG codes[] = {SCARD_E_TIMEOUT, SCARD_E_CANCELLED};

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
		unsigned char sig[256];

		fake_fail(READER, 1, codes[i]);
		assert_int_equal(sign_sha256(bench.session, key, "text", sig), CKR_DEVICE_ERROR);
		assert_int_equal(login(bench.session, PIN), CKR_OK);
	}
}

#define TEST(f, setup) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_signature_that_waited_for_a_pulled_card_says_so, bench_setup_login),
		TEST(a_read_that_waited_for_a_pulled_card_says_so, bench_setup_login),
		TEST(a_card_that_came_before_the_transaction_is_not_taken_for_the_one_before,
		     bench_setup_login),
		TEST(a_removal_that_another_thread_saw_first_is_one, bench_setup_login),
		TEST(also_for_who_asks_about_the_token, bench_setup),
		TEST(a_question_without_an_answer_takes_no_card_away, bench_setup_login),
		TEST(token_info_from_memory_waits_for_no_card, setup_without_keyset),
		TEST(what_a_closed_session_made_ends_with_it, bench_setup_login),
		TEST(a_call_that_finalize_gave_up_on_resets_the_card_however_late, bench_setup),
		TEST(calls_after_the_modules_own_end_come_back, bench_setup),
		TEST(a_look_that_finalize_gave_up_on_finds_its_way_out, bench_setup),
		TEST(a_number_read_wrong_at_a_login_is_not_shown, bench_setup_session),
		TEST(a_login_to_another_card_than_was_shown_sends_nothing, bench_setup_session),
		TEST(a_letter_of_the_label_read_wrong_is_not_shown, bench_setup),
		TEST(a_letter_of_the_manufacturer_read_wrong_is_not_shown, bench_setup),
		GEN2_TEST(a_letter_of_the_card_os_read_wrong_makes_no_other_model),
		TEST(names_that_no_other_card_has_are_shown, bench_setup),
		TEST(a_reader_that_takes_too_long_is_a_device_error, bench_setup_login),
	};

	return cmocka_run_group_tests_name("meanwhile", tests, NULL, NULL);
}
