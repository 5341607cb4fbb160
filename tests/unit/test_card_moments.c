/*
 * One bad moment at each command of all that is read of a card, of both
 * generations: the right value or an error, never another value; and the right
 * value the next time.
 */
#include <stdio.h>
#include <string.h>

#include "faultcard.h"
#include "profiles/internal.h"

#define MOST_COMMANDS 60 /* no job here takes as many */

static struct faultcard f;

/* ---- the jobs: what was read, as bytes ---- */

static enum result do_number(struct buffer *out)
{
	char number[32];
	enum result r = card_read_number(f.card, number, sizeof number);

	return r == RESULT_OK ? buffer_append(out, number, strlen(number)) : r;
}

static enum result do_number_again(struct buffer *out)
{
	char number[32];
	enum result r = card_read_number_again(f.card, number, sizeof number);

	return r == RESULT_OK ? buffer_append(out, number, strlen(number)) : r;
}

static enum result do_token(struct buffer *out)
{
	struct token_data data;
	enum result r = card_read_token(f.card, &data);

	return r == RESULT_OK ? buffer_append(out, &data, sizeof data) : r;
}

static enum result do_directory(enum p15_class kind, struct buffer *out)
{
	struct p15_list list;
	enum result r = card_read_directory(f.card, kind, &list, out);

	if (r == RESULT_OK)
		r = buffer_append(out, &list.count, sizeof list.count);
	for (size_t i = 0; r == RESULT_OK && i < list.count; i++)
		r = buffer_append(out, list.items[i].label.data, list.items[i].label.len);
	p15_list_clear(&list);
	return r;
}

static enum result do_private_keys(struct buffer *out)
{
	return do_directory(P15_PRIVATE_KEY, out);
}

static enum result do_public_keys(struct buffer *out)
{
	return do_directory(P15_PUBLIC_KEY, out);
}

static enum result do_certificates(struct buffer *out)
{
	return do_directory(P15_CERTIFICATE, out);
}

static enum result do_data(struct buffer *out)
{
	return do_directory(P15_DATA, out);
}

static struct p15_list certificates; /* of the card, read before */

static enum result do_certificate(struct buffer *out)
{
	return card_read_object(f.card, &certificates.items[2], out);
}

static enum result do_public_key(struct buffer *out)
{
	struct rsa_public key;
	enum result r;

	memset(&key, 0, sizeof key);
	r = card_read_public_key(f.card, KEY_KEYX, &key);
	return r == RESULT_OK ? buffer_append(out, &key, sizeof key) : r;
}

struct job {
	const char *name;
	enum result (*run)(struct buffer *out);
	/*
	 * Flipped bits inside of what a file holds do not show here: a certificate
	 * and the first half of a second-generation key, which are bytes without a
	 * form. The module compares keys and certificates with each other.
	 */
	int blind_to_garble; /* 1, 2: that generation; 3: both */
};

static const struct job jobs[] = {
	{"the number", do_number, 0},
	{"the number again", do_number_again, 0},
	{"the token", do_token, 0},
	{"the private keys", do_private_keys, 0},
	{"the public keys", do_public_keys, 0},
	{"the certificates", do_certificates, 0},
	{"the data", do_data, 0},
	{"a certificate", do_certificate, 3},
	{"a public key", do_public_key, 2},
};

