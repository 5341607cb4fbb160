/* The owned, wiping buffer. */
#include <string.h>

#include "wire.h"

static void it_grows_and_keeps_its_contents(void **state)
{
	struct buffer b = BUFFER_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buffer_append_u8(&b, (uint8_t)i), RESULT_OK);
	assert_int_equal(b.len, 1000);
	assert_true(b.cap >= b.len);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(b.data[i], (uint8_t)i);
	buffer_clear(&b);
	assert_null(b.data);
	assert_int_equal(b.len + b.cap, 0);
}

static void nothing_can_be_appended_from_nowhere(void **state)
{
	struct buffer b = BUFFER_INIT;

	(void)state;
	assert_int_equal(buffer_append(&b, NULL, 0), RESULT_OK);
	assert_int_equal(b.len, 0);
	buffer_clear(&b);
	buffer_clear(NULL);
}

static void truncation_wipes_the_rest_and_never_grows(void **state)
{
	struct buffer b = BUFFER_INIT;

	(void)state;
	assert_int_equal(buffer_append(&b, "secret", 6), RESULT_OK);
	buffer_truncate(&b, 10);
	assert_int_equal(b.len, 6);
	buffer_truncate(&b, 2);
	assert_int_equal(b.len, 2);
	assert_memory_equal(b.data, "se\0\0\0\0", 6);
	buffer_reset(&b);
	assert_int_equal(b.len, 0);
	assert_memory_equal(b.data, "\0\0", 2);
	assert_non_null(b.data);
	buffer_clear(&b);
}

static void an_impossible_size_leaves_it_as_it_was(void **state)
{
	struct buffer b = BUFFER_INIT;

	(void)state;
	assert_int_equal(buffer_append(&b, "abc", 3), RESULT_OK);
	assert_int_equal(buffer_reserve(&b, SIZE_MAX), RESULT_NO_MEMORY);
	assert_int_equal(buffer_reserve(&b, SIZE_MAX / 2), RESULT_NO_MEMORY);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "abc", 3);
	buffer_clear(&b);
}

static void moving_empties_the_source(void **state)
{
	struct buffer from = BUFFER_INIT, to = BUFFER_INIT;

	(void)state;
	assert_int_equal(buffer_append(&to, "old", 3), RESULT_OK);
	assert_int_equal(buffer_append(&from, "new!", 4), RESULT_OK);
	buffer_move(&to, &from);
	assert_int_equal(to.len, 4);
	assert_memory_equal(to.data, "new!", 4);
	assert_null(from.data);
	assert_int_equal(from.len, 0);
	buffer_clear(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_and_keeps_its_contents),
		cmocka_unit_test(nothing_can_be_appended_from_nowhere),
		cmocka_unit_test(truncation_wipes_the_rest_and_never_grows),
		cmocka_unit_test(an_impossible_size_leaves_it_as_it_was),
		cmocka_unit_test(moving_empties_the_source),
	};

	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
