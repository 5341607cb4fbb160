/* Which raw commands are let through: every class and instruction there is. */
#include <string.h>

#include "tools/twcard/apdu_allow.h"
#include "tools/twcard/apdu_words.h"
#include "wire.h"

static enum apdu_verdict judge(const char *hex)
{
	uint8_t apdu[300];

	return apdu_judge(apdu, wire_unhex(hex, apdu, sizeof apdu));
}

static void only_what_reads_goes_out_as_it_is(void **state)
{
	static const uint8_t reads[] = {0xA4, 0xB0, 0xB1, 0xB2, 0xB3, 0xCA, 0xCB, 0x84, 0xC0};

	(void)state;
	for (unsigned cla = 0; cla < 256; cla++) {
		for (unsigned ins = 0; ins < 256; ins++) {
			const uint8_t apdu[] = {(uint8_t)cla, (uint8_t)ins, 0x00, 0x00, 0x00};
			bool wanted = (cla == 0x00 || cla == 0x80) && memchr(reads, (int)ins, sizeof reads);

			assert_int_equal(apdu_judge(apdu, sizeof apdu) == APDU_READS, wanted);
			assert_int_equal(apdu_judge(apdu, 4) == APDU_READS, wanted);
		}
	}
}

static void a_pin_is_one_in_every_class_and_form(void **state)
{
	static const uint8_t secret[] = {0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2C, 0x2D, 0xC2, 0xC3};

	(void)state;
	for (unsigned cla = 0; cla < 256; cla++) {
		for (size_t i = 0; i < sizeof secret; i++) {
			uint8_t apdu[300] = {(uint8_t)cla, secret[i], 0x00, 0x01, 0x06};

			for (size_t len = 2; len < sizeof apdu; len++)
				assert_int_equal(apdu_judge(apdu, len), APDU_SECRET);
		}
	}
}

static void keys_are_not_used(void **state)
{
	static const uint8_t keys[] = {0xEA, 0xC1, 0x22, 0x2A, 0x2B, 0x50, 0x82, 0x86, 0x87, 0x88, 0x89};

	(void)state;
	for (size_t i = 0; i < sizeof keys; i++) {
		const uint8_t apdu[] = {0x80, keys[i], 0x00, 0x00};

		assert_int_equal(apdu_judge(apdu, sizeof apdu), APDU_KEYS);
	}
}

static void what_changes_a_card_or_is_unknown_is_unproven(void **state)
{
	(void)state;
	assert_int_equal(judge("80D6000001AA"), APDU_UNPROVEN);
	assert_int_equal(judge("00E4000000"), APDU_UNPROVEN);
	assert_int_equal(judge("80E0000000"), APDU_UNPROVEN);
	assert_int_equal(judge("0070000001"), APDU_UNPROVEN);
	assert_int_equal(judge("80FF0000"), APDU_UNPROVEN);
}

static void other_classes_are_not_sent_at_all(void **state)
{
	(void)state;
	assert_int_equal(judge("04A40004023F00"), APDU_HIDDEN);
	assert_int_equal(judge("8CB0000000"), APDU_HIDDEN);
	assert_int_equal(judge("10D6000001AA"), APDU_HIDDEN);
	assert_int_equal(judge("01A40000023F00"), APDU_HIDDEN);
	assert_int_equal(judge("FFCA000000"), APDU_HIDDEN);
}

static void only_short_commands_are_commands(void **state)
{
	struct command cmd;
	uint8_t apdu[300] = {0x80, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00, 0x10};

	(void)state;
	for (size_t len = 0; len < sizeof apdu; len++)
		assert_int_equal(apdu_parse(apdu, len, &cmd), len == 4 || len == 5 || len == 7 || len == 8);
	assert_true(apdu_parse(apdu, 8, &cmd));
	assert_int_equal(cmd.len, 2);
	assert_ptr_equal(cmd.data, apdu + 5);
	assert_int_equal(cmd.le, 16);
	assert_true(apdu_parse(apdu, 5, &cmd));
	assert_int_equal(cmd.le, 2);
	assert_int_equal(cmd.len, 0);
	assert_int_equal(judge("80B0000000"), APDU_READS);
	assert_int_equal(judge("80B00000000100"), APDU_MALFORMED); /* extended length */
	assert_int_equal(judge("80B000000000"), APDU_MALFORMED);
	assert_int_equal(judge("80A40000033F00"), APDU_MALFORMED);
	assert_int_equal(judge("80A4"), APDU_MALFORMED);
	assert_int_equal(judge("80"), APDU_MALFORMED);
}

/* Encoded again it is the same: what was judged is what is sent. */
static void what_is_taken_apart_is_what_is_sent(void **state)
{
	static const char *const texts[] = {"80A40000", "80B00000F8", "80B0000000", "80A40000023F00",
					    "00A4000402410000", "00A40004024100FF"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		uint8_t apdu[300];
		size_t len = wire_unhex(texts[i], apdu, sizeof apdu);
		struct buffer again = BUFFER_INIT;
		struct command cmd;

		assert_true(apdu_parse(apdu, len, &cmd));
		assert_int_equal(command_encode(&cmd, &again), RESULT_OK);
		assert_int_equal(again.len, len);
		assert_memory_equal(again.data, apdu, len);
		buffer_clear(&again);
	}
}

static void every_refusal_has_a_reason(void **state)
{
	(void)state;
	for (int v = APDU_UNPROVEN; v <= APDU_MALFORMED; v++)
		assert_true(strlen(apdu_verdict_text((enum apdu_verdict)v)) > 10);
	assert_string_equal(apdu_verdict_text(APDU_READS), "");
}

static void every_status_word_has_words(void **state)
{
	(void)state;
	for (unsigned sw = 0; sw < 0x10000; sw++)
		assert_true(strlen(apdu_status_text((uint16_t)sw)) > 3);
	assert_string_equal(apdu_status_text(0x9000), "success");
	assert_string_equal(apdu_status_text(0x63C2), "wrong; tries left: 2");
	assert_string_equal(apdu_status_text(0x63C0), "wrong; tries left: 0");
	assert_string_equal(apdu_status_text(0x6100), "success; bytes that wait: 256");
	assert_string_equal(apdu_status_text(0x6C10), "wrong length; bytes that are there: 16");
	assert_string_equal(apdu_status_text(0x1234), "not in the standard");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_reads_goes_out_as_it_is),
		cmocka_unit_test(a_pin_is_one_in_every_class_and_form),
		cmocka_unit_test(keys_are_not_used),
		cmocka_unit_test(what_changes_a_card_or_is_unknown_is_unproven),
		cmocka_unit_test(other_classes_are_not_sent_at_all),
		cmocka_unit_test(only_short_commands_are_commands),
		cmocka_unit_test(what_is_taken_apart_is_what_is_sent),
		cmocka_unit_test(every_refusal_has_a_reason),
		cmocka_unit_test(every_status_word_has_words),
	};

	return cmocka_run_group_tests_name("tool_apdu", tests, NULL, NULL);
}
