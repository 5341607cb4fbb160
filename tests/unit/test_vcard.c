/* test_vcard.c - what the virtual first-generation card does, by the published facts. */
#include "vcard_client.h"

/* Made once: keys take a while. Every test starts from this card made fresh. */
static struct vcard *gen1;

static int
fresh(void **state)
{
	(void)state;
	return freshen(gen1) ? 0 : 1;
}

/* ---- gen 1: classes, files ---------------------------------------------------- */

static void
class_00_is_refused(void **state)
{
	(void)state;
	assert_int_equal(send_hex(gen1, "00A40000023F00"), 0x6E00);
	assert_int_equal(send_hex(gen1, "00B0000010"), 0x6E00);
	assert_int_equal(send_hex(gen1, "0CA40000023F00"), 0x6E00);
	assert_int_equal(send_hex(gen1, "80A40000023F00"), 0x9000);
}

static void
an_unknown_instruction_is_refused(void **state)
{
	(void)state;
	assert_int_equal(send_hex(gen1, "80D7000001FF"), 0x6D00);
	assert_int_equal(send_hex(gen1, "80E1000001FF"), 0x6D00);
	assert_int_equal(send_hex(gen1, "8CA40000023F00"), 0x6D00);
}

static void
malformed_lengths_are_refused(void **state)
{
	static const char *const bad[] = { "80", "80A4", "80A400", "80A40000023F", "80A40000023F000000",
		"80A40000003F00", "80A40000", "80A400000150" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(send_hex(gen1, bad[i]), 0x6700);
}

static void
select_finds_the_mf_and_children_of_the_current_df(void **state)
{
	(void)state;
	assert_int_equal(send_hex(gen1, "80A40000025030"), 0x9000);
	assert_int_equal(answer_len, 0);
	assert_int_equal(send_hex(gen1, "80A40000020810"), 0x9000);
	assert_int_equal(send_hex(gen1, "80A40000020811"), 0x9000);
	assert_int_equal(send_hex(gen1, "80A40000020810"), 0x9000);
	assert_int_equal(send_hex(gen1, "80A40000023F00"), 0x9000);
	assert_int_equal(send_hex(gen1, "80A40000020900"), 0x9000);
}

static void
select_does_not_find_files_elsewhere(void **state)
{
	(void)state;
	assert_int_equal(send_hex(gen1, "80A40000020810"), 0x6A82);
	assert_int_equal(send_hex(gen1, "80A40000025015"), 0x6A82);
	assert_int_equal(send_hex(gen1, "80A40000020900"), 0x9000);
	assert_int_equal(send_hex(gen1, "80A40000025030"), 0x6A82);
	assert_int_equal(send_hex(gen1, "80A40004023F00"), 0x6A86);
}

static void
read_binary_needs_a_transparent_ef_and_an_offset_inside(void **state)
{
	(void)state;
	assert_int_equal(send_hex(gen1, "80B0000010"), 0x6986);
	assert_int_equal(send_hex(gen1, "80A40000020900"), 0x9000);
	assert_int_equal(send_hex(gen1, "80A40000020903"), 0x9000);
	assert_int_equal(send_hex(gen1, "80B0000010"), 0x9000);
	assert_int_equal(answer_len, 16);
	assert_memory_equal(answer, vcard_card_number(gen1), 16);
	assert_int_equal(send_hex(gen1, "80B0002001"), 0x6B00);
	assert_int_equal(send_hex(gen1, "80B0800001"), 0x6A86);
	to_key_df(gen1);
	assert_int_equal(send_hex(gen1, "80A40000020811"), 0x9000);
	assert_int_equal(send_hex(gen1, "80B0000010"), 0x6981);
}

static void
reads_beyond_the_end_follow_the_option(void **state)
{
	struct vcard_behaviour behaviour;

	(void)state;
	vcard_behaviour_get(gen1, &behaviour);
	send_hex(gen1, "80A40000020900");
	send_hex(gen1, "80A40000020903");
	assert_int_equal(send_hex(gen1, "80B0001820"), 0x9000);
	assert_int_equal(answer_len, 8);
	assert_true(vcard_behaviour_parse(&behaviour, "read-end=warn", NULL, 0));
	vcard_behaviour_set(gen1, &behaviour);
	assert_int_equal(send_hex(gen1, "80B0001820"), 0x6282);
	assert_int_equal(answer_len, 8);
	behaviour.read_end = VCARD_READ_END_EXACT;
	vcard_behaviour_set(gen1, &behaviour);
	assert_int_equal(send_hex(gen1, "80B0001820"), 0x6C08);
	assert_int_equal(send_hex(gen1, "80B0001808"), 0x9000);
	assert_int_equal(send_hex(gen1, "80B0001800"), 0x9000);
	behaviour.read_end = VCARD_READ_END_STRICT;
	vcard_behaviour_set(gen1, &behaviour);
	assert_int_equal(send_hex(gen1, "80B0001820"), 0x6700);
	assert_int_equal(answer_len, 0);
	behaviour.read_max = 200;
	vcard_behaviour_set(gen1, &behaviour);
	send_hex(gen1, "80A40000023F00");
	send_hex(gen1, "80A40000025030");
	send_hex(gen1, "80A400000208F2");
	assert_int_equal(send_hex(gen1, "80B00000C8"), 0x9000);
	assert_int_equal(send_hex(gen1, "80B00000C9"), 0x6700);
	assert_int_equal(send_hex(gen1, "80B0000000"), 0x6700);
}

static void
a_directory_file_ends_in_its_length(void **state)
{
	const uint8_t *data;
	size_t len, content;

	(void)state;
	assert_true(vcard_file_get(gen1, "3F00/5030/4104", &data, &len));
	content = data[len - 2] | (size_t)data[len - 1] << 8;
	assert_true(content > 100 && content < len - 2);
	assert_int_equal(data[0], 0x30);
	assert_int_equal(data[content], 0xFF);
	assert_int_equal(data[len - 3], 0xFF);
	assert_false(vcard_file_get(gen1, "3F00/5030/4105", &data, &len));
	assert_false(vcard_file_get(gen1, "7FFF/5030/4104", &data, &len));
	assert_false(vcard_file_get(gen1, "", &data, &len));
}

static void
public_key_records_hold_the_modulus_in_reversed_words(void **state)
{
	static const uint8_t exponent[4] = { 0, 1, 0, 1 };
	uint8_t raw[256], n[256];
	EVP_PKEY *pkey;
	BIGNUM *bn = NULL, *stored;
	size_t i;

	(void)state;
	to_key_df(gen1);
	assert_int_equal(send_hex(gen1, "80A40000020811"), 0x9000);
	assert_int_equal(send_hex(gen1, "80B2050081"), 0x9000);
	assert_int_equal(answer_len, 129);
	assert_int_equal(answer[0], 5);
	assert_memory_equal(answer + 1, exponent, 4);
	assert_int_equal(send_hex(gen1, "80B2070081"), 0x9000);
	memcpy(raw, answer + 1, 128);
	assert_int_equal(send_hex(gen1, "80B2080081"), 0x9000);
	memcpy(raw + 128, answer + 1, 128);
	for (i = 0; i < 256; i += 4)
		memcpy(n + i, raw + 252 - i, 4);
	pkey = vcard_public_key(gen1, 5);
	assert_int_equal(EVP_PKEY_get_bn_param(pkey, "n", &bn), 1);
	stored = BN_bin2bn(n, sizeof(n), NULL);
	assert_int_equal(BN_cmp(bn, stored), 0);
	BN_free(bn);
	BN_free(stored);
	EVP_PKEY_free(pkey);
	assert_int_equal(send_hex(gen1, "80B2090081"), 0x6A83);
	assert_int_equal(send_hex(gen1, "80B2050481"), 0x6A86);
	assert_int_equal(send_hex(gen1, "80A40000025030"), 0x6A82);
	assert_int_equal(send_hex(gen1, "80B2050000"), 0x9000);
}

/* ---- gen 1: PIN ------------------------------------------------------------------ */

static void
a_right_pin_is_accepted_and_restores_the_tries(void **state)
{
	(void)state;
	to_key_df(gen1);
	assert_int_equal(verify1(gen1, "654321"), 0x63C2);
	assert_int_equal(verify1(gen1, "1234567"), 0x63C1);
	assert_int_equal(vcard_tries_left(gen1), 1);
	assert_int_equal(verify1(gen1, "123456"), 0x9000);
	assert_int_equal(vcard_tries_left(gen1), 3);
}

static void
three_wrong_pins_lock_the_card(void **state)
{
	(void)state;
	to_key_df(gen1);
	assert_int_equal(verify1(gen1, "000000"), 0x63C2);
	assert_int_equal(verify1(gen1, "000000"), 0x63C1);
	assert_int_equal(verify1(gen1, "000000"), 0x63C0);
	assert_int_equal(verify1(gen1, "000000"), 0x6983);
	assert_int_equal(verify1(gen1, "123456"), 0x6983);
	vcard_reset(gen1);
	to_key_df(gen1);
	assert_int_equal(verify1(gen1, "123456"), 0x6983);
}

static void
a_clear_verify_is_refused_and_costs_a_try(void **state)
{
	(void)state;
	to_key_df(gen1);
	assert_int_equal(send_hex(gen1, "8020000106313233343536"), 0x6982);
	assert_int_equal(vcard_tries_left(gen1), 2);
	assert_int_equal(send_hex(gen1, "0020000108313233343536FFFF"), 0x6982);
	assert_int_equal(vcard_tries_left(gen1), 1);
	assert_int_equal(send_hex(gen1, "80200001"), 0x6982);
	assert_int_equal(send_hex(gen1, "80200001"), 0x6983);
}

static void
a_spoiled_cryptogram_costs_a_try(void **state)
{
	uint8_t cmd[37] = { 0x8C, 0x20, 0x00, 0x01, 0x20 };

	(void)state;
	to_key_df(gen1);
	protect_pin("123456", (const uint8_t *)"\1\2\3\4\5\6\7\10", cmd + 5);
	cmd[20] ^= 1;
	assert_int_equal(send_bytes(gen1, cmd, sizeof(cmd)), 0x6988);
	assert_int_equal(vcard_tries_left(gen1), 2);
}

static void
verify_elsewhere_or_with_a_wrong_length_costs_nothing(void **state)
{
	(void)state;
	assert_int_equal(verify1(gen1, "123456"), 0x6985);
	to_key_df(gen1);
	assert_int_equal(send_hex(gen1, "8C20000103112233"), 0x6700);
	assert_int_equal(send_hex(gen1, "8C20000203112233"), 0x6A86);
	assert_int_equal(vcard_tries_left(gen1), 3);
}

static void
recorded_verify_commands_are_understood(void **state)
{
	FILE *file = fopen(TESTDATA "/hicos-v3-verify.txt", "r");
	char line[256], pin[32], iv[32], data[80];
	uint8_t cmd[37] = { 0x8C, 0x20, 0x00, 0x01, 0x20 }, made[32], iv_bytes[8];
	unsigned lines = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (line[0] == '#' || sscanf(line, "%31s %31s %79s", pin, iv, data) != 3)
			continue;
		lines++;
		assert_int_equal(unhex(data, cmd + 5, 32), 32);
		assert_int_equal(unhex(iv, iv_bytes, 8), 8);
		protect_pin(pin, iv_bytes, made);
		assert_memory_equal(made, cmd + 5, 32);
		assert_true(vcard_set_pin_tries(gen1, 3));
		to_key_df(gen1);
		/* A well-formed cryptogram of another PIN is a wrong PIN, not
		 * a spoiled one. */
		assert_int_equal(send_bytes(gen1, cmd, sizeof(cmd)),
		    strcmp(pin, "123456") == 0 ? 0x9000 : 0x63C2);
	}
	fclose(file);
	assert_int_equal(lines, 4);
}

