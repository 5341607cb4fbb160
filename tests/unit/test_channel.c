/* The channel: 61xx, 6Cxx, answers that are none, and what never gets into the trace. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"

static const struct command read_8 = {.cla = 0x80, .ins = 0xB0, .le = 8};

static enum result run(struct wire *w, const char *const *script, const struct command *cmd,
		       struct response *resp)
{
	struct channel *ch = wire_script(w, script);
	enum result r;

	ch->get_response_cla = 0x80;
	r = channel_transmit(ch, cmd, resp);
	channel_free(&ch);
	assert_int_equal(w->closes, 1);
	return r;
}

static void assert_answers(const char *const *script, const struct command *cmd, const char *data,
			   uint16_t sw, unsigned commands)
{
	struct response resp = RESPONSE_INIT;
	uint8_t want[600];
	struct wire w;
	size_t len = wire_unhex(data, want, sizeof want);

	assert_int_equal(run(&w, script, cmd, &resp), RESULT_OK);
	assert_int_equal(resp.sw, sw);
	assert_int_equal(resp.data.len, len);
	if (len)
		assert_memory_equal(resp.data.data, want, len);
	assert_int_equal(w.commands, commands);
	response_clear(&resp);
}

static void an_answer_comes_with_its_status_word(void **state)
{
	static const char *const good[] = {"80B0000008", "0102030405060708 9000", NULL};
	static const char *const refused[] = {"80B0000008", "6A82", NULL};

	(void)state;
	assert_answers(good, &read_8, "0102030405060708", 0x9000, 1);
	assert_answers(refused, &read_8, "", 0x6A82, 1);
}

static void a_cleared_answer_is_as_new(void **state)
{
	static const char *const script[] = {"80B0000008", "01 6282", NULL};
	struct response resp = RESPONSE_INIT;
	struct wire w;

	(void)state;
	assert_int_equal(run(&w, script, &read_8, &resp), RESULT_OK);
	response_clear(&resp);
	assert_int_equal(resp.sw, 0);
	assert_int_equal(resp.data.len, 0);
	assert_null(resp.data.data);
}

static void assert_no_answer(const char *const *script, const struct command *cmd, unsigned commands)
{
	struct response resp = RESPONSE_INIT;
	struct wire w;

	assert_int_equal(run(&w, script, cmd, &resp), RESULT_BAD_ANSWER);
	assert_int_equal(resp.data.len, 0);
	assert_int_equal(w.commands, commands);
	response_clear(&resp);
}

/* What the card says to GET RESPONSE is no answer to the command: "no such file" least of all. */
static void a_refused_rest_is_no_answer(void **state)
{
	static const char *const words[] = {"6A82", "6A83", "6A88", "6982", "6700", "6B00", "6D00",
					    "6F00", "6C02", "63C2", "9001"};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		const char *const at_once[] = {"80B0000008", "6102", "80C0000002", words[i], NULL};
		const char *const later[] = {"80B0000008", "01 6102", "80C0000002", "02 6101",
					     "80C0000001", words[i], NULL};
		const char *const unknown[] = {"80B0000008", "6100", "80C0000000", words[i], NULL};
		char last[16];
		const char *const whole[] = {"80B0000008", "6102", "80C0000002", last, NULL};

		snprintf(last, sizeof last, "0102 %s", words[i]); /* not for want of bytes */
		assert_no_answer(at_once, &read_8, 2);
		assert_no_answer(later, &read_8, 3);
		assert_no_answer(unknown, &read_8, 2);
		assert_no_answer(whole, &read_8, 2);
	}
}

static void more_data_are_fetched(void **state)
{
	static const char *const script[] = {"80B0000008", "01 6103", "80C0000003", "020304 6102",
					     "80C0000002", "0506 9000", NULL};
	static const char *const all[] = {"80B0000008", "6100", "80C0000000", "AA 6282", NULL};

	(void)state;
	assert_answers(script, &read_8, "010203040506", 0x9000, 3);
	assert_answers(all, &read_8, "AA", 0x6282, 2);
}

