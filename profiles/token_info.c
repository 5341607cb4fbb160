#include "config.h"

#include <stdio.h>
#include <string.h>

#include "apdu/log.h"
#include "profiles/internal.h"

#define NUMBER_SIZE 16 /* facts: gen 1, file system: card number in ASCII */
#define NAMES_ROUNDS 3 /* two of three */

/* facts: what the official module shows */
static const char usual_label[] = "HiCOS PKI Smart Card";
static const char usual_manufacturer[] = "Chunghwa TeleCom Co., Ltd.";

/* Copies text without trailing blanks, tabs and NULs, cut at a whole UTF-8 character. */
static void copy_trimmed(const struct buffer *from, char *to, size_t cap)
{
	size_t len = from->len;

	while (len && strchr(" \t", from->data[len - 1])) /* also finds NUL */
		len--;
	if (len >= cap) {
		len = cap - 1;
		while (len && (from->data[len] & 0xC0) == 0x80)
			len--;
	}
	if (len)
		memcpy(to, from->data, len);
	to[len] = '\0';
	for (size_t i = 0; i < len; i++) /* a NUL or a control character in the middle */
		if ((unsigned char)to[i] < 0x20)
			to[i] = ' ';
}

enum result token_info_card_file(struct card *card, uint16_t fid, unsigned want, struct buffer *out)
{
	const struct card_path path = {2, {FID_CARD_DATA, fid}};

	return files_read_start(card, &path, want, out);
}

/* True for what concerns this file only, not the card or the way to it. */
static bool is_about_file(enum result r)
{
	return r == RESULT_BAD_DATA || result_is_refusal(r);
}

static bool is_same(const struct buffer *a, const struct buffer *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

enum result token_info_believed_file(struct card *card, uint16_t fid, unsigned want,
				     looks_right *is_right, struct buffer *out)
{
	struct buffer first = BUFFER_INIT;
	enum result r = token_info_card_file(card, fid, want, &first), once = r;
	bool believed = r == RESULT_OK && is_right(&first);

	if (believed || (r != RESULT_OK && !is_about_file(r))) {
		buffer_move(out, &first);
		return r;
	}
	log_line(LOG_INFO, "file %04X: %s: once more", fid,
		 r == RESULT_OK ? "not what it should hold" : result_text(r));
	files_forget(card); /* the whole way: perhaps another file was selected */
	buffer_reset(out);
	r = token_info_card_file(card, fid, want, out);
	if (r == RESULT_OK)
		believed = is_right(out) || (once == RESULT_OK && is_same(&first, out));
	else
		believed = r == once || !is_about_file(r);
	buffer_clear(&first);
	return believed ? r : RESULT_BAD_DATA;
}

/* facts: gen 1, file system: sixteen characters; seen are two letters and fourteen digits */
static bool is_number(const struct buffer *content)
{
	static const char characters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "abcdefghijklmnopqrstuvwxyz";

	for (size_t i = 0; i < content->len; i++)
		if (!memchr(characters, content->data[i], sizeof characters - 1))
			return false;
	return content->len == NUMBER_SIZE;
}

enum result token_info_read_number(struct card *card, bool again, char *out, size_t size)
{
	enum result r = RESULT_OK;

	if (again) {
		buffer_clear(&card->number);
		files_forget(card);
	}
	if (!card->number.len)
		r = token_info_believed_file(card, FID_CARD_NUMBER, NUMBER_SIZE, is_number,
					     &card->number);
	if (r == RESULT_OK)
		copy_trimmed(&card->number, out, size);
	else
		buffer_clear(&card->number);
	return r;
}

/* Label and manufacturer to out, the number that the file repeats to serial. */
static enum result read_names(struct card *card, struct token_data *out,
			      char serial[sizeof out->serial])
{
	const struct card_path path = {2, {FID_PKI, FID_TOKEN_INFO}};
	struct p15_token_info info = {BUFFER_INIT, BUFFER_INIT, BUFFER_INIT};
	struct buffer der = BUFFER_INIT;
	enum result r;

	r = files_read_object(card, &path, &der);
	if (r == RESULT_OK)
		r = p15_parse_token_info(der.data, der.len, &info);
	if (r == RESULT_OK) {
		copy_trimmed(&info.label, out->label, sizeof out->label);
		copy_trimmed(&info.manufacturer, out->manufacturer, sizeof out->manufacturer);
		copy_trimmed(&info.serial, serial, sizeof out->serial);
	}
	p15_token_info_clear(&info);
	buffer_clear(&der);
	return r;
}

static bool has_names(const struct token_data *t, const char *label, const char *manufacturer)
{
	return strcmp(t->label, label) == 0 && strcmp(t->manufacturer, manufacturer) == 0;
}

/*
 * What cannot be read is asked for once more; so are names that no card that
 * was seen has: they are believed when they come twice. RESULT_BAD_ANSWER: they
 * are others each time.
 */
static enum result read_believed_names(struct card *card, struct token_data *out,
				       char serial[sizeof out->serial])
{
	enum result r = read_names(card, out, serial), first = r;

	if (r == RESULT_OK ? has_names(out, usual_label, usual_manufacturer) : !is_about_file(r))
		return r;
	for (int round = 1; round < NAMES_ROUNDS; round++) {
		struct token_data before = *out;

		files_forget(card); /* the whole way: perhaps another file was selected */
		r = read_names(card, out, serial);
		if (r != RESULT_OK || first != RESULT_OK ||
		    has_names(out, usual_label, usual_manufacturer) ||
		    has_names(out, before.label, before.manufacturer))
			return r;
	}
	return RESULT_BAD_ANSWER;
}

/* The number in EF 0903 and the one in TokenInfo differ: what was read twice is right. */
static enum result settle_number(struct card *card, const char *repeated, struct token_data *out)
{
	char before[sizeof out->serial];
	enum result r;

	memcpy(before, out->serial, sizeof before);
	r = token_info_read_number(card, true, out->serial, sizeof out->serial);
	if (r != RESULT_OK || strcmp(out->serial, before) == 0)
		return r;
	if (strcmp(out->serial, repeated) == 0)
		return RESULT_OK;
	log_line(LOG_ERROR, "the card's number is another each time it is read");
	buffer_clear(&card->number);
	return RESULT_BAD_DATA;
}

/* The usual names, and the number as TokenInfo has it, where nothing better is known. */
static void fill_in(struct token_data *out, const char *repeated)
{
	if (!out->label[0])
		snprintf(out->label, sizeof out->label, "%s", usual_label);
	if (!out->manufacturer[0])
		snprintf(out->manufacturer, sizeof out->manufacturer, "%s", usual_manufacturer);
	if (!out->serial[0])
		snprintf(out->serial, sizeof out->serial, "%s", repeated);
}

enum result token_info_read(struct card *card, struct token_data *out)
{
	enum result r = token_info_read_number(card, false, out->serial, sizeof out->serial);
	char repeated[sizeof out->serial] = "";

	if (r != RESULT_OK && !result_is_refusal(r))
		return r;
	r = read_believed_names(card, out, repeated);
	if (r != RESULT_OK && is_about_file(r)) {
		log_line(LOG_INFO, "TokenInfo: %s: the usual names are shown", result_text(r));
		r = RESULT_OK;
	}
	if (r == RESULT_OK && repeated[0] && out->serial[0] && strcmp(repeated, out->serial) != 0)
		r = settle_number(card, repeated, out);
	fill_in(out, repeated);
	return r;
}
