/*
 * What a card says of its data area is not believed: damaged copies of the
 * index, other versions, and whatever else may stand there.
 */
#include <stdlib.h>
#include <string.h>

#include "areacard.h"

#define USUAL_MUTATIONS 2000 /* TWCARD_MUTATIONS says another number */

static uint8_t bytes[AREA_INDEX_SIZE];

static void get(const char *file)
{
	const uint8_t *data;
	size_t len;

	assert_true(vcard_file_get(area_bench.f.vcard, areacard_path(&area_bench, file), &data, &len));
	assert_int_equal(len, sizeof bytes);
	memcpy(bytes, data, len);
}

static void put(const char *file)
{
	assert_true(vcard_file_put(area_bench.f.vcard, areacard_path(&area_bench, file), bytes, sizeof bytes));
}

/* Three records, of which the last is only in the newer copy; that is 0882. */
static void make_records(void)
{
	areacard_fresh(&area_bench);
	assert_int_equal(areacard_write(&area_bench, 1, 700, 1), RESULT_OK);
	assert_int_equal(areacard_write(&area_bench, 2, 10, 2), RESULT_OK);
	assert_int_equal(areacard_write(&area_bench, 3, 300, 3), RESULT_OK);
	areacard_keep(&area_bench);
}

static void spoil(const char *file, size_t at, uint8_t mask)
{
	get(file);
	bytes[at] ^= mask;
	put(file);
}

/* Nothing may be written to it, whatever is asked. */
static void assert_left_alone(enum result r)
{
	unsigned updates = area_bench.f.sent[INS_UPDATE], creates = area_bench.f.sent[0xE0];

	areacard_login(&area_bench);
	assert_int_equal(areacard_again(&area_bench), r);
	assert_int_equal(areacard_activate(&area_bench), r);
	assert_int_equal(area_bench.f.sent[INS_UPDATE], updates);
	assert_int_equal(area_bench.f.sent[0xE0], creates);
}

static void each_byte_of_a_copy_counts(void **state)
{
	size_t used = AREA_HEADER_SIZE + 3 * 14 + 4 + 1 + 2 + AREA_CHECK_SIZE;

	(void)state;
	make_records();
	for (size_t at = 0; at < used; at++) {
		areacard_restore(&area_bench);
		spoil("0882", at, 0x10);
		if (at == 2 || at == 3)
			spoil("0882", at, 0x11); /* not both: no version, but damage */
		areacard_open(&area_bench); /* the older copy counts, as it was */
		assert_true(areacard_has(&area_bench, 1, 700, 1));
		assert_true(areacard_has(&area_bench, 2, 10, 2));
		assert_false(areacard_has(&area_bench, 3, 300, 3));
		areacard_restore(&area_bench);
		spoil("0881", at, 0x10);
		areacard_open(&area_bench);
		assert_true(areacard_has(&area_bench, 3, 300, 3));
		assert_int_equal(areacard_write(&area_bench, 4, 100, 4), RESULT_OK);
		areacard_open(&area_bench);
		assert_true(areacard_has(&area_bench, 4, 100, 4));
		assert_true(areacard_has(&area_bench, 1, 700, 1));
	}
}

static void without_a_whole_copy_nothing_is_read_or_written(void **state)
{
	(void)state;
	make_records();
	spoil("0881", 20, 1);
	spoil("0882", 20, 1);
	assert_left_alone(RESULT_INDEX_FORMAT);
}

static void what_is_written_behind_a_copy_does_not_count(void **state)
{
	(void)state;
	make_records();
	spoil("0882", AREA_INDEX_SIZE - 1, 0xFF);
	areacard_open(&area_bench);
	assert_true(areacard_has(&area_bench, 3, 300, 3));
}

static void another_version_is_not_touched(void **state)
{
	static const char *const files[] = {"0881", "0882"};

	(void)state;
	make_records();
	for (size_t i = 0; i < COUNT(files); i++) {
		areacard_restore(&area_bench);
		spoil(files[i], 2, 0x03);
		spoil(files[i], 3, 0x03);
		assert_left_alone(RESULT_INDEX_FORMAT);
	}
}

/* An index with a right check, and numbers that cannot be. */
static void a_right_check_is_not_enough(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} wrong[] = {
		{4 + 3, 0},       /* generation 0 */
		{8, 2}, {8, 4}, {8, 0}, {8, 255}, /* records */
		{9, 81}, {9, 79},  /* blocks of the data file */
		{10, 1}, {11, 0}, {11, 70}, {11, 3 * 14 + 4 + 1}, /* length of the entries; without the last blocks */
		{12 + 3, 0}, {12 + 3, 2}, {12 + 3, 9}, /* a number twice, or out of order */
		{12 + 4, 0x0F}, {12 + 4, 0xFF}, /* length of a record */
		{12 + 14, 80}, {12 + 14, 255}, {12 + 14, 1}, /* its blocks: not there; twice */
	};
	uint8_t check[AREA_CHECK_SIZE];
	size_t records;

	(void)state;
	make_records();
	get("0882");
	for (size_t i = 0; i < COUNT(wrong); i++) {
		size_t before;

		areacard_restore(&area_bench);
		get("0882");
		bytes[wrong[i].at] = wrong[i].value;
		if (wrong[i].at == 4 + 3)
			memset(bytes + 4, 0, 4);
		before = AREA_HEADER_SIZE + (size_t)(bytes[10] << 8 | bytes[11]);
		if (before + sizeof check <= sizeof bytes) {
			assert_int_equal(area_check(NULL, bytes, before, check), RESULT_OK);
			memcpy(bytes + before, check, sizeof check);
		}
		put("0882");
		areacard_open(&area_bench);
		assert_true(areacard_has(&area_bench, 2, 10, 2));
		assert_int_equal(area_list(area_bench.area, NULL, &records), RESULT_OK);
		if (records != 2 || areacard_has(&area_bench, 3, 300, 3))
			fail_msg("byte %zu: %u was believed", wrong[i].at, wrong[i].value);
	}
}

