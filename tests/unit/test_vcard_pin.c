/* test_vcard_pin.c - a first-generation virtual card that gets a new PIN, for the old one or for its code. */
#include "vcard_client.h"

enum { CHANGE = 0x24, UNBLOCK = 0x2C };

static struct vcard *card;
static char dir[32], path[64];

static int
setup(void **state)
{
	char err[200];

	(void)state;
	if (card == NULL)
		assert_true(vcard_create(NULL, &card, err, sizeof(err)));
	assert_true(freshen(card));
	to_key_df(card);
	return 0;
}

/* Two PINs in one cryptogram, as docs/PROTOCOL.md says it. */
static unsigned
replace(struct vcard *c, uint8_t ins, const char *right, const char *pin)
{
	uint8_t cmd[45] = { 0x8C, ins, 0x00, 0x01, 0x28 }, plain[28], mac[24], *iv = cmd + 5;
	int len;

	assert_int_equal(RAND_bytes(iv, 8), 1);
	memset(plain, 0xFF, sizeof(plain));
	memcpy(plain, right, strlen(right));
	memcpy(plain + 10, pin, strlen(pin));
	des_cbc(iv, plain, 20, mac, &len);
	assert_int_equal(len, 24);
	memcpy(plain + 20, mac + 16, 8);
	des_cbc(iv, plain, 28, cmd + 13, &len);
	assert_int_equal(len, 32);
	return send_bytes(c, cmd, sizeof(cmd));
}

static void
the_known_answers_are_understood(void **state)
{
	FILE *file = fopen(TESTDATA "/hicos-v3-new-pin.txt", "r");
	char line[300], right[20], pin[20], iv[40], data[100], cmd[120], before[20] = "123456";
	unsigned vectors = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (line[0] == '#' || sscanf(line, "%19s %19s %39s %99s", right, pin, iv, data) != 4)
			continue;
		if (strcmp(right, "87654321") == 0)
			snprintf(cmd, sizeof(cmd), "8C2C000128%s", data);
		else {
			if (strcmp(before, right) != 0)
				assert_int_equal(replace(card, CHANGE, before, right), 0x9000);
			snprintf(cmd, sizeof(cmd), "8C24000128%s", data);
		}
		assert_int_equal(send_hex(card, cmd), 0x9000);
		assert_int_equal(verify1(card, pin), 0x9000);
		strcpy(before, pin);
		vectors++;
	}
	fclose(file);
	assert_int_equal(vectors, 4);
	assert_int_equal(replace(card, CHANGE, before, "123456"), 0x9000);
}

