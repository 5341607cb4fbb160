/* Short command APDUs, cases 1 to 4. */
#include <string.h>

#include "wire.h"

static const uint8_t data[256] = {0xAA, 0xBB};

static void assert_encodes(const struct command *cmd, const char *hex)
{
	struct buffer out = BUFFER_INIT;
	uint8_t want[300];
	size_t len = wire_unhex(hex, want, sizeof want);

	assert_int_equal(buffer_append(&out, "x", 1), RESULT_OK);
	assert_int_equal(command_encode(cmd, &out), RESULT_OK);
	assert_int_equal(out.len, 1 + len);
	assert_memory_equal(out.data + 1, want, len);
	buffer_clear(&out);
}

static void each_case_has_its_form(void **state)
{
	(void)state;
	assert_encodes(&(struct command){.cla = 0x80, .ins = 0xA4, .p1 = 1, .p2 = 2}, "80A40102");
	assert_encodes(&(struct command){.cla = 0x80, .ins = 0xB0, .le = 200}, "80B00000C8");
	assert_encodes(&(struct command){.cla = 0x80, .ins = 0xB0, .le = 256}, "80B0000000");
	assert_encodes(&(struct command){.ins = 0xA4, .data = data, .len = 2}, "00A4000002AABB");
	assert_encodes(&(struct command){.ins = 0xA4, .data = data, .len = 2, .le = 256},
		       "00A4000002AABB00");
}

static void the_most_data_and_le_fit(void **state)
{
	struct command cmd = {.data = data, .len = COMMAND_MAX_DATA, .le = COMMAND_MAX_LE};
	struct buffer out = BUFFER_INIT;

	(void)state;
	assert_int_equal(command_encode(&cmd, &out), RESULT_OK);
	assert_int_equal(out.len, COMMAND_MAX_SIZE);
	assert_int_equal(out.data[4], 0xFF);
	buffer_clear(&out);
}

static void what_is_no_short_command_is_refused(void **state)
{
	const struct command bad[] = {{.data = data, .len = 256}, {.le = 257}, {.data = NULL, .len = 1}};
	struct buffer out = BUFFER_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(command_encode(&bad[i], &out), RESULT_ARGUMENT);
		assert_int_equal(out.len, 0);
	}
	buffer_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case_has_its_form),
		cmocka_unit_test(the_most_data_and_le_fit),
		cmocka_unit_test(what_is_no_short_command_is_refused),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