static void data_that_are_others_are_not_given_out(void **state)
{
	const uint8_t *data;
	uint8_t *copy, out[700];
	size_t len, room = sizeof out;

	(void)state;
	make_records();
	assert_true(vcard_file_get(area_bench.f.vcard, areacard_path(&area_bench, "0883"), &data, &len));
	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, data, len);
	copy[699] ^= 1;
	assert_true(vcard_file_put(area_bench.f.vcard, areacard_path(&area_bench, "0883"), copy, len));
	areacard_open(&area_bench);
	memset(out, 0xAA, sizeof out);
	assert_int_equal(area_read(area_bench.area, 1, out, &room), RESULT_BAD_DATA);
	for (size_t i = 0; i < sizeof out; i++)
		assert_int_equal(out[i], 0xAA);
	assert_true(areacard_has(&area_bench, 2, 10, 2));
	assert_int_equal(areacard_write(&area_bench, 1, 700, 9), RESULT_OK);
	assert_true(areacard_has(&area_bench, 1, 700, 9));
	assert_true(vcard_file_put(area_bench.f.vcard, areacard_path(&area_bench, "0883"), copy, 300));
	areacard_open(&area_bench);
	assert_false(areacard_has(&area_bench, 1, 700, 9));
	free(copy);
}

static void files_that_are_short_or_missing_are_no_crash(void **state)
{
	static const char *const files[] = {"0881", "0882", "0883"};

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		make_records();
		assert_true(vcard_file_put(area_bench.f.vcard, areacard_path(&area_bench, files[i]), bytes, 5));
		areacard_login(&area_bench);
		(void)!areacard_again(&area_bench);
		assert_true(vcard_file_delete(area_bench.f.vcard, areacard_path(&area_bench, files[i])));
		areacard_login(&area_bench);
		if (areacard_again(&area_bench) == RESULT_OK)
			(void)!areacard_write(&area_bench, 9, 100, 1);
	}
}

/* ---- by a seed ---- */

static uint32_t random_state;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* One of the ways in which an index goes wrong; `fix`: with a check that fits. */
static void mutate(bool fix)
{
	unsigned n = 1 + next_random() % 4;
	size_t before;

	while (n--) {
		size_t at = next_random() % (next_random() % 4 ? 100 : sizeof bytes);

		switch (next_random() % 4) {
		case 0:
			bytes[at] ^= (uint8_t)(1u << next_random() % 8);
			break;
		case 1:
			bytes[at] = (uint8_t)next_random();
			break;
		case 2:
			memset(bytes + at, next_random() % 2 ? 0xFF : 0x00, sizeof bytes - at);
			break;
		default:
			memmove(bytes + at, bytes + at / 2, sizeof bytes - at);
			break;
		}
	}
	before = AREA_HEADER_SIZE + (size_t)(bytes[10] << 8 | bytes[11]);
	if (fix && before + AREA_CHECK_SIZE <= sizeof bytes)
		assert_int_equal(area_check(NULL, bytes, before, bytes + before), RESULT_OK);
}

static void read_all(void)
{
	static uint8_t out[AREA_RECORD_MAX];
	struct area_record records[AREA_RECORDS_MAX];
	struct area_space space;
	size_t count = COUNT(records);

	if (areacard_again(&area_bench) != RESULT_OK) {
		assert_null(area_bench.area);
		return;
	}
	assert_int_equal(area_list(area_bench.area, records, &count), RESULT_OK);
	for (size_t i = 0; i < count; i++) {
		size_t len = sizeof out;

		assert_true(records[i].length && records[i].length <= sizeof out);
		(void)!area_read(area_bench.area, records[i].sno, out, &len);
		assert_int_equal(len, records[i].length);
	}
	assert_int_equal(area_space(area_bench.area, &space), RESULT_OK);
	assert_true(space.used <= space.total && space.insert <= AREA_RECORD_MAX);
}

static void no_index_does_harm(void **state)
{
	const char *number = getenv("TWCARD_MUTATIONS");
	unsigned count = number ? (unsigned)strtoul(number, NULL, 10) : USUAL_MUTATIONS;

	(void)state;
	make_records();
	random_state = 20240517;
	for (unsigned i = 0; i < count; i++) {
		bool both = next_random() % 2;

		areacard_restore(&area_bench);
		get("0882");
		mutate(next_random() % 2);
		put("0882");
		if (both) {
			get("0881");
			mutate(next_random() % 2);
			put("0881");
		}
		if (i % 64 == 0) /* a transaction has an end */
			areacard_login(&area_bench);
		if (area_bench.f.generation == 1)
			faultcard_next_call(&area_bench.f);
		else if (card_wants_pin_again(area_bench.f.card))
			areacard_login(&area_bench);
		read_all();
	}
	print_message("# generation %d: %u mutations\n", area_bench.f.generation, count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AREA_TESTS(each_byte_of_a_copy_counts),
		AREA_TESTS(without_a_whole_copy_nothing_is_read_or_written),
		AREA_TESTS(what_is_written_behind_a_copy_does_not_count),
		AREA_TESTS(another_version_is_not_touched),
		AREA_TESTS(a_right_check_is_not_enough),
		AREA_TESTS(data_that_are_others_are_not_given_out),
		AREA_TESTS(files_that_are_short_or_missing_are_no_crash),
		AREA_TESTS(no_index_does_harm),
	};

	return cmocka_run_group_tests_name("area_damage", tests, NULL, NULL);
}
