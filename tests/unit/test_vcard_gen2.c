/* test_vcard_gen2.c - what the virtual second-generation card does. */
#include "vcard_client.h"

/* Made once: keys take a while. Every test starts from this card made fresh. */
static struct vcard *gen2;

static int
fresh(void **state)
{
	(void)state;
	return freshen(gen2) ? 0 : 1;
}

/* ---- gen 2, client side ------------------------------------------------------------- */

#define SELECT_KEY_INFO "00A404000FA000000283FF088692535389C00014"
#define SELECT_ISSUER "00A4040007A0000001510000"

struct channel {
	uint8_t s_enc[16], s_mac[16], chaining[16];
	unsigned counter;
};

static struct channel channel;

static void
cmac(const uint8_t *key, const uint8_t *data, size_t len, uint8_t mac[16])
{
	size_t mac_len;

	assert_non_null(EVP_Q_mac(NULL, "CMAC", NULL, "AES-128-CBC", NULL, key, 16, data, len,
	    mac, 16, &mac_len));
}

static void
kdf(const uint8_t *key, uint8_t constant, const uint8_t *context, uint8_t bits, uint8_t out[16])
{
	uint8_t data[32] = { 0 };

	data[11] = constant;
	data[14] = bits;
	data[15] = 1;
	memcpy(data + 16, context, 16);
	cmac(key, data, sizeof(data), out);
}

static void
aes(const uint8_t *key, const uint8_t *iv, const uint8_t *in, int len, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert_int_equal(EVP_EncryptInit_ex(ctx, iv != NULL ? EVP_aes_128_cbc() : EVP_aes_128_ecb(),
	    NULL, key, iv), 1);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, in, len), 1);
	assert_int_equal(n, len);
	EVP_CIPHER_CTX_free(ctx);
}

/* CLA INS P1 P2 and data become a protected command; le -1: none. */
static size_t
wrap(struct channel *c, const uint8_t header[4], const uint8_t *data, size_t len, int le,
    uint8_t out[261])
{
	uint8_t plain[240] = { 0 }, counter[16] = { 0 }, iv[16], input[16 + 261];
	size_t padded = 0;

	memcpy(out, header, 4);
	if (len > 0) {
		memcpy(plain, data, len);
		plain[len] = 0x80;
		padded = (len / 16 + 1) * 16;
		counter[15] = (uint8_t)++c->counter;
		aes(c->s_enc, NULL, counter, 16, iv);
		aes(c->s_enc, iv, plain, (int)padded, out + 5);
	}
	out[4] = (uint8_t)(padded + 8);
	memcpy(input, c->chaining, 16);
	memcpy(input + 16, out, 5 + padded);
	cmac(c->s_mac, input, 21 + padded, c->chaining);
	memcpy(out + 5 + padded, c->chaining, 8);
	if (le < 0)
		return padded + 13;
	out[padded + 13] = (uint8_t)le;
	return padded + 14;
}

static unsigned
send_wrapped(struct vcard *card, const char *header, const uint8_t *data, size_t len, int le)
{
	uint8_t bytes[4], cmd[261];

	assert_int_equal(unhex(header, bytes, 4), 4);
	return send_bytes(card, cmd, wrap(&channel, bytes, data, len, le, cmd));
}

static unsigned
authenticate(struct vcard *card, const uint8_t cin[10], bool spoil_cryptogram)
{
	static const uint8_t tail[5] = { 0x53, 0x89, 0xC0, 0x00, 0x14 };
	uint8_t master[16], context[16], enc[16], mac[16], both[16], cryptogram[16];
	uint8_t cmd[261] = { 0x84, 0x82, 0x03, 0x00, 0x10 }, input[16 + 13];
	size_t i;

	for (i = 0; i < 16; i++)
		master[i] = (uint8_t)i;
	context[0] = 1;
	memcpy(context + 1, cin, 10);
	memcpy(context + 11, tail, 5);
	kdf(master, 0x04, context, 128, enc);
	context[0] = 2;
	kdf(master, 0x06, context, 128, mac);
	assert_int_equal(send_hex(card, "8050010008112233445566778800"), 0x9000);
	assert_int_equal(answer_len, 29);
	assert_memory_equal(answer, cin, 10);
	unhex("1122334455667788", both, 8);
	memcpy(both + 8, answer + 13, 8);
	memset(&channel, 0, sizeof(channel));
	kdf(enc, 0x04, both, 128, channel.s_enc);
	kdf(mac, 0x06, both, 128, channel.s_mac);
	kdf(channel.s_mac, 0x00, both, 64, cryptogram);
	assert_memory_equal(answer + 21, cryptogram, 8);
	kdf(channel.s_mac, 0x01, both, 64, cryptogram);
	if (spoil_cryptogram)
		cryptogram[0] ^= 1;
	memcpy(cmd + 5, cryptogram, 8);
	memcpy(input, channel.chaining, 16);
	memcpy(input + 16, cmd, 13);
	cmac(channel.s_mac, input, sizeof(input), channel.chaining);
	memcpy(cmd + 13, channel.chaining, 8);
	return send_bytes(card, cmd, 21);
}

