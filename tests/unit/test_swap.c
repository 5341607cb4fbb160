/*
 * Both generations at once in two readers, and one after the other in one:
 * each card gets the commands of its own generation only, whatever was in the
 * reader before or is in the other one.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen2card.h"

#define ROUNDS 4

static struct vcard *cards[3]; /* by generation */
static struct stream streams[2]; /* by reader */

static int setup(void **state)
{
	(void)state;
	home_make();
	log_level("debug");
	log_clear();
	keyset_install();
	fake_clear();
	cards[1] = testcard_load();
	cards[2] = gen2_load();
	fake_add_reader(READER);
	fake_add_reader(OTHER_READER);
	stream_start(READER, &streams[0]);
	stream_start(OTHER_READER, &streams[1]);
	module_start();
	return 0;
}

static int teardown(void **state)
{
	int status;

	bench.card = NULL;
	status = bench_teardown(state); /* the last logout still reaches the cards */
	vcard_free(&cards[1]);
	vcard_free(&cards[2]);
	return status;
}

/* ---- a card in a reader, used from end to end ---- */

static void assert_model(CK_SLOT_ID slot, int generation)
{
	CK_TOKEN_INFO info;

	assert_int_equal(C_GetTokenInfo(slot, &info), CKR_OK);
	assert_memory_equal(info.model, generation == 1 ? "T7S " : "T7S0", 4);
	assert_memory_equal(info.serialNumber, vcard_card_number(cards[generation]), 16);
}

static void assert_signs(CK_SESSION_HANDLE session, int generation, const char *text)
{
	CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, "SIGN");
	unsigned char sig[256];

	assert_int_equal(sign_sha256(session, key, text, sig), CKR_OK);
	assert_true(is_signature(cards[generation], KEY_SIGN, text, sig));
	assert_false(is_signature(cards[3 - generation], KEY_SIGN, text, sig));
}

static CK_SESSION_HANDLE use(CK_SLOT_ID slot, int generation)
{
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE found[16];

	assert_model(slot, generation);
	session = open_session(slot);
	assert_int_equal(find_class(session, CKO_CERTIFICATE, found, COUNT(found)), 4);
	assert_int_equal(login(session, PIN), CKR_OK);
	assert_signs(session, generation, "first");
	return session;
}

static void insert(const char *reader, int generation, struct stream *stream)
{
	fake_insert(reader, cards[generation]);
	memset(stream, 0, sizeof *stream);
	stream_start(reader, stream);
}

/* ---- two readers ---- */

static void use_both(int first_generation)
{
	int second_generation = 3 - first_generation;
	CK_SLOT_ID slots[2];
	CK_SESSION_HANDLE sessions[2];

	insert(READER, first_generation, &streams[0]);
	insert(OTHER_READER, second_generation, &streams[1]);
	slots[0] = slot_of(READER);
	slots[1] = slot_of(OTHER_READER);
	assert_int_not_equal(slots[0], slots[1]);
	sessions[0] = use(slots[0], first_generation);
	sessions[1] = use(slots[1], second_generation);
	for (int i = 0; i < 5; i++) {
		assert_signs(sessions[0], first_generation, "in turn");
		assert_signs(sessions[1], second_generation, "in turn");
	}
	assert_int_equal(verifies(cards[1]), 1);
	assert_int_equal(verifies(cards[2]), 1);
	assert_int_equal(C_Logout(sessions[0]), CKR_OK);
	assert_signs(sessions[1], second_generation, "the other is logged out");
	assert_only_generation(&streams[0], first_generation);
	assert_only_generation(&streams[1], second_generation);
}

static void both_generations_work_side_by_side(void **state)
{
	(void)state;
	use_both(1);
}

static void and_the_other_way_round(void **state)
{
	(void)state;
	use_both(2);
}

struct signer {
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	int generation;
	unsigned good;
};

static void *sign_often(void *context)
{
	struct signer *s = context;
	unsigned char sig[256];
	char text[32];

	for (int i = 0; i < 25; i++) {
		snprintf(text, sizeof text, "message %d", i);
		s->good += sign_sha256(s->session, s->key, text, sig) == CKR_OK &&
			   is_signature(cards[s->generation], KEY_SIGN, text, sig);
	}
	return NULL;
}