static bool is_like(const struct buffer *a, const struct buffer *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static bool is_blind(const struct job *job, enum moment moment)
{
	return moment == MOMENT_GARBLED && job->blind_to_garble & f.generation;
}

/* One moment at one command; false: the job is over before it. */
static bool strike(const struct job *job, enum moment moment, unsigned nth, const struct buffer *want)
{
	struct buffer got = BUFFER_INIT;
	bool struck;
	enum result r;

	faultcard_must_open(&f);
	faultcard_strike(&f, moment, ANY_INS, nth);
	r = job->run(&got);
	struck = f.counted >= nth;
	if (r == RESULT_OK && !is_like(&got, want) && !is_blind(job, moment))
		fail_msg("gen %d, %s, %s at command %u: another value", f.generation, job->name,
			 moment_name(moment), nth);
	if (!struck && r != RESULT_OK)
		fail_msg("gen %d, %s, %s at command %u: %s", f.generation, job->name,
			 moment_name(moment), nth, result_name(r));
	buffer_reset(&got);
	f.at = 0;
	faultcard_next_call(&f);
	r = job->run(&got);
	if (r != RESULT_OK || !is_like(&got, want))
		fail_msg("gen %d, %s, after %s at command %u: %s", f.generation, job->name,
			 moment_name(moment), nth, result_name(r));
	buffer_clear(&got);
	return struck;
}

static void strike_each_command(const struct job *job)
{
	struct buffer want = BUFFER_INIT;
	unsigned nth = 0;

	faultcard_must_open(&f);
	assert_int_equal(card_read_directory(f.card, P15_CERTIFICATE, &certificates, NULL), RESULT_OK);
	faultcard_next_call(&f);
	assert_int_equal(job->run(&want), RESULT_OK);
	assert_true(want.len > 10);
	for (int moment = MOMENT_NONE + 1; moment < MOMENTS; moment++) {
		for (nth = 1; strike(job, (enum moment)moment, nth, &want); nth++)
			assert_in_range(nth, 1, MOST_COMMANDS);
		assert_true(nth >= 4); /* two SELECTs and a read at least */
	}
	p15_list_clear(&certificates);
	buffer_clear(&want);
}

static void each_command_of_reading(int generation)
{
	faultcard_load(&f, generation);
	for (size_t i = 0; i < COUNT(jobs); i++)
		strike_each_command(&jobs[i]);
	faultcard_clear(&f);
}

static void each_command_of_reading_a_first_generation_card(void **state)
{
	(void)state;
	each_command_of_reading(1);
}

static void each_command_of_reading_a_second_generation_card(void **state)
{
	(void)state;
	each_command_of_reading(2);
}

/* ---- which card it is ---- */

/* Only a transport without an answer ends it; everything else is asked again at once. */
static void a_known_card_is_known_in_spite_of_one_bad_moment(void **state)
{
	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		const struct card_profile *profile;

		faultcard_load(&f, generation);
		faultcard_must_open(&f);
		profile = card_profile_of(f.card);
		for (int moment = MOMENT_NONE + 1; moment < MOMENTS; moment++) {
			for (unsigned nth = 1; nth <= 4; nth++) {
				enum result r;

				faultcard_strike(&f, (enum moment)moment, ANY_INS, nth);
				r = faultcard_open(&f);
				if (moment == MOMENT_MUTE && f.counted >= nth)
					assert_int_equal(r, RESULT_CARD_MUTE);
				else
					assert_int_equal(r, RESULT_OK);
				faultcard_must_open(&f);
				assert_ptr_equal(card_profile_of(f.card), profile);
			}
		}
		faultcard_clear(&f);
	}
}

/* A card that says the same to everything. */
struct stubborn {
	uint16_t first, then;
	unsigned until;
	unsigned commands;
};

static enum result stubborn_answer(void *context, const uint8_t *cmd, size_t len, uint8_t *answer,
				   size_t cap, size_t *answer_len)
{
	struct stubborn *s = context;
	uint16_t sw = ++s->commands <= s->until ? s->first : s->then;

	(void)cmd;
	(void)len;
	(void)cap;
	answer[0] = (uint8_t)(sw >> 8);
	answer[1] = (uint8_t)sw;
	*answer_len = 2;
	return RESULT_OK;
}

static enum result open_stubborn(struct stubborn *s)
{
	const struct card_options options = {0};
	struct card *card;
	struct wire wire;
	enum result r = card_open(wire_function(&wire, stubborn_answer, s), &options, &card);

	assert_null(card);
	assert_int_equal(wire.closes, 1);
	return r;
}

