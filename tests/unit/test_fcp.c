/*
 * The file control parameters that a second-generation card answers SELECT
 * with: a hint where a file ends, believed only as far as it does no harm.
 */
#include "config.h"

#include <string.h>

#include "profiles/card.h"
#include "wire.h"

#define FILE_SIZE 300

/* One file, whatever is selected; its size is told as `claimed` (0: no FCP at all). */
static struct {
	unsigned claimed;
	const char *fcp;   /* another one, in hex; NULL: by `claimed` */
	unsigned last_end; /* of the last read: how far it reached */
	unsigned beyond;   /* reads that began in the file and were to end behind it */
	uint8_t bytes[FILE_SIZE];
} file;

static size_t answer_select(uint8_t *answer)
{
	const uint8_t fcp[] = {0x62, 0x07, 0x83, 0x01, 0x00, 0x80, 0x02,
			       (uint8_t)(file.claimed >> 8), (uint8_t)file.claimed};

	if (file.fcp)
		return wire_unhex(file.fcp, answer, 100);
	if (!file.claimed)
		return 0;
	memcpy(answer, fcp, sizeof fcp);
	return sizeof fcp;
}

static size_t answer_read(const uint8_t *cmd, uint8_t *answer)
{
	unsigned offset = (unsigned)(cmd[2] << 8 | cmd[3]), le = cmd[4] ? cmd[4] : 256, n;

	file.last_end = offset + le;
	if (offset >= FILE_SIZE)
		return 0;
	file.beyond += offset + le > FILE_SIZE;
	n = le < FILE_SIZE - offset ? le : FILE_SIZE - offset;
	memcpy(answer, file.bytes + offset, n);
	return n;
}

static enum result answer_all(void *context, const uint8_t *cmd, size_t len, uint8_t *answer,
			      size_t cap, size_t *answer_len)
{
	size_t n = 0;

	(void)context;
	(void)cap;
	answer[0] = 0x6E;
	answer[1] = 0x00;
	*answer_len = 2;
	if (len < 5 || cmd[0] != 0x00)
		return RESULT_OK;
	if (cmd[1] == 0xA4 && cmd[2] == 0x00)
		n = answer_select(answer);
	else if (cmd[1] == 0xB0)
		n = answer_read(cmd, answer);
	answer[n] = 0x90;
	answer[n + 1] = 0x00;
	*answer_len = n + 2;
	return RESULT_OK;
}

/* The whole file, read through a card that claims this size. */
static void read_whole(unsigned claimed, struct buffer *out)
{
	const struct p15_object object = {.has_path = true, .path = {2, {0x5030, 0x0870}}};
	struct card_options options = {.libctx = NULL};
	struct wire wire = {0};
	struct card *card;

	file.claimed = claimed;
	memset(file.bytes, 0x00, sizeof file.bytes); /* no TLV: read to the end */
	assert_int_equal(card_open(wire_function(&wire, answer_all, NULL), &options, &card), RESULT_OK);
	assert_int_equal(card_read_object(card, &object, out), RESULT_OK);
	assert_int_equal(card_end(card, false), RESULT_OK);
	card_free(&card);
}

static void a_file_is_whole_whatever_size_the_card_claims(void **state)
{
	static const unsigned claims[] = {0, 1, 100, 299, 300, 301, 5000, 0xFFFF};

	(void)state;
	for (size_t i = 0; i < COUNT(claims); i++) {
		struct buffer out = BUFFER_INIT;

		read_whole(claims[i], &out);
		assert_int_equal(out.len, FILE_SIZE);
		buffer_clear(&out);
	}
}

static void without_a_size_the_end_is_found_by_reading(void **state)
{
	struct buffer out = BUFFER_INIT;

	(void)state;
	read_whole(0, &out);
	assert_true(file.last_end > FILE_SIZE);
	buffer_clear(&out);
}

/* 300 bytes: where the template says so, nothing behind the end is asked for. */
static void the_size_is_taken_from_its_two_tags_and_nothing_else(void **state)
{
	static const struct {
		const char *fcp;
		bool told;
	} rows[] = {
		{"62 04 80 02 012C", true},
		{"62 04 81 02 012C", true},
		{"62 0D 82 01 01 83 02 0870 80 02 012C 8A 00", true},
		{"62 08 80 01 2C 81 02 012C 00", true},
		{"62 05 80 03 00012C", false}, /* not two bytes */
		{"62 04 82 02 012C", false},
		{"6F 04 80 02 012C", false},
		{"80 02 012C", false},
		{"62 05 80 02 012C", false},   /* torn */
		{"62 00 80 02 012C", false},   /* outside of the template */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buffer out = BUFFER_INIT;

		file.fcp = rows[i].fcp;
		file.beyond = 0;
		read_whole(0, &out);
		assert_int_equal(out.len, FILE_SIZE);
		if ((file.beyond == 0) != rows[i].told)
			fail_msg("%s: %u reads beyond the end", rows[i].fcp, file.beyond);
		buffer_clear(&out);
	}
	file.fcp = NULL;
}

static void a_range_inside_the_file_is_read_in_spite_of_a_small_claim(void **state)
{
	const struct p15_object object = {.has_path = true, .path = {2, {0x5030, 0x08F2}},
					  .has_range = true, .offset = 50, .length = 200};
	struct card_options options = {.libctx = NULL};
	struct buffer out = BUFFER_INIT;
	struct wire wire = {0};
	struct card *card;

	(void)state;
	file.claimed = 60;
	assert_int_equal(card_open(wire_function(&wire, answer_all, NULL), &options, &card), RESULT_OK);
	assert_int_equal(card_read_object(card, &object, &out), RESULT_OK);
	assert_int_equal(out.len, 200);
	assert_int_equal(file.last_end, 250); /* and not a byte beyond it */
	assert_int_equal(card_end(card, false), RESULT_OK);
	card_free(&card);
	buffer_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_whole_whatever_size_the_card_claims),
		cmocka_unit_test(without_a_size_the_end_is_found_by_reading),
		cmocka_unit_test(the_size_is_taken_from_its_two_tags_and_nothing_else),
		cmocka_unit_test(a_range_inside_the_file_is_read_in_spite_of_a_small_claim),
	};

	return cmocka_run_group_tests_name("fcp", tests, NULL, NULL);
}
