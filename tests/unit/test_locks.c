/* A reader that hangs holds up its own slot and nothing else. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "child.h"
#include "testcard.h"

#define BOUND_MS 2000    /* for a call that has nothing to wait for */
#define FINALIZE_MS 5000 /* for C_Finalize under a call that hangs */

static struct vcard *other_card;
static CK_SLOT_ID other_slot;

static int setup_two(void **state)
{
	bench_setup_login(state);
	other_card = testcard_load_other();
	fake_add_reader(OTHER_READER);
	fake_insert(OTHER_READER, other_card);
	other_slot = slot_of(OTHER_READER);
	return 0;
}

static int teardown_two(void **state)
{
	int failed = bench_teardown(state);

	vcard_free(&other_card);
	return failed;
}

#define TWO_SLOTS_TEST(f) cmocka_unit_test_setup_teardown(f, setup_two, teardown_two)

static unsigned now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

struct job {
	pthread_t thread;
	CK_OBJECT_HANDLE key;
	CK_RV rv;
	unsigned char sig[256];
};

static void *sign_in_thread(void *context)
{
	struct job *job = context;

	job->rv = sign_sha256(bench.session, job->key, "text", job->sig);
	return NULL;
}

/* Starts a signature that does not come to an end before fake_hang(READER, false). */
static void start_hanging(struct job *job)
{
	job->key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	fake_hang(READER, true);
	assert_int_equal(pthread_create(&job->thread, NULL, sign_in_thread, job), 0);
	assert_true(fake_wait_hanging(READER, 5000));
}

static void finish(struct job *job)
{
	fake_hang(READER, false);
	pthread_join(job->thread, NULL);
}

static void use_other_slot(void)
{
	CK_SESSION_HANDLE session;
	unsigned char sig[256];
	CK_SLOT_INFO info;
	CK_ULONG count = 0;
	CK_OBJECT_HANDLE found[32];

	assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
	assert_int_equal(count, 2);
	assert_int_equal(C_GetSlotInfo(other_slot, &info), CKR_OK);
	session = open_session(other_slot);
	assert_int_equal(find_objects(session, NULL, 0, found, COUNT(found)), 9);
	assert_int_equal(login(session, PIN), CKR_OK);
	assert_int_equal(sign_sha256(session, find_one(session, CKO_PRIVATE_KEY, "SIGN"), "other", sig),
			 CKR_OK);
	assert_true(is_signature(other_card, KEY_SIGN, "other", sig));
	assert_int_equal(C_CloseSession(session), CKR_OK);
}

static void a_hanging_reader_holds_up_its_own_slot_only(void **state)
{
	unsigned start, took;
	struct job job;

	(void)state;
	start_hanging(&job);
	start = now_ms();
	use_other_slot();
	took = now_ms() - start;
	finish(&job);
	assert_int_equal(job.rv, CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, "text", job.sig));
	assert_in_range(took, 0, BOUND_MS);
}

/*
 * C_Finalize under a call that hangs leaves to the call what it uses: in a
 * child process, because a leak checker would rightly wonder.
 */
static void finalize_under_a_hanging_call(void)
{
	unsigned start, took;
	struct job job;
	CK_INFO info;
	CK_RV rv;

	start_hanging(&job);
	start = now_ms();
	rv = C_Finalize(NULL);
	took = now_ms() - start;
	finish(&job);
	CHILD_WANTS(rv == CKR_OK);
	CHILD_WANTS(took <= FINALIZE_MS);
	CHILD_WANTS(C_GetInfo(&info) == CKR_CRYPTOKI_NOT_INITIALIZED);
}

/* In a child, with a module of its own; the parent's is not even initialised. */
static void run_in_child(void (*job)(void))
{
	void *state = NULL;
	pid_t child = child_start();

	if (child == 0) {
		setup_two(&state);
		job();
		child_done_leaving_memory();
	}
	child_assert_well(child);
}

static void finalize_under_a_hanging_call_returns_in_time(void **state)
{
	(void)state;
	run_in_child(finalize_under_a_hanging_call);
}

