/*
 * SCP03 against known answers: what goes to the card, byte for byte, and what
 * becomes of the channel when an answer is not the expected one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "apdu/scp03.h"

#ifndef TESTDATA
#define TESTDATA "tests/data"
#endif
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define ANSWERS_MAX 8
#define HALF 128
#define CARD_CRYPTOGRAM_AT 21 /* in the answer to INITIALIZE UPDATE */

/* ---- the known answers ---- */

static const char *vector_text(const char *name)
{
	static char line[2048];
	FILE *file = fopen(TESTDATA "/gppki-scp03.txt", "re");
	size_t n = strlen(name);

	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, name, n) != 0 || line[n] != ' ')
			continue;
		fclose(file);
		line[strcspn(line, "\n")] = '\0';
		return line + n + 1;
	}
	fail_msg("no vector %s", name);
	return NULL;
}

static size_t vector(const char *name, uint8_t *out, size_t cap)
{
	const char *hex = vector_text(name);
	size_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		unsigned byte;

		assert_true(n < cap);
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		out[n++] = (uint8_t)byte;
	}
	return n;
}

static void assert_vector(const char *name, const uint8_t *got, size_t len)
{
	uint8_t wanted[300];

	assert_int_equal(vector(name, wanted, sizeof wanted), len);
	assert_memory_equal(got, wanted, len);
}

/* ---- a transport with answers laid out before ---- */

static struct {
	struct {
		uint8_t bytes[TRANSPORT_ANSWER_MAX];
		size_t len;
		enum result result;
	} answers[ANSWERS_MAX];
	size_t answer_count;
	struct {
		uint8_t bytes[COMMAND_MAX_SIZE];
		size_t len;
	} commands[ANSWERS_MAX];
	size_t count; /* commands that came */
} wire;

static enum result wire_begin(void *self, bool *was_reset)
{
	(void)self;
	*was_reset = false;
	return RESULT_OK;
}

static enum result wire_end(void *self, bool reset)
{
	(void)self;
	(void)reset;
	return RESULT_OK;
}

static enum result wire_transmit(void *self, const uint8_t *apdu, size_t len, uint8_t *answer,
				 size_t cap, size_t *answer_len)
{
	size_t i = wire.count++;

	(void)self;
	assert_true(i < ANSWERS_MAX && len <= COMMAND_MAX_SIZE);
	memcpy(wire.commands[i].bytes, apdu, len);
	wire.commands[i].len = len;
	assert_true(i < wire.answer_count);
	assert_true(wire.answers[i].len <= cap);
	memcpy(answer, wire.answers[i].bytes, wire.answers[i].len);
	*answer_len = wire.answers[i].len;
	return wire.answers[i].result;
}

static void wire_close(void *self)
{
	(void)self;
}

static const struct transport_ops wire_ops = {wire_begin, wire_end, wire_transmit, wire_close};

static void will_answer_bytes(const void *bytes, size_t len)
{
	size_t i = wire.answer_count++;

	assert_true(i < ANSWERS_MAX);
	memcpy(wire.answers[i].bytes, bytes, len);
	wire.answers[i].len = len;
	wire.answers[i].result = RESULT_OK;
}

static void will_answer(size_t data_len, uint16_t sw)
{
	uint8_t bytes[TRANSPORT_ANSWER_MAX] = {0};

	bytes[data_len] = (uint8_t)(sw >> 8);
	bytes[data_len + 1] = (uint8_t)sw;
	will_answer_bytes(bytes, data_len + 2);
}

static void will_fail(enum result result)
{
	size_t i = wire.answer_count++;

	assert_true(i < ANSWERS_MAX);
	wire.answers[i].len = 0;
	wire.answers[i].result = result;
}

/* The known session's, changed as the test wants. */
static size_t update_answer(uint8_t out[64])
{
	size_t n = vector("initialize-update-response", out, 62);

	out[n] = 0x90;
	out[n + 1] = 0x00;
	return n + 2;
}

static void will_answer_update(void)
{
	uint8_t bytes[64];

	will_answer_bytes(bytes, update_answer(bytes));
}

static void assert_sent(size_t which, const char *name)
{
	assert_true(which < wire.count);
	assert_vector(name, wire.commands[which].bytes, wire.commands[which].len);
}

