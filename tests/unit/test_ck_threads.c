/*
 * Many threads in one module. Threads count what is good; only the test's own
 * thread asserts. To be run under ThreadSanitizer, too.
 */
#include <pthread.h>
#include <string.h>

#include <openssl/evp.h>

#include "ck_cipher.h"

#define THREADS 64
#define ROUNDS 2
#define BOUND_MS 5000 /* for calls on a slot whose reader does not hang */

static struct vcard *other_card;
static CK_SLOT_ID other_slot;

static int setup_two(void **state)
{
	bench_setup(state);
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

struct worker {
	pthread_t thread;
	CK_SLOT_ID slot;
	struct vcard *card;
	char text[16];
	unsigned rounds, good, logins;
	const char *failed; /* the step */
	CK_RV rv;
};

/* False, with the step noted, unless the call worked. */
static bool step(struct worker *w, const char *name, CK_RV rv)
{
	if (rv == CKR_OK)
		return true;
	if (!w->failed) {
		w->failed = name;
		w->rv = rv;
	}
	return false;
}

static bool find(struct worker *w, CK_SESSION_HANDLE s, CK_OBJECT_CLASS klass, CK_OBJECT_HANDLE *out)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, klass), BYTES_OF(CKA_ID, "SIGN", 4)};
	CK_ULONG n = 0;

	return step(w, "C_FindObjectsInit", C_FindObjectsInit(s, template, COUNT(template))) &&
	       step(w, "C_FindObjects", C_FindObjects(s, out, 1, &n)) &&
	       step(w, "C_FindObjectsFinal", C_FindObjectsFinal(s)) && n == 1;
}

static bool read_certificate(struct worker *w, CK_SESSION_HANDLE s)
{
	unsigned char der[4096];
	CK_ATTRIBUTE value = BYTES_OF(CKA_VALUE, der, sizeof der);
	CK_OBJECT_HANDLE object;

	return find(w, s, CKO_CERTIFICATE, &object) &&
	       step(w, "C_GetAttributeValue", C_GetAttributeValue(s, object, &value, 1)) && der[0] == 0x30;
}

static bool digest(struct worker *w, CK_SESSION_HANDLE s)
{
	unsigned char wanted[32], out[32];
	CK_ULONG len = sizeof out;

	EVP_Digest(w->text, sizeof w->text, wanted, NULL, EVP_sha256(), NULL);
	return step(w, "C_DigestInit", C_DigestInit(s, MECHANISM(CKM_SHA256))) &&
	       step(w, "C_Digest", C_Digest(s, (CK_BYTE *)w->text, sizeof w->text, out, &len)) &&
	       memcmp(out, wanted, sizeof out) == 0;
}

static bool sign_and_verify(struct worker *w, CK_SESSION_HANDLE s)
{
	CK_OBJECT_HANDLE private_key, public_key;
	CK_MECHANISM *m = MECHANISM(CKM_SHA256_RSA_PKCS);
	unsigned char sig[256];
	CK_ULONG len = sizeof sig;

	return find(w, s, CKO_PRIVATE_KEY, &private_key) && find(w, s, CKO_PUBLIC_KEY, &public_key) &&
	       step(w, "C_SignInit", C_SignInit(s, m, private_key)) &&
	       step(w, "C_Sign", C_Sign(s, (CK_BYTE *)w->text, sizeof w->text, sig, &len)) &&
	       step(w, "C_VerifyInit", C_VerifyInit(s, m, public_key)) &&
	       step(w, "C_Verify", C_Verify(s, (CK_BYTE *)w->text, sizeof w->text, sig, len));
}

/* A session object each, which nobody else touches. */
static bool use_secret(struct worker *w, CK_SESSION_HANDLE s)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				   BYTES_OF(CKA_VALUE, w->text, sizeof w->text)};
	unsigned char out[16], back[16];
	CK_ULONG len = sizeof out, back_len = sizeof back;
	CK_MECHANISM *m = MECHANISM(CKM_AES_ECB);
	CK_OBJECT_HANDLE key;

	return step(w, "C_CreateObject", C_CreateObject(s, template, COUNT(template), &key)) &&
	       step(w, "C_EncryptInit", C_EncryptInit(s, m, key)) &&
	       step(w, "C_Encrypt", C_Encrypt(s, (CK_BYTE *)w->text, 16, out, &len)) &&
	       step(w, "C_DecryptInit", C_DecryptInit(s, m, key)) &&
	       step(w, "C_Decrypt", C_Decrypt(s, out, len, back, &back_len)) &&
	       memcmp(back, w->text, 16) == 0 && step(w, "C_DestroyObject", C_DestroyObject(s, key));
}