static void both_generations_work_at_the_same_time(void **state)
{
	struct signer signers[2] = {{.generation = 1}, {.generation = 2}};
	pthread_t threads[2];

	(void)state;
	insert(READER, 1, &streams[0]);
	insert(OTHER_READER, 2, &streams[1]);
	for (int i = 0; i < 2; i++) {
		signers[i].session = use(slot_of(i ? OTHER_READER : READER), i + 1);
		signers[i].key = find_one(signers[i].session, CKO_PRIVATE_KEY, "SIGN");
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sign_often, &signers[i]), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(signers[0].good, 25);
	assert_int_equal(signers[1].good, 25);
	assert_int_equal(verifies(cards[1]) + verifies(cards[2]), 2);
	assert_only_generation(&streams[0], 1);
	assert_only_generation(&streams[1], 2);
}

static void a_wrong_pin_on_one_card_leaves_the_other_alone(void **state)
{
	CK_SESSION_HANDLE first, second;

	(void)state;
	insert(READER, 1, &streams[0]);
	insert(OTHER_READER, 2, &streams[1]);
	first = open_session(slot_of(READER));
	second = open_session(slot_of(OTHER_READER));
	assert_int_equal(login(second, WRONG_PIN), CKR_PIN_INCORRECT);
	assert_int_equal(vcard_tries_left(cards[1]), 3);
	assert_int_equal(vcard_tries_left(cards[2]), 2);
	assert_int_equal(token_flags(slot_of(READER)) & CKF_USER_PIN_COUNT_LOW, 0);
	assert_int_equal(login(first, PIN), CKR_OK);
	assert_signs(first, 1, "text");
}

static void a_missing_key_set_concerns_its_generation_only(void **state)
{
	CK_SESSION_HANDLE first, second;

	(void)state;
	keyset_remove();
	insert(READER, 1, &streams[0]);
	insert(OTHER_READER, 2, &streams[1]);
	first = open_session(slot_of(READER));
	second = open_session(slot_of(OTHER_READER));
	assert_int_equal(login(second, PIN), CKR_KEY_NEEDED);
	assert_int_equal(login(first, PIN), CKR_OK);
	assert_signs(first, 1, "text");
	assert_null(strstr(log_text(), "hicos-v3 cards: the card can be read"));
}

/* ---- one reader ---- */

static void assert_session_is_gone(CK_SESSION_HANDLE session)
{
	CK_SESSION_INFO info;
	CK_RV rv = C_GetSessionInfo(session, &info);

	assert_true(rv == CKR_DEVICE_REMOVED || rv == CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_GetSessionInfo(session, &info), CKR_SESSION_HANDLE_INVALID);
}

static void a_card_exchanged_for_the_other_generation(void **state)
{
	CK_SLOT_ID slot;

	(void)state;
	insert(READER, 1, &streams[0]);
	slot = slot_of(READER);
	for (int round = 0; round < ROUNDS; round++) {
		int generation = 1 + round % 2;
		CK_SESSION_HANDLE session = use(slot, generation);
		unsigned before;

		assert_only_generation(&streams[0], generation);
		fake_eject(READER);
		before = verifies(cards[3 - generation]);
		insert(READER, 3 - generation, &streams[0]);
		assert_session_is_gone(session);
		assert_model(slot, 3 - generation);
		/* the old card's PIN was not tried on the new one */
		assert_int_equal(verifies(cards[3 - generation]), before);
		assert_only_generation(&streams[0], 3 - generation);
	}
}

/* The program does not look in between: the next thing it does is to sign. */
static void an_exchange_that_nobody_noticed(void **state)
{
	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		CK_SESSION_HANDLE session;
		CK_OBJECT_HANDLE key;
		unsigned char sig[256];
		unsigned before = verifies(cards[3 - generation]);
		CK_RV rv;

		insert(READER, generation, &streams[0]);
		session = use(slot_of(READER), generation);
		key = find_one(session, CKO_PRIVATE_KEY, "SIGN");
		insert(READER, 3 - generation, &streams[0]);
		rv = sign_sha256(session, key, "text", sig);
		assert_true(rv == CKR_DEVICE_REMOVED || rv == CKR_SESSION_HANDLE_INVALID);
		assert_int_equal(verifies(cards[3 - generation]), before);
		assert_only_generation(&streams[0], 3 - generation);
		fake_eject(READER);
	}
}

