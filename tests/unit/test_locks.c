/*
 * A reader that hangs holds up its own slot and nothing else; and in that slot
 * who needs the card, nobody else.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "ck_objects.h"

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
	start = ck_now_ms();
	use_other_slot();
	took = ck_now_ms() - start;
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
	start = ck_now_ms();
	rv = C_Finalize(NULL);
	took = ck_now_ms() - start;
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

/* ---- calls that need no card, while somebody else has it ---- */

/* What the calls are made with: a session of their own, and all that they ask for read before. */
static struct {
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE certificate, signs, verifies, encrypts, decrypts, secret, data;
	unsigned char signature[256];
} known;

#define BLOCK "sixteen bytes..."

static CK_RV get_slot_info(void)
{
	CK_SLOT_INFO info;
	CK_RV rv = C_GetSlotInfo(bench.slot, &info);

	return rv == CKR_OK && !(info.flags & CKF_TOKEN_PRESENT) ? CKR_TOKEN_NOT_PRESENT : rv;
}

static CK_RV get_slot_list(void)
{
	CK_ULONG count = 0;
	CK_RV rv = C_GetSlotList(CK_TRUE, NULL, &count);

	return rv == CKR_OK && count != 2 ? CKR_TOKEN_NOT_PRESENT : rv;
}

static CK_RV get_token_info(void)
{
	CK_TOKEN_INFO info;

	return C_GetTokenInfo(bench.slot, &info);
}

static CK_RV get_mechanisms(void)
{
	CK_MECHANISM_INFO info;
	CK_ULONG count = 0;
	CK_RV rv = C_GetMechanismList(bench.slot, NULL, &count);

	return rv == CKR_OK ? C_GetMechanismInfo(bench.slot, CKM_SHA256_RSA_PKCS, &info) : rv;
}

static CK_RV wait_for_slot_event(void)
{
	CK_SLOT_ID slot;

	return C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL);
}

static CK_RV open_and_close(void)
{
	CK_SESSION_HANDLE s;
	CK_RV rv = C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &s);

	return rv == CKR_OK ? C_CloseSession(s) : rv;
}

static CK_RV get_session_info(void)
{
	CK_SESSION_INFO info;

	return C_GetSessionInfo(known.session, &info);
}

static CK_RV log_in_again(void)
{
	return login(known.session, PIN);
}

static CK_RV find_all(void)
{
	CK_OBJECT_HANDLE found[32];
	CK_ULONG count = 0;
	CK_RV rv = C_FindObjectsInit(known.session, NULL, 0);

	if (rv == CKR_OK)
		rv = C_FindObjects(known.session, found, COUNT(found), &count);
	if (rv == CKR_OK && count < 9)
		rv = CKR_DATA_INVALID;
	return rv == CKR_OK ? C_FindObjectsFinal(known.session) : rv;
}

static CK_RV read_one(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
	unsigned char value[4096];
	CK_ATTRIBUTE a = BYTES_OF(type, value, sizeof value);

	return C_GetAttributeValue(known.session, object, &a, 1);
}

static CK_RV read_attributes(void)
{
	CK_RV rv = read_one(known.certificate, CKA_VALUE);

	return rv == CKR_OK ? read_one(known.encrypts, CKA_MODULUS) : rv;
}

static CK_RV read_private_key(void)
{
	return read_one(known.decrypts, CKA_MODULUS);
}

static CK_RV get_object_size(void)
{
	CK_ULONG size;

	return C_GetObjectSize(known.session, known.data, &size);
}

static CK_RV make_and_destroy(void)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_DATA), TEXT_ATTRIBUTE(CKA_LABEL, "made")};
	CK_OBJECT_HANDLE made, copy;
	CK_RV rv = C_CreateObject(known.session, template, COUNT(template), &made);

	if (rv == CKR_OK)
		rv = C_CopyObject(known.session, made, NULL, 0, &copy);
	if (rv == CKR_OK)
		rv = C_DestroyObject(known.session, copy);
	return rv == CKR_OK ? C_DestroyObject(known.session, made) : rv;
}