/* Or what comes next would be taken for what was lost. */
static void fewer_bytes_than_announced_are_no_answer(void **state)
{
	static const char *const last[] = {"80B0000008", "6103", "80C0000003", "0102 9000", NULL};
	static const char *const none[] = {"80B0000008", "6103", "80C0000003", "9000", NULL};
	static const char *const end[] = {"80B0000008", "6103", "80C0000003", "0102 6282", NULL};
	static const char *const first[] = {"80B0000008", "6103", "80C0000003", "0102 6103",
					    "80C0000003", "030405 9000", NULL};
	static const char *const second[] = {"80B0000008", "01 6102", "80C0000002", "0203 6103",
					     "80C0000003", "0405 9000", NULL};
	static const char *const other_class[] = {"80B0000008", "6103", "80C0000003", "6E00",
						  "00C0000003", "0102 9000", NULL};
	static const char *const vague[] = {"80B0000008", "6103", "80C0000003", "0102 6100", NULL};
	static const char *const slowly[] = {"80B0000008", "6103", "80C0000003", "0102 6101",
					     "80C0000001", "03 9000", NULL};
	static const char *const many[] = {"80B0000008", "6100", "80C0000000", "0102 6103",
					   "80C0000003", "030405 9000", NULL};

	(void)state;
	assert_no_answer(last, &read_8, 2);
	assert_no_answer(none, &read_8, 2);
	assert_no_answer(end, &read_8, 2);
	assert_no_answer(first, &read_8, 2);
	assert_no_answer(second, &read_8, 3);
	assert_no_answer(other_class, &read_8, 3);
	assert_no_answer(vague, &read_8, 2);
	assert_answers(slowly, &read_8, "010203", 0x9000, 3);
	assert_answers(many, &read_8, "0102030405", 0x9000, 3);
}

static void a_wrong_le_is_repeated_once_with_the_right_one(void **state)
{
	static const char *const right[] = {"80B0000008", "6C02", "80B0000002", "0102 9000", NULL};
	static const char *const again[] = {"80B0000008", "6C02", "80B0000002", "6C03", NULL};
	static const char *const no_le[] = {"80A4000002AABB", "6C02", NULL};
	static const char *const most[] = {"80B0000008", "6C00", "80B0000000", "0102 9000", NULL};
	static const uint8_t fid[] = {0xAA, 0xBB};
	const struct command select = {.cla = 0x80, .ins = 0xA4, .data = fid, .len = 2};

	(void)state;
	assert_answers(right, &read_8, "0102", 0x9000, 2);
	assert_answers(again, &read_8, "", 0x6C03, 2);
	assert_answers(most, &read_8, "0102", 0x9000, 2); /* 6C00 means 256 */
	assert_answers(no_le, &select, "", 0x6C02, 1); /* it asked for nothing */
}

static void a_wrong_le_may_lead_to_more_data(void **state)
{
	static const char *const script[] = {"80B0000008", "6C04", "80B0000004", "01 6103",
					     "80C0000003", "020304 9000", NULL};

	(void)state;
	assert_answers(script, &read_8, "01020304", 0x9000, 3);
}

static void the_class_is_changed_once_and_for_the_first_get_response_only(void **state)
{
	static const char *const later[] = {"80B0000008", "6102", "80C0000002", "01 6101",
					    "80C0000001", "6E00", NULL};
	static const char *const all[] = {"80B0000008", "6100", "80C0000000", "6E00", "00C0000000",
					  "0102 9000", NULL};
	static const char *const standard[] = {"00B0000008", "6102", "00C0000002", "6E00", NULL};
	const struct command cmd = {.ins = 0xB0, .le = 8};
	struct response resp = RESPONSE_INIT;
	struct channel *ch;
	struct wire w;

	(void)state;
	assert_no_answer(later, &read_8, 3);
	assert_answers(all, &read_8, "0102", 0x9000, 3);
	ch = wire_script(&w, standard); /* the standard's from the start */
	assert_int_equal(channel_transmit(ch, &cmd, &resp), RESULT_BAD_ANSWER);
	assert_int_equal(w.commands, 2);
	channel_free(&ch);
	response_clear(&resp);
}

static void who_asks_for_no_data_need_not_fetch_them(void **state)
{
	static const char *const script[] = {"80A4000002AABB08", "0102 6103", NULL};
	static const char *const wrong_le[] = {"80A4000002AABB08", "6C02", NULL};
	static const uint8_t fid[] = {0xAA, 0xBB};
	struct command select = {.cla = 0x80, .ins = 0xA4, .data = fid, .len = 2, .le = 8};

	(void)state;
	select.ignore_more = true;
	assert_answers(script, &select, "0102", 0x9000, 1);
	select.ignore_more = false;
	select.once = true;
	assert_answers(wrong_le, &select, "", 0x6C02, 1);
}

