/*
 * PINs and key sets on a second-generation card: what a wrong PIN costs, and
 * that without the right key set nothing that costs a try is ever sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gen2card.h"

#define OTHER_KEYSET                                                                               \
	"profile = gppki\nmaster-key = 0F0E0D0C0B0A09080706050403020100\n"                         \
	"diversification-aid = " GEN2_AID "\n"
#define OTHER_AID_KEYSET                                                                           \
	"profile = gppki\nmaster-key = " GEN2_MASTER_KEY "\n"                                      \
	"diversification-aid = A000000283FF088692535389C00015\n"

static struct stream stream;

static void assert_says(const char *text)
{
	if (!strstr(log_text(), text))
		fail_msg("the log does not say \"%s\":\n%s", text, log_text());
}

static void assert_no_try_was_risked(void)
{
	assert_int_equal(verifies(bench.card), 0);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	assert_int_equal(stream_count(&stream, -1, 0x20), 0);
}

static int setup(void **state)
{
	gen2_setup_session(state);
	memset(&stream, 0, sizeof stream);
	stream_start(READER, &stream);
	return 0;
}

static int teardown(void **state)
{
	int status = bench_teardown(state);

	assert_only_generation(&stream, 2);
	return status;
}

/* ---- PINs ---- */

static void a_wrong_pin_costs_one_try(void **state)
{
	(void)state;
	assert_int_equal(login(bench.session, WRONG_PIN), CKR_PIN_INCORRECT);
	assert_int_equal(verifies(bench.card), 1);
	assert_int_equal(vcard_tries_left(bench.card), 2);
	assert_int_equal(token_flags(bench.slot) & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY |
						    CKF_USER_PIN_LOCKED),
			 CKF_USER_PIN_COUNT_LOW);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	assert_int_equal(token_flags(bench.slot) & CKF_USER_PIN_COUNT_LOW, 0);
}

static void three_wrong_pins_lock_the_card(void **state)
{
	(void)state;
	assert_int_equal(login(bench.session, WRONG_PIN), CKR_PIN_INCORRECT);
	assert_int_equal(login(bench.session, WRONG_PIN), CKR_PIN_INCORRECT);
	assert_true(token_flags(bench.slot) & CKF_USER_PIN_FINAL_TRY);
	assert_int_equal(login(bench.session, WRONG_PIN), CKR_PIN_LOCKED);
	assert_true(token_flags(bench.slot) & CKF_USER_PIN_LOCKED);
	assert_int_equal(login(bench.session, PIN), CKR_PIN_LOCKED);
	assert_int_equal(vcard_tries_left(bench.card), 0);
}

static void pins_of_a_wrong_length_cost_nothing(void **state)
{
	static const char *const pins[] = {"", "1", "12345", "123456789", "12345678901234567890"};

	(void)state;
	for (size_t i = 0; i < COUNT(pins); i++)
		assert_int_equal(login(bench.session, pins[i]), CKR_PIN_INCORRECT);
	assert_no_try_was_risked();
	assert_int_equal(stream_count(&stream, 0x80, 0x50), 0);
}

static void a_login_has_exactly_one_verify(void **state)
{
	(void)state;
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(verifies(bench.card), 1);
	assert_int_equal(stream_count(&stream, 0x04, 0x20), 1);
	assert_int_equal(stream_count(&stream, -1, 0x20), 1);
}

static void a_logout_ends_the_verified_state(void **state)
{
	unsigned char sig[256];
	CK_OBJECT_HANDLE key;

	(void)state;
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	assert_int_equal(sign_sha256(bench.session, key, "text", sig), CKR_OK);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_false(vcard_channel_open(bench.card));
	assert_int_not_equal(sign_sha256(bench.session, key, "text", sig), CKR_OK);
	assert_int_equal(verifies(bench.card), 1);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(verifies(bench.card), 2);
}

/* ---- key sets ---- */

/* All that needs no PIN. */
static void assert_readable(void)
{
	CK_OBJECT_HANDLE found[16];
	unsigned char value[4096];
	CK_TOKEN_INFO info;

	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_memory_equal(info.serialNumber, vcard_card_number(bench.card), 16);
	assert_int_equal(find_class(bench.session, CKO_CERTIFICATE, found, COUNT(found)), 4);
	assert_true(get_attribute(bench.session, found[0], CKA_VALUE, value, sizeof value) > 500);
	assert_int_equal(find_class(bench.session, CKO_PUBLIC_KEY, found, COUNT(found)), 3);
	assert_int_equal(get_attribute(bench.session, found[0], CKA_MODULUS, value, sizeof value),
			 256);
}

static void without_a_key_set_the_card_is_readable(void **state)
{
	(void)state;
	keyset_remove();
	assert_readable();
	assert_no_try_was_risked();
}

static void without_a_key_set_login_says_what_is_missing_and_where(void **state)
{
	(void)state;
	keyset_remove();
	log_clear();
	assert_int_equal(login(bench.session, PIN), CKR_KEY_NEEDED);
	assert_no_try_was_risked();
	assert_int_equal(stream_count(&stream, 0x80, 0x50), 0);
	assert_says("no usable key set for gppki cards");
	assert_says(home_path("keysets"));
	assert_says("*.keyset");
	assert_says("docs/KEYSETS");
	assert_readable();
}

