/* The bounds-checked reader and its BER-TLV objects. */
#include <string.h>

#include "apdu/cursor.h"
#include "wire.h"

static void a_failed_read_moves_nothing(void **state)
{
	const uint8_t bytes[] = {1, 2, 3};
	struct cursor c = cursor_of(bytes, sizeof bytes), part;
	uint16_t word = 0;
	uint8_t byte = 0;

	(void)state;
	assert_false(cursor_bytes(&c, 4, &part));
	assert_true(cursor_u16be(&c, &word));
	assert_int_equal(word, 0x0102);
	assert_false(cursor_u16be(&c, &word));
	assert_int_equal(c.left, 1);
	assert_true(cursor_bytes(&c, 1, &part));
	assert_int_equal(*part.p, 3);
	assert_false(cursor_u8(&c, &byte));
	assert_true(cursor_bytes(&c, 0, &part));
}

static enum tlv_state read_hex(const char *hex, struct tlv *tlv, size_t *need, size_t *left)
{
	static uint8_t bytes[400];
	struct cursor c = cursor_of(bytes, wire_unhex(hex, bytes, sizeof bytes));
	enum tlv_state state = cursor_tlv(&c, tlv, need);

	*left = c.left;
	return state;
}

static void objects_of_every_length_form_are_read(void **state)
{
	static const struct {
		const char *hex;
		uint32_t tag;
		size_t len, size;
	} good[] = {
		{"3000", 0x30, 0, 2},
		{"0403AABBCC", 0x04, 3, 5},
		{"048103AABBCC", 0x04, 3, 6},
		{"04820003AABBCC", 0x04, 3, 7},
		{"0484 00000003 AABBCC", 0x04, 3, 9},
		{"7F49 01 AA", 0x7F49, 1, 4},
		{"5F8101 01 AA", 0x5F8101, 1, 5},
		{"9F81820100", 0x9F818201, 0, 5},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct tlv tlv;
		size_t left, need = 0;

		assert_int_equal(read_hex(good[i].hex, &tlv, &need, &left), TLV_OK);
		assert_int_equal(tlv.tag, good[i].tag);
		assert_int_equal(tlv.value.left, good[i].len);
		assert_int_equal(tlv.size, good[i].size);
		assert_int_equal(left, 0);
	}
}

static void a_short_object_tells_how_much_is_missing(void **state)
{
	static const struct {
		const char *hex;
		size_t need;
	} more[] = {{"", 1},          {"30", 2},           {"3082", 3},    {"308201", 4},
		    {"30820100", 260}, {"0405AABB", 7},     {"7F", 2},      {"7F49", 3},
		    {"3084FFFFFFFF", 6 + (size_t)0xFFFFFFFF}};

	(void)state;
	for (size_t i = 0; i < COUNT(more); i++) {
		struct tlv tlv;
		size_t left, need = 0;

		assert_int_equal(read_hex(more[i].hex, &tlv, &need, &left), TLV_MORE);
		assert_int_equal(need, more[i].need);
		assert_int_equal(left, strlen(more[i].hex) / 2); /* nothing was taken */
	}
}

static void what_can_be_no_object_is_bad_at_once(void **state)
{
	static const char *const bad[] = {"3080", "3085", "30FF", "3F81828384", "308500000000010A"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct tlv tlv;
		size_t left, need = 0;

		assert_int_equal(read_hex(bad[i], &tlv, &need, &left), TLV_BAD);
		assert_int_equal(left, strlen(bad[i]) / 2);
	}
}

static void need_may_be_left_out(void **state)
{
	struct tlv tlv;
	size_t left;

	(void)state;
	assert_int_equal(read_hex("3005", &tlv, NULL, &left), TLV_MORE);
	assert_int_equal(read_hex("3080", &tlv, NULL, &left), TLV_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_read_moves_nothing),
		cmocka_unit_test(objects_of_every_length_form_are_read),
		cmocka_unit_test(a_short_object_tells_how_much_is_missing),
		cmocka_unit_test(what_can_be_no_object_is_bad_at_once),
		cmocka_unit_test(need_may_be_left_out),
	};

	return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