static void a_foreign_card_costs_few_commands(void **state)
{
	static const uint16_t words[] = {0x6D00, 0x6E00, 0x6A82, 0x6F00, 0x6982, 0x6700, 0x6A86, 0x6B00};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		struct stubborn s = {.then = words[i]};

		assert_int_equal(open_stubborn(&s), RESULT_UNKNOWN_CARD);
		assert_in_range(s.commands, 4, 4);
	}
}

/* Refused in two ways: nobody knows which was true, so it is not remembered. */
static void a_card_that_changes_its_mind_is_not_unknown(void **state)
{
	(void)state;
	for (unsigned until = 1; until <= 3; until++) {
		struct stubborn s = {.first = 0x6F00, .then = 0x6A82, .until = until};
		enum result r = open_stubborn(&s);

		assert_int_equal(r, RESULT_CARD_REFUSED);
		assert_in_range(s.commands, 4, 4);
	}
}

/* ---- the number ---- */

static void put_number(const char *number)
{
	assert_true(vcard_file_put(f.vcard, f.generation == 1 ? "3F00/0900/0903" : "7FFF/0900/0903",
				   (const uint8_t *)number, strlen(number)));
}

/* Not sixteen letters and digits, but the same each time: so it is. */
static void a_strange_number_is_believed_when_it_stays(void **state)
{
	static const char *const numbers[] = {"TP1234", "TP 0724-0513/19 ", "TP12345678901   ", "x"};

	(void)state;
	faultcard_load(&f, 1);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		char number[32], want[32];

		snprintf(want, sizeof want, "%s", numbers[i]);
		for (size_t n = strlen(want); n && want[n - 1] == ' '; n--)
			want[n - 1] = '\0';
		put_number(numbers[i]);
		faultcard_must_open(&f);
		assert_int_equal(card_read_number(f.card, number, sizeof number), RESULT_OK);
		assert_string_equal(number, want);
		assert_in_range(f.wire.commands, 8, 4 + 5 + 5);
	}
	faultcard_clear(&f);
}

static void the_number_is_read_again_when_it_is_asked_for(void **state)
{
	char number[32];
	unsigned before;

	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		faultcard_load(&f, generation);
		faultcard_must_open(&f);
		assert_int_equal(card_read_number(f.card, number, sizeof number), RESULT_OK);
		assert_string_equal(number, vcard_card_number(f.vcard));
		put_number("TP99999999999999");
		before = f.wire.commands;
		assert_int_equal(card_read_number(f.card, number, sizeof number), RESULT_OK);
		assert_string_not_equal(number, "TP99999999999999"); /* what is remembered */
		assert_int_equal(f.wire.commands, before);
		assert_int_equal(card_read_number_again(f.card, number, sizeof number), RESULT_OK);
		assert_string_equal(number, "TP99999999999999");
		assert_int_equal(f.wire.commands, before + 4);
		assert_int_equal(card_read_number(f.card, number, sizeof number), RESULT_OK);
		assert_string_equal(number, "TP99999999999999");
		faultcard_clear(&f);
	}
}

/* TokenInfo repeats the number; if they differ for good, EF 0903 was read twice and is right. */
static void a_number_that_token_info_does_not_repeat_is_read_twice(void **state)
{
	struct token_data data;
	unsigned before;

	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		faultcard_load(&f, generation);
		put_number("TP99999999999999");
		faultcard_must_open(&f);
		before = f.sent[0xB0];
		assert_int_equal(card_read_token(f.card, &data), RESULT_OK);
		assert_string_equal(data.serial, "TP99999999999999");
		assert_string_equal(data.label, "HiCOS PKI Smart Card");
		assert_int_equal(f.sent[0xB0] - before, generation == 1 ? 3 : 4);
		faultcard_clear(&f);
	}
}

/* Sixteen characters, but others each time: this one, or one of the nine that follow. */
static int first_character;