static void get_response_falls_back_to_the_standard_class(void **state)
{
	static const char *const script[] = {"80B0000008", "6102", "80C0000002", "6E00", "00C0000002",
					     "0102 9000", NULL};
	static const char *const neither[] = {"80B0000008", "6102", "80C0000002", "6E00",
					      "00C0000002", "6E00", NULL};

	(void)state;
	assert_answers(script, &read_8, "0102", 0x9000, 3);
	assert_no_answer(neither, &read_8, 3);
}

static enum result always_more(void *context, const uint8_t *cmd, size_t len, uint8_t *answer,
			       size_t cap, size_t *answer_len)
{
	const size_t *data = context;

	(void)cmd;
	(void)len;
	assert_true(cap >= *data + 2);
	memset(answer, 0x55, *data);
	answer[*data] = 0x61;
	answer[*data + 1] = 0x10;
	*answer_len = *data + 2;
	return RESULT_OK;
}

static void more_data_without_end_are_cut(void **state)
{
	size_t sizes[] = {0, 1, 256};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct response resp = RESPONSE_INIT;
		struct wire w;
		struct channel *ch = wire_function(&w, always_more, &sizes[i]);

		assert_int_equal(channel_transmit(ch, &read_8, &resp), RESULT_BAD_ANSWER);
		assert_in_range(w.commands, 2, 258); /* 64 KiB, and what shows that there is more */
		assert_int_equal(resp.data.len, 0);
		response_clear(&resp);
		channel_free(&ch);
	}
}

/* Answers 256 bytes and 6100 so often as it is told, then 9000. */
static enum result a_file(void *context, const uint8_t *cmd, size_t len, uint8_t *answer, size_t cap,
			  size_t *answer_len)
{
	unsigned *left = context;

	(void)len;
	(void)cap;
	assert_int_equal(cmd[4], *left == 257 ? 8 : 0); /* all that there is */
	memset(answer, (uint8_t)*left, 256);
	--*left;
	memcpy(answer + 256, *left ? "\x61\x00" : "\x90\x00", 2);
	*answer_len = 258;
	return RESULT_OK;
}

static void as_much_as_a_file_can_be_is_fetched(void **state)
{
	struct response resp = RESPONSE_INIT;
	unsigned left = 257; /* the command's own answer, and 64 KiB */
	struct wire w;
	struct channel *ch = wire_function(&w, a_file, &left);

	(void)state;
	assert_int_equal(channel_transmit(ch, &read_8, &resp), RESULT_OK);
	assert_int_equal(w.commands, 257);
	assert_int_equal(resp.data.len, 257 * 256);
	assert_int_equal(resp.data.data[0], (uint8_t)257);
	assert_int_equal(resp.data.data[resp.data.len - 1], 1);
	assert_int_equal(resp.sw, 0x9000);
	response_clear(&resp);
	channel_free(&ch);
}

/* ---- the budget of one transaction ---- */

/* 6101 with one byte, again and again: the commands until the channel refuses. */
static void assert_ends_with_the_budget(struct wire *w, struct channel *ch, unsigned most)
{
	struct response resp = RESPONSE_INIT;
	unsigned before = w->commands;
	enum result r = RESULT_OK;

	for (unsigned i = 0; r != RESULT_BUDGET; i++) {
		assert_in_range(i, 0, most);
		r = channel_transmit(ch, &read_8, &resp);
		assert_int_not_equal(r, RESULT_OK);
		assert_int_equal(resp.data.len, 0);
	}
	assert_int_equal(w->commands - before, most);
	assert_int_equal(channel_transmit(ch, &read_8, &resp), RESULT_BUDGET);
	assert_int_equal(w->commands - before, most); /* nothing is sent any more */
	response_clear(&resp);
}

static void a_transaction_has_a_budget_of_commands_and_the_next_a_new_one(void **state)
{
	static const unsigned budgets[] = {1, 10, CHANNEL_BUDGET_COMMANDS};
	size_t one = 1;

	(void)state;
	for (size_t i = 0; i < COUNT(budgets); i++) {
		struct wire w;
		struct channel *ch = wire_function(&w, always_more, &one);
		bool was_reset;

		if (budgets[i] != CHANNEL_BUDGET_COMMANDS) /* that is the usual one */
			channel_set_budget(ch, budgets[i], CHANNEL_BUDGET_MS);
		assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
		assert_ends_with_the_budget(&w, ch, budgets[i]);
		(void)!channel_end(ch, true); /* the card can be reset all the same */
		assert_int_equal(w.resets, 1);
		assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
		assert_ends_with_the_budget(&w, ch, budgets[i]);
		channel_free(&ch);
	}
	assert_false(result_is_refusal(RESULT_BUDGET)); /* the card did not say no */
}

