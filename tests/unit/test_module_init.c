/* C_Initialize and C_Finalize: arguments, threads, fork, exit handlers. */
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "child.h"
#include "testcard.h"

static CK_RV no_mutex(void **mutex)
{
	(void)mutex;
	return CKR_OK;
}

static CK_RV no_lock(void *mutex)
{
	(void)mutex;
	return CKR_OK;
}

static CK_C_INITIALIZE_ARGS all_callbacks(CK_FLAGS flags)
{
	return (CK_C_INITIALIZE_ARGS){.CreateMutex = no_mutex, .DestroyMutex = no_lock,
				      .LockMutex = no_lock, .UnlockMutex = no_lock, .flags = flags};
}

static void assert_starts(void *args)
{
	assert_int_equal(C_Initialize(args), CKR_OK);
	module_stop();
}

static void the_usual_arguments_are_accepted(void **state)
{
	CK_C_INITIALIZE_ARGS empty = {0}, os = {.flags = CKF_OS_LOCKING_OK};
	CK_C_INITIALIZE_ARGS both = all_callbacks(CKF_OS_LOCKING_OK);
	CK_C_INITIALIZE_ARGS no_threads = {.flags = CKF_LIBRARY_CANT_CREATE_OS_THREADS |
						    CKF_OS_LOCKING_OK};

	(void)state;
	assert_starts(NULL);
	assert_starts(&empty);
	assert_starts(&os);
	assert_starts(&both);
	assert_starts(&no_threads);
}

static void callbacks_alone_are_used_or_refused_by_name(void **state)
{
	CK_C_INITIALIZE_ARGS callbacks = all_callbacks(0);
	CK_RV rv = C_Initialize(&callbacks);

	(void)state;
	assert_true(rv == CKR_OK || rv == CKR_CANT_LOCK);
	if (rv == CKR_OK)
		module_stop();
}

