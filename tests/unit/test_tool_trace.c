/*
 * Redacted traces have nothing of the holder, and are traces; traces in words
 * have right counts. The card is a virtual one, or what a hostile file says.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "gen2card.h"
#include "profiles/card.h"
#include "tools/twcard/trace_decode.h"
#include "tools/twcard/trace_redact.h"
#include "replay.h"

static struct trace_redaction done;

/* Redacts a text; free the answer. */
static char *redact(const char *text)
{
	FILE *in = fmemopen((char *)text, strlen(text), "r"), *out;
	char *result = NULL;
	size_t len;

	assert_non_null(in);
	out = open_memstream(&result, &len);
	assert_non_null(out);
	assert_true(trace_redact(in, out, &done));
	fclose(in);
	fclose(out);
	return result;
}

static void assert_redacted(const char *text, const char *want)
{
	char *got = redact(text);

	assert_string_equal(got, want);
	free(got);
}

/* ---- line by line ---- */

static void what_is_the_same_on_every_card_stays(void **state)
{
	static const char text[] =
		"# twcard trace 1\n# twcard 0.1.0\n# OpenSSL 3.0.13\n@ reader 1\n= 3BB8130081\n"
		"> 80A40000023F00\n< 9000\n"
		"> 00A4040C10A000000283000006220169640001010100\n< 9000\n"
		"> 00A4000402410000\n< 620B8002004082010183024100 9000\n"
		"> 80CA00E000\n< E006C00401028810 9000\n"
		"> 80B0000018\n< 434854205633324E20202020FFFF0000 9000\n"
		"> 00B00000F8\n< 6282\n> 00C0000010\n< 6A82\n! reset\n! the card was removed\n";
	char *got = redact(text), *again;

	(void)state;
	assert_int_equal(done.bytes, 0);
	assert_int_equal(done.comments, 0);
	assert_int_equal(done.events, 0);
	assert_int_equal(done.bad, 0);
	assert_non_null(strstr(got, "< 620B80020040820101830241009000\n"));
	assert_non_null(strstr(got, "> 00A4040C10A000000283000006220169640001010100\n"));
	again = redact(got);
	assert_string_equal(got, again);
	free(got);
	free(again);
}