static void a_new_budget_counts_at_once(void **state)
{
	struct response resp = RESPONSE_INIT;
	size_t one = 1;
	struct wire w;
	struct channel *ch = wire_function(&w, always_more, &one);

	(void)state;
	channel_set_budget(ch, 3, CHANNEL_BUDGET_MS);
	assert_ends_with_the_budget(&w, ch, 3);
	channel_set_budget(ch, 3, 0); /* no time, nothing is sent */
	assert_int_equal(channel_transmit(ch, &read_8, &resp), RESULT_BUDGET);
	assert_int_equal(w.commands, 3);
	response_clear(&resp);
	channel_free(&ch);
}

static enum result slow_answer(void *context, const uint8_t *cmd, size_t len, uint8_t *answer,
			       size_t cap, size_t *answer_len)
{
	const unsigned *ms = context;

	(void)cmd;
	(void)len;
	(void)cap;
	usleep(*ms * 1000);
	memcpy(answer, "\x90\x00", 2);
	*answer_len = 2;
	return RESULT_OK;
}

static void a_transaction_has_a_budget_of_time(void **state)
{
	unsigned ms = 30;
	struct response resp = RESPONSE_INIT;
	struct wire w;
	struct channel *ch = wire_function(&w, slow_answer, &ms);
	enum result r = RESULT_OK;
	bool was_reset;

	(void)state;
	channel_set_budget(ch, CHANNEL_BUDGET_COMMANDS, 100);
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	for (int i = 0; r == RESULT_OK && i < 10; i++)
		r = channel_transmit(ch, &read_8, &resp);
	assert_int_equal(r, RESULT_BUDGET);
	assert_in_range(w.commands, 1, 4);
	(void)!channel_end(ch, false);
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	assert_int_equal(channel_transmit(ch, &read_8, &resp), RESULT_OK);
	response_clear(&resp);
	channel_free(&ch);
}

static void what_is_no_answer_is_told(void **state)
{
	static const char *const nothing[] = {"80B0000008", "", NULL};
	static const char *const one[] = {"80B0000008", "90", NULL};
	static const char *const more_one[] = {"80B0000008", "6102", "80C0000002", "90", NULL};
	static const char *const *const scripts[] = {nothing, one, more_one};

	(void)state;
	for (size_t i = 0; i < COUNT(scripts); i++) {
		struct response resp = RESPONSE_INIT;
		struct wire w;

		assert_int_equal(run(&w, scripts[i], &read_8, &resp), RESULT_BAD_ANSWER);
		assert_int_equal(resp.data.len, 0);
		response_clear(&resp);
	}
}

static enum result long_answer(void *context, const uint8_t *cmd, size_t len, uint8_t *answer,
			       size_t cap, size_t *answer_len)
{
	const size_t *size = context;

	(void)cmd;
	(void)len;
	assert_true(*size <= cap);
	memset(answer, 0x90, *size);
	answer[*size - 1] = 0;
	*answer_len = *size;
	return RESULT_OK;
}

static void the_longest_answer_fits_and_a_longer_one_is_none(void **state)
{
	static const struct {
		size_t size;
		enum result result;
	} cases[] = {{258, RESULT_OK}, {259, RESULT_BAD_ANSWER}, {TRANSPORT_ANSWER_MAX, RESULT_BAD_ANSWER}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct response resp = RESPONSE_INIT;
		size_t size = cases[i].size;
		struct wire w;
		struct channel *ch = wire_function(&w, long_answer, &size);

		assert_int_equal(channel_transmit(ch, &read_8, &resp), cases[i].result);
		assert_int_equal(resp.data.len, cases[i].result == RESULT_OK ? 256 : 0);
		response_clear(&resp);
		channel_free(&ch);
	}
}

static void a_transport_that_fails_is_passed_on(void **state)
{
	static const char *const script[] = {NULL};
	struct response resp = {BUFFER_INIT, 0x9000}; /* of the command before */
	struct wire w;

	(void)state;
	assert_int_equal(buffer_append(&resp.data, "old", 3), RESULT_OK);
	assert_int_equal(run(&w, script, &read_8, &resp), RESULT_CARD_MUTE);
	assert_int_equal(resp.sw, 0);
	assert_int_equal(resp.data.len, 0);
	response_clear(&resp);
}