/* ---- what every test starts from ---- */

static struct channel *channel;
static struct scp03 session;
static struct scp03_keys keys;
static uint8_t challenge[SCP03_CHALLENGE_SIZE];
static struct response response;

static int setup(void **state)
{
	uint8_t master[SCP03_KEY_SIZE], cin[SCP03_CIN_SIZE], aid[16];
	bool was_reset;

	(void)state;
	memset(&wire, 0, sizeof wire);
	memset(&session, 0, sizeof session);
	assert_int_equal(channel_new(&wire_ops, &wire, "wire", challenge, 0, &channel), RESULT_OK);
	assert_int_equal(channel_begin(channel, &was_reset), RESULT_OK);
	vector("master-key", master, sizeof master);
	vector("cin", cin, sizeof cin);
	assert_int_equal(vector("diversification-aid", aid, sizeof aid), 15);
	assert_int_equal(scp03_diversify(NULL, master, cin, aid + 10, &keys), RESULT_OK);
	vector("host-challenge", challenge, sizeof challenge);
	return 0;
}

static int setup_open(void **state)
{
	setup(state);
	will_answer_update();
	will_answer(0, 0x9000);
	assert_int_equal(scp03_open(NULL, channel, &keys, challenge, &session), RESULT_OK);
	assert_true(session.open);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	response_clear(&response);
	scp03_release(&session);
	channel_free(&channel);
	return 0;
}

static enum result send(const struct command *cmd)
{
	return scp03_transmit(channel, &session, cmd, &response);
}

static void assert_closed_and_wiped(void)
{
	static const struct scp03 nothing;

	assert_false(session.open);
	assert_memory_equal(session.session.enc, nothing.session.enc, sizeof nothing.session.enc);
	assert_memory_equal(session.session.mac, nothing.session.mac, sizeof nothing.session.mac);
	assert_memory_equal(session.session.chaining, nothing.session.chaining,
			    sizeof nothing.session.chaining);
	assert_int_equal(session.session.counter, 0);
}

static const uint8_t pin_block[10] = {'1', '2', '3', '4', '5', '6', 0xFF, 0xFF, 0xFF, 0xFF};
static const struct command verify = {.ins = 0x20, .p2 = 0x01, .data = pin_block, .len = 10};

/* ---- known answers ---- */

static void the_static_keys_are_the_known_ones(void **state)
{
	(void)state;
	assert_vector("k-enc", keys.enc, sizeof keys.enc);
	assert_vector("k-mac", keys.mac, sizeof keys.mac);
	assert_vector("k-dek", keys.dek, sizeof keys.dek);
}

static void opening_sends_the_known_bytes(void **state)
{
	uint8_t update[14] = {0x80, 0x50, 0x01, 0x00, 0x08};

	(void)state;
	memcpy(update + 5, challenge, sizeof challenge);
	assert_int_equal(wire.count, 2);
	assert_int_equal(wire.commands[0].len, sizeof update);
	assert_memory_equal(wire.commands[0].bytes, update, sizeof update);
	assert_sent(1, "external-authenticate");
	assert_vector("s-enc", session.session.enc, sizeof session.session.enc);
	assert_vector("s-mac", session.session.mac, sizeof session.session.mac);
}


/* The block of the known session is 00 01 02 … FF. */
static void make_block(uint8_t block[2 * HALF])
{
	for (unsigned i = 0; i < 2 * HALF; i++)
		block[i] = (uint8_t)i;
}

static void assert_sends(const struct command *cmd, size_t answer_len, const char *name)
{
	size_t before = wire.count;

	will_answer(answer_len, 0x9000);
	assert_int_equal(send(cmd), RESULT_OK);
	assert_int_equal(wire.count, before + 1);
	assert_sent(before, name);
	assert_int_equal(response.data.len, answer_len);
	assert_true(session.open);
}

