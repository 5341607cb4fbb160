/* The hicos-v3 profile against the virtual card, without the module above it. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "profiles/internal.h"
#include "testcard.h"
#include "wire.h"

static struct vcard *vcard;
static struct wire wire;
static struct card *card;

static int setup_card(void **state)
{
	(void)state;
	vcard = testcard_load();
	card = NULL;
	return 0;
}

static enum result try_open(void)
{
	const struct card_options options = {0};

	return card_open(wire_vcard(&wire, vcard), &options, &card);
}

static int setup_open(void **state)
{
	setup_card(state);
	assert_int_equal(try_open(), RESULT_OK);
	return 0;
}

/* Whatever a test did: no command had the class that these cards refuse. */
static int teardown(void **state)
{
	unsigned class_00 = wire.class_00;
	bool known = card != NULL;

	(void)state;
	card_free(&card);
	vcard_free(&vcard);
	if (known && class_00)
		print_error("%u commands of class 00\n", class_00);
	return known && class_00;
}

#define OPEN_TEST(f) cmocka_unit_test_setup_teardown(f, setup_open, teardown)
#define CLOSED_TEST(f) cmocka_unit_test_setup_teardown(f, setup_card, teardown)

static unsigned verifies(void)
{
	struct vcard_stats stats;

	vcard_stats(vcard, &stats);
	return (unsigned)stats.verifies;
}

static enum result verify(const char *pin, int *tries)
{
	return card_verify_pin(card, (const uint8_t *)pin, strlen(pin), tries);
}

static void the_card_is_known_by_its_os_text(void **state)
{
	(void)state;
	assert_int_equal(try_open(), RESULT_OK);
	assert_ptr_equal(card_profile_of(card), &profile_hicos_v3);
	assert_in_range(wire.commands, 1, 6);
	assert_int_equal(verifies(), 0);
}

static void another_os_text_is_another_card(void **state)
{
	static const char *const texts[] = {"CHT V21N                ", "CHT V31N                ",
					    "cht v32n                ", "CHT V3", ""};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_true(vcard_file_put(vcard, "3F00/0900/0905", (const uint8_t *)texts[i],
					   strlen(texts[i])));
		assert_int_equal(try_open(), RESULT_UNKNOWN_CARD);
		assert_null(card);
		assert_int_equal(wire.closes, 1);
		assert_in_range(wire.commands, 1, 12);
	}
	assert_int_equal(verifies(), 0);
}

static void without_the_os_text_file_it_is_another_card(void **state)
{
	(void)state;
	assert_true(vcard_file_delete(vcard, "3F00/0900"));
	assert_int_equal(try_open(), RESULT_UNKNOWN_CARD);
}

static void the_atr_is_only_a_hint(void **state)
{
	static const uint8_t contactless[] = {0x3B, 0x8B, 0x80, 0x01, 0x00, 0x31, 0xC1, 0x64,
					      0x08, 0x40, 0x21, 0x30, 0x00, 0x90, 0x00, 0x57};
	static const uint8_t strange[] = {0x3B, 0x00};

	(void)state;
	assert_true(vcard_set_atr(vcard, strange, sizeof strange));
	assert_int_equal(try_open(), RESULT_OK);
	assert_true(profile_hicos_v3.atr_hint((const uint8_t *)"\x3B\xB8xxCHTMOICA", 12));
	assert_false(profile_hicos_v3.atr_hint((const uint8_t *)"\x3B\xB8xxCHTGPKIJ", 12));
	assert_false(profile_hicos_v3.atr_hint((const uint8_t *)"\x3B\xB8", 2));
	assert_true(profile_hicos_v3.atr_hint((const uint8_t *)"CHT", 3));
	assert_true(profile_gppki.atr_hint((const uint8_t *)"\x3B\xB8xxCHTGPKIJ", 12));
	assert_true(profile_gppki.atr_hint((const uint8_t *)"CHTGPKI", 7));
	assert_false(profile_gppki.atr_hint((const uint8_t *)"CHTGPKI", 6));
	assert_false(profile_gppki.atr_hint((const uint8_t *)"\x3B\xB8xxCHTMOICA", 12));
	assert_true(profile_gppki.atr_hint(contactless, sizeof contactless));
	assert_false(profile_gppki.atr_hint(contactless, sizeof contactless - 1));
}