static void *work(void *context)
{
	struct worker *w = context;
	CK_SESSION_HANDLE s;
	CK_RV rv;

	for (unsigned i = 0; i < w->rounds; i++) {
		if (!step(w, "C_OpenSession", C_OpenSession(w->slot, CKF_SERIAL_SESSION, NULL, NULL, &s)))
			break;
		rv = C_Login(s, CKU_USER, (CK_BYTE *)PIN, strlen(PIN));
		w->logins += rv == CKR_OK;
		if (rv != CKR_USER_ALREADY_LOGGED_IN)
			step(w, "C_Login", rv);
		w->good += read_certificate(w, s) && digest(w, s) && use_secret(w, s) &&
			   sign_and_verify(w, s);
		step(w, "C_CloseSession", C_CloseSession(s));
	}
	return NULL;
}

static void start(struct worker *w, CK_SLOT_ID slot, struct vcard *card, unsigned number)
{
	*w = (struct worker){.slot = slot, .card = card, .rounds = ROUNDS};
	snprintf(w->text, sizeof w->text, "thread %u", number);
	assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
}

/* Answers how many of them logged in. */
static unsigned finish(struct worker *workers, size_t count)
{
	unsigned logins = 0;

	for (size_t i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
	for (size_t i = 0; i < count; i++) {
		if (workers[i].failed)
			fail_msg("thread %zu: %s: %lX", i, workers[i].failed, workers[i].rv);
		assert_int_equal(workers[i].good, ROUNDS);
		logins += workers[i].logins;
	}
	return logins;
}

static void sixty_four_threads_share_a_slot_and_one_login(void **state)
{
	CK_SESSION_HANDLE keeps_login = open_session(bench.slot);
	static struct worker workers[THREADS];
	struct vcard_stats stats;

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		start(&workers[i], bench.slot, bench.card, i);
	assert_int_equal(finish(workers, THREADS), 1);
	vcard_stats(bench.card, &stats);
	assert_int_equal(stats.verifies, 1);
	assert_int_equal(stats.private_ops, THREADS * ROUNDS);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	assert_int_equal(C_Logout(keeps_login), CKR_OK);
}

static void threads_on_two_slots_work_at_once(void **state)
{
	CK_SESSION_HANDLE first = open_session(bench.slot), second = open_session(other_slot);
	static struct worker workers[16];

	(void)state;
	for (unsigned i = 0; i < COUNT(workers); i++)
		start(&workers[i], i % 2 ? other_slot : bench.slot, i % 2 ? other_card : bench.card, i);
	assert_int_equal(finish(workers, COUNT(workers)), 2);
	assert_int_equal(C_CloseSession(first), CKR_OK);
	assert_int_equal(C_CloseSession(second), CKR_OK);
}

static void a_hanging_reader_does_not_hold_up_threads_on_the_other(void **state)
{
	CK_SESSION_HANDLE first = open_session(bench.slot), second = open_session(other_slot);
	static struct worker stuck[2], workers[8];
	unsigned begin, took;

	(void)state;
	assert_int_equal(login(first, PIN), CKR_OK);
	assert_int_equal(login(second, PIN), CKR_OK);
	fake_hang(READER, true);
	for (unsigned i = 0; i < COUNT(stuck); i++)
		start(&stuck[i], bench.slot, bench.card, i);
	assert_true(fake_wait_hanging(READER, BOUND_MS));
	begin = ck_now_ms();
	for (unsigned i = 0; i < COUNT(workers); i++)
		start(&workers[i], other_slot, other_card, i);
	finish(workers, COUNT(workers));
	took = ck_now_ms() - begin;
	fake_hang(READER, false);
	finish(stuck, COUNT(stuck));
	print_message("# %zu threads beside a hanging reader: %u ms\n", COUNT(workers), took);
	assert_in_range(took, 0, BOUND_MS * 4);
}

/* ---- what happens under threads ---- */

static void *poll_slots(void *context)
{
	struct worker *w = context;

	for (int i = 0; i < 200; i++) {
		CK_SLOT_INFO info;
		CK_TOKEN_INFO token;
		CK_ULONG count = 0;
		CK_SLOT_ID slot;
		CK_RV rv;

		step(w, "C_GetSlotList", C_GetSlotList(CK_TRUE, NULL, &count));
		step(w, "C_GetSlotInfo", C_GetSlotInfo(w->slot, &info));
		rv = C_GetTokenInfo(w->slot, &token);
		if (rv != CKR_TOKEN_NOT_PRESENT && rv != CKR_DEVICE_REMOVED)
			step(w, "C_GetTokenInfo", rv);
		rv = C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL);
		if (rv != CKR_NO_EVENT)
			step(w, "C_WaitForSlotEvent", rv);
		w->good++;
	}
	return NULL;
}