static enum result other_characters(void *context, const uint8_t *cmd, size_t len, uint8_t *answer,
				size_t cap, size_t *answer_len)
{
	static unsigned times;
	enum result r = vcard_transmit(f.vcard, cmd, len, answer, cap, answer_len) == VCARD_ANSWERED
				? RESULT_OK
				: RESULT_CARD_MUTE;

	(void)context;
	if (cmd[1] == 0xB0 && cmd[4] == 16) {
		memset(answer, first_character + (int)(times % 10), 16);
		times++;
	}
	return r;
}

static void a_number_that_is_another_each_time_is_an_error(void **state)
{
	const struct card_options options = {0};
	struct token_data data;
	struct card *card;
	struct wire wire;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		first_character = i ? '0' : 0x01; /* a number may have digits, and no control characters */
		faultcard_load(&f, 1);
		vcard_power_on(f.vcard);
		assert_int_equal(card_open(wire_function(&wire, other_characters, NULL), &options, &card),
				 RESULT_OK);
		assert_int_equal(card_read_number(card, data.serial, sizeof data.serial),
				 i ? RESULT_OK : RESULT_BAD_DATA);
		assert_int_equal(card_read_number(card, data.serial, sizeof data.serial),
				 i ? RESULT_OK : RESULT_BAD_DATA); /* nothing was kept */
		assert_int_equal(card_read_token(card, &data), RESULT_BAD_DATA);
		card_free(&card);
		faultcard_clear(&f);
	}
}

/* ---- TokenInfo ---- */

static void a_token_info_that_is_none_costs_the_names_only(void **state)
{
	static const char *const contents[] = {"\x31\x02\x05", "none", "\x30"};
	struct token_data data;

	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		faultcard_load(&f, generation);
		for (size_t i = 0; i < COUNT(contents); i++) {
			assert_true(vcard_file_put(f.vcard, generation == 1 ? "3F00/5030/5032" : "7FFF/5030/5032",
						   (const uint8_t *)contents[i], strlen(contents[i])));
			memset(&data, 0, sizeof data);
			faultcard_must_open(&f);
			assert_int_equal(card_read_token(f.card, &data), RESULT_OK);
			assert_string_equal(data.label, "HiCOS PKI Smart Card");
			assert_string_equal(data.manufacturer, "Chunghwa TeleCom Co., Ltd.");
			assert_string_equal(data.serial, vcard_card_number(f.vcard));
		}
		faultcard_clear(&f);
	}
}

static void control_characters_in_a_label_are_blanks(void **state)
{
	static const uint8_t der[] = "\x30\x10\x02\x01\x00\x04\x01X\x80\x08" "\x02\x1F" "b\x01" "c d!";
	struct token_data data;

	(void)state;
	faultcard_load(&f, 1);
	assert_true(vcard_file_put(f.vcard, "3F00/5030/5032", der, sizeof der - 1));
	memset(&data, 0, sizeof data);
	faultcard_must_open(&f);
	assert_int_equal(card_read_token(f.card, &data), RESULT_OK);
	assert_string_equal(data.label, "  b c d!");
	faultcard_clear(&f);
}

/* Whatever was being read: a card that is gone has no names, and is not asked again. */
static void a_card_that_goes_while_its_token_is_read_is_told(void **state)
{
	struct token_data data;

	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		faultcard_load(&f, generation);
		for (unsigned nth = 1;; nth++) {
			unsigned before;
			enum result r;

			faultcard_must_open(&f);
			faultcard_strike(&f, MOMENT_MUTE, ANY_INS, nth);
			before = f.wire.commands;
			r = card_read_token(f.card, &data);
			if (f.counted < nth) {
				assert_int_equal(r, RESULT_OK);
				assert_true(nth > 6);
				break;
			}
			assert_int_equal(r, RESULT_CARD_MUTE);
			assert_int_equal(f.wire.commands - before, nth);
		}
		faultcard_clear(&f);
	}
}

