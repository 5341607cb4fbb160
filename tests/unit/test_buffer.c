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

static void what_fits_stays_where_it_is(void **state)
{
	static const uint8_t bytes[64];
	struct buffer b = BUFFER_INIT;
	uint8_t *place;
	size_t room;

	(void)state;
	assert_int_equal(buffer_append(&b, bytes, 1), RESULT_OK);
	place = b.data;
	room = b.cap - b.len;
	assert_true(room && room < sizeof bytes);
	assert_int_equal(buffer_append(&b, bytes, room), RESULT_OK);
	assert_ptr_equal(b.data, place);
	assert_int_equal(b.len, b.cap);
	/* and then it has twice the room, no more */
	assert_int_equal(buffer_append_u8(&b, 1), RESULT_OK);
	assert_int_equal(b.cap, 2 * (room + 1));
	assert_int_equal(buffer_reserve(&b, b.cap - b.len), RESULT_OK);
	assert_int_equal(b.cap, 2 * (room + 1));
	buffer_clear(&b);
	assert_int_equal(buffer_reserve(&b, room + 1), RESULT_OK);
	assert_int_equal(b.cap, room + 1);
	buffer_clear(&b);
}

static void only_full_buffers_can_be_the_same(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {{"abc", "abc", true}, {"abc", "abd", false}, {"abc", "ab", false},
		    {"ab", "abc", false}, {"", "abc", false}, {"abc", "", false}, {"", "", false}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buffer a = BUFFER_INIT, b = BUFFER_INIT;

		assert_int_equal(buffer_append(&a, rows[i].a, strlen(rows[i].a)), RESULT_OK);
		assert_int_equal(buffer_append(&b, rows[i].b, strlen(rows[i].b)), RESULT_OK);
		assert_int_equal(buffer_same(&a, &b), rows[i].same);
		buffer_clear(&a);
		buffer_clear(&b);
	}
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
		cmocka_unit_test(what_fits_stays_where_it_is),
		cmocka_unit_test(only_full_buffers_can_be_the_same),
		cmocka_unit_test(nothing_can_be_appended_from_nowhere),
		cmocka_unit_test(truncation_wipes_the_rest_and_never_grows),
		cmocka_unit_test(an_impossible_size_leaves_it_as_it_was),
		cmocka_unit_test(moving_empties_the_source),
	};

	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