static void the_token_is_the_cards(void **state)
{
	struct token_data data;

	(void)state;
	assert_int_equal(card_read_token(card, &data), RESULT_OK);
	assert_string_equal(data.label, "HiCOS PKI Smart Card");
	assert_string_equal(data.manufacturer, "Chunghwa TeleCom Co., Ltd.");
	assert_string_equal(data.model, "T7S");
	assert_string_equal(data.serial, vcard_card_number(vcard));
}

static void the_directories_have_their_records(void **state)
{
	static const size_t counts[P15_CLASSES] = {
		[P15_PRIVATE_KEY] = 3, [P15_PUBLIC_KEY] = 3, [P15_CERTIFICATE] = 4, [P15_DATA] = 2};

	(void)state;
	for (int kind = 0; kind < P15_CLASSES; kind++) {
		struct p15_list list;

		assert_int_equal(card_read_directory(card, (enum p15_class)kind, &list, NULL), RESULT_OK);
		assert_int_equal(list.count, counts[kind]);
		p15_list_clear(&list);
	}
}

static void certificates_are_read_in_every_dialect_of_the_files_end(void **state)
{
	static const struct vcard_behaviour dialects[] = {
		{.read_max = 0},           {.read_max = 200},
		{.read_max = 128},         {.read_end = VCARD_READ_END_WARN},
		{.read_end = VCARD_READ_END_EXACT}, {.read_end = VCARD_READ_END_STRICT}};

	(void)state;
	for (size_t i = 0; i < COUNT(dialects); i++) {
		struct p15_list list;

		vcard_behaviour_set(vcard, &dialects[i]);
		assert_int_equal(card_read_directory(card, P15_CERTIFICATE, &list, NULL), RESULT_OK);
		assert_int_equal(list.count, 4);
		for (size_t k = 0; k < list.count; k++) {
			struct buffer der = BUFFER_INIT;
			X509 *x = vcard_certificate(vcard, (enum vcard_cert)k);
			unsigned char *want = NULL;
			int len = i2d_X509(x, &want);

			assert_int_equal(card_read_object(card, &list.items[k], &der), RESULT_OK);
			assert_true(der.len >= (size_t)len);
			assert_memory_equal(der.data, want, len);
			OPENSSL_free(want);
			X509_free(x);
			buffer_clear(&der);
		}
		p15_list_clear(&list);
	}
}

static void public_keys_are_the_cards(void **state)
{
	static const unsigned refs[] = {KEY_SIGN, KEY_KEYX, KEY_SIGN02};

	(void)state;
	for (size_t i = 0; i < COUNT(refs); i++) {
		EVP_PKEY *pkey = vcard_public_key(vcard, refs[i]);
		struct rsa_public key;
		uint8_t want[256];
		BIGNUM *n = NULL;

		assert_int_equal(card_read_public_key(card, refs[i], &key), RESULT_OK);
		assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
		assert_int_equal(BN_bn2binpad(n, want, sizeof want), sizeof want);
		assert_memory_equal(key.modulus, want, sizeof want);
		assert_int_equal(key.exponent, 65537);
		BN_free(n);
		EVP_PKEY_free(pkey);
	}
}

static void a_key_that_is_not_there_is_not_found(void **state)
{
	struct rsa_public key;

	(void)state;
	assert_int_equal(card_read_public_key(card, 0x77, &key), RESULT_NOT_FOUND);
	assert_int_equal(card_read_public_key(card, 0xFE, &key), RESULT_NOT_FOUND);
	assert_int_equal(card_read_public_key(card, 256, &key), RESULT_NOT_FOUND);
}