static CK_RV change_object(void)
{
	return ck_set(known.session, known.data, CKA_LABEL, "other", 5);
}

static CK_RV make_key(void)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_VALUE_LEN, 16)};
	CK_OBJECT_HANDLE key;
	CK_RV rv = C_GenerateKey(known.session, MECHANISM(CKM_AES_KEY_GEN), template, 1, &key);

	return rv == CKR_OK ? C_DestroyObject(known.session, key) : rv;
}

/* The card has its turn only when the signature is made, not while it is prepared. */
static CK_RV prepare_signature(void)
{
	CK_ULONG len = 0;
	CK_RV rv = C_SignInit(known.session, MECHANISM(CKM_SHA256_RSA_PKCS), known.signs);

	if (rv == CKR_OK)
		rv = C_SignUpdate(known.session, (CK_BYTE *)BLOCK, 16);
	if (rv == CKR_OK)
		rv = C_SignFinal(known.session, NULL, &len);
	return rv == CKR_OK ? C_SignInit(known.session, NULL, 0) : rv;
}

static CK_RV prepare_decryption(void)
{
	CK_RV rv = C_DecryptInit(known.session, MECHANISM(CKM_RSA_PKCS), known.decrypts);

	return rv == CKR_OK ? C_DecryptInit(known.session, NULL, 0) : rv;
}

static CK_RV verify(void)
{
	CK_RV rv = C_VerifyInit(known.session, MECHANISM(CKM_SHA256_RSA_PKCS), known.verifies);

	return rv == CKR_OK ? C_Verify(known.session, (CK_BYTE *)"text", 4, known.signature, 256) : rv;
}

static CK_RV encrypt_with(CK_MECHANISM_TYPE mechanism, CK_OBJECT_HANDLE key)
{
	CK_RV rv = C_EncryptInit(known.session, MECHANISM(mechanism), key);
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	return rv == CKR_OK ? C_Encrypt(known.session, (CK_BYTE *)BLOCK, 16, out, &len) : rv;
}

static CK_RV encrypt_for_the_card(void)
{
	return encrypt_with(CKM_RSA_PKCS, known.encrypts);
}

static CK_RV encrypt_with_a_session_key(void)
{
	return encrypt_with(CKM_AES_ECB, known.secret);
}

static CK_RV wrap(void)
{
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	return C_WrapKey(known.session, MECHANISM(CKM_RSA_PKCS), known.encrypts, known.secret, out, &len);
}

static CK_RV digest(void)
{
	CK_RV rv = C_DigestInit(known.session, MECHANISM(CKM_SHA256));
	unsigned char out[32];
	CK_ULONG len = sizeof out;

	return rv == CKR_OK ? C_Digest(known.session, (CK_BYTE *)BLOCK, 16, out, &len) : rv;
}

static CK_RV random_numbers(void)
{
	unsigned char bytes[32];
	CK_RV rv = C_SeedRandom(known.session, (CK_BYTE *)BLOCK, 16);

	return rv == CKR_OK ? C_GenerateRandom(known.session, bytes, sizeof bytes) : rv;
}

