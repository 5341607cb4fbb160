/* test_vcard_common.c - faults, counters, trace, image and certificates of virtual cards. */
#include "vcard_client.h"

/* Made once: keys take a while. Every test starts from these cards made fresh. */
static struct vcard *gen1, *gen2;

static int
fresh(void **state)
{
	(void)state;
	return freshen(gen1) && freshen(gen2) ? 0 : 1;
}

/* ---- both: faults, counters, trace, image --------------------------------------------------- */

static void
faults_strike_once_and_on_time(void **state)
{
	(void)state;
	vcard_fault(gen1, 2, VCARD_FAULT_STATUS, 0x6F00);
	assert_int_equal(send_hex(gen1, "80A40000023F00"), 0x9000);
	assert_int_equal(send_hex(gen1, "80A40000023F00"), 0x6F00);
	assert_int_equal(send_hex(gen1, "80A40000020900"), 0x9000);
	assert_int_equal(send_hex(gen1, "80A40000020903"), 0x9000);
	vcard_fault(gen1, 1, VCARD_FAULT_GARBLE, 0);
	assert_int_equal(send_hex(gen1, "80B0000010"), 0x9000);
	assert_int_equal(answer_len, 16);
	assert_memory_not_equal(answer, vcard_card_number(gen1), 16);
	vcard_fault(gen1, 1, VCARD_FAULT_TRUNCATE, 0);
	assert_int_equal(vcard_transmit(gen1, (const uint8_t *)"\x80\xB0\x00\x00\x10", 5, answer,
	    sizeof(answer), &answer_len), VCARD_ANSWERED);
	assert_int_equal(answer_len, 1);
}

static void
a_dropped_answer_mutes_the_card_until_reset(void **state)
{
	const uint8_t cmd[7] = { 0x80, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00 };

	(void)state;
	vcard_fault(gen1, 1, VCARD_FAULT_DROP, 0);
	assert_int_equal(vcard_transmit(gen1, cmd, 7, answer, sizeof(answer), &answer_len), VCARD_MUTE);
	assert_int_equal(answer_len, 0);
	assert_int_equal(vcard_transmit(gen1, cmd, 7, answer, sizeof(answer), &answer_len), VCARD_MUTE);
	vcard_reset(gen1);
	assert_int_equal(send_bytes(gen1, cmd, 7), 0x9000);
	vcard_power_off(gen1);
	assert_int_equal(vcard_transmit(gen1, cmd, 7, answer, sizeof(answer), &answer_len), VCARD_MUTE);
}

static void
card_time_follows_the_model(void **state)
{
	struct vcard_stats stats;

	(void)state;
	assert_int_equal(send_hex(gen1, "80A40000023F00"), 0x9000);
	vcard_stats(gen1, &stats);
	assert_int_equal(stats.commands, 1);
	assert_int_equal(stats.bytes_in, 7);
	assert_int_equal(stats.bytes_out, 2);
	/* 5 ms, and 9 bytes of 12 etu of 93 clocks at 4 MHz */
	assert_int_equal(stats.card_time_us, 5000 + 9 * 279);
	assert_int_equal(send_hex(gen2, SELECT_PKI), 0x9000);
	vcard_stats(gen2, &stats);
	assert_int_equal(stats.card_time_us, 5000 + 24 * 48);
	vcard_stats_reset(gen2);
	vcard_stats(gen2, &stats);
	assert_int_equal(stats.commands, 0);
	assert_int_equal(stats.card_time_us, 0);
}

struct recording {
	char text[20000];
	size_t len;
};

static void
record(void *context, const char *line)
{
	struct recording *r = context;

	assert_true(r->len + strlen(line) + 2 < sizeof(r->text));
	r->len += (size_t)sprintf(r->text + r->len, "%s\n", line);
}

static void
the_trace_shows_no_pin_and_no_key_data(void **state)
{
	static struct recording r;
	uint8_t block[256];

	(void)state;
	memset(block, 0x11, sizeof(block));
	vcard_set_trace(gen1, record, &r);
	vcard_reset(gen1);
	to_key_df(gen1);
	assert_int_equal(verify1(gen1, "123456"), 0x9000);
	assert_int_equal(half(gen1, 0x80, 0x82, 1, block), 0x9000);
	assert_int_equal(half(gen1, 0x80, 0x02, 1, block + 128), 0x9000);
	assert_int_equal(send_hex(gen1, "80C1008080"), 0x9000);
	assert_int_equal(send_hex(gen1, "0020000106313233343536"), 0x6982);
	assert_int_equal(send_hex(gen1, "00200001063132333435363738"), 0x6700);
	assert_int_equal(send_hex(gen1, "0024000108313233343536FFFF"), 0x6982);
	vcard_set_trace(gen1, NULL, NULL);
	assert_non_null(strstr(r.text, "! reset\n= 3BB813008131FA524348544D4F494341A5\n> 80A4"));
	assert_non_null(strstr(r.text, "> 8C20000120 **32\n< 9000\n"));
	assert_non_null(strstr(r.text, "> 80EA820180 **128\n< 9000\n"));
	assert_non_null(strstr(r.text, "> 80EA020180 **128\n< **128 9000\n"));
	assert_non_null(strstr(r.text, "> 80C1008080\n< **128 9000\n"));
	assert_null(strstr(r.text, "3132333435"));
	assert_null(strstr(r.text, "1111111111"));
}