/* What came before the failure is no answer, either. */
static void what_fails_half_way_leaves_nothing(void **state)
{
	static const char *const scripts[][5] = {{"80B0000008", "0102 6103", NULL},
						 {"80B0000008", "0102 6103", "80C0000003", "90", NULL},
						 {"80B0000008", "0102 6C03", NULL}};

	(void)state;
	for (size_t i = 0; i < COUNT(scripts); i++) {
		struct response resp = RESPONSE_INIT;
		struct wire w;

		assert_int_equal(run(&w, scripts[i], &read_8, &resp),
				 i == 1 ? RESULT_BAD_ANSWER : RESULT_CARD_MUTE);
		assert_int_equal(resp.data.len, 0);
		response_clear(&resp);
	}
}

static enum result begin_badly(void *self, bool *was_reset)
{
	(void)self;
	*was_reset = true;
	return RESULT_CARD_REMOVED;
}

static void a_transaction_that_did_not_begin_is_not_ended(void **state)
{
	static const char *const script[] = {NULL};
	struct wire w;
	struct channel *ch = wire_script(&w, script);
	struct transport_ops ops = *ch->ops;
	bool was_reset = false;

	(void)state;
	ops.begin = begin_badly;
	ch->ops = &ops;
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_CARD_REMOVED);
	assert_true(was_reset);
	assert_int_equal(channel_end(ch, false), RESULT_OK);
	assert_int_equal(channel_end(ch, true), RESULT_FAILED);
	assert_int_equal(w.ends, 0);
	channel_free(&ch);
	assert_int_equal(w.ends, 0);
	assert_int_equal(w.closes, 1);
}

static void a_reset_without_a_transaction_is_for_the_end(void **state)
{
	static const char *const script[] = {NULL};
	struct wire w;
	struct channel *ch = wire_script(&w, script);
	bool was_reset;

	(void)state;
	assert_int_equal(channel_reset_now(ch), RESULT_OK);
	assert_int_equal(w.resets, 1);
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	assert_int_equal(channel_reset_now(ch), RESULT_OK);
	assert_int_equal(w.resets, 2);
	channel_free(&ch); /* it is not ended again */
	assert_int_equal(w.ends, 2);
}

static void a_longer_atr_is_cut(void **state)
{
	static const char *const script[] = {NULL};
	uint8_t atr[ATR_MAX + 7];
	struct channel *ch, *longer = NULL;
	struct wire w;

	(void)state;
	memset(atr, 0x3B, sizeof atr);
	ch = wire_script(&w, script);
	assert_int_equal(channel_new(ch->ops, &w, "longer", atr, sizeof atr, &longer), RESULT_OK);
	assert_int_equal(longer->atr_len, ATR_MAX);
	assert_memory_equal(longer->atr, atr, ATR_MAX);
	assert_string_equal(longer->name, "longer");
	assert_int_equal(longer->get_response_cla, 0);
	channel_free(&longer);
	channel_free(&ch);
}

static void what_cannot_be_encoded_is_not_sent(void **state)
{
	static const char *const script[] = {NULL};
	const struct command bad = {.le = 1000};
	struct response resp = RESPONSE_INIT;
	struct wire w;

	(void)state;
	assert_int_equal(run(&w, script, &bad, &resp), RESULT_ARGUMENT);
	assert_int_equal(w.commands, 0);
	response_clear(&resp);
}

static void a_transaction_begins_and_ends_once(void **state)
{
	static const char *const script[] = {NULL};
	struct wire w;
	struct channel *ch = wire_script(&w, script);
	bool was_reset = true;

	(void)state;
	assert_int_equal(channel_end(ch, true), RESULT_FAILED);
	assert_int_equal(channel_end(ch, false), RESULT_OK);
	assert_int_equal(w.ends, 0);
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	assert_false(was_reset);
	assert_int_equal(channel_end(ch, true), RESULT_OK);
	assert_int_equal(channel_end(ch, true), RESULT_FAILED);
	assert_int_equal(w.ends, 1);
	assert_int_equal(w.resets, 1);
	w.reset_next = true;
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	assert_true(was_reset);
	channel_free(&ch); /* ends it, leaving the card as it is */
	assert_int_equal(w.ends, 2);
	assert_int_equal(w.resets, 1);
	assert_null(ch);
	channel_free(&ch);
}