/*
 * The call that hung across C_Finalize ends later; the next life of the module
 * must not feel it.
 */
static void live_again(void)
{
	unsigned contexts, resets;

	finalize_under_a_hanging_call();
	contexts = fake_open_contexts(); /* what was left to the call */
	module_start();
	bench.session = open_session(slot_of(READER));
	CHILD_WANTS(login(bench.session, PIN) == CKR_OK);
	resets = fake_resets(READER);
	CHILD_WANTS(C_Finalize(NULL) == CKR_OK);
	CHILD_WANTS(fake_open_contexts() == contexts);
	CHILD_WANTS(fake_resets(READER) == resets + 1);
}

/*
 * Fails as of the first version: the late call takes module.active below 0,
 * and the next C_Finalize leaves everything open, the card's verified state,
 * too.
 */
static void after_a_finalize_under_a_hanging_call_all_is_as_new(void **state)
{
	(void)state;
	run_in_child(live_again);
}

static void a_card_pulled_from_a_hanging_reader_ends_the_wait(void **state)
{
	struct job job;

	(void)state;
	start_hanging(&job);
	fake_eject(READER);
	pthread_join(job.thread, NULL);
	fake_hang(READER, false);
	assert_true(job.rv == CKR_DEVICE_REMOVED || job.rv == CKR_TOKEN_NOT_PRESENT);
}

static void a_stopped_service_ends_the_wait(void **state)
{
	struct job job;

	(void)state;
	start_hanging(&job);
	fake_service_stop();
	pthread_join(job.thread, NULL);
	fake_hang(READER, false);
	fake_service_start();
	assert_true(job.rv == CKR_DEVICE_REMOVED || job.rv == CKR_TOKEN_NOT_PRESENT);
}

/* Another program's transaction: we wait for it, the other slot does not. */
static void a_transaction_of_another_program_is_waited_for(void **state)
{
	struct job job = {.key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN")};
	unsigned commands;

	(void)state;
	fake_hold_transaction(READER, true);
	commands = fake_commands(READER);
	assert_int_equal(pthread_create(&job.thread, NULL, sign_in_thread, &job), 0);
	use_other_slot();
	assert_int_equal(fake_commands(READER), commands);
	fake_hold_transaction(READER, false);
	pthread_join(job.thread, NULL);
	assert_int_equal(job.rv, CKR_OK);
}

/* ---- many threads on one slot ---- */

#define THREADS 8
#define ROUNDS 4

struct worker {
	pthread_t thread;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	char text[16];
	unsigned good;
};

static void *sign_often(void *context)
{
	struct worker *w = context;
	unsigned char sig[256];

	for (int i = 0; i < ROUNDS; i++)
		w->good += sign_sha256(w->session, w->key, w->text, sig) == CKR_OK &&
			   is_signature(bench.card, KEY_SIGN, w->text, sig);
	return NULL;
}

static void threads_share_a_slot_each_with_its_own_result(void **state)
{
	struct worker workers[THREADS] = {0};

	(void)state;
	for (size_t i = 0; i < THREADS; i++) {
		workers[i].session = open_session(bench.slot);
		workers[i].key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
		workers[i].text[0] = (char)('a' + i);
		assert_int_equal(pthread_create(&workers[i].thread, NULL, sign_often, &workers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].good, ROUNDS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWO_SLOTS_TEST(a_hanging_reader_holds_up_its_own_slot_only),
		cmocka_unit_test(finalize_under_a_hanging_call_returns_in_time),
		cmocka_unit_test(after_a_finalize_under_a_hanging_call_all_is_as_new),
		TWO_SLOTS_TEST(a_card_pulled_from_a_hanging_reader_ends_the_wait),
		TWO_SLOTS_TEST(a_stopped_service_ends_the_wait),
		TWO_SLOTS_TEST(a_transaction_of_another_program_is_waited_for),
		LOGIN_TEST(threads_share_a_slot_each_with_its_own_result),
	};

	return cmocka_run_group_tests_name("locks", tests, NULL, NULL);
}