static void a_key_set_that_others_can_read_is_as_good_as_none(void **state)
{
	(void)state;
	assert_int_equal(chmod(home_path("keysets/test.keyset"), 0640), 0);
	log_clear();
	assert_int_equal(login(bench.session, PIN), CKR_KEY_NEEDED);
	assert_no_try_was_risked();
	assert_says("test.keyset refused: group or others");
}

static void a_wrong_master_key_fails_before_any_verify(void **state)
{
	(void)state;
	keyset_replace(OTHER_KEYSET);
	log_clear();
	for (int i = 0; i < 5; i++)
		assert_int_equal(login(bench.session, PIN), CKR_DEVICE_ERROR);
	assert_no_try_was_risked();
	/* nor is our own cryptogram given away */
	assert_int_equal(stream_count(&stream, 0x80, 0x50), 5);
	assert_int_equal(stream_count(&stream, 0x84, 0x82), 0);
	assert_says("the key set is not this card's");
	assert_readable();
}

static void a_wrong_diversification_aid_fails_before_any_verify(void **state)
{
	(void)state;
	keyset_replace(OTHER_AID_KEYSET);
	log_clear();
	assert_int_equal(login(bench.session, PIN), CKR_DEVICE_ERROR);
	assert_no_try_was_risked();
	assert_int_equal(stream_count(&stream, 0x84, 0x82), 0);
	assert_says("secure channel could not be opened");
}

static void a_card_with_another_master_key_fails_before_any_verify(void **state)
{
	static const uint8_t key[VCARD_MASTER_KEY_LEN] = {0x55};

	(void)state;
	vcard_set_master_key(bench.card, key);
	assert_int_equal(login(bench.session, PIN), CKR_DEVICE_ERROR);
	assert_no_try_was_risked();
}

static void a_key_set_that_comes_later_is_found(void **state)
{
	(void)state;
	keyset_remove();
	assert_int_equal(login(bench.session, PIN), CKR_KEY_NEEDED);
	keyset_replace(OTHER_KEYSET);
	assert_int_equal(login(bench.session, PIN), CKR_DEVICE_ERROR);
	keyset_install();
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(verifies(bench.card), 1);
}

static void among_several_key_sets_the_cards_own_is_found(void **state)
{
	(void)state;
	keyset_replace(OTHER_KEYSET); /* test.keyset */
	home_write("keysets/0.keyset", OTHER_AID_KEYSET, 0600);
	home_write("keysets/1.keyset", OTHER_KEYSET, 0644);
	home_write("keysets/z.keyset", GEN2_KEYSET, 0600);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(verifies(bench.card), 1);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	assert_int_equal(stream_count(&stream, 0x84, 0x82), 1);
	home_remove("keysets/0.keyset");
	home_remove("keysets/1.keyset");
	home_remove("keysets/z.keyset");
}

static void many_wrong_key_sets_come_to_an_end(void **state)
{
	char name[40];

	(void)state;
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "keysets/%02d.keyset", i);
		home_write(name, OTHER_KEYSET, 0600);
	}
	assert_int_equal(login(bench.session, PIN), CKR_DEVICE_ERROR);
	assert_no_try_was_risked();
	assert_int_equal(stream_count(&stream, 0x84, 0x82), 0);
	assert_in_range(stream_count(&stream, 0x80, 0x50), 1, 20);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "keysets/%02d.keyset", i);
		home_remove(name);
	}
	assert_int_equal(login(bench.session, PIN), CKR_OK);
}

/* The keys were made at the first login: the file may go. */
static void a_channel_is_opened_again_without_the_file(void **state)
{
	unsigned char sig[256];
	CK_OBJECT_HANDLE key;

	(void)state;
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	keyset_remove();
	fake_foreign_reset(READER);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	assert_int_equal(sign_sha256(bench.session, key, "text", sig), CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, "text", sig));
	assert_int_equal(verifies(bench.card), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_wrong_pin_costs_one_try),
		TEST(three_wrong_pins_lock_the_card),
		TEST(pins_of_a_wrong_length_cost_nothing),
		TEST(a_login_has_exactly_one_verify),
		TEST(a_logout_ends_the_verified_state),
		TEST(without_a_key_set_the_card_is_readable),
		TEST(without_a_key_set_login_says_what_is_missing_and_where),
		TEST(a_key_set_that_others_can_read_is_as_good_as_none),
		TEST(a_wrong_master_key_fails_before_any_verify),
		TEST(a_wrong_diversification_aid_fails_before_any_verify),
		TEST(a_card_with_another_master_key_fails_before_any_verify),
		TEST(a_key_set_that_comes_later_is_found),
		TEST(among_several_key_sets_the_cards_own_is_found),
		TEST(many_wrong_key_sets_come_to_an_end),
		TEST(a_channel_is_opened_again_without_the_file),
	};

	return cmocka_run_group_tests_name("gppki PIN and key sets", tests, NULL, NULL);
}