/* ---- gen 1: private operation ------------------------------------------------------- */

static void
a_private_operation_after_verify_inverts_the_public_one(void **state)
{
	static const uint8_t refs[] = { 0x01, 0x05, 0x11 };
	uint8_t block[256], result[256];
	struct vcard_stats stats;
	size_t i;

	(void)state;
	to_key_df(gen1);
	assert_int_equal(verify1(gen1, "123456"), 0x9000);
	for (i = 0; i < sizeof(refs); i++) {
		make_block(block);
		assert_int_equal(half(gen1, 0x80, 0x82, refs[i], block), 0x9000);
		assert_int_equal(answer_len, 0);
		assert_int_equal(half(gen1, 0x80, 0x02, refs[i], block + 128), 0x9000);
		assert_int_equal(answer_len, 128);
		memcpy(result, answer, 128);
		assert_int_equal(send_hex(gen1, "80C1008080"), 0x9000);
		assert_int_equal(answer_len, 128);
		memcpy(result + 128, answer, 128);
		check_private(gen1, refs[i], block, result);
	}
	vcard_stats(gen1, &stats);
	assert_int_equal(stats.private_ops, 3);
	assert_int_equal(stats.verifies, 1);
}

static void
a_private_operation_without_verify_is_refused(void **state)
{
	uint8_t block[256];

	(void)state;
	make_block(block);
	to_key_df(gen1);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x6982);
	assert_int_equal(verify1(gen1, "123456"), 0x9000);
	assert_int_equal(verify1(gen1, "000000"), 0x63C2);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x6982);
	assert_int_equal(verify1(gen1, "123456"), 0x9000);
	vcard_reset(gen1);
	to_key_df(gen1);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x6982);
}