static void all_else_goes(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		/* what is read */
		{"> 80B0000010\n< 545032303431363730303038343237359000\n", "> 80B0000010\n< **16 9000\n"},
		{"> 80B2010081\n< 01020304 9000\n", "> 80B2010081\n< **4 9000\n"},
		{"> 80B0000018\n< 434854205633324E41313233 9000\n", "> 80B0000018\n< 434854205633324E **4 9000\n"},
		{"> 80B0000018\n< 43485420FF 9000\n", "> 80B0000018\n< **5 9000\n"},
		{"> 80CA004500\n< 450A01234567890123456789 9000\n", "> 80CA004500\n< **12 9000\n"},
		{"> 8084000008\n< 0102030405060708 9000\n", "> 8084000008\n< **8 9000\n"},
		/* a template with something of its own, too long, torn, or where none belongs */
		{"> 00A4000402410000\n< 620684044E616D65 9000\n", "> 00A4000402410000\n< 62068404 **4 9000\n"},
		{"> 00A4000402410000\n< 620B8009414141414141414141 9000\n",
		 "> 00A4000402410000\n< 620B8009 **9 9000\n"},
		{"> 00A4000402410000\n< 620681044E616D 9000\n", "> 00A4000402410000\n< **7 9000\n"},
		{"> 00A4000402410000\n< 62048002AABB4E616D65 9000\n", "> 00A4000402410000\n< **10 9000\n"},
		{"> 80B0000000\n< 62048002AABB 9000\n", "> 80B0000000\n< **6 9000\n"},
		/* bodies */
		{"> 80A4000003313233\n", "> 80A4000003 **3\n"},
		{"> 00A4040005A123456789\n", "> 00A4040005 **5\n"},
		{"> 04A40004023F00\n", "> 04A4000402 **2\n"},
		{"> 805A000003313233FF\n", "> 805A000003 **3 FF\n"},
		/* PINs, also where length and body do not fit */
		{"> 0020000108313233343536FFFF\n", "> 0020000108 **8\n"},
		{"> 0020000105313233343536\n", "> 0020000105 **6\n"},
		{"> 002000013132333435360000\n", "> 00200001 **8\n"},
		{"> 0020000131\n", "> 00200001 **1\n"},
		{"> 8C20000120 **32\n", "> 8C20000120 **32\n"},
		/* what is no command, and no answer */
		{"> 313233\n", "> **3\n"},
		{"< 313233343536\n", "< **6\n"},
		{"< 31\n< 9000\n", "< **1\n< 9000\n"},
		{"> 80B0000000\n< 9000\n< 62048002AABB 9000\n", "> 80B0000000\n< 9000\n< **6 9000\n"},
		/* texts */
		{"@ Reader (SN A123456789)\n@ Other\n@ Reader (SN A123456789)\n",
		 "@ reader 1\n@ reader 2\n@ reader 1\n"},
		{"# certificate of A123456789\n# twcard 0.1.A\n# twcard 0912345678\n# OpenSSL \n", ""},
		{"! A123456789\n", "! event\n"},
		{"A123456789\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_redacted(rows[i].text, rows[i].want);
}

static void it_says_what_it_did(void **state)
{
	(void)state;
	free(redact("@ a\n> 80B0000010\n< 54509000\n# x\nbad\n! y\n> 0020000103313233\n> 80A4\n< 9000\n"));
	assert_int_equal(done.exchanges, 2); /* "80A4" is none */
	assert_int_equal(done.answers, 1);
	assert_int_equal(done.commands, 2);
	assert_int_equal(done.bytes, 7);
	assert_int_equal(done.readers, 1);
	assert_int_equal(done.comments, 1);
	assert_int_equal(done.events, 1);
	assert_int_equal(done.bad, 1);
	assert_int_equal(done.first_bad.number, 5);
	assert_int_equal(done.lines, 7);
}

static void many_readers_have_numbers_all_the_same(void **state)
{
	char text[4000] = "", *got;

	(void)state;
	for (int i = 0; i < 100; i++)
		sprintf(text + strlen(text), "@ name of %d\n", i);
	got = redact(text);
	assert_null(strstr(got, "name"));
	assert_non_null(strstr(got, "@ reader 65\n"));
	free(got);
}

/* ---- a whole card ---- */

static char *record(struct vcard *card)
{
	const struct card_options options = {0};
	struct buffer value = BUFFER_INIT;
	struct wire_log log;
	struct wire wire;
	struct token_data data;
	struct rsa_public key;
	struct card *open;
	char *text;

	replay_record(&log);
	assert_int_equal(card_open(wire_vcard(&wire, card), &options, &open), RESULT_OK);
	assert_int_equal(card_read_token(open, &data), RESULT_OK);
	for (enum p15_class kind = 0; kind < P15_CLASSES; kind++) {
		struct p15_list list;

		assert_int_equal(card_read_directory(open, kind, &list, NULL), RESULT_OK);
		for (size_t i = 0; i < list.count; i++) {
			(void)!card_read_object(open, &list.items[i], &value);
			if (kind == P15_PUBLIC_KEY)
				(void)!card_read_public_key(open, list.items[i].key_ref, &key);
		}
		p15_list_clear(&list);
	}
	buffer_clear(&value);
	(void)!card_end(open, false);
	card_free(&open);
	text = strdup(log.text);
	wire_log_stop(&log);
	return text;
}

/* No eight bytes in a row of these stand in the trace, wherever a line cut them. */
static void assert_nothing_of(const char *text, const uint8_t *bytes, size_t len)
{
	char hex[17];

	for (size_t at = 0; at + 8 <= len; at++) {
		for (size_t i = 0; i < 8; i++)
			sprintf(hex + 2 * i, "%02X", bytes[at + i]);
		if (strstr(text, hex))
			fail_msg("byte %zu: %s is in the trace", at, hex);
	}
}

static bool has_something_of(const char *text, const uint8_t *bytes, size_t len)
{
	char hex[17];

	for (size_t i = 0; i < 8 && i < len; i++)
		sprintf(hex + 2 * i, "%02X", bytes[i]);
	return strstr(text, hex);
}

static void check_redacted(struct vcard *card, const char *text, const char *redacted)
{
	const char *number = vcard_card_number(card);
	uint8_t modulus[256];
	BIGNUM *n = NULL;

	assert_true(has_something_of(text, (const uint8_t *)number, 16));
	assert_nothing_of(redacted, (const uint8_t *)number, 16);
	for (int which = 0; which < 4; which++) {
		X509 *certificate = vcard_certificate(card, (enum vcard_cert)which);
		EVP_PKEY *pkey = certificate ? X509_get0_pubkey(certificate) : NULL;
		unsigned char *der = NULL;
		int len = certificate ? i2d_X509(certificate, &der) : 0;

		assert_true(len > 0);
		assert_true(has_something_of(text, der + 20, 8));
		assert_nothing_of(redacted, der, (size_t)len);
		n = NULL;
		assert_int_equal(EVP_PKEY_get_bn_param(pkey, "n", &n), 1);
		if (BN_num_bytes(n) == sizeof modulus) {
			BN_bn2binpad(n, modulus, sizeof modulus);
			assert_nothing_of(redacted, modulus, sizeof modulus);
		}
		BN_free(n);
		OPENSSL_free(der);
		X509_free(certificate);
	}
}

static void check_card(struct vcard *card, const char *kept)
{
	char *text = record(card), *redacted = redact(text), *again;

	check_redacted(card, text, redacted);
	assert_true(done.bytes > 5000);
	assert_int_equal(done.bad, 0);
	assert_non_null(strstr(redacted, "\n= 3B"));
	assert_non_null(strstr(redacted, kept));
	assert_non_null(strstr(redacted, "434854205633324E")); /* CHT V32N */
	again = redact(redacted);
	assert_string_equal(redacted, again);
	assert_int_equal(done.bytes, 0);
	free(text);
	free(redacted);
	free(again);
	vcard_free(&card);
}

static void nothing_of_a_first_generation_card_is_left(void **state)
{
	(void)state;
	check_card(testcard_load(), "> 80A40000024104\n");
}

static void nothing_of_a_second_generation_card_is_left(void **state)
{
	(void)state;
	check_card(gen2_load(), "> 00A400040241040");
}

/* ---- in words ---- */

struct heard {
	size_t exchanges, lines, unanswered;
	char last_name[DECODE_TEXT], last_detail[DECODE_TEXT];
};

static void hear_exchange(void *context, const struct trace_exchange *e)
{
	struct heard *h = context;

	h->exchanges++;
	h->unanswered += e->answer == NULL;
	strcpy(h->last_name, e->name);
	strcpy(h->last_detail, e->detail);
}

static void hear_line(void *context, const struct trace_line *line)
{
	(void)line;
	((struct heard *)context)->lines++;
}

static struct trace_counts decode(const char *text, struct heard *heard)
{
	const struct trace_listener listener = {hear_exchange, hear_line, heard};
	FILE *in = fmemopen((char *)text, strlen(text), "r");
	struct trace_counts counts;

	memset(heard, 0, sizeof *heard);
	assert_non_null(in);
	assert_true(trace_decode(in, &listener, &counts));
	fclose(in);
	return counts;
}

static void counts_are_right(void **state)
{
	struct heard heard;
	struct trace_counts c = decode("@ a\n= 3B00\n@ a\n> 80A40000023F00\n< 9000\n> 8C20000120 **32\n< 63C2\n"
				       "> 80EA820180 **128\n< 9000\n> 80EA020180 **128\n< **128 9000\n"
				       "> 80B0000000\n! removed\n# x\nbad\n< 9000\n", &heard);

	(void)state;
	assert_int_equal(c.commands, 5);
	assert_int_equal(heard.exchanges, 5);
	assert_int_equal(heard.unanswered, 1);
	assert_int_equal(c.answers, 4);
	assert_int_equal(c.sent, 7 + 37 + 133 + 133 + 5);
	assert_int_equal(c.received, 2 + 2 + 2 + 130);
	assert_int_equal(c.verifies, 1);
	assert_int_equal(c.private_operations, 1);
	assert_int_equal(c.not_good, 1);
	assert_int_equal(c.events, 1);
	assert_int_equal(c.bad_lines, 1);
	assert_int_equal(heard.lines, 5); /* reader, ATR, event, bad, an answer too many */
}

static void commands_have_names(void **state)
{
	static const struct {
		const char *text, *name, *detail;
	} rows[] = {
		{"> 80A40000020903\n", "SELECT", "0903 card number"},
		{"> 80A40000021234\n", "SELECT", "1234"},
		{"> 00A4040C10A000000283000006220169640001010100\n", "SELECT", "PKI application"},
		{"> 00A404000731323334353637\n", "SELECT", "an application"},
		{"> 00A4000402 **2\n", "SELECT", ""},
		{"> 80A40000020903\n< 9000\n> 80B0010210\n", "READ BINARY", "from byte 258, 16 wanted: 0903 card number"},
		{"> 80A40000020903\n@ other\n> 80B0000000\n", "READ BINARY", "from byte 0, 256 wanted"},
		{"> 80B2050081\n", "READ RECORD", "record 5"},
		{"> 04A4000418 **24\n", "SELECT (secured)", ""},
		{"> 8C20000120 **32\n", "VERIFY (secured)", ""},
		{"> 80EA820580 **128\n", "RSA PRIVATE OPERATION", "key 05, first half"},
		{"> 807B0000\n", "INS 7B", ""},
		{"> 8020\n", "no command", ""},
		{"> **9\n", "no command", ""},
		{"> \n", "no command", ""},
	};
	struct heard heard;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		decode(rows[i].text, &heard);
		assert_string_equal(heard.last_name, rows[i].name);
		assert_string_equal(heard.last_detail, rows[i].detail);
	}
}