static void every_command_is_wrapped_as_known(void **state)
{
	static const uint8_t pki[] = {0x50, 0x30}, key_df[] = {0x08, 0x10};
	uint8_t block[2 * HALF];
	const struct command to_pki = {.ins = 0xA4, .p2 = 4, .data = pki, .len = 2};
	const struct command to_keys = {.ins = 0xA4, .p2 = 4, .data = key_df, .len = 2};
	const struct command first = {.cla = 0x80, .ins = 0xEA, .p1 = 0x82, .p2 = 0x01,
				      .data = block, .len = HALF};
	const struct command second = {.cla = 0x80, .ins = 0xEA, .p1 = 0x02, .p2 = 0x01,
				       .data = block + HALF, .len = HALF, .le = HALF};
	const struct command rest = {.cla = 0x80, .ins = 0xC1, .p2 = HALF, .le = HALF};

	(void)state;
	make_block(block);
	assert_sends(&verify, 0, "verify-pin-123456");
	assert_sends(&to_pki, 0, "select-5030");
	assert_sends(&to_keys, 0, "select-0810");
	assert_int_equal(session.session.counter, 3);
	assert_sends(&first, 0, "private-op-first-half");
	assert_sends(&second, HALF, "private-op-second-half");
	assert_int_equal(session.session.counter, 5);
	assert_sends(&rest, HALF, "private-op-rest");
	assert_int_equal(session.session.counter, 5); /* without a body: not encrypted, not counted */
}

static void a_random_challenge_is_another_one_each_time(void **state)
{
	uint8_t first[14];

	(void)state;
	will_answer_update(); /* its cryptogram fits the known challenge only */
	assert_int_equal(scp03_open(NULL, channel, &keys, NULL, &session), RESULT_CHANNEL);
	memcpy(first, wire.commands[0].bytes, sizeof first);
	will_answer_update();
	assert_int_equal(scp03_open(NULL, channel, &keys, NULL, &session), RESULT_CHANNEL);
	assert_memory_equal(first, wire.commands[1].bytes, 5);
	assert_memory_not_equal(first + 5, wire.commands[1].bytes + 5, SCP03_CHALLENGE_SIZE);
}

/* ---- opening goes wrong ---- */

/* INITIALIZE UPDATE is all that the card gets. */
static void assert_refused(enum result r)
{
	assert_int_equal(r, RESULT_CHANNEL);
	assert_int_equal(wire.count, 1);
	assert_closed_and_wiped();
}

static enum result open_with(const uint8_t *answer, size_t len)
{
	memset(&wire, 0, sizeof wire);
	will_answer_bytes(answer, len);
	return scp03_open(NULL, channel, &keys, challenge, &session);
}

static void a_wrong_cryptogram_stops_before_ours_is_sent(void **state)
{
	uint8_t answer[64];
	size_t len = update_answer(answer);

	(void)state;
	for (int byte = 0; byte < 8; byte++) {
		for (int bit = 0; bit < 8; bit++) {
			answer[CARD_CRYPTOGRAM_AT + byte] ^= (uint8_t)(1 << bit);
			assert_refused(open_with(answer, len));
			answer[CARD_CRYPTOGRAM_AT + byte] ^= (uint8_t)(1 << bit);
		}
	}
}

static void the_keys_of_another_card_stop_before_ours_is_sent(void **state)
{
	uint8_t answer[64];
	size_t len = update_answer(answer);

	(void)state;
	keys.mac[15] ^= 1;
	assert_refused(open_with(answer, len));
}

static void an_answer_of_the_wrong_length_is_refused(void **state)
{
	uint8_t answer[64], cut[64] = {0};
	size_t len = update_answer(answer) - 2;

	(void)state;
	for (size_t n = 0; n < sizeof cut - 2; n++) {
		if (n == len || n == len + 3) /* with a sequence counter it is right, too */
			continue;
		memcpy(cut, answer, n < len ? n : len);
		cut[n] = 0x90;
		cut[n + 1] = 0x00;
		assert_refused(open_with(cut, n + 2));
	}
}

static void an_answer_with_a_sequence_counter_is_right(void **state)
{
	uint8_t answer[64];
	size_t len = update_answer(answer);

	(void)state;
	memcpy(answer + len - 2, "\0\0\1\x90\0", 5);
	memset(&wire, 0, sizeof wire);
	will_answer_bytes(answer, len + 3);
	will_answer(0, 0x9000);
	assert_int_equal(scp03_open(NULL, channel, &keys, challenge, &session), RESULT_OK);
	assert_sent(1, "external-authenticate");
}