static void
verification_outlives_select(void **state)
{
	uint8_t block[256];

	(void)state;
	make_block(block);
	to_key_df(gen1);
	assert_int_equal(verify1(gen1, "123456"), 0x9000);
	assert_int_equal(send_hex(gen1, "80A40000023F00"), 0x9000);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x6985);
	to_key_df(gen1);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x9000);
}

static void
any_other_command_drops_the_half_block(void **state)
{
	uint8_t block[256];

	(void)state;
	make_block(block);
	to_key_df(gen1);
	assert_int_equal(verify1(gen1, "123456"), 0x9000);
	assert_int_equal(half(gen1, 0x80, 0x02, 1, block), 0x6985);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x9000);
	assert_int_equal(send_hex(gen1, "8084000008"), 0x9000);
	assert_int_equal(answer_len, 8);
	assert_int_equal(half(gen1, 0x80, 0x02, 1, block + 128), 0x6985);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x9000);
	assert_int_equal(half(gen1, 0x80, 0x02, 5, block + 128), 0x6985);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x9000);
	assert_int_equal(send_hex(gen1, "80"), 0x6700);
	assert_int_equal(half(gen1, 0x80, 0x02, 1, block + 128), 0x6985);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x9000);
	assert_int_equal(half(gen1, 0x80, 0x02, 1, block + 128), 0x9000);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x9000);
	assert_int_equal(send_hex(gen1, "80C1008080"), 0x6985);
}