/* Reads the card image number and opens the channel to the PKI application. */
static void
open_channel(struct vcard *card)
{
	uint8_t cin[10];

	assert_int_equal(send_hex(card, SELECT_ISSUER), 0x9000);
	assert_int_equal(send_hex(card, "80CA004500"), 0x9000);
	assert_int_equal(answer_len, 12);
	memcpy(cin, answer + 2, 10);
	assert_int_equal(send_hex(card, SELECT_PKI), 0x9000);
	assert_int_equal(authenticate(card, cin, false), 0x9000);
	assert_true(vcard_channel_open(card));
}

static unsigned
verify2(struct vcard *card, const char *pin)
{
	uint8_t block[10];

	memset(block, 0xFF, sizeof(block));
	memcpy(block, pin, strlen(pin));
	return send_wrapped(card, "04200001", block, sizeof(block), -1);
}

static void
to_key_df2(struct vcard *card)
{
	static const uint8_t pki[2] = { 0x50, 0x30 }, keys[2] = { 0x08, 0x10 };

	assert_int_equal(send_wrapped(card, "04A40004", pki, 2, -1), 0x9000);
	assert_int_equal(send_wrapped(card, "04A40004", keys, 2, -1), 0x9000);
}

/* ---- gen 2: applications and files ------------------------------------------------------ */

static void
an_application_is_selected_by_its_name_only(void **state)
{
	(void)state;
	assert_int_equal(send_hex(gen2, "00A40004025030"), 0x6A82);
	assert_int_equal(send_hex(gen2, "00A4040C10A0000002830000062201696400010102 00"), 0x6A82);
	assert_int_equal(send_hex(gen2, "00A4040C05A000000283"), 0x6A82);
	assert_int_equal(send_hex(gen2, "00A4040010A000000283000006220169640001010100"), 0x6A86);
	assert_int_equal(send_hex(gen2, "00A4040C10A0000002830000062201696400010101"), 0x6700);
	assert_int_equal(send_hex(gen2, SELECT_PKI), 0x9000);
	assert_int_equal(answer_len, 0);
	assert_int_equal(send_hex(gen2, "80CA004500"), 0x6A88);
}

static void
the_security_domains_tell_about_keys(void **state)
{
	(void)state;
	assert_int_equal(send_hex(gen2, SELECT_KEY_INFO), 0x9000);
	assert_int_equal(send_hex(gen2, "80CA004500"), 0x6A88);
	assert_int_equal(send_hex(gen2, "80CA00E000"), 0x9000);
	assert_int_equal(answer[0], 0xE0);
	assert_int_equal(answer[7], 16);
	assert_int_equal(send_hex(gen2, "00A40004025030"), 0x6A82);
	assert_int_equal(send_hex(gen2, "8050010008112233445566778800"), 0x6985);
	assert_int_equal(send_hex(gen2, SELECT_ISSUER), 0x9000);
	assert_int_equal(send_hex(gen2, "80CA004500"), 0x9000);
	assert_int_equal(answer[0], 0x45);
	assert_int_equal(answer[1], 10);
}