static void a_wrong_pin_costs_one_try(void **state)
{
	int tries = -1;

	(void)state;
	assert_int_equal(verify(WRONG_PIN, &tries), RESULT_PIN_WRONG);
	assert_int_equal(tries, 2);
	assert_int_equal(verifies(), 1);
	assert_int_equal(verify(PIN, &tries), RESULT_OK);
	assert_int_equal(vcard_tries_left(vcard), 3);
}

static void a_locked_pin_says_so(void **state)
{
	int tries = -1;

	(void)state;
	assert_true(vcard_set_pin_tries(vcard, 1));
	assert_int_equal(verify(WRONG_PIN, &tries), RESULT_PIN_LOCKED);
	assert_int_equal(tries, 0);
	assert_int_equal(verify(PIN, &tries), RESULT_PIN_LOCKED);
	assert_int_equal(tries, 0);
}

static void pin_lengths_cost_none(void **state)
{
	static const char *const pins[] = {"", "1", "12345", "123456789", "12345678901"};
	unsigned before = wire.commands;
	int tries;

	(void)state;
	for (size_t i = 0; i < COUNT(pins); i++)
		assert_int_equal(verify(pins[i], &tries), RESULT_PIN_LENGTH);
	assert_int_equal(wire.commands, before);
	assert_int_equal(verifies(), 0);
}

static void assert_undoes(const uint8_t in[256], const uint8_t out[256], unsigned ref)
{
	EVP_PKEY *pkey = vcard_public_key(vcard, ref);
	BIGNUM *n = NULL, *e = NULL, *m = BN_bin2bn(out, 256, NULL);
	BN_CTX *ctx = BN_CTX_new();
	uint8_t back[256];

	assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e), 1);
	assert_int_equal(BN_mod_exp(m, m, e, n, ctx), 1);
	assert_int_equal(BN_bn2binpad(m, back, sizeof back), sizeof back);
	assert_memory_equal(back, in, sizeof back);
	BN_CTX_free(ctx);
	BN_free(m);
	BN_free(e);
	BN_free(n);
	EVP_PKEY_free(pkey);
}

static void the_private_operation_wants_the_pin(void **state)
{
	uint8_t in[256] = {0, 1, 2, 3}, out[256];
	int tries;

	(void)state;
	assert_int_equal(card_private_op(card, KEY_SIGN, in, out), RESULT_SECURITY_STATUS);
	assert_int_equal(verify(PIN, &tries), RESULT_OK);
	assert_int_equal(card_private_op(card, KEY_SIGN, in, out), RESULT_OK);
	assert_undoes(in, out, KEY_SIGN);
	assert_int_equal(card_private_op(card, KEY_KEYX, in, out), RESULT_OK);
	assert_undoes(in, out, KEY_KEYX);
	assert_int_equal(verifies(), 1);
}

/* Inside one transaction nobody can, between two somebody did. */
static void a_foreign_select_between_two_operations_is_healed(void **state)
{
	static const uint8_t select_mf[] = {0x80, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00};
	uint8_t in[256] = {0, 1, 2, 3}, out[256], answer[VCARD_RESPONSE_MAX];
	size_t answer_len;
	unsigned before;
	bool was_reset;
	int tries;

	(void)state;
	assert_int_equal(verify(PIN, &tries), RESULT_OK);
	assert_int_equal(card_private_op(card, KEY_SIGN, in, out), RESULT_OK);
	assert_int_equal(card_end(card, false), RESULT_OK);
	vcard_transmit(vcard, select_mf, sizeof select_mf, answer, sizeof answer, &answer_len);
	assert_int_equal(card_begin(card, &was_reset), RESULT_OK);
	before = wire.commands;
	assert_int_equal(card_private_op(card, KEY_SIGN, in, out), RESULT_OK);
	assert_undoes(in, out, KEY_SIGN);
	assert_in_range(wire.commands - before, 4, 8);
	assert_int_equal(card_end(card, false), RESULT_OK);
	assert_int_equal(card_begin(card, &was_reset), RESULT_OK);
	before = wire.commands;
	assert_int_equal(card_private_op(card, KEY_SIGN, in, out), RESULT_OK);
	assert_int_equal(wire.commands - before, 3);
	assert_int_equal(verifies(), 1);
}