/* Each by itself, in this order. */
static const struct call {
	const char *name;
	CK_RV (*call)(void);
	bool needs_login;
	CK_RV wanted;
} calls[] = {
	{"C_GetSlotInfo", get_slot_info, false, CKR_OK},
	{"C_GetSlotList", get_slot_list, false, CKR_OK},
	{"C_GetTokenInfo", get_token_info, false, CKR_OK},
	{"C_GetMechanismList, C_GetMechanismInfo", get_mechanisms, false, CKR_OK},
	{"C_WaitForSlotEvent", wait_for_slot_event, false, CKR_NO_EVENT},
	{"C_OpenSession, C_CloseSession", open_and_close, false, CKR_OK},
	{"C_GetSessionInfo", get_session_info, false, CKR_OK},
	{"C_Login", log_in_again, true, CKR_USER_ALREADY_LOGGED_IN},
	{"C_FindObjects", find_all, false, CKR_OK},
	{"C_GetAttributeValue", read_attributes, false, CKR_OK},
	{"C_GetAttributeValue of a private key", read_private_key, true, CKR_OK},
	{"C_GetObjectSize", get_object_size, false, CKR_OK},
	{"C_CreateObject, C_CopyObject, C_DestroyObject", make_and_destroy, false, CKR_OK},
	{"C_SetAttributeValue", change_object, false, CKR_OK},
	{"C_GenerateKey", make_key, true, CKR_OK},
	{"C_SignInit, C_SignUpdate, C_SignFinal's length", prepare_signature, true, CKR_OK},
	{"C_DecryptInit", prepare_decryption, true, CKR_OK},
	{"C_Verify with the card's key", verify, false, CKR_OK},
	{"C_Encrypt with the card's key", encrypt_for_the_card, false, CKR_OK},
	{"C_Encrypt with a session key", encrypt_with_a_session_key, false, CKR_OK},
	{"C_WrapKey with the card's key", wrap, false, CKR_OK},
	{"C_Digest", digest, false, CKR_OK},
	{"C_SeedRandom, C_GenerateRandom", random_numbers, false, CKR_OK},
};

/* Logged in. Everything is asked for once, so that it is known. */
static void get_to_know(void)
{
	CK_ATTRIBUTE secret[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				 BOOL_OF(CKA_PRIVATE, false), BOOL_OF(CKA_SENSITIVE, false),
				 BOOL_OF(CKA_EXTRACTABLE, true), TEXT_ATTRIBUTE(CKA_VALUE, BLOCK)};

	known.session = open_session(bench.slot);
	known.certificate = find_one(known.session, CKO_CERTIFICATE, "SIGN");
	known.signs = find_one(known.session, CKO_PRIVATE_KEY, "SIGN");
	known.verifies = find_one(known.session, CKO_PUBLIC_KEY, "SIGN");
	known.encrypts = find_one(known.session, CKO_PUBLIC_KEY, "KEYX");
	known.decrypts = find_one(known.session, CKO_PRIVATE_KEY, "KEYX");
	known.secret = ck_create(known.session, secret, COUNT(secret));
	known.data = ck_data(known.session, "data");
	assert_int_equal(sign_sha256(known.session, known.signs, "text", known.signature), CKR_OK);
	for (size_t i = 0; i < COUNT(calls); i++)
		if (calls[i].call() != calls[i].wanted)
			fail_msg("%s, before: %lX", calls[i].name, calls[i].call());
}

struct running {
	const struct call *call;
	CK_RV rv;
};

static void *run_call(void *context)
{
	struct running *r = context;

	r->rv = r->call->call();
	return NULL;
}

/* The call that does not come back until `let_go` is called, or goes wrong; NULL: none. */
static const struct call *find_waiting(bool logged_in, void (*let_go)(void))
{
	for (size_t i = 0; i < COUNT(calls); i++) {
		struct running r = {&calls[i], CKR_OK};
		struct timespec until;
		pthread_t thread;

		if (calls[i].needs_login && !logged_in)
			continue;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 2 * BOUND_MS / 1000;
		assert_int_equal(pthread_create(&thread, NULL, run_call, &r), 0);
		if (pthread_timedjoin_np(thread, NULL, &until) != 0) {
			let_go();
			pthread_join(thread, NULL);
			return &calls[i];
		}
		if (r.rv != calls[i].wanted) {
			print_message("# %s: %lX\n", calls[i].name, r.rv);
			return &calls[i];
		}
	}
	return NULL;
}

static void let_reader_go(void)
{
	fake_hang(READER, false);
}

static void let_transaction_go(void)
{
	fake_hold_transaction(READER, false);
}

static void expect_none(const struct call *waiting)
{
	if (waiting)
		fail_msg("%s", waiting->name);
}