/* In the middle of an operation: after C_SignInit. */
static void an_exchange_within_an_operation(void **state)
{
	unsigned char sig[256], data[] = "data";
	CK_SESSION_HANDLE session;
	CK_ULONG len = sizeof sig;
	CK_RV rv;

	(void)state;
	insert(READER, 1, &streams[0]);
	session = use(slot_of(READER), 1);
	assert_int_equal(C_SignInit(session, MECHANISM(CKM_SHA256_RSA_PKCS),
				    find_one(session, CKO_PRIVATE_KEY, "SIGN")),
			 CKR_OK);
	assert_int_equal(C_SignUpdate(session, data, sizeof data), CKR_OK);
	insert(READER, 2, &streams[0]);
	rv = C_SignFinal(session, sig, &len);
	assert_true(rv == CKR_DEVICE_REMOVED || rv == CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(verifies(cards[2]), 0);
	assert_only_generation(&streams[0], 2);
	use(slot_of(READER), 2);
	assert_only_generation(&streams[0], 2);
}

/* ---- another card behind the reader's back ---- */

static struct vcard *behind;

static size_t answer_behind(void *context, const uint8_t *cmd, size_t len,
			    uint8_t answer[FAKE_ANSWER_MAX])
{
	size_t n = 0;

	(void)context;
	if (vcard_transmit(behind, cmd, len, answer, FAKE_ANSWER_MAX, &n) != VCARD_ANSWERED)
		return 0;
	return n;
}

static void power_behind(void *context, bool on)
{
	(void)context;
	if (on)
		vcard_power_on(behind);
}

static CK_SESSION_HANDLE insert_behind(int generation)
{
	struct fake_card in_reader = {.answer = answer_behind, .power = power_behind};
	const uint8_t *atr = vcard_atr(cards[generation], &in_reader.atr_len);
	CK_SESSION_HANDLE session;

	memcpy(in_reader.atr, atr, in_reader.atr_len);
	behind = cards[generation];
	fake_insert_card(READER, &in_reader);
	session = open_session(slot_of(READER));
	assert_int_equal(login(session, PIN), CKR_OK);
	assert_signs(session, generation, "before");
	return session;
}

/* So quickly that the PC/SC service only noticed a reset. */
static void a_very_quick_exchange(int generation, struct vcard *other)
{
	CK_SESSION_HANDLE session = insert_behind(generation);
	CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, "SIGN");
	unsigned char sig[256];

	behind = other;
	fake_foreign_reset(READER);
	assert_int_not_equal(sign_sha256(session, key, "after", sig), CKR_OK);
	assert_int_equal(verifies(other), 0);
	assert_int_equal(vcard_tries_left(other), 3);
	fake_eject(READER);
}

static void a_very_quick_exchange_of_gen1_by_gen2(void **state)
{
	(void)state;
	a_very_quick_exchange(1, cards[2]);
}

static void a_very_quick_exchange_of_gen2_by_gen1(void **state)
{
	(void)state;
	a_very_quick_exchange(2, cards[1]);
}

static void a_very_quick_exchange_of_gen1_by_another_gen1(void **state)
{
	struct vcard *other = testcard_load_other();

	(void)state;
	a_very_quick_exchange(1, other);
	vcard_free(&other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_generations_work_side_by_side),
		TEST(and_the_other_way_round),
		TEST(both_generations_work_at_the_same_time),
		TEST(a_wrong_pin_on_one_card_leaves_the_other_alone),
		TEST(a_missing_key_set_concerns_its_generation_only),
		TEST(a_card_exchanged_for_the_other_generation),
		TEST(an_exchange_that_nobody_noticed),
		TEST(an_exchange_within_an_operation),
		TEST(a_very_quick_exchange_of_gen1_by_gen2),
		TEST(a_very_quick_exchange_of_gen2_by_gen1),
		TEST(a_very_quick_exchange_of_gen1_by_another_gen1),
	};

	return cmocka_run_group_tests_name("two generations", tests, NULL, NULL);
}