static void
a_selected_file_answers_its_control_parameters(void **state)
{
	const struct vcard_behaviour late = { .select_61 = true };
	unsigned sw;

	(void)state;
	assert_int_equal(send_hex(gen2, SELECT_PKI), 0x9000);
	assert_int_equal(send_hex(gen2, "00A4000402503000"), 0x9000);
	assert_int_equal(answer[0], 0x62);
	assert_int_equal(answer[1], answer_len - 2);
	assert_int_equal(send_hex(gen2, "00A4000402410400"), 0x9000);
	assert_int_equal(send_hex(gen2, "00B00000C8"), 0x9000);
	assert_int_equal(send_hex(gen2, "00A4000402090000"), 0x6A82);
	assert_int_equal(send_hex(gen2, "00A40004027FFF00"), 0x9000);
	assert_int_equal(send_hex(gen2, "00A4000402090000"), 0x9000);
	vcard_behaviour_set(gen2, &late);
	sw = send_hex(gen2, "00A4000402090300");
	assert_int_equal(sw & 0xFF00, 0x6100);
	assert_int_equal(answer_len, 0);
	assert_int_equal(send_hex(gen2, "00C0000002"), sw - 2);
	assert_int_equal(send_hex(gen2, "00C0000000"), 0x9000);
	assert_int_equal(answer_len, (sw & 0xFF) - 2);
	assert_int_equal(send_hex(gen2, "00C0000000"), 0x6985);
	assert_int_equal(send_hex(gen2, "00B0000010"), 0x9000);
	assert_memory_equal(answer, vcard_card_number(gen2), 16);
}

static void
public_keys_are_two_big_endian_records(void **state)
{
	uint8_t n[256];
	EVP_PKEY *pkey;
	BIGNUM *bn = NULL, *stored;

	(void)state;
	assert_int_equal(send_hex(gen2, SELECT_PKI), 0x9000);
	assert_int_equal(send_hex(gen2, "00A4000402503000"), 0x9000);
	assert_int_equal(send_hex(gen2, "00A4000402081000"), 0x9000);
	assert_int_equal(send_hex(gen2, "80B2110300"), 0x6986);
	assert_int_equal(send_hex(gen2, "00A4000402081100"), 0x9000);
	assert_int_equal(send_hex(gen2, "80B2110300"), 0x9000);
	assert_int_equal(answer_len, 128);
	memcpy(n, answer, 128);
	assert_int_equal(send_hex(gen2, "80B2110400"), 0x9000);
	memcpy(n + 128, answer, 128);
	assert_int_equal(send_hex(gen2, "80B2110500"), 0x6A86);
	assert_int_equal(send_hex(gen2, "80B2120300"), 0x6A83);
	pkey = vcard_public_key(gen2, 0x11);
	assert_int_equal(EVP_PKEY_get_bn_param(pkey, "n", &bn), 1);
	stored = BN_bin2bn(n, sizeof(n), NULL);
	assert_int_equal(BN_cmp(bn, stored), 0);
	BN_free(bn);
	BN_free(stored);
	EVP_PKEY_free(pkey);
}

/* ---- gen 2: channel, PIN, keys ------------------------------------------------------------- */

static void
inside_the_channel_the_pin_and_the_keys_work(void **state)
{
	uint8_t block[256], result[256];
	size_t i;

	(void)state;
	open_channel(gen2);
	assert_int_equal(verify2(gen2, "000000"), 0x63C2);
	assert_int_equal(verify2(gen2, "123456"), 0x9000);
	assert_int_equal(vcard_tries_left(gen2), 3);
	to_key_df2(gen2);
	for (i = 0; i < 3; i++) {
		make_block(block);
		assert_int_equal(send_wrapped(gen2, "84EA8201", block, 128, -1), 0x9000);
		assert_int_equal(send_wrapped(gen2, "84EA0201", block + 128, 128, 0x80), 0x9000);
		assert_int_equal(answer_len, 128);
		memcpy(result, answer, 128);
		assert_int_equal(send_wrapped(gen2, "84C10080", NULL, 0, 0x80), 0x9000);
		memcpy(result + 128, answer, 128);
		check_private(gen2, 1, block, result);
	}
}

static void
outside_the_channel_nothing_secret_works(void **state)
{
	uint8_t block[256];

	(void)state;
	make_block(block);
	assert_int_equal(send_hex(gen2, SELECT_PKI), 0x9000);
	assert_int_equal(half(gen2, 0x80, 0x82, 1, block), 0x6982);
	assert_int_equal(half(gen2, 0x84, 0x82, 1, block), 0x6982);
	assert_int_equal(send_hex(gen2, "0420000118C4E1A1B8FB6C31EB913C0717650120A5892E4B4B6564A391"),
	    0x6982);
	assert_int_equal(vcard_tries_left(gen2), 3);
	assert_int_equal(send_hex(gen2, "0020000106313233343536"), 0x6982);
	assert_int_equal(vcard_tries_left(gen2), 2);
}