static void another_protocol_than_scp03_is_refused(void **state)
{
	uint8_t answer[64];
	size_t len = update_answer(answer);

	(void)state;
	answer[11] = 0x02;
	assert_refused(open_with(answer, len));
}

static void a_card_that_refuses_to_begin_is_told_as_such(void **state)
{
	static const uint16_t words[] = {0x6A88, 0x6982, 0x6985, 0x6D00, 0x6E00, 0x6700, 0x63C2,
					 0x6F00, 0x6283};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		memset(&wire, 0, sizeof wire);
		will_answer(0, words[i]);
		assert_refused(scp03_open(NULL, channel, &keys, challenge, &session));
	}
}

static void a_refused_authentication_leaves_nothing_open(void **state)
{
	static const uint16_t words[] = {0x6300, 0x6982, 0x6988, 0x6985, 0x6E00, 0x6283};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		memset(&wire, 0, sizeof wire);
		will_answer_update();
		will_answer(0, words[i]);
		assert_int_equal(scp03_open(NULL, channel, &keys, challenge, &session),
				 RESULT_CHANNEL);
		assert_int_equal(wire.count, 2);
		assert_closed_and_wiped();
	}
}

static void what_happens_to_the_card_is_not_told_as_a_refusal(void **state)
{
	static const enum result results[] = {RESULT_CARD_REMOVED, RESULT_NO_READER,
					      RESULT_CARD_RESET, RESULT_NO_SERVICE};

	(void)state;
	for (size_t i = 0; i < COUNT(results); i++) {
		memset(&wire, 0, sizeof wire);
		will_answer_update();
		will_fail(results[i]);
		assert_int_equal(scp03_open(NULL, channel, &keys, challenge, &session), results[i]);
		assert_closed_and_wiped();
	}
}

static void opening_again_forgets_the_session_before(void **state)
{
	(void)state;
	will_answer(0, 0x6A88);
	assert_int_equal(scp03_open(NULL, channel, &keys, challenge, &session), RESULT_CHANNEL);
	assert_closed_and_wiped();
}

/* ---- commands in the open channel ---- */

static void the_longest_body_fits(void **state)
{
	static const uint8_t body[SCP03_MAX_DATA];
	const struct command cmd = {.ins = 0xDA, .data = body, .len = sizeof body};

	(void)state;
	will_answer(0, 0x9000);
	assert_int_equal(send(&cmd), RESULT_OK);
	assert_int_equal(wire.commands[2].bytes[4], 240 + 8);
	assert_int_equal(wire.commands[2].len, 5 + 240 + 8);
	assert_true(session.open);
}

static void a_longer_body_is_not_sent_and_changes_nothing(void **state)
{
	static const uint8_t body[SCP03_MAX_DATA + 1];
	const struct command cmd = {.ins = 0xDA, .data = body, .len = sizeof body};

	(void)state;
	assert_int_equal(send(&cmd), RESULT_ARGUMENT);
	assert_int_equal(wire.count, 2);
	assert_sends(&verify, 0, "verify-pin-123456");
}

/* A body whose length is a multiple of the block gets a whole block of padding. */
static void padding_is_always_there(void **state)
{
	static const uint8_t body[32];

	(void)state;
	for (size_t len = 1; len <= 32; len += 15) {
		const struct command cmd = {.ins = 0xDA, .data = body, .len = len};
		size_t at = wire.count;

		will_answer(0, 0x9000);
		assert_int_equal(send(&cmd), RESULT_OK);
		assert_int_equal(wire.commands[at].bytes[4], (len / 16 + 1) * 16 + 8);
	}
}