static void a_pin_never_gets_into_the_log(void **state)
{
	uint8_t in[256], out[256];
	struct wire_log log;
	int tries;

	(void)state;
	memset(in, 0x5E, sizeof in);
	in[0] = 0;
	wire_log_start(&log);
	assert_int_equal(verify(WRONG_PIN, &tries), RESULT_PIN_WRONG);
	assert_int_equal(verify(PIN, &tries), RESULT_OK);
	assert_int_equal(card_private_op(card, KEY_SIGN, in, out), RESULT_OK);
	assert_non_null(strstr(log.text, "> 8C20000120 **32"));
	assert_null(strstr(log.text, PIN));
	assert_null(strstr(log.text, WRONG_PIN));
	assert_null(strstr(log.text, "313233343536"));
	assert_null(strstr(log.text, "5E5E5E5E"));
	wire_log_stop(&log);
}

/* The first time that TokenInfo is selected, another file is. */
static enum result mistaken_selection(void *context, const uint8_t *cmd, size_t len, uint8_t *answer,
				      size_t cap, size_t *answer_len)
{
	unsigned *times = context;
	uint8_t other[7];

	if (len >= sizeof other && cmd[1] == 0xA4 && cmd[5] == 0x50 && cmd[6] == 0x32 && ++*times == 1) {
		memcpy(other, cmd, sizeof other);
		other[6] = 0x31;
		cmd = other;
		len = sizeof other;
	}
	return vcard_transmit(vcard, cmd, len, answer, cap, answer_len) == VCARD_ANSWERED ? RESULT_OK
											 : RESULT_CARD_MUTE;
}

/* Names that no card has are read again the whole way, not from the file that seems to be selected. */
static void names_of_another_file_are_not_believed(void **state)
{
	static const uint8_t other[] = "\x30\x0E\x02\x01\x00\x04\x01X\x80\x06" "no one";
	const struct card_options options = {0};
	struct token_data data;
	unsigned times = 0;

	(void)state;
	assert_true(vcard_file_put(vcard, "3F00/5030/5031", other, sizeof other - 1));
	vcard_power_on(vcard);
	assert_int_equal(card_open(wire_function(&wire, mistaken_selection, &times), &options, &card), RESULT_OK);
	assert_int_equal(card_read_token(card, &data), RESULT_OK);
	assert_string_equal(data.label, "HiCOS PKI Smart Card");
	assert_string_equal(data.manufacturer, "Chunghwa TeleCom Co., Ltd.");
	assert_int_equal(times, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOSED_TEST(the_card_is_known_by_its_os_text),
		CLOSED_TEST(another_os_text_is_another_card),
		CLOSED_TEST(without_the_os_text_file_it_is_another_card),
		CLOSED_TEST(the_atr_is_only_a_hint),
		CLOSED_TEST(names_of_another_file_are_not_believed),
		OPEN_TEST(the_token_is_the_cards),
		OPEN_TEST(the_directories_have_their_records),
		OPEN_TEST(certificates_are_read_in_every_dialect_of_the_files_end),
		OPEN_TEST(public_keys_are_the_cards),
		OPEN_TEST(a_key_that_is_not_there_is_not_found),
		OPEN_TEST(a_wrong_pin_costs_one_try),
		OPEN_TEST(a_locked_pin_says_so),
		OPEN_TEST(pin_lengths_cost_none),
		OPEN_TEST(the_private_operation_wants_the_pin),
		OPEN_TEST(a_foreign_select_between_two_operations_is_healed),
		OPEN_TEST(a_pin_never_gets_into_the_log),
	};

	return cmocka_run_group_tests_name("hicos-v3", tests, NULL, NULL);
}