static void
the_first_generations_verify_costs_nothing(void **state)
{
	(void)state;
	assert_int_equal(send_hex(gen2, SELECT_PKI), 0x9000);
	assert_int_equal(verify1(gen2, "123456"), 0x6E00);
	assert_int_equal(vcard_tries_left(gen2), 3);
}

static void
a_private_operation_needs_the_directory_selected_inside(void **state)
{
	uint8_t block[128] = { 0 };

	(void)state;
	open_channel(gen2);
	assert_int_equal(send_wrapped(gen2, "84EA8201", block, 128, -1), 0x6982);
	assert_int_equal(verify2(gen2, "123456"), 0x9000);
	assert_int_equal(send_wrapped(gen2, "84EA8201", block, 128, -1), 0x6985);
	assert_int_equal(send_hex(gen2, "00A4000402503000"), 0x9000);
	assert_int_equal(send_hex(gen2, "00A4000402081000"), 0x9000);
	assert_int_equal(send_wrapped(gen2, "84EA8201", block, 128, -1), 0x6985);
	assert_int_equal(send_hex(gen2, "00A40004027FFF00"), 0x9000);
	to_key_df2(gen2);
	assert_int_equal(send_wrapped(gen2, "84EA8201", block, 128, -1), 0x9000);
}

static void
a_wrong_mac_closes_the_channel(void **state)
{
	uint8_t header[4] = { 0x04, 0x20, 0x00, 0x01 }, cmd[261];
	uint8_t pin[10] = { '1', '2', '3', '4', '5', '6', 0xFF, 0xFF, 0xFF, 0xFF };
	size_t len;

	(void)state;
	open_channel(gen2);
	len = wrap(&channel, header, pin, sizeof(pin), -1, cmd);
	cmd[len - 1] ^= 1;
	assert_int_equal(send_bytes(gen2, cmd, len), 0x6988);
	assert_false(vcard_channel_open(gen2));
	cmd[len - 1] ^= 1;
	assert_int_equal(send_bytes(gen2, cmd, len), 0x6982);
	assert_int_equal(vcard_tries_left(gen2), 3);
}

/* The counter is in no MAC: what a wrong one makes of the body is noticed by its
 * padding, or, one time in 256, when garbage ends like padding, by its length. */
static void
a_wrong_counter_closes_the_channel(void **state)
{
	uint16_t sw;

	(void)state;
	open_channel(gen2);
	channel.counter = 5;
	sw = verify2(gen2, "123456");
	assert_true(sw == 0x6988 || sw == 0x6700);
	assert_int_equal(vcard_channel_open(gen2), sw == 0x6700);
	assert_int_equal(vcard_tries_left(gen2), 3);
}

static void
a_repeated_command_closes_the_channel(void **state)
{
	uint8_t header[4] = { 0x04, 0xA4, 0x00, 0x04 }, cmd[261], fid[2] = { 0x50, 0x30 };
	size_t len;

	(void)state;
	open_channel(gen2);
	len = wrap(&channel, header, fid, sizeof(fid), -1, cmd);
	assert_int_equal(send_bytes(gen2, cmd, len), 0x9000);
	assert_int_equal(send_bytes(gen2, cmd, len), 0x6988);
	assert_false(vcard_channel_open(gen2));
}

static void
a_wrong_host_cryptogram_opens_nothing(void **state)
{
	static const uint8_t cin[10] = { 9, 8, 7 };

	(void)state;
	vcard_set_cin(gen2, cin);
	assert_int_equal(send_hex(gen2, SELECT_PKI), 0x9000);
	assert_int_equal(authenticate(gen2, cin, true), 0x6300);
	assert_false(vcard_channel_open(gen2));
	assert_int_equal(send_hex(gen2, "848203001081DE20CE9E1DE93510505BA6A6E06A8A"), 0x6985);
	assert_int_equal(send_hex(gen2, "8050010008112233445566778800"), 0x9000);
	assert_int_equal(send_hex(gen2, "848203001081DE20CE9E1DE93510505BA6A6E06A8A"), 0x6988);
}

static void
selecting_an_application_ends_the_channel(void **state)
{
	uint8_t block[128] = { 0 };

	(void)state;
	open_channel(gen2);
	assert_int_equal(verify2(gen2, "123456"), 0x9000);
	assert_int_equal(send_hex(gen2, SELECT_PKI), 0x9000);
	assert_false(vcard_channel_open(gen2));
	open_channel(gen2);
	to_key_df2(gen2);
	assert_int_equal(send_wrapped(gen2, "84EA8201", block, 128, -1), 0x6982);
	vcard_reset(gen2);
	assert_false(vcard_channel_open(gen2));
}

