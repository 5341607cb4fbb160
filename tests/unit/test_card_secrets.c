/*
 * What a card is told in secret, below the module: a VERIFY is sent once,
 * whatever becomes of its answer, with an initial vector of its own; and what
 * was secret is wiped from the memory it was in (wipes.h).
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "apdu/scp03.h"
#include "apdu/secret.h"
#include "faultcard.h"
#include "gen2card.h"
#include "profiles/internal.h"
#include "profiles/keyset.h"
#include "wipes.h"

#define INS_VERIFY 0x20
#define INS_CHANGE 0x24
#define INS_PRIVATE 0xEA
#define INS_REST 0xC1
#define INS_INITIALIZE 0x50

static struct faultcard f;

/* ---- VERIFY ---- */

static enum result verify(const char *pin, int *tries)
{
	return card_verify_pin(f.card, (const uint8_t *)pin, strlen(pin), tries);
}

/* Struck by a moment, or by a status word in place of the card's. */
static void assert_one_verify(enum moment moment, uint16_t sw)
{
	unsigned before;
	enum result r;
	int tries;

	faultcard_must_open(&f);
	before = f.sent[INS_VERIFY];
	faultcard_strike(&f, moment, INS_VERIFY, 1);
	f.sw = sw;
	r = verify(PIN, &tries);
	if (r == RESULT_OK || r == RESULT_PIN_WRONG || f.sent[INS_VERIFY] != before + 1)
		fail_msg("gen %d, %s %04X: %s, %u VERIFYs", f.generation, moment_name(moment), sw,
			 result_name(r), f.sent[INS_VERIFY] - before);
	assert_int_equal(tries, -1);
	assert_int_equal(vcard_tries_left(f.vcard), 3);
	faultcard_must_open(&f);
	assert_int_equal(verify(PIN, &tries), RESULT_OK);
	assert_int_equal(f.sent[INS_VERIFY], before + 2);
}

static void a_verify_whose_answer_is_lost_is_not_sent_again(void **state)
{
	static const uint16_t words[] = {0x6C08, 0x6C00, 0x6110, 0x6700, 0x6A88, 0x6985, 0x6E00, 0x6D00,
					 0x9001, 0x6300};

	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		faultcard_load(&f, generation);
		for (int moment = MOMENT_NONE + 1; moment < MOMENTS; moment++)
			if (moment != MOMENT_CUT) /* there are no data to cut */
				assert_one_verify((enum moment)moment, 0);
		for (size_t i = 0; i < COUNT(words); i++)
			assert_one_verify(MOMENT_NONE, words[i]);
		faultcard_clear(&f);
	}
}

static void a_wrong_pin_is_sent_once_and_so_is_the_right_one(void **state)
{
	int tries;

	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		faultcard_load(&f, generation);
		faultcard_must_open(&f);
		assert_int_equal(verify(WRONG_PIN, &tries), RESULT_PIN_WRONG);
		assert_int_equal(tries, 2);
		assert_int_equal(f.sent[INS_VERIFY], 1);
		assert_int_equal(verify(PIN, &tries), RESULT_OK);
		assert_int_equal(f.sent[INS_VERIFY], 2);
		faultcard_clear(&f);
	}
}

/* MOICA's rules, the same for both generations: six to eight digits, three tries. */
static void a_pin_of_another_length_is_not_sent(void **state)
{
	static const char *const pins[] = {"", "12345", "123456789", "123456", "12345678"};

	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		size_t min = 0, max = 0;
		int tries = 0;

		faultcard_load(&f, generation);
		faultcard_must_open(&f);
		card_pin_limits(f.card, &min, &max, &tries);
		assert_int_equal(min, 6);
		assert_int_equal(max, 8);
		assert_int_equal(tries, vcard_tries_left(f.vcard));
		for (unsigned i = 0; i < COUNT(pins); i++) {
			enum result want = i < 3 ? RESULT_PIN_LENGTH : i == 3 ? RESULT_OK : RESULT_PIN_WRONG;

			assert_int_equal(verify(pins[i], &tries), want);
			assert_int_equal(tries, want == RESULT_PIN_WRONG ? 2 : -1);
			assert_int_equal(f.sent[INS_VERIFY], i < 3 ? 0 : i - 2);
		}
		faultcard_clear(&f);
	}
}