static void
an_image_keeps_the_card_and_its_lost_tries(void **state)
{
	char dir[] = "/tmp/test_vcard.XXXXXX", path[64], err[200];
	struct vcard *card = NULL, *again = NULL;
	const uint8_t *data, *same;
	size_t len, same_len;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/card", dir);
	assert_true(vcard_save(gen1, path, err, sizeof(err)));
	vcard_detach(gen1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(vcard_load(path, &card, err, sizeof(err)));
	assert_true(vcard_file_get(gen1, "3F00/5030/08F2", &data, &len));
	assert_true(vcard_file_get(card, "3F00/5030/08F2", &same, &same_len));
	assert_int_equal(len, same_len);
	assert_memory_equal(data, same, len);
	vcard_power_on(card);
	to_key_df(card);
	assert_int_equal(verify1(card, "000000"), 0x63C2);
	assert_true(vcard_load(path, &again, err, sizeof(err)));
	assert_int_equal(vcard_tries_left(again), 2);
	vcard_free(&again);
	assert_int_equal(verify1(card, "123456"), 0x9000);
	assert_true(vcard_load(path, &again, err, sizeof(err)));
	assert_int_equal(vcard_tries_left(again), 3);
	vcard_free(&again);
	/* A try that cannot be written down is not answered with a verdict. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(verify1(card, "000000"), 0x6581);
	vcard_free(&card);
}

static void
a_damaged_image_is_refused_by_name(void **state)
{
	static const char *const bad[] = { "", "{", "[]", "{\"twcard-virtual-card\":1}",
		"{\"twcard-virtual-card\":9,\"generation\":1}",
		"{\"twcard-virtual-card\":1,\"generation\":1,\"ca\":\"moica\",\"holder\":\"x\"}" };
	char path[] = "/tmp/test_vcard.XXXXXX", err[200];
	struct vcard *card;
	size_t i;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, bad[i], strlen(bad[i]), 0), strlen(bad[i]));
		err[0] = '\0';
		assert_false(vcard_load(path, &card, err, sizeof(err)));
		assert_null(card);
		assert_non_null(strstr(err, "card image"));
	}
	close(fd);
	unlink(path);
	assert_false(vcard_load(path, &card, err, sizeof(err)));
}

static void
bad_options_make_no_card(void **state)
{
	const struct vcard_options bad[] = {
		{ .generation = 3 }, { .pin = "12345" }, { .pin = "123456789" }, { .pin = "1234 6" },
		{ .name = "" }, { .name = "\xFF\xFE" }, { .id = "a" }, { .card_number = "TP1" },
		{ .contactless = true },
	};
	struct vcard *card;
	char err[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err[0] = '\0';
		assert_false(vcard_create(&bad[i], &card, err, sizeof(err)));
		assert_null(card);
		assert_true(strlen(err) > 0);
	}
}

static void
behaviours_are_parsed_whole_or_not_at_all(void **state)
{
	struct vcard_behaviour b = { 0 };
	char err[200];

	(void)state;
	assert_true(vcard_behaviour_parse(&b, "select-61,read-max=200,plain-ends-channel=on", err,
	    sizeof(err)));
	assert_true(b.select_61 && b.plain_ends_channel);
	assert_int_equal(b.read_max, 200);
	assert_false(vcard_behaviour_parse(&b, "select-61=off,nonsense", err, sizeof(err)));
	assert_true(b.select_61);
	assert_false(vcard_behaviour_parse(&b, "read-max=-1", err, sizeof(err)));
	assert_false(vcard_behaviour_parse(&b, "read-end=later", err, sizeof(err)));
}

static void
a_torn_card_can_be_made(void **state)
{
	struct vcard *card;
	const uint8_t *data;
	size_t len;

	(void)state;
	assert_true(vcard_create(NULL, &card, NULL, 0));
	vcard_power_on(card);
	assert_true(vcard_file_put(card, "3F00/5030/4104", (const uint8_t *)"\x30\x82", 2));
	assert_true(vcard_file_get(card, "3F00/5030/4104", &data, &len));
	assert_int_equal(len, 2);
	assert_true(vcard_file_put(card, "3F00/5030/1234", (const uint8_t *)"x", 1));
	assert_false(vcard_file_put(card, "3F00/5030", (const uint8_t *)"x", 1));
	assert_false(vcard_file_put(card, "3F00/9999/1234", (const uint8_t *)"x", 1));
	to_key_df(card);
	assert_true(vcard_file_delete(card, "3F00/5030"));
	assert_int_equal(send_hex(card, "80B0000001"), 0x6986);
	assert_int_equal(send_hex(card, "80A40000025030"), 0x6A82);
	assert_null(vcard_certificate(card, VCARD_CERT_SIGN));
	assert_false(vcard_file_delete(card, "3F00"));
	vcard_free(&card);
}

static void
check_chain(const struct vcard *card)
{
	X509 *root = vcard_certificate(card, VCARD_CERT_ROOT), *ca = vcard_certificate(card, VCARD_CERT_CA);
	X509 *sign = vcard_certificate(card, VCARD_CERT_SIGN);
	X509 *encrypt = vcard_certificate(card, VCARD_CERT_ENCRYPT), *leaves[2] = { sign, encrypt };
	EVP_PKEY *key = vcard_public_key(card, 0x01);
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509_STORE_CTX *ctx;
	size_t i;

	assert_true(root != NULL && ca != NULL && sign != NULL && encrypt != NULL);
	X509_STORE_add_cert(store, root);
	sk_X509_push(chain, ca);
	for (i = 0; i < 2; i++) {
		ctx = X509_STORE_CTX_new();
		X509_STORE_CTX_init(ctx, store, leaves[i], chain);
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
		assert_int_equal(X509_verify_cert(ctx), 1);
		X509_STORE_CTX_free(ctx);
		assert_true(i2d_X509(leaves[i], NULL) < 0x700);
	}
	assert_int_equal(X509_get_key_usage(sign), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_key_usage(encrypt), KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(sign), key), 1);
	EVP_PKEY_free(key);
	sk_X509_free(chain);
	X509_STORE_free(store);
	X509_free(root);
	X509_free(ca);
	X509_free(sign);
	X509_free(encrypt);
}

static void
the_certificates_verify_up_to_the_root(void **state)
{
	(void)state;
	check_chain(gen1);
	check_chain(gen2);
}

/* Random commands, half of them with headers that mean something. */
static void
no_byte_string_hurts(void **state)
{
	static const uint8_t classes[] = { 0x00, 0x04, 0x80, 0x84, 0x8C };
	static const uint8_t instructions[] = { 0x50, 0x82, 0x84, 0xA4, 0xB0, 0xB2, 0xC0, 0xC1, 0xCA, 0xEA };
	static const uint8_t fids[] = { 0x3F, 0x00, 0x50, 0x30, 0x08, 0x10, 0x08, 0x11, 0x09, 0x00,
		0x09, 0x03, 0x7F, 0xFF };
	struct vcard *cards[2] = { gen1, gen2 };
	uint8_t cmd[300];
	size_t len, i;
	unsigned n;

	(void)state;
	srand(20100);
	assert_int_equal(send_hex(gen2, SELECT_PKI), 0x9000);
	for (n = 0; n < 40000; n++) {
		len = (size_t)rand() % 40 == 0 ? (size_t)rand() % sizeof(cmd) : (size_t)rand() % 12;
		for (i = 0; i < len; i++)
			cmd[i] = (uint8_t)rand();
		if (len >= 5 && n % 2 == 0) {
			cmd[0] = classes[(size_t)rand() % sizeof(classes)];
			cmd[1] = instructions[(size_t)rand() % sizeof(instructions)];
			cmd[2] = rand() % 3 == 0 ? cmd[2] : 0;
			cmd[3] = rand() % 3 == 0 ? cmd[3] : (uint8_t)(cmd[0] == 0 ? 4 : 0);
			if (len > 5)
				cmd[4] = (uint8_t)(len - 5);
			if (len >= 7)
				memcpy(cmd + 5, fids + 2 * ((size_t)rand() % (sizeof(fids) / 2)), 2);
		}
		assert_int_equal(vcard_transmit(cards[n / 4 % 2], cmd, len, answer, sizeof(answer),
		    &answer_len), VCARD_ANSWERED);
		assert_true(answer_len >= 2 && answer_len <= VCARD_RESPONSE_MAX);
	}
}

static int
make_cards(void **state)
{
	const struct vcard_options options = { .generation = 2, .ca = VCARD_CA_MOEACA };
	char err[200];

	(void)state;
	if (!vcard_create(NULL, &gen1, err, sizeof(err)))
		goto fail;
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
	vcard_free(&gen1);
	vcard_free(&gen2);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(faults_strike_once_and_on_time),
		TEST(a_dropped_answer_mutes_the_card_until_reset),
		TEST(card_time_follows_the_model),
		TEST(the_trace_shows_no_pin_and_no_key_data),
		TEST(an_image_keeps_the_card_and_its_lost_tries),
		TEST(a_damaged_image_is_refused_by_name),
		TEST(bad_options_make_no_card),
		TEST(behaviours_are_parsed_whole_or_not_at_all),
		TEST(a_torn_card_can_be_made),
		TEST(the_certificates_verify_up_to_the_root),
		TEST(no_byte_string_hurts),
	};

	return cmocka_run_group_tests(tests, make_cards, drop_cards);
}