static void beside_a_mute_card_calls_that_need_none_do_not_wait(void **state)
{
	const struct call *waiting;
	struct job job;

	(void)state;
	get_to_know();
	start_hanging(&job);
	waiting = find_waiting(true, let_reader_go);
	finish(&job);
	expect_none(waiting);
	assert_int_equal(job.rv, CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, "text", job.sig));
}

static void beside_a_transaction_of_another_program_neither(void **state)
{
	struct job job = {.key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN")};
	const struct call *waiting;

	(void)state;
	get_to_know();
	fake_hold_transaction(READER, true);
	assert_int_equal(pthread_create(&job.thread, NULL, sign_in_thread, &job), 0);
	usleep(50000); /* it is waiting for the card by now; if not, the test sees less */
	waiting = find_waiting(true, let_transaction_go);
	let_transaction_go();
	pthread_join(job.thread, NULL);
	expect_none(waiting);
	assert_int_equal(job.rv, CKR_OK);
}

static void *log_in_in_thread(void *context)
{
	struct job *job = context;

	job->rv = login(bench.session, PIN);
	return NULL;
}

static void beside_a_login_that_hangs_neither(void **state)
{
	const struct call *waiting;
	struct job job;

	(void)state;
	get_to_know();
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	fake_hang(READER, true);
	assert_int_equal(pthread_create(&job.thread, NULL, log_in_in_thread, &job), 0);
	assert_true(fake_wait_hanging(READER, 5000));
	waiting = find_waiting(false, let_reader_go);
	finish(&job);
	expect_none(waiting);
	assert_int_equal(job.rv, CKR_OK);
}

/*
 * Data whose bytes are not there yet: who reads them stands still, however fast
 * the machine is, until they are let in.
 */
static struct {
	void *bytes;
	size_t len;
	int gate[2];
	atomic_bool reached;
} late;

static void wait_at_the_gate(int signal_number)
{
	char byte;

	(void)signal_number;
	atomic_store(&late.reached, true);
	(void)!read(late.gate[0], &byte, 1);
}

static void let_data_in(void)
{
	assert_int_equal(mprotect(late.bytes, late.len, PROT_READ), 0);
	assert_int_equal(write(late.gate[1], "!", 1), 1);
}

static void *digest_late_data(void *context)
{
	struct job *job = context;
	CK_ULONG len = sizeof job->sig;

	job->rv = C_DigestInit(bench.session, MECHANISM(CKM_SHA256));
	if (job->rv == CKR_OK)
		job->rv = C_Digest(bench.session, late.bytes, late.len, job->sig, &len);
	return NULL;
}

static void beside_a_digest_of_another_session_nobody_waits(void **state)
{
	struct sigaction action = {.sa_handler = wait_at_the_gate}, before;
	const struct call *waiting;
	struct job job;

	(void)state;
	get_to_know();
	late.len = (size_t)sysconf(_SC_PAGESIZE);
	late.bytes = mmap(NULL, late.len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(late.bytes != MAP_FAILED);
	assert_int_equal(pipe(late.gate), 0);
	assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
	assert_int_equal(pthread_create(&job.thread, NULL, digest_late_data, &job), 0);
	for (int i = 0; i < 5000 && !atomic_load(&late.reached); i++)
		usleep(1000);
	waiting = atomic_load(&late.reached) ? find_waiting(true, let_data_in) : &calls[0];
	let_data_in();
	pthread_join(job.thread, NULL);
	assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
	assert_int_equal(munmap(late.bytes, late.len), 0);
	close(late.gate[0]);
	close(late.gate[1]);
	expect_none(waiting);
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
		TWO_SLOTS_TEST(beside_a_mute_card_calls_that_need_none_do_not_wait),
		TWO_SLOTS_TEST(beside_a_transaction_of_another_program_neither),
		TWO_SLOTS_TEST(beside_a_login_that_hangs_neither),
		TWO_SLOTS_TEST(beside_a_digest_of_another_session_nobody_waits),
		LOGIN_TEST(threads_share_a_slot_each_with_its_own_result),
	};

	return cmocka_run_group_tests_name("locks", tests, NULL, NULL);
}
