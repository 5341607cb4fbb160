#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "apdu/log.h"
#include "profiles/internal.h"

#define DIRECTORY_FID(tag) (FID_DIRECTORIES + (tag))

/* The ODF's context tags (7816-15, 8.3); the file of a kind is named after them. */
static const uint16_t directory_fid[P15_CLASSES] = {
	[P15_PRIVATE_KEY] = DIRECTORY_FID(0),
	[P15_PUBLIC_KEY] = DIRECTORY_FID(1),
	[P15_CERTIFICATE] = DIRECTORY_FID(4),
	[P15_DATA] = DIRECTORY_FID(7),
};

static enum result refuse_unbuilt(const struct card *card, enum card_op op, enum provenance mark)
{
	bool unproven = card_op_changes_card(op) && mark != OBSERVED;

	log_line(LOG_ERROR, "%s: %s is not supported: its form is %s%s", card->profile->name,
		 card_op_name(op), provenance_name(mark),
		 unproven ? ", and what changes a card is not tried" : "");
	return unproven && !card->options.allow_unproven ? RESULT_UNPROVEN : RESULT_NOT_SUPPORTED;
}

/*
 * The one place where an operation is refused: not built, or it would change
 * the card and was never seen on a real one.
 */
static enum result allow(const struct card *card, enum card_op op, bool built)
{
	enum provenance mark = card->profile->marks[op];

	if (!built)
		return refuse_unbuilt(card, op, mark);
	if (card_op_changes_card(op) && mark != OBSERVED && !card->options.allow_unproven) {
		log_line(LOG_ERROR,
			 "%s: %s refused: it changes the card and its form is %s, not observed on a "
			 "real card (allow-unproven = yes lets it through)",
			 card->profile->name, card_op_name(op), provenance_name(mark));
		return RESULT_UNPROVEN;
	}
	return RESULT_OK;
}

enum result card_refuse(const struct card *card, enum card_op op)
{
	return allow(card, op, false);
}

static void card_forget(struct card *card)
{
	files_forget(card);
	buffer_clear(&card->number);
	card->at_keys = false;
	if (card->profile && card->profile->forget)
		card->profile->forget(card);
}

static enum result try_profile(struct card *card, const struct card_profile *profile)
{
	enum result r;

	card->profile = profile;
	card->known = false;
	card->channel->get_response_cla = profile->get_response_cla;
	r = profile->probe(card);
	if (r == RESULT_OK) {
		log_line(LOG_INFO, "%s: %s (%s)", card->channel->name, profile->name, profile->cards);
		return RESULT_OK;
	}
	if (profile->release)
		profile->release(card);
	card->profile = NULL;
	return r;
}

/* Hinted profiles first, then the others, each at most once. */
static enum result find_profile(struct card *card)
{
	struct channel *ch = card->channel;

	for (int hinted = 1; hinted >= 0; hinted--) {
		for (size_t i = 0; card_profiles[i]; i++) {
			const struct card_profile *p = card_profiles[i];
			enum result r;

			if (p->atr_hint(ch->atr, ch->atr_len) != (bool)hinted)
				continue;
			r = try_profile(card, p);
			if (r != RESULT_UNKNOWN_CARD)
				return r;
		}
	}
	log_line(LOG_ERROR, "%s: no profile knows this card", ch->name);
	return RESULT_UNKNOWN_CARD;
}

enum result card_open(struct channel *ch, const struct card_options *options, struct card **out)
{
	struct card *card = calloc(1, sizeof *card);
	bool was_reset;
	enum result r;

	*out = NULL;
	if (!card) {
		channel_free(&ch);
		return RESULT_NO_MEMORY;
	}
	card->channel = ch;
	card->options = *options;
	card->read_size = atr_read_size(ch->atr, ch->atr_len);
	r = channel_begin(ch, &was_reset);
	if (r == RESULT_OK)
		r = find_profile(card);
	if (r != RESULT_OK) {
		card_free(&card);
		return r;
	}
	*out = card;
	return RESULT_OK;
}

void card_free(struct card **card)
{
	if (!*card)
		return;
	if ((*card)->profile && (*card)->profile->release)
		(*card)->profile->release(*card);
	buffer_clear(&(*card)->number);
	channel_free(&(*card)->channel);
	free(*card);
	*card = NULL;
}

const struct card_profile *card_profile_of(const struct card *card)
{
	return card->profile;
}

enum result card_begin(struct card *card, bool *was_reset)
{
	enum result r = channel_begin(card->channel, was_reset);