/* What the card gets of a command's body, with the counter at `counter`. */
static void decrypt_body(uint32_t counter, const uint8_t *body, size_t len, uint8_t *out)
{
	uint8_t block[16] = {[12] = (uint8_t)(counter >> 24), [13] = (uint8_t)(counter >> 16),
			     [14] = (uint8_t)(counter >> 8), [15] = (uint8_t)counter};
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t iv[16];
	int n = 0;

	assert_non_null(ctx);
	assert_true(EVP_EncryptInit_ex2(ctx, EVP_aes_128_ecb(), session.session.enc, NULL, NULL) &&
		    EVP_EncryptUpdate(ctx, iv, &n, block, sizeof block) && n == sizeof iv);
	assert_true(EVP_DecryptInit_ex2(ctx, EVP_aes_128_cbc(), session.session.enc, iv, NULL) &&
		    EVP_CIPHER_CTX_set_padding(ctx, 0) &&
		    EVP_DecryptUpdate(ctx, out, &n, body, (int)len) && n == (int)len);
	EVP_CIPHER_CTX_free(ctx);
}

static void the_counter_has_four_bytes(void **state)
{
	static const uint32_t counters[] = {0xFF, 0x100, 0x01020304, 0xFFFFFFFF};
	uint8_t plain[16];

	(void)state;
	for (size_t i = 0; i < COUNT(counters); i++) {
		size_t at = wire.count;

		session.session.counter = counters[i] - 1;
		will_answer(0, 0x9000);
		assert_int_equal(send(&verify), RESULT_OK);
		assert_int_equal(session.session.counter, counters[i]);
		decrypt_body(counters[i], wire.commands[at].bytes + 5, sizeof plain, plain);
		assert_memory_equal(plain, pin_block, sizeof pin_block);
		assert_memory_equal(plain + sizeof pin_block, "\x80\0\0\0\0\0", 6);
	}
}

static void every_other_status_word_closes_and_wipes(void **state)
{
	static const uint16_t words[] = {0x6988, 0x6982, 0x6985, 0x63C2, 0x6983, 0x6A82, 0x6700,
					 0x6D00, 0x6F00, 0x6282, 0x9001, 0x0000, 0xFFFF};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		memset(&wire, 0, sizeof wire);
		will_answer_update();
		will_answer(0, 0x9000);
		assert_int_equal(scp03_open(NULL, channel, &keys, challenge, &session), RESULT_OK);
		will_answer(0, words[i]);
		assert_int_equal(send(&verify), RESULT_OK);
		assert_int_equal(response.sw, words[i]);
		assert_closed_and_wiped();
		assert_int_equal(send(&verify), RESULT_CHANNEL);
		assert_int_equal(wire.count, 3);
	}
}

static void but_not_one_that_the_command_calls_fine(void **state)
{
	struct command cmd = verify;

	(void)state;
	cmd.fine_sw = 0x6A82;
	memset(&wire, 0, sizeof wire);
	will_answer_update();
	will_answer(0, 0x9000);
	assert_int_equal(scp03_open(NULL, channel, &keys, challenge, &session), RESULT_OK);
	will_answer(0, 0x6A82);
	assert_int_equal(send(&cmd), RESULT_OK);
	assert_true(session.open);
	will_answer(0, 0x6A88);
	assert_int_equal(send(&cmd), RESULT_OK);
	assert_closed_and_wiped();
}

static void a_broken_answer_closes_and_wipes(void **state)
{
	(void)state;
	will_answer_bytes("\x90", 1);
	assert_int_equal(send(&verify), RESULT_BAD_ANSWER);
	assert_closed_and_wiped();
}

static void a_lost_card_closes_and_wipes(void **state)
{
	(void)state;
	will_fail(RESULT_CARD_MUTE);
	assert_int_equal(send(&verify), RESULT_CARD_MUTE);
	assert_closed_and_wiped();
}

/* The card has counted the MAC already: the same one again looks like an attack to it. */
static void the_same_mac_is_never_sent_twice(void **state)
{
	const struct command rest = {.cla = 0x80, .ins = 0xC1, .p2 = HALF, .le = HALF};

	(void)state;
	will_answer(0, 0x6C40);
	will_answer(0x40, 0x9000);
	assert_int_equal(send(&rest), RESULT_OK);
	assert_int_equal(wire.count, 3);
	assert_int_equal(response.sw, 0x6C40);
	assert_closed_and_wiped();
}

static void closing_wipes_and_may_be_done_twice(void **state)
{
	(void)state;
	scp03_close(&session);
	assert_closed_and_wiped();
	scp03_close(&session);
	assert_closed_and_wiped();
	assert_int_equal(send(&verify), RESULT_CHANNEL);
	assert_int_equal(wire.count, 2);
}

