/* test_vcard_files.c - files on virtual cards that the issuer makes and the PIN opens. */
#include "vcard_client.h"

static struct vcard *card;
static char dir[32], path[64];

#define ISSUER_KEY "@ABCDEFGHIJKLMNO"
#define EF "62118002006482010183025061 8C0443201010"

static int
setup(void **state)
{
	char err[200];

	(void)state;
	if (card == NULL)
		assert_true(vcard_create(NULL, &card, err, sizeof(err)));
	(void)vcard_file_delete(card, "3F00/5060");
	assert_true(freshen(card));
	assert_int_equal(send_hex(card, "80A40000023F00"), 0x9000);
	return 0;
}

/* With the challenge of the command before. */
static unsigned
authenticate(struct vcard *c, const char *key)
{
	uint8_t cmd[21] = { 0x80, 0x82, 0x00, 0x00, 0x10 }, iv[8] = { 0 };
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, rest;

	assert_int_equal(answer_len, 8);
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_des_ede_cbc(), NULL, (const uint8_t *)key, iv), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, cmd + 5, &n, answer, 8), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, cmd + 5 + n, &rest), 1);
	EVP_CIPHER_CTX_free(ctx);
	assert_int_equal(n + rest, 16);
	return send_bytes(c, cmd, sizeof(cmd));
}

static void
be_issuer(struct vcard *c)
{
	assert_int_equal(send_hex(c, "8084000008"), 0x9000);
	assert_int_equal(authenticate(c, ISSUER_KEY), 0x9000);
}

/* 3F00/5060/5061, 100 bytes, and nothing verified. */
static void
make_file(struct vcard *c)
{
	be_issuer(c);
	assert_int_equal(send_hex(c, "80E000000F 620D820138830250608C0443202020"), 0x9000);
	assert_int_equal(send_hex(c, "80E0000013" EF), 0x9000);
}

static void
be_holder(struct vcard *c)
{
	to_key_df(c);
	assert_int_equal(verify1(c, "123456"), 0x9000);
	assert_int_equal(send_hex(c, "80A40000023F00"), 0x9000);
	assert_int_equal(send_hex(c, "80A40000025060"), 0x9000);
	assert_int_equal(send_hex(c, "80A40000025061"), 0x9000);
}

static void
a_challenge_is_good_for_the_next_command_only(void **state)
{
	uint8_t kept[8];

	(void)state;
	assert_int_equal(send_hex(card, "8084000008"), 0x9000);
	memcpy(kept, answer, sizeof(kept));
	assert_int_equal(send_hex(card, "80A40000023F00"), 0x9000);
	memcpy(answer, kept, sizeof(kept));
	answer_len = sizeof(kept);
	assert_int_equal(authenticate(card, ISSUER_KEY), 0x6985);
	assert_int_equal(send_hex(card, "8084000008"), 0x9000);
	assert_int_equal(send_hex(card, "8082000008 0000000000000000"), 0x6710);
	assert_int_equal(vcard_issuer_tries_left(card), 3);
	be_issuer(card);
}

static void
three_wrong_cryptograms_lock_the_issuer_out(void **state)
{
	struct vcard *other = NULL;
	char err[200];
	unsigned left;

	(void)state;
	assert_true(vcard_create(NULL, &other, err, sizeof(err)));
	vcard_power_on(other);
	for (left = 3; left-- > 0;) {
		assert_int_equal(send_hex(other, "8084000008"), 0x9000);
		assert_int_equal(authenticate(other, "0123456789ABCDEF"), 0x63C0 | left);
		assert_int_equal(send_hex(other, "80E0000013" EF), 0x6982);
	}
	assert_int_equal(send_hex(other, "8084000008"), 0x9000);
	assert_int_equal(authenticate(other, ISSUER_KEY), 0x6983);
	vcard_free(&other);
}

static void
only_the_issuer_makes_and_deletes_until_the_reset(void **state)
{
	(void)state;
	assert_int_equal(send_hex(card, "80E0000013" EF), 0x6982);
	make_file(card);
	assert_int_equal(send_hex(card, "80E0000013" EF), 0x6A89);
	assert_int_equal(send_hex(card, "80E400000250FF"), 0x6A82);
	vcard_reset(card);
	be_holder(card);
	assert_int_equal(send_hex(card, "80E4000002 5061"), 0x6982);
	be_issuer(card);
	assert_int_equal(send_hex(card, "80E4000002 5061"), 0x9000);
	assert_int_equal(send_hex(card, "80B0000001"), 0x6986); /* it was selected */
	assert_int_equal(send_hex(card, "80A40000023F00"), 0x9000);
	assert_int_equal(send_hex(card, "80E4000002 5030"), 0x6982); /* personalised */
	assert_int_equal(send_hex(card, "80E4000002 5060"), 0x9000);
}