static void
bad_private_operations_are_refused(void **state)
{
	uint8_t block[256];

	(void)state;
	memset(block, 0xFF, sizeof(block));
	to_key_df(gen1);
	assert_int_equal(verify1(gen1, "123456"), 0x9000);
	assert_int_equal(send_hex(gen1, "80C1008080"), 0x6985);
	assert_int_equal(half(gen1, 0x80, 0x82, 2, block), 0x6A88);
	assert_int_equal(half(gen1, 0x80, 0x81, 1, block), 0x6A86);
	assert_int_equal(send_hex(gen1, "80EA820101FF"), 0x6700);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x9000);
	assert_int_equal(half(gen1, 0x80, 0x02, 1, block + 128), 0x6A80);
	assert_int_equal(send_hex(gen1, "80C1008080"), 0x6985);
}

static void
the_pin_may_be_lost_after_each_private_operation(void **state)
{
	const struct vcard_behaviour behaviour = { .pin_lost_after_private_op = true };
	uint8_t block[256];

	(void)state;
	vcard_behaviour_set(gen1, &behaviour);
	make_block(block);
	to_key_df(gen1);
	assert_int_equal(verify1(gen1, "123456"), 0x9000);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x9000);
	assert_int_equal(half(gen1, 0x80, 0x02, 1, block + 128), 0x9000);
	assert_int_equal(send_hex(gen1, "80C1008080"), 0x9000);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x6982);
}

static int
make_cards(void **state)
{
	char err[200];

	(void)state;
	if (!vcard_create(NULL, &gen1, err, sizeof(err)))
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
	vcard_free(&gen1);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(class_00_is_refused),
		TEST(an_unknown_instruction_is_refused),
		TEST(malformed_lengths_are_refused),
		TEST(select_finds_the_mf_and_children_of_the_current_df),
		TEST(select_does_not_find_files_elsewhere),
		TEST(read_binary_needs_a_transparent_ef_and_an_offset_inside),
		TEST(reads_beyond_the_end_follow_the_option),
		TEST(a_directory_file_ends_in_its_length),
		TEST(public_key_records_hold_the_modulus_in_reversed_words),
		TEST(a_right_pin_is_accepted_and_restores_the_tries),
		TEST(three_wrong_pins_lock_the_card),
		TEST(a_clear_verify_is_refused_and_costs_a_try),
		TEST(a_spoiled_cryptogram_costs_a_try),
		TEST(verify_elsewhere_or_with_a_wrong_length_costs_nothing),
		TEST(recorded_verify_commands_are_understood),
		TEST(a_private_operation_after_verify_inverts_the_public_one),
		TEST(a_private_operation_without_verify_is_refused),
		TEST(verification_outlives_select),
		TEST(any_other_command_drops_the_half_block),
		TEST(bad_private_operations_are_refused),
		TEST(the_pin_may_be_lost_after_each_private_operation),
	};

	return cmocka_run_group_tests(tests, make_cards, drop_cards);
}