static void slots_may_be_looked_at_while_cards_come_and_go(void **state)
{
	struct worker workers[4];

	(void)state;
	for (size_t i = 0; i < COUNT(workers); i++) {
		workers[i] = (struct worker){.slot = bench.slot};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, poll_slots, &workers[i]), 0);
	}
	for (int i = 0; i < 50; i++) {
		fake_eject(READER);
		fake_insert(READER, bench.card);
		if (i % 10 == 0) {
			fake_add_reader(OTHER_READER);
			fake_remove_reader(OTHER_READER);
		}
	}
	for (size_t i = 0; i < COUNT(workers); i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].failed)
			fail_msg("%s: %lX", workers[i].failed, workers[i].rv);
		assert_int_equal(workers[i].good, 200);
	}
}

static void *log_in_only(void *context)
{
	struct worker *w = context;
	CK_SESSION_HANDLE s;

	if (step(w, "C_OpenSession", C_OpenSession(w->slot, CKF_SERIAL_SESSION, NULL, NULL, &s))) {
		w->rv = C_Login(s, CKU_USER, (CK_BYTE *)PIN, strlen(PIN));
		w->good = w->rv == CKR_OK;
		w->logins = w->rv == CKR_USER_ALREADY_LOGGED_IN;
	}
	return NULL;
}

static void of_parallel_logins_one_sends_the_pin(void **state)
{
	struct worker workers[16];
	unsigned good = 0, already = 0;
	struct vcard_stats stats;

	(void)state;
	for (size_t i = 0; i < COUNT(workers); i++) {
		workers[i] = (struct worker){.slot = bench.slot};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, log_in_only, &workers[i]), 0);
	}
	for (size_t i = 0; i < COUNT(workers); i++) {
		pthread_join(workers[i].thread, NULL);
		assert_null(workers[i].failed);
		good += workers[i].good;
		already += workers[i].logins;
	}
	vcard_stats(bench.card, &stats);
	assert_int_equal(good, 1);
	assert_int_equal(already, COUNT(workers) - 1);
	assert_int_equal(stats.verifies, 1);
}

/* ---- sessions come and go while another thread counts them ---- */

static void *open_and_close(void *context)
{
	struct worker *w = context;
	CK_SESSION_HANDLE session;

	for (unsigned i = 0; i < w->rounds; i++)
		if (step(w, "open", C_OpenSession(w->slot, CKF_SERIAL_SESSION, NULL, NULL, &session)) &&
		    step(w, "close", C_CloseSession(session)))
			w->good++;
	return NULL;
}

static void sessions_are_counted_while_they_come_and_go(void **state)
{
	struct worker w = {.slot = bench.slot, .rounds = 1000};
	unsigned char label[32] = "x";

	(void)state;
	assert_int_equal(pthread_create(&w.thread, NULL, open_and_close, &w), 0);
	for (unsigned i = 0; i < w.rounds; i++)
		assert_int_equal(C_InitToken(bench.slot, (CK_BYTE *)PIN, 6, label), CKR_SESSION_EXISTS);
	pthread_join(w.thread, NULL);
	assert_int_equal(w.good, w.rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(sixty_four_threads_share_a_slot_and_one_login),
		TWO_SLOTS_TEST(threads_on_two_slots_work_at_once),
		TWO_SLOTS_TEST(a_hanging_reader_does_not_hold_up_threads_on_the_other),
		BENCH_TEST(slots_may_be_looked_at_while_cards_come_and_go),
		BENCH_TEST(of_parallel_logins_one_sends_the_pin),
		SESSION_TEST(sessions_are_counted_while_they_come_and_go),
	};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