static void each_protected_pin_has_an_initial_vector_of_its_own(void **state)
{
	uint8_t seen[4][8];
	int tries;

	(void)state;
	faultcard_load(&f, 1);
	f.keep = INS_VERIFY;
	faultcard_must_open(&f);
	for (size_t i = 0; i < COUNT(seen); i++) {
		assert_int_equal(verify(PIN, &tries), RESULT_OK);
		assert_int_equal(f.command_len, 5 + 32);
		memcpy(seen[i], f.command + 5, sizeof seen[i]);
		assert_memory_not_equal(seen[i], "\0\0\0\0\0\0\0\0", sizeof seen[i]);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(seen[i], seen[k], sizeof seen[i]);
	}
	faultcard_clear(&f);
}

/* ---- what is wiped: first generation ---- */

static const uint8_t pin_block[] = {'1', '2', '3', '4', '5', '6', 0xFF, 0xFF, 0xFF, 0xFF};

/* However the VERIFY ended. */
static void a_protected_pin_is_wiped_wherever_it_was(void **state)
{
	static const enum moment ends[] = {MOMENT_NONE, MOMENT_MUTE, MOMENT_ONE_BYTE, MOMENT_6F00};

	(void)state;
	faultcard_load(&f, 1);
	f.keep = INS_VERIFY;
	for (size_t i = 0; i < COUNT(ends); i++) {
		const uint8_t *body = f.command + 5;
		int tries;

		faultcard_must_open(&f);
		faultcard_strike(&f, ends[i], INS_VERIFY, 1);
		wipes_record();
		assert_int_equal(verify(PIN, &tries) == RESULT_OK, ends[i] == MOMENT_NONE);
		wipes_stop();
		assert_int_equal(wiped(18, pin_block, sizeof pin_block), 1); /* PIN and MAC */
		assert_int_equal(wiped(32, body + 8, 24), 1);                /* where it was encrypted */
		assert_int_equal(wiped(32, body, 32), 1);                    /* the command's data */
		assert_int_equal(wiped_within(32, body, 32), 1);             /* the command */
	}
	wipes_forget();
	faultcard_clear(&f);
}

/* However it ended: both PINs, and what they were encrypted in. */
static void so_are_those_of_a_new_pin(void **state)
{
	static const enum moment ends[] = {MOMENT_NONE, MOMENT_MUTE, MOMENT_ONE_BYTE, MOMENT_6F00};
	const char *old = PIN, *new = WRONG_PIN;

	(void)state;
	faultcard_load(&f, 1);
	f.keep = INS_CHANGE;
	for (size_t i = 0; i < COUNT(ends); i++) {
		const uint8_t *body = f.command + 5;
		uint8_t block[10];
		int tries;

		faultcard_must_open(&f);
		f.card->options.allow_unproven = true;
		faultcard_strike(&f, ends[i], INS_CHANGE, 1);
		memset(block, 0xFF, sizeof block);
		memcpy(block, old, strlen(old));
		wipes_record();
		assert_int_equal(card_change_pin(f.card, (const uint8_t *)old, strlen(old),
						 (const uint8_t *)new, strlen(new), &tries) == RESULT_OK,
				 ends[i] == MOMENT_NONE);
		wipes_stop();
		assert_int_equal(wiped(28, block, sizeof block), 1); /* PINs and MAC */
		assert_int_equal(wiped(32, body + 8, 32), 1);        /* where they were encrypted */
		assert_int_equal(wiped(40, body, 40), 1);            /* the command's data */
		assert_int_equal(wiped_within(40, body, 40), 1);     /* the command */
		if (ends[i] != MOMENT_6F00) { /* that one was not carried out */
			const char *before = old;

			old = new;
			new = before;
		}
	}
	wipes_forget();
	faultcard_clear(&f);
}

/* A block and its result, which can be a plaintext. */
static void a_private_operation_is_wiped_wherever_it_was(void **state)
{
	uint8_t in[256], out[256];
	int tries;

	(void)state;
	memset(in, 0x5E, sizeof in);
	in[0] = 0;
	for (int generation = 1; generation <= 2; generation++) {
		faultcard_load(&f, generation);
		faultcard_must_open(&f);
		assert_int_equal(verify(PIN, &tries), RESULT_OK);
		wipes_record();
		assert_int_equal(card_private_op(f.card, KEY_KEYX, in, out), RESULT_OK);
		wipes_stop();
		for (int half = 0; half < 2; half++) {
			assert_int_equal(wiped(TRANSPORT_ANSWER_MAX, out + 128 * half, 128), 1);
			assert_int_equal(wiped_within(TRANSPORT_ANSWER_MAX, out + 128 * half, 128), 1);
			if (generation == 1) /* in the command; the channel encrypts without a copy */
				assert_true(wiped_within(0, in + 128 * half, 128) >= 1);
		}
		wipes_forget();
		faultcard_clear(&f);
	}
}