/* Lines of any kind, in any order, of any length. */
static void hostile_files_do_no_harm(void **state)
{
	static const char *const pieces[] = {
		"> ", "< ", "= ", "@ ", "! ", "# ", "**", "80A4000002", "00A4040C10", "0020000108", "62", "E0", "80",
		"9000", "61", "\n", "\n", "\n", " ", "FF", "\x01", "\xE7", "**300", "**1 ", "434854205633324E", "30",
	};
	uint32_t random = 7;
	struct heard heard;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		char text[1200] = "", *first, *second;

		for (int i = 0; i < 60; i++) {
			random = random * 1664525 + 1013904223;
			strcat(text, pieces[(random >> 12) % COUNT(pieces)]);
		}
		decode(text, &heard);
		first = redact(text);
		second = redact(first);
		assert_int_equal(done.bytes + done.bad + done.comments, 0);
		assert_string_equal(first, second);
		free(first);
		free(second);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_the_same_on_every_card_stays),
		cmocka_unit_test(all_else_goes),
		cmocka_unit_test(it_says_what_it_did),
		cmocka_unit_test(many_readers_have_numbers_all_the_same),
		cmocka_unit_test(nothing_of_a_first_generation_card_is_left),
		cmocka_unit_test(nothing_of_a_second_generation_card_is_left),
		cmocka_unit_test(counts_are_right),
		cmocka_unit_test(commands_have_names),
		cmocka_unit_test(hostile_files_do_no_harm),
	};

	return cmocka_run_group_tests_name("tool_trace", tests, NULL, NULL);
}
