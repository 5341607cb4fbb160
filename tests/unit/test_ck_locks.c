/*
 * Locks: who lets one go has it, nobody takes one twice, and none is held when
 * a call has ended; while the card is waited for, the slot's lock is free.
 * Linked with --wrap for the functions of mutexes. What goes wrong without a
 * lock shows once in a thousand times; that it is not taken shows always.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <winscard.h>

#include "cachebench.h"
#include "ck_calls.h"

#define HELD_MAX 32
#define AT_WORK 2 /* locks that may be held at a command: a session's or the module's, and the turn */

/* ---- what is held ---- */

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	pthread_mutex_t *lock;
	pthread_t by;
} held[HELD_MAX];
static unsigned wrong, deepest;

int __real_pthread_mutex_lock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_lock(pthread_mutex_t *lock);
int __real_pthread_mutex_trylock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *lock);
int __real_pthread_mutex_unlock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock);

/* This thread's entry for the lock, or a free one for NULL; NULL: there is none. */
static pthread_mutex_t **find(pthread_mutex_t *lock)
{
	for (size_t i = 0; i < HELD_MAX; i++)
		if (held[i].lock == lock && (!lock || pthread_equal(held[i].by, pthread_self())))
			return &held[i].lock;
	return NULL;
}

static bool has(pthread_mutex_t *lock)
{
	bool it_has;

	__real_pthread_mutex_lock(&table_lock);
	it_has = find(lock) != NULL;
	__real_pthread_mutex_unlock(&table_lock);
	return it_has;
}

static void change(pthread_mutex_t *from, pthread_mutex_t *to)
{
	pthread_mutex_t **entry;

	__real_pthread_mutex_lock(&table_lock);
	entry = find(from);
	if (entry) {
		*entry = to;
		for (size_t i = 0; i < HELD_MAX; i++)
			if (entry == &held[i].lock)
				held[i].by = pthread_self();
	}
	__real_pthread_mutex_unlock(&table_lock);
}

static unsigned held_by_me(void)
{
	unsigned n = 0;

	__real_pthread_mutex_lock(&table_lock);
	for (size_t i = 0; i < HELD_MAX; i++)
		n += held[i].lock && pthread_equal(held[i].by, pthread_self());
	__real_pthread_mutex_unlock(&table_lock);
	return n;
}

/* A wrong step is counted and left out, so that the test comes to its end. */
int __wrap_pthread_mutex_lock(pthread_mutex_t *lock)
{
	int code = 0;

	if (has(lock)) {
		wrong++;
		return 0;
	}
	code = __real_pthread_mutex_lock(lock);
	if (code == 0)
		change(NULL, lock);
	return code;
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *lock)
{
	int code = __real_pthread_mutex_trylock(lock);

	if (code == 0)
		change(NULL, lock);
	return code;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock)
{
	if (!has(lock)) {
		wrong++;
		return 0;
	}
	change(lock, NULL);
	return __real_pthread_mutex_unlock(lock);
}

static void look_at_a_command(void *context, const uint8_t *cmd, size_t len)
{
	unsigned n = held_by_me();

	(void)context;
	(void)cmd;
	(void)len;
	deepest = n > deepest ? n : deepest;
}

static void assert_in_order(void)
{
	assert_int_equal(held_by_me(), 0);
	assert_int_equal(wrong, 0);
	assert_in_range(deepest, 0, AT_WORK);
}

static int setup(void **state)
{
	wrong = deepest = 0;
	memset(held, 0, sizeof held);
	setup_cold(state);
	fake_on_command(READER, look_at_a_command, NULL);
	return 0;
}

/* ---- calls ---- */

static CK_RV sign(void)
{
	unsigned char sig[256];

	return sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), "x", sig);
}

static void every_call(void **state)
{
	(void)state;
	for (int logged_in = 0; logged_in < 2; logged_in++) {
		for (size_t i = 0; i < ck_call_count; i++) {
			const struct ck_call *c = &ck_calls[i];

			if (strcmp(c->name, "C_Finalize") == 0 || strcmp(c->name, "C_Initialize") == 0 ||
			    strcmp(c->name, "C_WaitForSlotEvent") == 0)
				continue;
			(void)c->call(c->kind == CK_CALL_SLOT ? bench.slot : bench.session);
			if (held_by_me() || wrong)
				fail_msg("%s: %u locks held, %u wrong", c->name, held_by_me(), wrong);
		}
		C_CloseAllSessions(bench.slot);
		bench.session = open_session(bench.slot);
		assert_int_equal(login(bench.session, PIN), CKR_OK);
	}
	assert_in_order();
}