/* ---- what is wiped: second generation ---- */

#define OTHER_KEY "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
#define BROKEN_KEY "B0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF"
#define KEYSET_TEXT(key) "profile = gppki\nmaster-key = " key "\ndiversification-aid = " GEN2_AID "\n"

static const uint8_t cin[VCARD_CIN_LEN] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static struct scp03_keys keys_from(const char *master)
{
	static const uint8_t tail[] = {0x53, 0x89, 0xC0, 0x00, 0x14};
	uint8_t key[SCP03_KEY_SIZE];
	struct scp03_keys keys;

	assert_int_equal(wire_unhex(master, key, sizeof key), sizeof key);
	assert_int_equal(scp03_diversify(NULL, key, cin, tail, &keys), RESULT_OK);
	return keys;
}

static void load_with_three_keysets(void)
{
	faultcard_load(&f, 2);
	vcard_set_cin(f.vcard, cin);
	keyset_remove();
	home_write("keysets/1-broken.keyset", KEYSET_TEXT(BROKEN_KEY) "what = this\n", 0600);
	home_write("keysets/2-other.keyset", KEYSET_TEXT(OTHER_KEY), 0600);
	home_write("keysets/3-right.keyset", GEN2_KEYSET, 0600);
}

static unsigned wiped_keyset(const char *master)
{
	uint8_t key[SCP03_KEY_SIZE];

	wire_unhex(master, key, sizeof key);
	return wiped(sizeof(struct keyset), key, sizeof key);
}

static void a_login_through_the_channel_leaves_nothing(void **state)
{
	struct scp03_keys right, other;
	uint8_t cryptogram[8];
	int tries;

	(void)state;
	load_with_three_keysets();
	right = keys_from(GEN2_MASTER_KEY);
	other = keys_from(OTHER_KEY);
	f.keep = INS_INITIALIZE;
	faultcard_must_open(&f);
	wipes_record();
	assert_int_equal(verify(PIN, &tries), RESULT_OK);
	memcpy(cryptogram, f.answer + 10 + 3 + 8, sizeof cryptogram);
	assert_int_equal(wiped(sizeof pin_block, pin_block, sizeof pin_block), 1);
	assert_int_equal(wiped(16, cryptogram, sizeof cryptogram), 1); /* the expected one */
	assert_int_equal(wiped(sizeof other, &other, sizeof other), 1); /* another card's keys */
	/* key sets: refused; tried and then skipped; used */
	assert_int_equal(wiped_keyset(BROKEN_KEY), 2);
	assert_int_equal(wiped_keyset(OTHER_KEY), 2);
	assert_int_equal(wiped_keyset(GEN2_MASTER_KEY), 1);
	/* and as they were in their files */
	assert_int_equal(wiped(4096, KEYSET_TEXT(BROKEN_KEY), 60), 2);
	assert_int_equal(wiped(4096, KEYSET_TEXT(OTHER_KEY), 60), 2);
	assert_int_equal(wiped(4096, GEN2_KEYSET, 60), 1);
	wipes_forget();
	wipes_record();
	card_free(&f.card);
	wipes_stop();
	assert_true(wiped_within(sizeof right, &right, sizeof right) >= 1); /* what the card had */
	wipes_forget();
	home_remove("keysets/1-broken.keyset");
	home_remove("keysets/2-other.keyset");
	home_remove("keysets/3-right.keyset");
	faultcard_clear(&f);
}

/* Its session keys are nowhere when it is closed, for whatever reason. */
static void a_closed_channel_has_no_keys(void **state)
{
	static const uint8_t none[SCP03_KEY_SIZE];
	uint8_t in[256] = {0, 1}, out[256];
	struct scp03 s = {.open = true, .session.counter = 7};
	int tries;

	(void)state;
	memset(s.session.enc, 0x5E, sizeof s.session.enc);
	memset(s.session.mac, 0x5E, sizeof s.session.mac);
	scp03_close(&s);
	assert_memory_equal(s.session.enc, none, sizeof none);
	assert_memory_equal(s.session.mac, none, sizeof none);
	assert_false(s.open);
	faultcard_load(&f, 2);
	faultcard_must_open(&f);
	assert_int_equal(verify(PIN, &tries), RESULT_OK);
	faultcard_strike(&f, MOMENT_6F00, INS_PRIVATE, 1);
	wipes_record();
	assert_int_equal(card_private_op(f.card, KEY_SIGN, in, out), RESULT_SECURITY_STATUS);
	wipes_stop();
	assert_int_equal(wiped(sizeof s.session, NULL, 0) -
			 wiped(sizeof s.session, none, sizeof none),
			 1);
	wipes_forget();
	faultcard_clear(&f);
}

