/* The first generation's PIN protection, against known answers. */
#include <stdio.h>
#include <string.h>

#include "apdu/pin_block.h"
#include "wire.h"

#ifndef TESTDATA
#define TESTDATA "tests/data"
#endif

static void the_known_answers_come_out(void **state)
{
	FILE *file = fopen(TESTDATA "/hicos-v3-verify.txt", "r");
	char line[300], pin[20], iv_hex[40], want_hex[100];
	unsigned vectors = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		uint8_t iv[PIN_IV_SIZE], want[PIN_PROTECTED_SIZE], got[PIN_PROTECTED_SIZE];

		if (line[0] == '#' || sscanf(line, "%19s %39s %99s", pin, iv_hex, want_hex) != 3)
			continue;
		assert_int_equal(wire_unhex(iv_hex, iv, sizeof iv), sizeof iv);
		assert_int_equal(wire_unhex(want_hex, want, sizeof want), sizeof want);
		assert_int_equal(pin_protect(NULL, (const uint8_t *)pin, strlen(pin), iv, got),
				 RESULT_OK);
		assert_memory_equal(got, want, sizeof want);
		vectors++;
	}
	fclose(file);
	assert_int_equal(vectors, 4);
}

static void so_do_those_of_a_new_pin(void **state)
{
	FILE *file = fopen(TESTDATA "/hicos-v3-new-pin.txt", "r");
	char line[300], right[20], pin[20], iv_hex[40], want_hex[100];
	unsigned vectors = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		uint8_t iv[PIN_IV_SIZE], want[PIN_PAIR_PROTECTED_SIZE], got[PIN_PAIR_PROTECTED_SIZE];

		if (line[0] == '#' || sscanf(line, "%19s %19s %39s %99s", right, pin, iv_hex, want_hex) != 4)
			continue;
		assert_int_equal(wire_unhex(iv_hex, iv, sizeof iv), sizeof iv);
		assert_int_equal(wire_unhex(want_hex, want, sizeof want), sizeof want);
		assert_int_equal(pin_protect_pair(NULL, (const uint8_t *)right, strlen(right),
						  (const uint8_t *)pin, strlen(pin), iv, got),
				 RESULT_OK);
		assert_memory_equal(got, want, sizeof want);
		vectors++;
	}
	fclose(file);
	assert_int_equal(vectors, 4);
}

static void a_pin_is_padded_with_ff(void **state)
{
	uint8_t block[PIN_BLOCK_SIZE];

	(void)state;
	assert_int_equal(pin_block((const uint8_t *)"123456", 6, block), RESULT_OK);
	assert_memory_equal(block, "123456\xFF\xFF\xFF\xFF", sizeof block);
	assert_int_equal(pin_block((const uint8_t *)"1234567890", 10, block), RESULT_OK);
	assert_memory_equal(block, "1234567890", sizeof block);
	assert_int_equal(pin_block((const uint8_t *)"1", 1, block), RESULT_OK);
}

static void lengths_0_and_11_are_refused(void **state)
{
	static const uint8_t iv[PIN_IV_SIZE];
	uint8_t block[PIN_BLOCK_SIZE] = {0}, out[PIN_PROTECTED_SIZE] = {0};
	uint8_t pair[PIN_PAIR_PROTECTED_SIZE] = {0};
	static const uint8_t zero[PIN_PAIR_PROTECTED_SIZE];

	(void)state;
	assert_int_equal(pin_block((const uint8_t *)"", 0, block), RESULT_PIN_LENGTH);
	assert_int_equal(pin_block((const uint8_t *)"12345678901", 11, block), RESULT_PIN_LENGTH);
	assert_int_equal(pin_protect(NULL, (const uint8_t *)"", 0, iv, out), RESULT_PIN_LENGTH);
	assert_int_equal(pin_protect(NULL, (const uint8_t *)"12345678901", 11, iv, out),
			 RESULT_PIN_LENGTH);
	assert_int_equal(pin_protect_pair(NULL, (const uint8_t *)"123456", 6, (const uint8_t *)"", 0, iv, pair),
			 RESULT_PIN_LENGTH);
	assert_int_equal(pin_protect_pair(NULL, (const uint8_t *)"12345678901", 11,
					  (const uint8_t *)"123456", 6, iv, pair),
			 RESULT_PIN_LENGTH);
	assert_memory_equal(block, zero, sizeof block);
	assert_memory_equal(out, zero, sizeof out);
	assert_memory_equal(pair, zero, sizeof pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_known_answers_come_out),
		cmocka_unit_test(so_do_those_of_a_new_pin),
		cmocka_unit_test(a_pin_is_padded_with_ff),
		cmocka_unit_test(lengths_0_and_11_are_refused),
	};

	return cmocka_run_group_tests_name("PIN block", tests, NULL, NULL);
}