static void a_card_is_read_cold_and_warm(void **state)
{
	CK_TOKEN_INFO info;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
		list_objects();
		read_certificates();
		read_modulus("SIGN", KEY_SIGN);
		begin_again();
		fake_on_command(READER, look_at_a_command, NULL);
	}
	assert_true(deepest > 0);
	assert_in_order();
}

static void a_login_begins_and_ends(void **state)
{
	CK_SESSION_HANDLE second;

	(void)state;
	second = open_session(bench.slot);
	assert_int_equal(login(bench.session, WRONG_PIN), CKR_PIN_INCORRECT);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(login(second, PIN), CKR_USER_ALREADY_LOGGED_IN);
	list_objects();
	assert_int_equal(sign(), CKR_OK);
	fake_foreign_reset(READER);
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(C_Logout(second), CKR_OK);
	assert_int_equal(C_Logout(second), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(login(second, PIN), CKR_OK);
	assert_int_equal(C_CloseSession(second), CKR_OK);
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(C_CloseAllSessions(bench.slot), CKR_OK);
	module_stop();
	assert_in_order();
}

static void session_objects_come_and_go(void **state)
{
	CK_ATTRIBUTE label = TEXT_ATTRIBUTE(CKA_LABEL, "a copy");
	CK_OBJECT_HANDLE key, copy, back = 0, found[64];
	CK_ATTRIBUTE aes[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES)};
	unsigned char iv[16] = {0}, wrapped[64], digest[32];
	CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
	CK_ULONG len = sizeof wrapped, size;

	(void)state;
	key = ck_secret(bench.session, CKK_AES, "0123456789abcdef", 16);
	assert_int_equal(C_CopyObject(bench.session, key, &label, 1, &copy), CKR_OK);
	assert_int_equal(ck_set(bench.session, copy, CKA_LABEL, "another", 7), CKR_OK);
	assert_int_equal(C_GetObjectSize(bench.session, copy, &size), CKR_OK);
	assert_true(ck_exists(bench.session, copy));
	assert_int_equal(C_WrapKey(bench.session, &cbc, key, copy, wrapped, &len), CKR_OK);
	assert_int_equal(C_UnwrapKey(bench.session, &cbc, key, wrapped, len, aes, COUNT(aes), &back),
			 CKR_OK);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_DigestKey(bench.session, key), CKR_OK);
	len = sizeof digest;
	assert_int_equal(C_DigestFinal(bench.session, digest, &len), CKR_OK);
	find_class(bench.session, CKO_SECRET_KEY, found, COUNT(found));
	find_class(bench.session, CKO_PROFILE, found, COUNT(found));
	assert_int_equal(C_DestroyObject(bench.session, key), CKR_OK);
	assert_int_equal(C_DestroyObject(bench.session, key), CKR_OBJECT_HANDLE_INVALID);
	assert_in_order();
}

static void card_and_reader_go_and_come(void **state)
{
	CK_SESSION_INFO info;
	CK_TOKEN_INFO token;
	CK_SLOT_ID slot;

	(void)state;
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(sign(), CKR_OK);
	fake_fail(READER, 1, SCARD_F_COMM_ERROR);
	assert_int_not_equal(sign(), CKR_OK);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	fake_eject(READER);
	assert_int_not_equal(C_GetSessionInfo(bench.session, &info), CKR_OK);
	assert_int_equal(C_GetTokenInfo(bench.slot, &token), CKR_TOKEN_NOT_PRESENT);
	assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_OK);
	fake_insert(READER, bench.card);
	bench.session = open_session(bench.slot);
	fake_remove_reader(READER);
	assert_int_not_equal(login(bench.session, PIN), CKR_OK);
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	assert_int_equal(C_GetTokenInfo(bench.slot, &token), CKR_OK);
	fake_service_stop();
	assert_int_not_equal(C_GetTokenInfo(bench.slot, &token), CKR_OK);
	module_stop();
	assert_in_order();
}

#define WATCHED(f) {"generation 1: " #f, f, setup, bench_teardown, (void *)1}, \
		   {"generation 2: " #f, f, setup, bench_teardown, (void *)2}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCHED(every_call),
		WATCHED(a_card_is_read_cold_and_warm),
		WATCHED(a_login_begins_and_ends),
		WATCHED(session_objects_come_and_go),
		WATCHED(card_and_reader_go_and_come),
	};

	return cmocka_run_group_tests_name("locks in order", tests, NULL, NULL);
}