static void some_of_the_callbacks_are_wrong_arguments(void **state)
{
	CK_C_INITIALIZE_ARGS one = {.CreateMutex = no_mutex, .flags = CKF_OS_LOCKING_OK};
	CK_C_INITIALIZE_ARGS three = all_callbacks(CKF_OS_LOCKING_OK);
	CK_C_INITIALIZE_ARGS reserved = {.pReserved = &one};

	(void)state;
	three.UnlockMutex = NULL;
	assert_int_equal(C_Initialize(&one), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_Initialize(&three), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_Initialize(&reserved), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void a_second_initialize_is_refused_and_changes_nothing(void **state)
{
	CK_INFO info;

	(void)state;
	module_start();
	assert_int_equal(C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	assert_int_equal(C_GetInfo(&info), CKR_OK);
	module_stop();
	assert_int_equal(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void finalize_takes_no_argument(void **state)
{
	CK_INFO info;

	(void)state;
	module_start();
	assert_int_equal(C_Finalize(&info), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetInfo(&info), CKR_OK);
	module_stop();
}

static void before_initialize_every_call_says_so(void **state)
{
	CK_ULONG count = 0;
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	CK_SESSION_INFO session;
	CK_SESSION_HANDLE handle;
	CK_FUNCTION_LIST *list;

	(void)state;
	assert_int_equal(C_GetFunctionList(&list), CKR_OK);
	assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(C_GetSlotInfo(1, &slot), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(C_GetTokenInfo(1, &token), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &handle),
			 CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(C_GetSessionInfo(1, &session), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(login(1, PIN), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(C_CreateObject(1, NULL, 0, NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void the_library_tells_its_name(void **state)
{
	CK_INFO info;

	(void)state;
	module_start();
	assert_int_equal(C_GetInfo(&info), CKR_OK);
	assert_int_equal(info.cryptokiVersion.major, 2);
	assert_int_equal(info.flags, 0);
	assert_null(memchr(info.manufacturerID, 0, sizeof info.manufacturerID));
	assert_null(memchr(info.libraryDescription, 0, sizeof info.libraryDescription));
	module_stop();
}

static void it_starts_again_after_finalize(void **state)
{
	CK_OBJECT_HANDLE found[32];

	(void)state;
	for (int i = 0; i < 3; i++) {
		if (i)
			module_start();
		bench.session = open_session(slot_of(READER));
		assert_int_equal(find_objects(bench.session, NULL, 0, found, COUNT(found)), 9);
		module_stop();
		assert_int_equal(fake_open_contexts(), 0);
	}
}

/* ---- threads ---- */

static void *initialize(void *out)
{
	*(CK_RV *)out = C_Initialize(NULL);
	return NULL;
}

static void of_concurrent_initializes_exactly_one_succeeds(void **state)
{
	pthread_t threads[8];
	CK_RV rv[COUNT(threads)];
	size_t good = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, initialize, &rv[i]), 0);
	for (size_t i = 0; i < COUNT(threads); i++) {
		pthread_join(threads[i], NULL);
		good += rv[i] == CKR_OK;
		assert_true(rv[i] == CKR_OK || rv[i] == CKR_CRYPTOKI_ALREADY_INITIALIZED);
	}
	assert_int_equal(good, 1);
	module_stop();
}

/* ---- fork ---- */

static void in_child(void)
{
	unsigned before = fake_strange_calls();
	CK_SESSION_INFO info;
	CK_SESSION_HANDLE session;
	CK_ULONG count = 0;
	CK_SLOT_ID slot;

	CHILD_WANTS(C_GetSessionInfo(bench.session, &info) == CKR_CRYPTOKI_NOT_INITIALIZED);
	CHILD_WANTS(C_Finalize(NULL) == CKR_CRYPTOKI_NOT_INITIALIZED);
	CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
	CHILD_WANTS(C_GetSessionInfo(bench.session, &info) == CKR_SESSION_HANDLE_INVALID);
	CHILD_WANTS(C_GetSlotList(CK_FALSE, NULL, &count) == CKR_OK && count == 1);
	CHILD_WANTS(C_GetSlotList(CK_FALSE, &slot, &count) == CKR_OK);
	CHILD_WANTS(C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK);
	CHILD_WANTS(C_Login(session, CKU_USER, (CK_BYTE *)PIN, 6) == CKR_OK);
	CHILD_WANTS(C_Finalize(NULL) == CKR_OK);
	CHILD_WANTS(fake_strange_calls() == before); /* the parent's contexts were left alone */
}

static void a_child_starts_anew_and_leaves_the_parent_alone(void **state)
{
	unsigned char sig[256];
	pid_t child;

	(void)state;
	child = child_start();
	if (child == 0) {
		in_child();
		child_done_leaving_memory(); /* the parent's, which is not the child's to free */
	}
	child_assert_well(child);
	assert_int_equal(sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"),
				     "text", sig),
			 CKR_OK);
}

/* ---- exit handlers ---- */

static bool openssl_is_gone;

#ifdef __SANITIZE_ADDRESS__
static const bool leaks_are_looked_for = true;
#else
static const bool leaks_are_looked_for = false;
#endif

static void finalize_late(void)
{
	if (C_Finalize(NULL) != CKR_OK)
		_exit(99);
	/*
	 * What OpenSSL tore down cannot be freed any more; the parent's crypto
	 * context was left alone, as threads that the child has not may hold its locks.
	 */
	if (openssl_is_gone || leaks_are_looked_for)
		child_done_leaving_memory();
}

/* OpenSSL's clean-up runs before a handler that was registered earlier. */
static void exit_after_openssl(bool clean_up_first)
{
	CK_SESSION_HANDLE session;
	CK_SLOT_ID slot = 0;

	atexit(finalize_late);
	CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
	CHILD_WANTS(slot_of(READER) == slot);
	CHILD_WANTS(C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK);
	CHILD_WANTS(C_Login(session, CKU_USER, (CK_BYTE *)PIN, 6) == CKR_OK);
	if (clean_up_first) {
		OPENSSL_cleanup();
		openssl_is_gone = true;
	}
	exit(0);
}

static void run_exiting_child(bool clean_up_first)
{
	pid_t child = child_start();

	if (child == 0)
		exit_after_openssl(clean_up_first);
	child_assert_well(child);
}

static void finalize_works_in_an_exit_handler(void **state)
{
	(void)state;
	run_exiting_child(false);
}

static void finalize_works_after_openssl_has_cleaned_up(void **state)
{
	(void)state;
	run_exiting_child(true);
}

static void a_program_may_end_without_finalize(void **state)
{
	pid_t child = child_start();

	(void)state;
	if (child == 0) {
		CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
		open_session(slot_of(READER));
		_exit(0);
	}
	child_assert_well(child);
}

/* ---- threads of the program that live on ---- */

#define THREADS 8
#define MANY 64

static atomic_bool finalized;

static void *ask_again_and_again(void *context)
{
	CK_SLOT_INFO info;

	/* who is refused lets those go on that are inside: C_Finalize waits two seconds for them */
	while (!atomic_load(&finalized))
		if (C_GetSlotInfo(0, &info) != CKR_OK)
			sched_yield();
	return context;
}

static void finalize_does_not_wait_for_calls_that_are_refused(void **state)
{
	pthread_t threads[MANY];
	CK_RV rv;

	(void)state;
	atomic_store(&finalized, false);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_again_and_again, NULL), 0);
	rv = C_Finalize(NULL);
	atomic_store(&finalized, true);
	for (size_t i = 0; i < MANY; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(rv, CKR_OK);
	/* had it given up waiting, the connection to the card would be left */
	assert_int_equal(fake_open_contexts(), 0);
}

static pthread_barrier_t together;

/* OpenSSL keeps a generator for each thread, and looks after it when the thread ends. */
static void *use_and_outlive(void *context)
{
	CK_SESSION_HANDLE session;
	unsigned char random[16];

	if (C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK ||
	    C_GenerateRandom(session, random, sizeof random) != CKR_OK)
		*(bool *)context = true;
	pthread_barrier_wait(&together);
	pthread_barrier_wait(&together); /* finalized meanwhile */
	return NULL;
}

static void outlive_in_child(void)
{
	bool failed[THREADS] = {false};
	pthread_t threads[THREADS];

#ifdef M_PERTURB
	mallopt(M_PERTURB, 0x5A); /* what is freed is not as it was */
#endif
	CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
	pthread_barrier_init(&together, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++)
		CHILD_WANTS(!pthread_create(&threads[i], NULL, use_and_outlive, &failed[i]));
	pthread_barrier_wait(&together);
	CHILD_WANTS(C_Finalize(NULL) == CKR_OK);
	pthread_barrier_wait(&together);
	for (size_t i = 0; i < THREADS; i++)
		CHILD_WANTS(!pthread_join(threads[i], NULL) && !failed[i]);
	child_done_leaving_memory();
}

static void a_thread_that_used_the_module_may_end_after_finalize(void **state)
{
	pid_t child = child_start();

	(void)state;
	if (child == 0)
		outlive_in_child();
	child_assert_well(child);
}

/* It is one for the process and never grows: full, it would cost the program's threads their
 * random numbers. */
static void openssls_secure_memory_is_left_to_the_program(void **state)
{
	(void)state;
	assert_false(CRYPTO_secure_malloc_initialized());
}

static int stop_again(void **state)
{
	bench_setup(state);
	return C_Finalize(NULL) == CKR_OK ? 0 : 1;
}

#define STOPPED_TEST(f) cmocka_unit_test_setup_teardown(f, stop_again, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STOPPED_TEST(the_usual_arguments_are_accepted),
		STOPPED_TEST(callbacks_alone_are_used_or_refused_by_name),
		STOPPED_TEST(some_of_the_callbacks_are_wrong_arguments),
		STOPPED_TEST(a_second_initialize_is_refused_and_changes_nothing),
		STOPPED_TEST(finalize_takes_no_argument),
		STOPPED_TEST(before_initialize_every_call_says_so),
		STOPPED_TEST(the_library_tells_its_name),
		BENCH_TEST(it_starts_again_after_finalize),
		STOPPED_TEST(of_concurrent_initializes_exactly_one_succeeds),
		LOGIN_TEST(a_child_starts_anew_and_leaves_the_parent_alone),
		STOPPED_TEST(finalize_works_in_an_exit_handler),
		STOPPED_TEST(finalize_works_after_openssl_has_cleaned_up),
		STOPPED_TEST(a_program_may_end_without_finalize),
		SESSION_TEST(finalize_does_not_wait_for_calls_that_are_refused),
		LOGIN_TEST(openssls_secure_memory_is_left_to_the_program),
		STOPPED_TEST(a_thread_that_used_the_module_may_end_after_finalize),
	};

	return cmocka_run_group_tests_name("initialize and finalize", tests, NULL, NULL);
}