static void
templates_that_make_no_sense_are_refused(void **state)
{
	static const char *const bad[] = {
		"80E0000002 6200", "80E0000003 620180", "80E0000004 62028201",
		"80E0000013 62118002000082010183025061 8C0443201010", /* no bytes */
		"80E0000013 62118002900082010183025061 8C0443201010", /* too many */
		"80E0000013 62118002006482010283025061 8C0443201010", /* records */
		"80E0000013 62118002006482010183023F00 8C0443201010",
		"80E0000013 62118002006482010183025061 8C0441201010",
		"80E000000D 620B8002006482010183025061", "80E0000013 62108002006482010183025061 8C0443201010",
	};
	size_t i;

	(void)state;
	be_issuer(card);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(send_hex(card, bad[i]), 0x6A80);
	assert_int_equal(send_hex(card, "80E0010013" EF), 0x6A86);
	assert_int_equal(send_hex(card, "80E0000013 62118002700082010183025061 8C0443201010"), 0x6A84);
	make_file(card);
	assert_int_equal(vcard_file_delete(card, "3F00/5060"), true);
}

static void
the_pin_opens_them_to_read_and_write(void **state)
{
	(void)state;
	make_file(card);
	assert_int_equal(send_hex(card, "80B0000001"), 0x6982);
	assert_int_equal(send_hex(card, "80D6000001 00"), 0x6982);
	be_holder(card);
	assert_int_equal(send_hex(card, "80D600620201 02"), 0x9000);
	assert_int_equal(send_hex(card, "80B0006103"), 0x9000);
	assert_memory_equal(answer, "\xFF\x01\x02", 3);
	assert_int_equal(send_hex(card, "80D6006302 0102"), 0x6A84);
	assert_int_equal(send_hex(card, "80D6006401 01"), 0x6B00);
	assert_int_equal(send_hex(card, "80D6800001 01"), 0x6A86);
	assert_true(vcard_set_pin_tries(card, 0));
	assert_int_equal(send_hex(card, "80B0000001"), 0x6983);
	assert_int_equal(send_hex(card, "80D6000001 00"), 0x6983);
	assert_true(vcard_set_pin_tries(card, 3));
	/* what was there before is not written, whoever asks */
	be_issuer(card);
	assert_int_equal(send_hex(card, "80A40000023F00"), 0x9000);
	assert_int_equal(send_hex(card, "80A40000020900"), 0x9000);
	assert_int_equal(send_hex(card, "80A40000020903"), 0x9000);
	assert_int_equal(send_hex(card, "80D6000001 00"), 0x6982);
	assert_int_equal(send_hex(card, "80B0000001"), 0x9000);
}

static struct vcard *
load(void)
{
	struct vcard *again = NULL;
	char err[200];

	assert_true(vcard_load(path, &again, err, sizeof(err)));
	vcard_power_on(again);
	return again;
}