static void
a_plain_command_ends_the_channel_only_when_asked_to(void **state)
{
	const struct vcard_behaviour strict = { .plain_ends_channel = true };

	(void)state;
	open_channel(gen2);
	assert_int_equal(send_hex(gen2, "00A4000402503000"), 0x9000);
	assert_true(vcard_channel_open(gen2));
	assert_int_equal(verify2(gen2, "123456"), 0x9000);
	vcard_behaviour_set(gen2, &strict);
	assert_int_equal(send_hex(gen2, "00A4000402503000"), 0x9000);
	assert_false(vcard_channel_open(gen2));
	assert_int_equal(verify2(gen2, "123456"), 0x6982);
	assert_int_equal(vcard_tries_left(gen2), 3);
}

/* Value of a name in the vector file. */
static size_t
vector(const char *name, uint8_t *out, size_t cap)
{
	FILE *file = fopen(TESTDATA "/gppki-scp03.txt", "r");
	char line[1024], found[64], value[900];
	size_t len = 0;

	assert_non_null(file);
	while (len == 0 && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "%63s %899s", found, value) == 2 && strcmp(found, name) == 0)
			len = unhex(value, out, cap);
	fclose(file);
	assert_true(len > 0);
	return len;
}

static void
the_recorded_session_runs_byte_for_byte(void **state)
{
	static const struct {
		const char *name;
		size_t answer_len;
	} steps[] = {
		{ "external-authenticate", 0 }, { "verify-pin-123456", 0 }, { "select-5030", 0 },
		{ "select-0810", 0 }, { "private-op-first-half", 0 },
		{ "private-op-second-half", 128 }, { "private-op-rest", 128 },
	};
	uint8_t cmd[261], value[64], host[8], initialize[14] = { 0x80, 0x50, 0x01, 0x00, 0x08 };
	size_t i, len;

	(void)state;
	assert_int_equal(vector("cin", value, sizeof(value)), 10);
	vcard_set_cin(gen2, value);
	assert_int_equal(vector("master-key", value, sizeof(value)), 16);
	vcard_set_master_key(gen2, value);
	assert_int_equal(vector("card-challenge", value, sizeof(value)), 8);
	vcard_set_card_challenge(gen2, value);
	assert_int_equal(vector("host-challenge", host, sizeof(host)), 8);
	memcpy(initialize + 5, host, 8);
	assert_int_equal(send_hex(gen2, SELECT_PKI), 0x9000);
	assert_int_equal(send_bytes(gen2, initialize, sizeof(initialize)), 0x9000);
	len = vector("initialize-update-response", value, sizeof(value));
	assert_int_equal(answer_len, len);
	assert_memory_equal(answer, value, len);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		len = vector(steps[i].name, cmd, sizeof(cmd));
		assert_int_equal(send_bytes(gen2, cmd, len), 0x9000);
		assert_int_equal(answer_len, steps[i].answer_len);
	}
}

static int
make_cards(void **state)
{
	const struct vcard_options options = { .generation = 2, .ca = VCARD_CA_MOEACA };
	char err[200];

	(void)state;
	if (!vcard_create(&options, &gen2, err, sizeof(err)))
		goto fail;
	return 0;
fail:
	print_error("%s\n", err);
	return 1;
}

static int
drop_cards(void **state)
{
	(void)state;
	vcard_free(&gen2);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_application_is_selected_by_its_name_only),
		TEST(the_security_domains_tell_about_keys),
		TEST(a_selected_file_answers_its_control_parameters),
		TEST(public_keys_are_two_big_endian_records),
		TEST(inside_the_channel_the_pin_and_the_keys_work),
		TEST(outside_the_channel_nothing_secret_works),
		TEST(the_first_generations_verify_costs_nothing),
		TEST(a_private_operation_needs_the_directory_selected_inside),
		TEST(a_wrong_mac_closes_the_channel),
		TEST(a_wrong_counter_closes_the_channel),
		TEST(a_repeated_command_closes_the_channel),
		TEST(a_wrong_host_cryptogram_opens_nothing),
		TEST(selecting_an_application_ends_the_channel),
		TEST(a_plain_command_ends_the_channel_only_when_asked_to),
		TEST(the_recorded_session_runs_byte_for_byte),
	};

	return cmocka_run_group_tests(tests, make_cards, drop_cards);
}