/* ---- a SELECT that did nothing ---- */

/* The CDF is selected, and its bytes would be the certificate's. */
static void the_file_of_before_is_not_read_in_place_of_another(void **state)
{
	struct buffer want = BUFFER_INIT, got = BUFFER_INIT;
	struct p15_list list;

	(void)state;
	faultcard_load(&f, 2);
	faultcard_must_open(&f);
	assert_int_equal(card_read_directory(f.card, P15_CERTIFICATE, &list, NULL), RESULT_OK);
	assert_int_equal(card_read_object(f.card, &list.items[0], &want), RESULT_OK);
	p15_list_clear(&list);
	faultcard_must_open(&f);
	assert_int_equal(card_read_directory(f.card, P15_CERTIFICATE, &list, NULL), RESULT_OK);
	faultcard_strike(&f, MOMENT_IDLE_6282, 0xA4, 1);
	assert_int_equal(card_read_object(f.card, &list.items[0], &got), RESULT_OK);
	assert_int_equal(f.counted, 2);
	assert_true(is_like(&got, &want));
	p15_list_clear(&list);
	buffer_clear(&want);
	buffer_clear(&got);
	faultcard_clear(&f);
}

/* Every SELECT of a file is answered so. */
static enum result warning(void *context, const uint8_t *cmd, size_t len, uint8_t *answer,
			   size_t cap, size_t *answer_len)
{
	unsigned *selects = context;
	enum vcard_result r = vcard_transmit(f.vcard, cmd, len, answer, cap, answer_len);

	if (cmd[1] == 0xA4 && cmd[2] == 0x00 && *answer_len >= 2 && answer[*answer_len - 2] == 0x90) {
		memcpy(answer, "\x62\x83", 2);
		*answer_len = 2;
		++*selects;
	}
	return r == VCARD_ANSWERED ? RESULT_OK : RESULT_CARD_MUTE;
}

static void a_card_that_always_warns_is_asked_twice_once(void **state)
{
	const struct card_options options = {0};
	unsigned selects = 0;
	struct card *card;
	struct wire wire;

	(void)state;
	faultcard_load(&f, 2);
	vcard_power_on(f.vcard);
	assert_int_equal(card_open(wire_function(&wire, warning, &selects), &options, &card), RESULT_OK);
	for (int kind = 0; kind < P15_CLASSES; kind++) {
		struct p15_list list;

		assert_int_equal(card_read_directory(card, (enum p15_class)kind, &list, NULL), RESULT_OK);
		assert_true(list.count >= 2);
		p15_list_clear(&list);
	}
	assert_int_equal(selects, 1 + 4 + 1); /* the application, four files, and one again */
	card_free(&card);
	faultcard_clear(&f);
}

/* ---- what is so for good ---- */

static void a_missing_directory_has_no_records(void **state)
{
	struct p15_list list;

	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		faultcard_load(&f, generation);
		assert_true(vcard_file_delete(f.vcard, generation == 1 ? "3F00/5030/4101"
								       : "7FFF/5030/4101"));
		faultcard_must_open(&f);
		assert_int_equal(card_read_directory(f.card, P15_PUBLIC_KEY, &list, NULL), RESULT_OK);
		assert_int_equal(list.count, 0);
		assert_true(vcard_file_delete(f.vcard, generation == 1 ? "3F00/5030" : "7FFF/5030"));
		faultcard_next_call(&f);
		assert_int_equal(card_read_directory(f.card, P15_PUBLIC_KEY, &list, NULL),
				 RESULT_CARD_REFUSED); /* the application is not there: no directory */
		assert_int_equal(list.count, 0);
		faultcard_clear(&f);
	}
}

