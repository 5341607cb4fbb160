/* Block sizes from answers to reset. */
#include "apdu/atr.h"
#include "wire.h"

static void the_known_cards_tell_their_block_size(void **state)
{
	static const struct {
		const char *atr;
		unsigned ifsc, read_size;
	} cards[] = {
		{"3BB813008131FA524348544D4F494341A5", 250, 248}, /* gen 1 */
		{"3BD8960081B1FE451F0743485447504B494ADD", 254, 252}, /* gen 2 */
		{"3B8B80010031C1640840213000900057", 32, 200}, /* contactless */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cards); i++) {
		uint8_t atr[ATR_MAX];
		size_t len = wire_unhex(cards[i].atr, atr, sizeof atr);

		assert_int_equal(atr_ifsc(atr, len), cards[i].ifsc);
		assert_int_equal(atr_read_size(atr, len), cards[i].read_size);
	}
}

static void without_a_word_the_standards_default_counts(void **state)
{
	static const char *const atrs[] = {"", "3B", "3B00", "3BF0", "3B80", "3B8080808080",
					   "3B801F", "3BF011223344"};

	(void)state;
	for (size_t i = 0; i < COUNT(atrs); i++) {
		uint8_t atr[ATR_MAX];
		size_t len = wire_unhex(atrs[i], atr, sizeof atr);

		assert_int_equal(atr_ifsc(atr, len), 32);
		assert_int_equal(atr_read_size(atr, len), 200);
	}
}

/* TA1 and TA2 are other things than TA3 and those behind it, and so are those of T=0. */
static void only_the_third_ta_and_later_ones_of_t1_are_sizes(void **state)
{
	static const struct {
		const char *atr;
		unsigned ifsc;
	} cards[] = {
		{"3B9011 81 31 FA45", 250},       /* TA1 */
		{"3B80 91 21 31 FA45", 250},      /* TA2 */
		{"3B80 91 21 11 50", 80},
		{"3B80 80 10 FA", 32},            /* TA3 of T=0 */
		{"3B80 80 90 FA 11 50", 80},      /* and TA4 of T=1 */
		{"3B80 81 71 3C 45 00", 60},      /* TB3 and TC3 behind it */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cards); i++) {
		uint8_t atr[ATR_MAX];
		size_t len = wire_unhex(cards[i].atr, atr, sizeof atr);

		assert_int_equal(atr_ifsc(atr, len), cards[i].ifsc);
	}
}

static void reserved_values_do_not_count(void **state)
{
	uint8_t atr[ATR_MAX];
	size_t len;

	(void)state;
	len = wire_unhex("3B80813100 00", atr, sizeof atr);
	assert_int_equal(atr_ifsc(atr, len), 32);
	len = wire_unhex("3B808131FF 00", atr, sizeof atr);
	assert_int_equal(atr_ifsc(atr, len), 32);
	len = wire_unhex("3B8081313C 00", atr, sizeof atr);
	assert_int_equal(atr_ifsc(atr, len), 60);
	assert_int_equal(atr_read_size(atr, len), 200);
}

static void every_cut_of_an_atr_is_survived(void **state)
{
	uint8_t atr[ATR_MAX];
	size_t len = wire_unhex("3BF8130000FF8131FA52434854", atr, sizeof atr);

	(void)state;
	for (size_t i = 0; i <= len; i++) {
		uint8_t *exact = test_malloc(i ? i : 1); /* so that one byte too far is seen */

		for (size_t k = 0; k < i; k++)
			exact[k] = atr[k];
		assert_in_range(atr_read_size(exact, i), 200, 252);
		test_free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_known_cards_tell_their_block_size),
		cmocka_unit_test(without_a_word_the_standards_default_counts),
		cmocka_unit_test(only_the_third_ta_and_later_ones_of_t1_are_sizes),
		cmocka_unit_test(reserved_values_do_not_count),
		cmocka_unit_test(every_cut_of_an_atr_is_survived),
	};

	return cmocka_run_group_tests_name("atr", tests, NULL, NULL);
}