/* Also in what GET RESPONSE brings, and in answers that are none. */
static void secrets_never_get_into_the_trace(void **state)
{
	static const uint8_t secret[] = {0x5E, 0xC3, 0xE7, 0x5E, 0xC3, 0xE7};
	static const char *const scripts[][9] = {
		{"8C20000106 5EC3E75EC3E7 08", "5EC3E7 9000", NULL},
		{"8C20000106 5EC3E75EC3E7 08", "5EC3E7 6103", "80C0000003", "5EC3E7 9000", NULL},
		{"8C20000106 5EC3E75EC3E7 08", "6C03", "8C20000106 5EC3E75EC3E7 03", "5EC3E7 9000", NULL},
		{"8C20000106 5EC3E75EC3E7 08", "5E", NULL},
	};
	struct command cmd = {.cla = 0x8C, .ins = 0x20, .p2 = 1, .data = secret,
			      .len = sizeof secret, .le = 8, .sensitive = true};

	(void)state;
	for (size_t i = 0; i < COUNT(scripts); i++) {
		struct response resp = RESPONSE_INIT;
		struct wire_log log;
		struct wire w;

		wire_log_start(&log);
		(void)!run(&w, scripts[i], &cmd, &resp);
		assert_non_null(log.text);
		assert_non_null(strstr(log.text, "> 8C20000106 **"));
		assert_null(strstr(log.text, "5EC3"));
		assert_null(strstr(log.text, "C3E7"));
		wire_log_stop(&log);
		response_clear(&resp);
	}
}

static void what_is_no_secret_is_in_the_trace(void **state)
{
	static const char *const script[] = {"80B0000008", "0102 9000", NULL};
	struct response resp = RESPONSE_INIT;
	struct wire_log log;
	bool was_reset;
	struct wire w;
	struct channel *ch;

	(void)state;
	wire_log_start(&log);
	ch = wire_script(&w, script);
	w.reset_next = true;
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	assert_int_equal(channel_transmit(ch, &read_8, &resp), RESULT_OK);
	assert_non_null(strstr(log.text, "@ wire\n= 3BB8"));
	assert_non_null(strstr(log.text, "! reset\n@ wire\n> 80B0000008\n< 01029000\n"));
	assert_int_equal(channel_transmit(ch, &read_8, &resp), RESULT_CARD_MUTE);
	assert_non_null(strstr(log.text, "\n! "));
	assert_non_null(strstr(log.text, result_text(RESULT_CARD_MUTE)));
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	assert_null(strstr(strstr(log.text, "! reset") + 1, "! reset"));
	channel_free(&ch);
	wire_log_stop(&log);
	response_clear(&resp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_with_its_status_word),
		cmocka_unit_test(a_cleared_answer_is_as_new),
		cmocka_unit_test(a_refused_rest_is_no_answer),
		cmocka_unit_test(more_data_are_fetched),
		cmocka_unit_test(fewer_bytes_than_announced_are_no_answer),
		cmocka_unit_test(a_wrong_le_is_repeated_once_with_the_right_one),
		cmocka_unit_test(a_wrong_le_may_lead_to_more_data),
		cmocka_unit_test(get_response_falls_back_to_the_standard_class),
		cmocka_unit_test(more_data_without_end_are_cut),
		cmocka_unit_test(a_transaction_has_a_budget_of_commands_and_the_next_a_new_one),
		cmocka_unit_test(a_transaction_has_a_budget_of_time),
		cmocka_unit_test(what_is_no_answer_is_told),
		cmocka_unit_test(the_longest_answer_fits_and_a_longer_one_is_none),
		cmocka_unit_test(a_transport_that_fails_is_passed_on),
		cmocka_unit_test(what_fails_half_way_leaves_nothing),
		cmocka_unit_test(a_transaction_that_did_not_begin_is_not_ended),
		cmocka_unit_test(a_reset_without_a_transaction_is_for_the_end),
		cmocka_unit_test(a_longer_atr_is_cut),
		cmocka_unit_test(a_new_budget_counts_at_once),
		cmocka_unit_test(as_much_as_a_file_can_be_is_fetched),
		cmocka_unit_test(the_class_is_changed_once_and_for_the_first_get_response_only),
		cmocka_unit_test(who_asks_for_no_data_need_not_fetch_them),
		cmocka_unit_test(what_cannot_be_encoded_is_not_sent),
		cmocka_unit_test(a_transaction_begins_and_ends_once),
		cmocka_unit_test(secrets_never_get_into_the_trace),
		cmocka_unit_test(what_is_no_secret_is_in_the_trace),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
