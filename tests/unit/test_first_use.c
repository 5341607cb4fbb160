/*
 * The first use of things, by two threads at once: what is set up on the way
 * must be set up once. Each round is a process of its own, forked before
 * C_Initialize, because a process has only one first time. TWCARD_ROUNDS says
 * how many rounds (make stress: 10,000).
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "testcard.h"

#define ROUNDS 200
#define BOUND_SECONDS 30 /* of a round; it takes milliseconds */

static struct vcard *other_card;

static unsigned rounds(void)
{
	const char *text = getenv("TWCARD_ROUNDS");

	return text && *text ? (unsigned)strtoul(text, NULL, 10) : ROUNDS;
}

/* SIGALRM, which nobody handles, ends a child that hangs: child_assert_well() sees it. */
static pid_t start_round(void)
{
	pid_t child = child_start();

	if (child == 0)
		alarm(BOUND_SECONDS);
	return child;
}

/* Which round, too: not all of them fail. */
static void assert_round_well(pid_t child, unsigned round, unsigned of)
{
	int status = 0;

	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) /* child_done_leaving_memory() */
		return;
	if (WIFSIGNALED(status))
		fail_msg("round %u of %u: signal %d%s", round, of, WTERMSIG(status),
			 WTERMSIG(status) == SIGALRM ? ", it hung" : "");
	if (WEXITSTATUS(status) != 0)
		fail_msg("round %u of %u: ended with %d (its line modulo 128)", round, of,
			 WEXITSTATUS(status));
}

/* Ends a child well; what it inherited is the parent's. ThreadSanitizer tells of races at exit. */
static void __attribute__((noreturn)) end_round(void)
{
#ifdef __SANITIZE_THREAD__
	exit(0);
#else
	child_done_leaving_memory();
#endif
}

/* ---- two slots ---- */

static int setup_world(void **state)
{
	(void)state;
	memset(&bench, 0, sizeof bench);
	fake_clear();
	bench.card = testcard_load();
	other_card = testcard_load_other();
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	fake_add_reader(OTHER_READER);
	fake_insert(OTHER_READER, other_card);
	return 0;
}

static int teardown_world(void **state)
{
	(void)state;
	fake_clear();
	vcard_free(&bench.card);
	vcard_free(&other_card);
	return 0;
}

struct user {
	pthread_t thread;
	pthread_barrier_t *barrier;
	CK_SLOT_ID slot;
	int line; /* where it failed; 0: nowhere */
};

#define USER_WANTS(what) \
	do { \
		if (!u->line && !(what)) \
			u->line = __LINE__; \
	} while (0)

