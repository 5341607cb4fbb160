#include "config.h"

#include <stdio.h>
#include <string.h>

#include "apdu/log.h"
#include "profiles/internal.h"

#define NUMBER_SIZE 16 /* facts: gen 1, file system: card number in ASCII */

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

enum result token_info_read_number(struct card *card, char *out, size_t size)
{
	enum result r = RESULT_OK;

	if (!card->number.len)
		r = token_info_card_file(card, FID_CARD_NUMBER, NUMBER_SIZE, &card->number);
	if (r == RESULT_OK)
		copy_trimmed(&card->number, out, size);
	else
		buffer_clear(&card->number);
	return r;
}

static enum result read_names(struct card *card, struct token_data *out)
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
	}
	if (r == RESULT_OK && !out->serial[0])
		copy_trimmed(&info.serial, out->serial, sizeof out->serial);
	p15_token_info_clear(&info);
	buffer_clear(&der);
	return r;
}

/* True for what concerns this file only, not the card or the way to it. */
static bool is_about_file(enum result r)
{
	return r == RESULT_BAD_DATA || result_is_refusal(r);
}

enum result token_info_read(struct card *card, struct token_data *out)
{
	enum result r = token_info_read_number(card, out->serial, sizeof out->serial);

	if (r != RESULT_OK && !is_about_file(r))
		return r;
	r = read_names(card, out);
	if (r != RESULT_OK && is_about_file(r)) {
		log_line(LOG_INFO, "TokenInfo: %s: the usual names are shown", result_text(r));
		r = RESULT_OK;
	}
	if (!out->label[0])
		snprintf(out->label, sizeof out->label, "%s", usual_label);
	if (!out->manufacturer[0])
		snprintf(out->manufacturer, sizeof out->manufacturer, "%s", usual_manufacturer);
	return r;
}