static void
a_new_pin_is_in_the_image_before_the_answer(void **state)
{
	struct vcard *again = NULL;
	char err[200];

	(void)state;
	strcpy(dir, "/tmp/test_vcard.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/card", dir);
	assert_true(vcard_save(card, path, err, sizeof(err)));
	assert_int_equal(replace(card, CHANGE, "000000", "NewPin1"), 0x63C2);
	assert_int_equal(replace(card, UNBLOCK, "000000", "NewPin1"), 0x63C2);
	assert_true(vcard_load(path, &again, err, sizeof(err)));
	assert_int_equal(vcard_tries_left(again), 2);
	assert_int_equal(vcard_unblock_tries_left(again), 2);
	vcard_free(&again);
	assert_int_equal(replace(card, CHANGE, "123456", "NewPin1"), 0x9000);
	assert_true(vcard_load(path, &again, err, sizeof(err)));
	assert_int_equal(vcard_tries_left(again), 3);
	vcard_power_on(again);
	to_key_df(again);
	assert_int_equal(verify1(again, "NewPin1"), 0x9000);
	assert_int_equal(replace(again, UNBLOCK, "87654321", "123456"), 0x9000);
	assert_int_equal(vcard_unblock_tries_left(again), 3);
	vcard_free(&again);
	assert_true(vcard_load(path, &again, err, sizeof(err)));
	assert_int_equal(vcard_unblock_tries_left(again), 3);
	vcard_free(&again);
	/* What cannot be written down does not happen. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(replace(card, CHANGE, "NewPin1", "another1"), 0x6581);
	assert_false(vcard_verified(card));
	vcard_detach(card);
	assert_int_equal(verify1(card, "NewPin1"), 0x9000);
	assert_int_equal(replace(card, CHANGE, "NewPin1", "123456"), 0x9000);
}

static void
a_change_verifies_and_an_unblocking_does_not(void **state)
{
	(void)state;
	assert_int_equal(replace(card, CHANGE, "123456", "NewPin1"), 0x9000);
	assert_true(vcard_verified(card));
	assert_int_equal(replace(card, CHANGE, "000000", "another1"), 0x63C2);
	assert_false(vcard_verified(card));
	assert_int_equal(verify1(card, "NewPin1"), 0x9000);
	assert_int_equal(replace(card, UNBLOCK, "87654321", "123456"), 0x9000);
	assert_false(vcard_verified(card));
}

static void
what_cannot_be_a_pin_is_refused(void **state)
{
	static const char *const pins[] = { "", "12345", "123456789", "1234567890", "123 56", "123456" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pins) / sizeof(pins[0]); i++)
		assert_int_equal(replace(card, CHANGE, "123456", pins[i]), 0x6A80);
	assert_false(vcard_verified(card));
	for (i = 0; i + 1 < sizeof(pins) / sizeof(pins[0]); i++)
		assert_int_equal(replace(card, UNBLOCK, "87654321", pins[i]), 0x6A80);
	assert_int_equal(verify1(card, "123456"), 0x9000);
}

static void
in_clear_or_spoilt_it_costs_a_try(void **state)
{
	static const char spoilt[] = "00000000000000000000000000000000000000000000000000000000000000000000000000000000";
	char cmd[120];

	(void)state;
	assert_int_equal(send_hex(card, "8024000114 313233343536FFFFFFFF 4E6577313233FFFFFFFF"), 0x6982);
	assert_int_equal(vcard_tries_left(card), 2);
	snprintf(cmd, sizeof(cmd), "8C24000128%s", spoilt);
	assert_int_equal(send_hex(card, cmd), 0x6988);
	assert_int_equal(vcard_tries_left(card), 1);
	assert_int_equal(verify1(card, "123456"), 0x9000);
	assert_int_equal(send_hex(card, "802C000114 3837363534333231FFFF 4E6577313233FFFFFFFF"), 0x6982);
	assert_int_equal(vcard_unblock_tries_left(card), 2);
	snprintf(cmd, sizeof(cmd), "8C2C000128%s", spoilt);
	assert_int_equal(send_hex(card, cmd), 0x6988);
	assert_int_equal(vcard_unblock_tries_left(card), 1);
	assert_int_equal(vcard_tries_left(card), 3);
	assert_int_equal(replace(card, UNBLOCK, "87654321", "123456"), 0x9000);
	/* Its form is looked at first: that costs nothing. */
	assert_int_equal(send_hex(card, "8C24000028 00000000000000000000000000000000000000000000000000000000000000000000000000000000"), 0x6A86);
	assert_int_equal(send_hex(card, "8C24000120 0000000000000000000000000000000000000000000000000000000000000000"), 0x6700);
	assert_int_equal(vcard_tries_left(card), 3);
}

static void
a_locked_code_stays_locked(void **state)
{
	(void)state;
	assert_int_equal(replace(card, UNBLOCK, "000000", "NewPin1"), 0x63C2);
	assert_int_equal(replace(card, UNBLOCK, "000000", "NewPin1"), 0x63C1);
	assert_int_equal(replace(card, UNBLOCK, "000000", "NewPin1"), 0x63C0);
	assert_int_equal(replace(card, UNBLOCK, "87654321", "NewPin1"), 0x6983);
	assert_int_equal(verify1(card, "123456"), 0x9000);
}

static void
a_code_can_be_given_and_must_look_like_one(void **state)
{
	static const char *const bad[] = { "", "12345", "123456789", "123 56" };
	struct vcard_options options = { .unblock_code = "Abc12345" };
	struct vcard *other = NULL;
	char err[200];
	size_t i;

	(void)state;
	assert_true(vcard_create(&options, &other, err, sizeof(err)));
	vcard_power_on(other);
	to_key_df(other);
	assert_int_equal(replace(other, UNBLOCK, "87654321", "NewPin1"), 0x63C2);
	assert_int_equal(replace(other, UNBLOCK, "Abc12345", "NewPin1"), 0x9000);
	assert_int_equal(verify1(other, "NewPin1"), 0x9000);
	vcard_free(&other);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		options.unblock_code = bad[i];
		assert_false(vcard_create(&options, &other, err, sizeof(err)));
		assert_non_null(strstr(err, "code"));
	}
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
		TEST(the_known_answers_are_understood),
		TEST(a_new_pin_is_in_the_image_before_the_answer),
		TEST(a_change_verifies_and_an_unblocking_does_not),
		TEST(what_cannot_be_a_pin_is_refused),
		TEST(in_clear_or_spoilt_it_costs_a_try),
		TEST(a_locked_code_stays_locked),
		TEST(a_code_can_be_given_and_must_look_like_one),
	};

	return cmocka_run_group_tests_name("new PINs of virtual cards", tests, NULL, teardown);
}