/* Torn, or with a record of another tag: so it came once, and is read again at once. */
static void a_directory_that_changed_on_its_way_is_right_in_the_same_call(void **state)
{
	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		faultcard_load(&f, generation);
		for (int kind = 0; kind < P15_CLASSES; kind++) {
			for (int flip = 0; flip < 2; flip++) {
				struct buffer want = BUFFER_INIT, got = BUFFER_INIT;

				faultcard_must_open(&f);
				assert_int_equal(do_directory((enum p15_class)kind, &want), RESULT_OK);
				faultcard_next_call(&f);
				faultcard_strike(&f, flip ? MOMENT_NONE : MOMENT_GARBLED, 0xB0, 1);
				f.flip = flip;
				assert_int_equal(do_directory((enum p15_class)kind, &got), RESULT_OK);
				assert_true(is_like(&got, &want));
				buffer_clear(&want);
				buffer_clear(&got);
			}
		}
		faultcard_clear(&f);
	}
}

static void a_directory_with_a_strange_record_is_read_twice_and_shown(void **state)
{
	static const char path[] = "3F00/5030/4101";
	struct p15_list list;
	const uint8_t *data;
	uint8_t copy[4096];
	size_t len;

	(void)state;
	faultcard_load(&f, 1);
	assert_true(vcard_file_get(f.vcard, path, &data, &len));
	assert_true(len <= sizeof copy);
	memcpy(copy, data, len);
	copy[0] = 0x31; /* the first record is no SEQUENCE */
	assert_true(vcard_file_put(f.vcard, path, copy, len));
	faultcard_must_open(&f);
	assert_int_equal(card_read_directory(f.card, P15_PUBLIC_KEY, &list, NULL), RESULT_OK);
	assert_int_equal(list.count, 2);
	p15_list_clear(&list);
	faultcard_clear(&f);
}

static void a_key_that_is_none_is_bad_data(void **state)
{
	static const char path[] = "3F00/5030/0810/0811";
	struct rsa_public key;
	const uint8_t *data;
	uint8_t copy[8192];
	size_t len;

	(void)state;
	faultcard_load(&f, 1);
	assert_true(vcard_file_get(f.vcard, path, &data, &len));
	assert_true(len <= sizeof copy);
	memcpy(copy, data, len);
	for (size_t at = 0; at + 129 <= len; at += 129) /* exponents of 1 */
		if (memcmp(copy + at + 1, "\0\1\0\1", 4) == 0)
			memcpy(copy + at + 1, "\0\0\0\1", 4);
	assert_true(vcard_file_put(f.vcard, path, copy, len));
	faultcard_must_open(&f);
	assert_int_equal(card_read_public_key(f.card, KEY_SIGN, &key), RESULT_BAD_DATA);
	assert_int_equal(f.sent[0xB2], 6); /* once more, and no further */
	faultcard_clear(&f);
}

/* "There is none" is remembered by who hears it, and costs the check of what the key gives. */
static void a_key_is_missing_when_the_card_says_so_three_times(void **state)
{
	static const uint16_t words[] = {0x6A82, 0x6A83, 0x6A88};
	struct rsa_public want, got;

	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		faultcard_load(&f, generation);
		faultcard_must_open(&f);
		assert_int_equal(card_read_public_key(f.card, KEY_SIGN, &want), RESULT_OK);
		for (size_t i = 0; i < COUNT(words); i++) {
			for (unsigned more = 0; more < 3; more++) {
				faultcard_must_open(&f);
				faultcard_strike(&f, MOMENT_NONE, 0xB2, 1);
				f.sw = words[i];
				f.more = more;
				memset(&got, 0, sizeof got);
				assert_int_equal(card_read_public_key(f.card, KEY_SIGN, &got),
						 more < 2 ? RESULT_OK : RESULT_NOT_FOUND);
				if (more < 2)
					assert_memory_equal(got.modulus, want.modulus, sizeof want.modulus);
				else
					assert_int_equal(f.counted, 3); /* and no further */
			}
		}
		faultcard_clear(&f);
	}
}

/* ---- a budget that ends ---- */