static void *use_slot(void *context)
{
	struct user *u = context;
	CK_SESSION_HANDLE session;
	CK_SESSION_INFO info;

	pthread_barrier_wait(u->barrier);
	USER_WANTS(C_OpenSession(u->slot, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK);
	USER_WANTS(login(session, PIN) == CKR_OK);
	USER_WANTS(C_GetSessionInfo(session, &info) == CKR_OK && info.state == CKS_RO_USER_FUNCTIONS);
	return NULL;
}

/* Nothing was asked of either slot before, not even if there is a card. */
static void use_both_slots_first(void)
{
	pthread_barrier_t barrier;
	struct user users[2];
	CK_SLOT_ID ids[4];
	CK_ULONG count = COUNT(ids);

	CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
	CHILD_WANTS(C_GetSlotList(CK_FALSE, NULL, &count) == CKR_OK && count == 2);
	CHILD_WANTS(C_GetSlotList(CK_FALSE, ids, &count) == CKR_OK && count == 2);
	pthread_barrier_init(&barrier, NULL, COUNT(users));
	for (size_t i = 0; i < COUNT(users); i++) {
		users[i] = (struct user){.barrier = &barrier, .slot = ids[i]};
		CHILD_WANTS(pthread_create(&users[i].thread, NULL, use_slot, &users[i]) == 0);
	}
	for (size_t i = 0; i < COUNT(users); i++)
		pthread_join(users[i].thread, NULL);
	for (size_t i = 0; i < COUNT(users); i++)
		if (users[i].line)
			_exit(users[i].line & 0x7F);
	CHILD_WANTS(C_Finalize(NULL) == CKR_OK);
	end_round();
}

static void two_slots_may_be_used_first_by_two_threads_at_once(void **state)
{
	unsigned of = rounds();

	(void)state;
	for (unsigned round = 1; round <= of; round++) {
		pid_t child = start_round();

		if (child == 0)
			use_both_slots_first();
		assert_round_well(child, round, of);
	}
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

/* ---- C_Initialize in a forked child, by several threads ---- */

struct starter {
	pthread_t thread;
	pthread_barrier_t *barrier;
	CK_RV rv;
};

static void *initialize(void *context)
{
	struct starter *s = context;

	pthread_barrier_wait(s->barrier);
	s->rv = C_Initialize(NULL);
	return NULL;
}

static void initialize_by_several(void)
{
	pthread_barrier_t barrier;
	struct starter starters[4];
	CK_SESSION_INFO info;
	unsigned good = 0;

	pthread_barrier_init(&barrier, NULL, COUNT(starters));
	for (size_t i = 0; i < COUNT(starters); i++) {
		starters[i] = (struct starter){.barrier = &barrier, .rv = CKR_GENERAL_ERROR};
		CHILD_WANTS(pthread_create(&starters[i].thread, NULL, initialize, &starters[i]) == 0);
	}
	for (size_t i = 0; i < COUNT(starters); i++) {
		pthread_join(starters[i].thread, NULL);
		CHILD_WANTS(starters[i].rv == CKR_OK ||
			    starters[i].rv == CKR_CRYPTOKI_ALREADY_INITIALIZED);
		good += starters[i].rv == CKR_OK;
	}
	CHILD_WANTS(good == 1);
	CHILD_WANTS(C_GetInfo(&(CK_INFO){0}) == CKR_OK);
	CHILD_WANTS(C_GetSessionInfo(bench.session, &info) == CKR_SESSION_HANDLE_INVALID);
	end_round();
}

static struct user users_of_parent[3];
static atomic_bool parent_is_done;

/* Goes in and out of the module's locks, most of them without the card. */
static void *keep_busy(void *context)
{
	struct user *u = context;

	while (!atomic_load(&parent_is_done)) {
		CK_SESSION_HANDLE session = 0;
		CK_SESSION_INFO info;
		CK_SLOT_INFO slot;
		CK_ULONG count = 0;

		USER_WANTS(C_GetSlotList(CK_FALSE, NULL, &count) == CKR_OK);
		USER_WANTS(C_GetSlotInfo(u->slot, &slot) == CKR_OK);
		USER_WANTS(C_OpenSession(u->slot, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK);
		USER_WANTS(C_GetSessionInfo(session, &info) == CKR_OK);
		USER_WANTS(C_CloseSession(session) == CKR_OK);
	}
	return NULL;
}

static void busy_parent_start(void)
{
	atomic_store(&parent_is_done, false);
	for (size_t i = 0; i < COUNT(users_of_parent); i++) {
		users_of_parent[i] = (struct user){.slot = bench.slot};
		assert_int_equal(pthread_create(&users_of_parent[i].thread, NULL, keep_busy,
						&users_of_parent[i]), 0);
	}
}

/* Once; a test that fails leaves it to its teardown. */
static void busy_parent_stop(void)
{
	if (atomic_exchange(&parent_is_done, true))
		return;
	for (size_t i = 0; i < COUNT(users_of_parent); i++)
		pthread_join(users_of_parent[i].thread, NULL);
}

static int setup_busy_parent(void **state)
{
	atomic_store(&parent_is_done, true);
	return bench_setup_session(state);
}

static int teardown_busy_parent(void **state)
{
	busy_parent_stop();
	return bench_teardown(state);
}

static void a_busy_parents_child_may_be_initialized_by_several_threads(void **state)
{
	unsigned of = rounds();

	(void)state;
	/*
	 * A child of a process with threads: ThreadSanitizer does not follow new
	 * threads in it, and AddressSanitizer's allocator may be locked in it for
	 * ever, by a thread that is not there.
	 */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
	skip();
#endif
	busy_parent_start();
	for (unsigned round = 1; round <= of; round++) {
		pid_t child = start_round();

		if (child == 0)
			initialize_by_several();
		assert_round_well(child, round, of);
	}
	busy_parent_stop();
	for (size_t i = 0; i < COUNT(users_of_parent); i++)
		assert_int_equal(users_of_parent[i].line, 0);
	/* and the parent goes on */
	assert_int_equal(login(bench.session, PIN), CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_slots_may_be_used_first_by_two_threads_at_once,
						setup_world, teardown_world),
		cmocka_unit_test_setup_teardown(
			a_busy_parents_child_may_be_initialized_by_several_threads,
			setup_busy_parent, teardown_busy_parent),
	};

	return cmocka_run_group_tests_name("first use", tests, NULL, NULL);
}