static void
what_is_written_is_in_the_image_before_the_answer(void **state)
{
	struct vcard *again;
	char err[200];

	(void)state;
	strcpy(dir, "/tmp/test_vcard.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/card", dir);
	assert_true(vcard_save(card, path, err, sizeof(err)));
	make_file(card);
	be_holder(card);
	assert_int_equal(send_hex(card, "80D600000401020304"), 0x9000);
	vcard_fault(card, 1, VCARD_FAULT_TEAR, 0); /* half of it */
	assert_int_equal(vcard_transmit(card, (const uint8_t *)"\x80\xD6\0\0\4\5\6\7\x08", 9, answer,
	    sizeof(answer), &answer_len), VCARD_MUTE);
	again = load();
	be_holder(again);
	assert_int_equal(send_hex(again, "80B0000005"), 0x9000);
	assert_memory_equal(answer, "\5\6\3\4\xFF", 5);
	/* the rules are in it, too */
	vcard_reset(again);
	assert_int_equal(send_hex(again, "80A40000025060"), 0x9000);
	assert_int_equal(send_hex(again, "80A40000025061"), 0x9000);
	assert_int_equal(send_hex(again, "80B0000001"), 0x6982);
	vcard_free(&again);
	/* Power that fails before another command: it was not done. */
	vcard_reset(card);
	be_issuer(card);
	assert_int_equal(send_hex(card, "80A40000025060"), 0x9000);
	vcard_fault(card, 1, VCARD_FAULT_TEAR, 0);
	assert_int_equal(vcard_transmit(card, (const uint8_t *)"\x80\xE4\0\0\2\x50\x61", 7, answer,
	    sizeof(answer), &answer_len), VCARD_MUTE);
	vcard_reset(card);
	be_holder(card);
	/* What cannot be written down does not happen. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(send_hex(card, "80D600000109"), 0x6581);
	assert_int_equal(send_hex(card, "80B0000001"), 0x9000);
	assert_int_equal(answer[0], 5);
	assert_int_equal(send_hex(card, "8084000008"), 0x9000);
	assert_int_equal(authenticate(card, ISSUER_KEY), 0x6581);
	vcard_detach(card);
	be_issuer(card);
	assert_int_equal(send_hex(card, "80E4000002 5061"), 0x9000);
}

static char traced[4000];

static void
collect(void *context, const char *line)
{
	(void)context;
	strncat(traced, line, sizeof(traced) - strlen(traced) - 1);
	strcat(traced, "\n");
}

static void
the_trace_has_neither_cryptograms_nor_contents(void **state)
{
	(void)state;
	vcard_set_trace(card, collect, NULL);
	make_file(card);
	be_holder(card);
	assert_int_equal(send_hex(card, "80D600000853535353 53535353"), 0x9000);
	assert_int_equal(send_hex(card, "80B0000008"), 0x9000);
	vcard_set_trace(card, NULL, NULL);
	assert_null(strstr(traced, "5353"));
	assert_non_null(strstr(traced, "> 8082000010 **16\n"));
	assert_non_null(strstr(traced, "> 80D6000008 **8\n"));
	assert_non_null(strstr(traced, "< **8 9000\n"));
}

static void
another_key_can_be_given(void **state)
{
	struct vcard_options options = { .issuer_key = (const uint8_t *)"0123456789ABCDEF" };
	struct vcard *other = NULL;
	char err[200];

	(void)state;
	assert_true(vcard_create(&options, &other, err, sizeof(err)));
	vcard_power_on(other);
	assert_int_equal(send_hex(other, "8084000008"), 0x9000);
	assert_int_equal(authenticate(other, ISSUER_KEY), 0x63C2);
	assert_int_equal(send_hex(other, "8084000008"), 0x9000);
	assert_int_equal(authenticate(other, "0123456789ABCDEF"), 0x9000);
	assert_int_equal(vcard_issuer_tries_left(other), 3);
	vcard_free(&other);
}

static void
on_the_second_generation_the_channel_is_the_only_way(void **state)
{
	static const char *const commands[] = { "0082000010 00000000000000000000000000000000",
		"00D6000001 00", ("00E0000013" EF), "00E4000002 5030", "80D6000001 00" };
	struct vcard_options options = { .generation = 2 };
	struct vcard *other = NULL;
	char err[200];
	size_t i;

	(void)state;
	assert_true(vcard_create(&options, &other, err, sizeof(err)));
	vcard_power_on(other);
	assert_int_equal(send_hex(other, SELECT_PKI), 0x9000);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		assert_int_equal(send_hex(other, commands[i]), 0x6982);
	assert_int_equal(vcard_issuer_tries_left(other), 3);
	vcard_free(&other);
}

static int
teardown(void **state)
{
	(void)state;
	vcard_free(&card);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_challenge_is_good_for_the_next_command_only),
		TEST(three_wrong_cryptograms_lock_the_issuer_out),
		TEST(only_the_issuer_makes_and_deletes_until_the_reset),
		TEST(templates_that_make_no_sense_are_refused),
		TEST(the_pin_opens_them_to_read_and_write),
		TEST(what_is_written_is_in_the_image_before_the_answer),
		TEST(the_trace_has_neither_cryptograms_nor_contents),
		TEST(another_key_can_be_given),
		TEST(on_the_second_generation_the_channel_is_the_only_way),
	};

	return cmocka_run_group_tests_name("files of virtual cards", tests, NULL, teardown);
}
