/* A recorded card answers again: the same objects, and what does not fit is told. */
#include <stdlib.h>
#include <string.h>

#include "gen2card.h"
#include "profiles/card.h"
#include "replay.h"
#include "wire.h"

struct listing {
	enum result opened, token;
	struct token_data data;
	struct buffer directories[P15_CLASSES];
	struct buffer values; /* one after the other */
	struct rsa_public key;
};

static void read_values(struct card *card, const struct p15_list *list, struct listing *out)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].kind == P15_CERTIFICATE)
			assert_int_equal(card_read_object(card, &list->items[i], &out->values), RESULT_OK);
}

static void list_card(struct channel *ch, struct listing *out)
{
	const struct card_options options = {0};
	struct card *card;
	struct p15_list list;

	memset(out, 0, sizeof *out);
	out->opened = card_open(ch, &options, &card);
	if (out->opened != RESULT_OK)
		return;
	out->token = card_read_token(card, &out->data);
	for (enum p15_class kind = 0; kind < P15_CLASSES; kind++) {
		if (card_read_directory(card, kind, &list, &out->directories[kind]) == RESULT_OK)
			read_values(card, &list, out);
		p15_list_clear(&list);
	}
	(void)!card_read_public_key(card, KEY_SIGN, &out->key);
	(void)!card_end(card, false);
	card_free(&card);
}

static void listing_clear(struct listing *l)
{
	for (enum p15_class kind = 0; kind < P15_CLASSES; kind++)
		buffer_clear(&l->directories[kind]);
	buffer_clear(&l->values);
}

/* The log of a listing; free the text. */
static char *record(struct vcard *card, struct listing *out)
{
	struct wire_log log;
	struct wire wire;
	char *text;

	replay_record(&log);
	list_card(wire_vcard(&wire, card), out);
	text = strdup(log.text);
	wire_log_stop(&log);
	assert_non_null(text);
	assert_int_equal(out->opened, RESULT_OK);
	return text;
}

static void replay(struct replay *r, const char *text, struct listing *out)
{
	FILE *stream = fmemopen((char *)text, strlen(text), "r");
	struct channel *ch;

	assert_non_null(stream);
	ch = replay_channel(r, stream);
	assert_non_null(ch);
	list_card(ch, out);
	(void)replay_is_over(r); /* looks for what is left */
	fclose(stream);
}

static void assert_same(const struct listing *a, const struct listing *b)
{
	assert_int_equal(a->token, b->token);
	assert_memory_equal(&a->data, &b->data, sizeof a->data);
	assert_memory_equal(&a->key, &b->key, sizeof a->key);
	for (enum p15_class kind = 0; kind < P15_CLASSES; kind++) {
		assert_true(a->directories[kind].len > 0);
		assert_true(buffer_same(&a->directories[kind], &b->directories[kind]));
	}
	assert_true(a->values.len > 3000);
	assert_true(buffer_same(&a->values, &b->values));
}

static void play_card(struct vcard *card)
{
	static struct replay r;
	struct listing recorded, played;
	char *text = record(card, &recorded);

	replay(&r, text, &played);
	assert_string_equal(r.mismatch, "");
	assert_false(r.has_line);
	assert_true(r.commands > 20);
	assert_int_equal(played.opened, RESULT_OK);
	assert_same(&recorded, &played);
	listing_clear(&recorded);
	listing_clear(&played);
	free(text);
	vcard_free(&card);
}

static void a_first_generation_card_answers_again(void **state)
{
	(void)state;
	play_card(testcard_load());
}

static void a_second_generation_card_answers_again(void **state)
{
	(void)state;
	play_card(gen2_load());
}

static void another_command_than_was_recorded_is_told(void **state)
{
	static struct replay r;
	struct vcard *card = testcard_load();
	struct listing recorded, played;
	char *text = record(card, &recorded), *at = strstr(text, "80A40000020903");

	(void)state;
	assert_non_null(at);
	memcpy(at, "80A40000020904", 14);
	replay(&r, text, &played);
	assert_non_null(strstr(r.mismatch, "something else was recorded, but sent was > 80A4000002 **2"));
	assert_true(played.token != RESULT_OK);
	listing_clear(&recorded);
	listing_clear(&played);
	free(text);
	vcard_free(&card);
}

static void a_trace_that_ends_early_is_told(void **state)
{
	static struct replay r;
	struct vcard *card = testcard_load();
	struct listing recorded, played;
	char *text = record(card, &recorded);

	(void)state;
	strstr(text, "80A40000024104")[-2] = '\0';
	replay(&r, text, &played);
	assert_non_null(strstr(r.mismatch, "the trace is over"));
	assert_int_equal(played.token, RESULT_OK);
	assert_int_equal(played.values.len, 0);
	listing_clear(&recorded);
	listing_clear(&played);
	free(text);
	vcard_free(&card);
}

static void another_readers_lines_are_passed_over(void **state)
{
	static const char text[] = "@ one\n= 3BB8130081\n@ two\n= 3B00\n> 00A40000\n< 6E00\n"
				   "@ one\n! reset\n> 80A40000023F00\n@ two\n! event\n@ one\n< 9000\n";
	static struct replay r;
	FILE *stream = fmemopen((char *)text, sizeof text - 1, "r");
	struct channel *ch = replay_channel(&r, stream);
	const uint8_t mf[] = {0x3F, 0x00};
	const struct command cmd = {.cla = 0x80, .ins = 0xA4, .data = mf, .len = 2};
	struct response resp = RESPONSE_INIT;
	bool was_reset;

	(void)state;
	assert_non_null(ch);
	assert_int_equal(ch->atr_len, 5);
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	assert_true(was_reset);
	assert_int_equal(channel_transmit(ch, &cmd, &resp), RESULT_OK);
	assert_int_equal(resp.sw, 0x9000);
	assert_true(replay_is_over(&r));
	response_clear(&resp);
	channel_free(&ch);
	fclose(stream);
}

static void an_event_is_what_the_transport_said(void **state)
{
	static const char text[] = "= 3BB8130081\n> 80A40000\n! the card was removed\n";
	static struct replay r;
	FILE *stream = fmemopen((char *)text, sizeof text - 1, "r");
	struct channel *ch = replay_channel(&r, stream);
	const struct command cmd = {.cla = 0x80, .ins = 0xA4};
	struct response resp = RESPONSE_INIT;
	bool was_reset;

	(void)state;
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	assert_int_equal(channel_transmit(ch, &cmd, &resp), RESULT_CARD_REMOVED);
	response_clear(&resp);
	channel_free(&ch);
	fclose(stream);
}

static void no_atr_is_no_card(void **state)
{
	static const char *const texts[] = {"# nothing\n", "> 00A40000\n< 9000\n", "junk\n= 3B00\n"};
	static struct replay r;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		FILE *stream = fmemopen((char *)texts[i], strlen(texts[i]), "r");

		assert_null(replay_channel(&r, stream));
		fclose(stream);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_generation_card_answers_again),
		cmocka_unit_test(a_second_generation_card_answers_again),
		cmocka_unit_test(another_command_than_was_recorded_is_told),
		cmocka_unit_test(a_trace_that_ends_early_is_told),
		cmocka_unit_test(another_readers_lines_are_passed_over),
		cmocka_unit_test(an_event_is_what_the_transport_said),
		cmocka_unit_test(no_atr_is_no_card),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