static void set_budget(unsigned commands)
{
	channel_set_budget(f.card->channel, commands, CHANNEL_BUDGET_MS);
}

/* It is told as what it is, whatever was going on, and the next call has a new one. */
static void a_budget_that_ends_anywhere_is_told(void **state)
{
	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		faultcard_load(&f, generation);
		faultcard_must_open(&f);
		assert_int_equal(card_read_directory(f.card, P15_CERTIFICATE, &certificates, NULL),
				 RESULT_OK);
		for (size_t i = 0; i < COUNT(jobs); i++) {
			enum result r = RESULT_BUDGET;

			for (unsigned n = 0; r == RESULT_BUDGET; n++) {
				struct buffer out = BUFFER_INIT;

				assert_in_range(n, 0, MOST_COMMANDS);
				faultcard_must_open(&f);
				set_budget(n);
				r = jobs[i].run(&out);
				assert_true(r == RESULT_BUDGET || (r == RESULT_OK && n >= 4));
				buffer_reset(&out);
				set_budget(CHANNEL_BUDGET_COMMANDS);
				faultcard_next_call(&f);
				assert_int_equal(jobs[i].run(&out), RESULT_OK);
				buffer_clear(&out);
			}
		}
		p15_list_clear(&certificates);
		faultcard_clear(&f);
	}
}

/* No second VERIFY, and not every key set is tried. */
static void a_budget_that_ends_in_a_login_is_told(void **state)
{
	(void)state;
	for (int generation = 1; generation <= 2; generation++) {
		enum result r = RESULT_BUDGET;

		faultcard_load(&f, generation);
		for (unsigned n = 0; r == RESULT_BUDGET; n++) {
			unsigned before;
			int tries;

			assert_in_range(n, 0, MOST_COMMANDS);
			faultcard_must_open(&f);
			set_budget(n);
			before = f.wire.commands;
			r = card_verify_pin(f.card, (const uint8_t *)PIN, 6, &tries);
			assert_true(r == RESULT_BUDGET || r == RESULT_OK);
			assert_int_equal(f.wire.commands - before, n);
			assert_int_equal(vcard_tries_left(f.vcard), 3);
		}
		faultcard_clear(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_command_of_reading_a_first_generation_card),
		cmocka_unit_test(each_command_of_reading_a_second_generation_card),
		cmocka_unit_test(a_known_card_is_known_in_spite_of_one_bad_moment),
		cmocka_unit_test(a_foreign_card_costs_few_commands),
		cmocka_unit_test(a_card_that_changes_its_mind_is_not_unknown),
		cmocka_unit_test(a_strange_number_is_believed_when_it_stays),
		cmocka_unit_test(the_number_is_read_again_when_it_is_asked_for),
		cmocka_unit_test(a_number_that_token_info_does_not_repeat_is_read_twice),
		cmocka_unit_test(a_number_that_is_another_each_time_is_an_error),
		cmocka_unit_test(a_token_info_that_is_none_costs_the_names_only),
		cmocka_unit_test(control_characters_in_a_label_are_blanks),
		cmocka_unit_test(a_card_that_goes_while_its_token_is_read_is_told),
		cmocka_unit_test(the_file_of_before_is_not_read_in_place_of_another),
		cmocka_unit_test(a_card_that_always_warns_is_asked_twice_once),
		cmocka_unit_test(a_missing_directory_has_no_records),
		cmocka_unit_test(a_directory_that_changed_on_its_way_is_right_in_the_same_call),
		cmocka_unit_test(a_directory_with_a_strange_record_is_read_twice_and_shown),
		cmocka_unit_test(a_key_that_is_none_is_bad_data),
		cmocka_unit_test(a_key_is_missing_when_the_card_says_so_three_times),
		cmocka_unit_test(a_budget_that_ends_anywhere_is_told),
		cmocka_unit_test(a_budget_that_ends_in_a_login_is_told),
	};

	return cmocka_run_group_tests_name("one bad moment", tests, NULL, NULL);
}