/* OpenSSL's part is kept while channels come and go, and goes with the card. */
static void a_released_channel_is_as_new_and_can_be_opened_again(void **state)
{
	static const struct scp03 nothing;
	const EVP_MAC_CTX *mac = session.mac;

	(void)state;
	scp03_close(&session);
	assert_non_null(mac);
	assert_ptr_equal(session.mac, mac);
	scp03_release(&session);
	assert_memory_equal(&session, &nothing, sizeof nothing);
	scp03_release(&session);
	assert_int_equal(send(&verify), RESULT_CHANNEL);
	memset(&wire, 0, sizeof wire);
	will_answer_update();
	will_answer(0, 0x9000);
	assert_int_equal(scp03_open(NULL, channel, &keys, challenge, &session), RESULT_OK);
	assert_sends(&verify, 0, "verify-pin-123456");
}

/* Nothing of the session before goes into the MACs and counters of the next. */
static void a_channel_that_is_open_can_be_opened_anew(void **state)
{
	(void)state;
	assert_sends(&verify, 0, "verify-pin-123456");
	memset(&wire, 0, sizeof wire);
	will_answer_update();
	will_answer(0, 0x9000);
	assert_int_equal(scp03_open(NULL, channel, &keys, challenge, &session), RESULT_OK);
	assert_sent(1, "external-authenticate");
	assert_sends(&verify, 0, "verify-pin-123456");
	assert_int_equal(session.session.counter, 1);
}

static void without_its_algorithms_nothing_is_sent(void **state)
{
	OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *none = OSSL_PROVIDER_load(libctx, "null"); /* it has no algorithms */

	(void)state;
	assert_non_null(none);
	assert_int_equal(scp03_open(libctx, channel, &keys, challenge, &session), RESULT_CRYPTO);
	assert_int_equal(wire.count, 0);
	assert_closed_and_wiped();
	will_answer_update();
	will_answer(0, 0x9000);
	assert_int_equal(scp03_open(NULL, channel, &keys, challenge, &session), RESULT_OK);
	OSSL_PROVIDER_unload(none);
	OSSL_LIB_CTX_free(libctx);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define OPEN_TEST(f) cmocka_unit_test_setup_teardown(f, setup_open, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_static_keys_are_the_known_ones),
		OPEN_TEST(opening_sends_the_known_bytes),
		OPEN_TEST(every_command_is_wrapped_as_known),
		TEST(a_random_challenge_is_another_one_each_time),
		TEST(a_wrong_cryptogram_stops_before_ours_is_sent),
		TEST(the_keys_of_another_card_stop_before_ours_is_sent),
		TEST(an_answer_of_the_wrong_length_is_refused),
		TEST(an_answer_with_a_sequence_counter_is_right),
		TEST(another_protocol_than_scp03_is_refused),
		TEST(a_card_that_refuses_to_begin_is_told_as_such),
		TEST(a_refused_authentication_leaves_nothing_open),
		TEST(what_happens_to_the_card_is_not_told_as_a_refusal),
		OPEN_TEST(opening_again_forgets_the_session_before),
		OPEN_TEST(the_longest_body_fits),
		OPEN_TEST(a_longer_body_is_not_sent_and_changes_nothing),
		OPEN_TEST(padding_is_always_there),
		OPEN_TEST(the_counter_has_four_bytes),
		TEST(every_other_status_word_closes_and_wipes),
		TEST(but_not_one_that_the_command_calls_fine),
		OPEN_TEST(a_broken_answer_closes_and_wipes),
		OPEN_TEST(a_lost_card_closes_and_wipes),
		OPEN_TEST(the_same_mac_is_never_sent_twice),
		OPEN_TEST(closing_wipes_and_may_be_done_twice),
		OPEN_TEST(a_released_channel_is_as_new_and_can_be_opened_again),
		OPEN_TEST(a_channel_that_is_open_can_be_opened_anew),
		TEST(without_its_algorithms_nothing_is_sent),
	};

	return cmocka_run_group_tests_name("scp03", tests, NULL, NULL);
}