	files_forget(card);
	if (*was_reset)
		card_forget(card);
	return r;
}

enum result card_end(struct card *card, bool reset)
{
	enum result r = channel_end(card->channel, reset);

	files_forget(card);
	if (reset)
		card_forget(card);
	return r;
}

enum result card_reset_now(struct card *card)
{
	return channel_reset_now(card->channel);
}

enum result card_read_token(struct card *card, struct token_data *out)
{
	enum result r = allow(card, OP_READ_TOKEN, card->profile->read_token);

	memset(out, 0, sizeof *out);
	return r == RESULT_OK ? card->profile->read_token(card, out) : r;
}

enum result card_read_number(struct card *card, char *out, size_t size)
{
	enum result r = allow(card, OP_READ_TOKEN, true);

	return r == RESULT_OK ? token_info_read_number(card, out, size) : r;
}

enum result card_read_number_again(struct card *card, char *out, size_t size)
{
	buffer_clear(&card->number);
	return card_read_number(card, out, size);
}

bool card_can_login(const struct card *card)
{
	return !card->profile->can_login || card->profile->can_login(card);
}

enum result card_read_directory(struct card *card, enum p15_class kind, struct p15_list *out,
				struct buffer *raw)
{
	const struct card_path path = {2, {FID_PKI, directory_fid[kind]}};
	struct buffer content = BUFFER_INIT;
	char text[PATH_TEXT];
	enum result r = allow(card, OP_READ_DIRECTORY, true);

	*out = (struct p15_list){NULL, 0};
	if (r == RESULT_OK)
		r = files_read_directory(card, &path, &content);
	if (r == RESULT_NOT_FOUND) {
		log_line(LOG_INFO, "%s: not on this card", path_text(&path, text));
		r = RESULT_OK;
	} else if (r == RESULT_OK) {
		r = p15_parse(kind, content.data, content.len, out);
		if (r == RESULT_OK && raw)
			r = buffer_append(raw, content.data, content.len);
		if (r != RESULT_OK)
			p15_list_clear(out);
	}
	if (r != RESULT_OK)
		log_line(LOG_ERROR, "%s: %s", path_text(&path, text), result_text(r));
	buffer_clear(&content);
	return r;
}

enum result card_read_object(struct card *card, const struct p15_object *object, struct buffer *out)
{
	enum result r = allow(card, OP_READ_FILE, true);

	if (r != RESULT_OK)
		return r;
	if (!object->has_path)
		return RESULT_NOT_FOUND;
	if (object->has_range)
		return files_read(card, &object->path, object->offset, object->length, out);
	return files_read_object(card, &object->path, out);
}

enum result card_read_public_key(struct card *card, unsigned key_ref, struct rsa_public *out)
{
	enum result r = allow(card, OP_READ_PUBLIC_KEY, card->profile->read_public_key);

	return r == RESULT_OK ? card->profile->read_public_key(card, key_ref, out) : r;
}

void card_pin_limits(const struct card *card, size_t *min, size_t *max, int *tries)
{
	*min = card->profile->pin_min;
	*max = card->profile->pin_max;
	*tries = card->profile->pin_tries;
}

enum result card_verify_pin(struct card *card, const uint8_t *pin, size_t len, int *tries)
{
	enum result r = allow(card, OP_VERIFY_PIN, card->profile->verify_pin);

	*tries = -1;
	if (r != RESULT_OK)
		return r;
	if (len < card->profile->pin_min || len > card->profile->pin_max)
		return RESULT_PIN_LENGTH;
	r = card->profile->verify_pin(card, pin, len, tries);
	if (*tries >= 0)
		log_line(LOG_ERROR, "%s: verify PIN: %s, %d tries left", card->channel->name,
			 result_text(r), *tries);
	else
		log_line(r == RESULT_OK ? LOG_INFO : LOG_ERROR, "%s: verify PIN: %s",
			 card->channel->name, result_text(r));
	return r;
}

enum result card_private_op(struct card *card, unsigned key_ref,
			    const uint8_t in[CARD_MODULUS_SIZE], uint8_t out[CARD_MODULUS_SIZE])
{
	enum result r = allow(card, OP_PRIVATE_OP, card->profile->private_op);

	return r == RESULT_OK ? card->profile->private_op(card, key_ref, in, out) : r;
}

bool card_reads_keys_freely(const struct card *card)
{
	return card->profile->keys_readable_any_time;
}

bool card_wants_pin_again(const struct card *card)
{
	return card->profile->wants_pin_again && card->profile->wants_pin_again(card);
}