static void keys_that_could_not_be_made_are_wiped(void **state)
{
	static const uint8_t master[SCP03_KEY_SIZE], aid[SCP03_AID_TAIL_SIZE], none[SCP03_KEY_SIZE];
	OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *nothing = OSSL_PROVIDER_load(libctx, "null"); /* it has no algorithms */
	struct scp03_keys keys;

	(void)state;
	assert_non_null(nothing);
	memset(&keys, 0x5E, sizeof keys);
	assert_int_equal(scp03_diversify(libctx, master, cin, aid, &keys), RESULT_CRYPTO);
	assert_memory_equal(keys.enc, none, sizeof none);
	assert_memory_equal(keys.dek, none, sizeof none);
	OSSL_PROVIDER_unload(nothing);
	OSSL_LIB_CTX_free(libctx);
}

/* ---- what is wiped: buffers and secrets ---- */

static void a_buffer_wipes_what_it_leaves(void **state)
{
	static const uint8_t bytes[] = {0x5E, 0xC3, 0xE7, 1, 2, 3, 4, 5, 6, 7};
	struct buffer b = BUFFER_INIT;

	(void)state;
	assert_int_equal(buffer_append(&b, bytes, sizeof bytes), RESULT_OK);
	wipes_record();
	assert_int_equal(buffer_reserve(&b, 1000), RESULT_OK); /* it moves */
	assert_int_equal(wipes_count(), 1);
	assert_int_equal(wiped_within(0, bytes, sizeof bytes), 1);
	buffer_truncate(&b, 4);
	assert_int_equal(wiped(sizeof bytes - 4, bytes + 4, sizeof bytes - 4), 1);
	buffer_reset(&b);
	assert_int_equal(wiped(4, bytes, 4), 1);
	assert_int_equal(buffer_append(&b, bytes, sizeof bytes), RESULT_OK);
	buffer_clear(&b);
	assert_int_equal(wiped_within(0, bytes, sizeof bytes), 2);
	wipes_forget();
}

static void a_secret_is_wiped_when_it_is_replaced_and_when_it_ends(void **state)
{
	static const char first[] = "first secret", second[] = "another secret";
	struct secret s = SECRET_INIT;

	(void)state;
	assert_int_equal(secret_set(&s, first, sizeof first), RESULT_OK);
	wipes_record();
	assert_int_equal(secret_set(&s, second, sizeof second), RESULT_OK);
	assert_true(wiped(sizeof first, first, sizeof first) >= 1);
	assert_int_equal(secret_set(&s, first, 0), RESULT_ARGUMENT); /* and nothing is no secret */
	assert_memory_equal(s.data, second, sizeof second);
	secret_clear(&s);
	assert_true(wiped(sizeof second, second, sizeof second) >= 1);
	assert_null(s.data);
	wipes_forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verify_whose_answer_is_lost_is_not_sent_again),
		cmocka_unit_test(a_wrong_pin_is_sent_once_and_so_is_the_right_one),
		cmocka_unit_test(a_pin_of_another_length_is_not_sent),
		cmocka_unit_test(each_protected_pin_has_an_initial_vector_of_its_own),
		cmocka_unit_test(a_protected_pin_is_wiped_wherever_it_was),
		cmocka_unit_test(so_are_those_of_a_new_pin),
		cmocka_unit_test(a_private_operation_is_wiped_wherever_it_was),
		cmocka_unit_test(a_login_through_the_channel_leaves_nothing),
		cmocka_unit_test(a_closed_channel_has_no_keys),
		cmocka_unit_test(keys_that_could_not_be_made_are_wiped),
		cmocka_unit_test(a_buffer_wipes_what_it_leaves),
		cmocka_unit_test(a_secret_is_wiped_when_it_is_replaced_and_when_it_ends),
	};

	return cmocka_run_group_tests_name("a card's secrets", tests, NULL, NULL);
}
