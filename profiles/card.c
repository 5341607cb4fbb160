#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "apdu/log.h"
#include "profiles/internal.h"

#define DIRECTORY_FID(tag) (FID_DIRECTORIES + (tag))
#define PROFILES_MAX 16
#define EXPONENT_LEAST 3

/* The ODF's context tags (7816-15, 8.3); the file of a kind is named after them. */
static const uint16_t directory_fid[P15_CLASSES] = {
	[P15_PRIVATE_KEY] = DIRECTORY_FID(0),
	[P15_PUBLIC_KEY] = DIRECTORY_FID(1),
	[P15_CERTIFICATE] = DIRECTORY_FID(4),
	[P15_DATA] = DIRECTORY_FID(7),
};

/* Has the profile a form for it? */
static bool is_built(const struct card_profile *profile, enum card_op op)
{
	switch (op) {
	case OP_PROBE:
		return profile->probe;
	case OP_READ_TOKEN:
		return profile->read_token;
	case OP_READ_DIRECTORY:
	case OP_READ_FILE:
		return profile->select_root && profile->select_child;
	case OP_READ_PUBLIC_KEY:
		return profile->read_public_key;
	case OP_VERIFY_PIN:
		return profile->verify_pin;
	case OP_PRIVATE_OP:
		return profile->private_op;
	case OP_CHANGE_PIN:
		return profile->change_pin;
	case OP_UNBLOCK_PIN:
		return profile->unblock_pin;
	case OP_CHALLENGE:
		return profile->get_challenge;
	case OP_AUTHENTICATE_ISSUER:
		return profile->authenticate_issuer;
	case OP_WRITE_FILE:
		return profile->update_binary;
	case OP_CREATE_FILE:
		return profile->create_file;
	case OP_DELETE_FILE:
		return profile->delete_file;
	default:
		return false;
	}
}

/* The rule about what changes a card. */
static bool is_unproven(const struct card_profile *profile, enum card_op op)
{
	return card_op_changes_card(op) && profile->marks[op] != OBSERVED;
}

static enum result refuse_unbuilt(const struct card *card, enum card_op op)
{
	bool unproven = is_unproven(card->profile, op);

	log_line(LOG_ERROR, "%s: %s is not supported: its form is %s%s", card->profile->name,
		 card_op_name(op), provenance_name(card->profile->marks[op]),
		 unproven ? ", and what changes a card is not tried" : "");
	return unproven && !card->options.allow_unproven ? RESULT_UNPROVEN : RESULT_NOT_SUPPORTED;
}

/*
 * The one place where an operation is refused: not built, or it would change
 * the card and was never seen on a real one.
 */
enum result card_allow(const struct card *card, enum card_op op)
{
	if (!is_built(card->profile, op))
		return refuse_unbuilt(card, op);
	if (is_unproven(card->profile, op) && !card->options.allow_unproven) {
		log_line(LOG_ERROR,
			 "%s: %s refused: it changes the card and its form is %s, not observed on a "
			 "real card (allow-unproven = yes lets it through)",
			 card->profile->name, card_op_name(op),
			 provenance_name(card->profile->marks[op]));
		return RESULT_UNPROVEN;
	}
	return RESULT_OK;
}

enum result card_refuse(const struct card *card, enum card_op op)
{
	return refuse_unbuilt(card, op);
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
	card->read_size = card->read_max;
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

/* The card answered, and it was not a yes; otherwise the way to it, or we, are broken. */
static bool is_answer(enum result r)
{
	return r == RESULT_UNKNOWN_CARD || r == RESULT_BAD_ANSWER || r == RESULT_BAD_DATA ||
	       result_is_refusal(r);
}

/*
 * Hinted profiles first, then the others, each once; said[]: what came of each.
 * RESULT_UNKNOWN_CARD: none is the card's.
 */
static enum result probe_all(struct card *card, enum result said[PROFILES_MAX])
{
	struct channel *ch = card->channel;

	for (int hinted = 1; hinted >= 0; hinted--) {
		for (size_t i = 0; i < PROFILES_MAX && card_profiles[i]; i++) {
			const struct card_profile *p = card_profiles[i];

			if (p->atr_hint(ch->atr, ch->atr_len) != (bool)hinted)
				continue;
			said[i] = try_profile(card, p);
			if (said[i] == RESULT_OK || !is_answer(said[i]))
				return said[i];
			log_line(LOG_DEBUG, "%s: %s: %s", ch->name, p->name, result_text(said[i]));
		}
	}
	return RESULT_UNKNOWN_CARD;
}

/*
 * "Unknown" lasts as long as the card is in the reader, so one bad moment must
 * not make a card so: only one that gives the same answers twice is.
 */
static enum result find_profile(struct card *card)
{
	enum result first[PROFILES_MAX] = {RESULT_OK}, second[PROFILES_MAX] = {RESULT_OK};
	enum result r = probe_all(card, first);
	bool changed;

	if (r == RESULT_UNKNOWN_CARD)
		r = probe_all(card, second);
	if (r != RESULT_UNKNOWN_CARD)
		return r;
	changed = memcmp(first, second, sizeof first) != 0;
	log_line(LOG_ERROR, "%s: no profile knows this card%s", card->channel->name,
		 changed ? "; its answers changed, so that may pass" : "");
	return changed ? RESULT_CARD_REFUSED : RESULT_UNKNOWN_CARD;
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
	card->read_max = atr_read_size(ch->atr, ch->atr_len);
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

const char *card_profile_name(const struct card_profile *profile)
{
	return profile->name;
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
	enum result r = card_allow(card, OP_READ_TOKEN);

	memset(out, 0, sizeof *out);
	return r == RESULT_OK ? card->profile->read_token(card, out) : r;
}

enum result card_read_number(struct card *card, char *out, size_t size)
{
	enum result r = card_allow(card, OP_READ_TOKEN);

	return r == RESULT_OK ? token_info_read_number(card, false, out, size) : r;
}

enum result card_read_number_again(struct card *card, char *out, size_t size)
{
	enum result r = card_allow(card, OP_READ_TOKEN);

	return r == RESULT_OK ? token_info_read_number(card, true, out, size) : r;
}

/* A directory as it came from the card once. */
struct directory {
	struct buffer content;
	struct p15_list records;
	size_t odd; /* records that cannot be what a card meant to say */
};

static void directory_clear(struct directory *d)
{
	buffer_clear(&d->content);
	p15_list_clear(&d->records);
}

static enum result read_once(struct card *card, enum p15_class kind, struct directory *d)
{
	const struct card_path path = {2, {FID_PKI, directory_fid[kind]}};
	enum result r;

	*d = (struct directory){.content = BUFFER_INIT};
	r = files_read_directory(card, &path, &d->content);
	if (r == RESULT_OK)
		r = p15_parse_odd(kind, d->content.data, d->content.len, &d->records, &d->odd);
	return r;
}

/*
 * What is torn or has odd records is read once more, the whole way: a card
 * whose directory is so says the same again, a bad moment does not last.
 */
static enum result read_believed(struct card *card, enum p15_class kind, struct directory *d)
{
	enum result r = read_once(card, kind, d);
	struct directory first = *d;

	if (r != RESULT_BAD_DATA && !(r == RESULT_OK && d->odd))
		return r;
	files_forget(card);
	r = read_once(card, kind, d);
	if (r == RESULT_OK && d->odd && !buffer_same(&first.content, &d->content))
		r = RESULT_BAD_DATA;
	directory_clear(&first);
	return r;
}

bool card_can_login(const struct card *card)
{
	return !card->profile->can_login || card->profile->can_login(card);
}

enum result card_read_directory(struct card *card, enum p15_class kind, struct p15_list *out,
				struct buffer *raw)
{
	struct directory d = {.content = BUFFER_INIT};
	enum result r = card_allow(card, OP_READ_DIRECTORY);

	*out = (struct p15_list){NULL, 0};
	if (r == RESULT_OK)
		r = read_believed(card, kind, &d);
	if (r == RESULT_NOT_FOUND) {
		log_line(LOG_INFO, "directory %04X: not on this card", directory_fid[kind]);
		r = RESULT_OK;
	} else if (r == RESULT_OK && raw) {
		r = buffer_append(raw, d.content.data, d.content.len);
	}
	if (r == RESULT_OK) {
		*out = d.records;
		d.records = (struct p15_list){NULL, 0};
	} else {
		log_line(LOG_ERROR, "directory %04X: %s", directory_fid[kind], result_text(r));
	}
	directory_clear(&d);
	return r;
}

void card_select_again(struct card *card)
{
	card->file = 0;
}

enum result card_read_object(struct card *card, const struct p15_object *object, struct buffer *out)
{
	enum result r = card_allow(card, OP_READ_FILE);

	if (r != RESULT_OK)
		return r;
	if (!object->has_path || !object->path.count) /* the root is no file */
		return RESULT_NOT_FOUND;
	if (object->has_range)
		return files_read(card, &object->path, object->offset, object->length, out);
	return files_read_object(card, &object->path, out);
}

/* What no RSA-2048 key looks like: a short or even modulus, an even exponent or 1. */
static bool is_plausible(const struct rsa_public *key)
{
	return key->exponent >= EXPONENT_LEAST && key->exponent & 1 && key->modulus[0] & 0x80 &&
	       key->modulus[CARD_MODULUS_SIZE - 1] & 1;
}

static enum result read_key(struct card *card, unsigned key_ref, struct rsa_public *out)
{
	enum result r = card->profile->read_public_key(card, key_ref, out);

	return r == RESULT_OK && !is_plausible(out) ? RESULT_BAD_DATA : r;
}

/* "There is none" is remembered by who hears it: two bad moments must not make it so. */
enum result card_read_public_key(struct card *card, unsigned key_ref, struct rsa_public *out)
{
	enum result r = card_allow(card, OP_READ_PUBLIC_KEY);

	if (r != RESULT_OK)
		return r;
	r = read_key(card, key_ref, out);
	/* without it signatures cannot be checked: one bad moment must not cost that */
	for (int i = 0; i < (r == RESULT_NOT_FOUND ? 2 : 1) && r != RESULT_OK && is_answer(r); i++) {
		log_line(LOG_INFO, "public key %02X: %s: once more", key_ref, result_text(r));
		files_forget(card);
		r = read_key(card, key_ref, out);
	}
	return r;
}

void card_pin_limits(const struct card *card, size_t *min, size_t *max, int *tries)
{
	*min = card->profile->pin_min;
	*max = card->profile->pin_max;
	*tries = card->profile->pin_tries;
}

static void log_pin(const struct card *card, enum card_op op, enum result r, int tries)
{
	if (tries >= 0)
		log_line(LOG_ERROR, "%s: %s: %s, %d tries left", card->channel->name,
			 card_op_name(op), result_text(r), tries);
	else
		log_line(r == RESULT_OK ? LOG_INFO : LOG_ERROR, "%s: %s: %s", card->channel->name,
			 card_op_name(op), result_text(r));
}

static bool has_pin_length(const struct card *card, size_t len)
{
	return len >= card->profile->pin_min && len <= card->profile->pin_max;
}

enum result card_verify_pin(struct card *card, const uint8_t *pin, size_t len, int *tries)
{
	enum result r = card_allow(card, OP_VERIFY_PIN);

	*tries = -1;
	if (r != RESULT_OK)
		return r;
	if (!has_pin_length(card, len))
		return RESULT_PIN_LENGTH;
	r = card->profile->verify_pin(card, pin, len, tries);
	log_pin(card, OP_VERIFY_PIN, r, *tries);
	return r;
}

/* facts: PIN rules, documented. Not the locale's letters. */
static bool is_letters_and_digits(const uint8_t *pin, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = pin[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
			return false;
	}
	return true;
}

enum result card_check_new_pin(const struct card *card, enum card_op op, const uint8_t *right,
			       size_t right_len, const uint8_t *pin, size_t len)
{
	enum result r = card_allow(card, op);

	if (r != RESULT_OK || !right)
		return r;
	if (!has_pin_length(card, right_len) || !has_pin_length(card, len))
		return RESULT_PIN_LENGTH;
	if (!is_letters_and_digits(pin, len))
		return RESULT_PIN_INVALID;
	/* the code may look like the PIN: it is none */
	if (op == OP_CHANGE_PIN && len == right_len && CRYPTO_memcmp(pin, right, len) == 0)
		return RESULT_PIN_INVALID;
	return RESULT_OK;
}

enum result card_change_pin(struct card *card, const uint8_t *old, size_t old_len,
			    const uint8_t *new, size_t new_len, int *tries)
{
	const struct new_pin pins = {old, old_len, new, new_len};
	enum result r = card_check_new_pin(card, OP_CHANGE_PIN, old, old_len, new, new_len);

	*tries = -1;
	if (r != RESULT_OK)
		return r;
	r = card->profile->change_pin(card, &pins, tries);
	log_pin(card, OP_CHANGE_PIN, r, *tries);
	return r;
}

enum result card_unblock_pin(struct card *card, const uint8_t *code, size_t code_len,
			     const uint8_t *new, size_t new_len, int *tries)
{
	const struct new_pin pins = {code, code_len, new, new_len};
	enum result r = card_check_new_pin(card, OP_UNBLOCK_PIN, code, code_len, new, new_len);

	*tries = -1;
	if (r != RESULT_OK)
		return r;
	r = card->profile->unblock_pin(card, &pins, tries);
	log_pin(card, OP_UNBLOCK_PIN, r, *tries);
	return r;
}

enum result card_private_op(struct card *card, unsigned key_ref,
			    const uint8_t in[CARD_MODULUS_SIZE], uint8_t out[CARD_MODULUS_SIZE])
{
	enum result r = card_allow(card, OP_PRIVATE_OP);

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

/* ---- what is known of cards, without one ---- */

const struct card_profile *card_profile_at(size_t i)
{
	for (size_t n = 0; n <= i; n++)
		if (!card_profiles[n])
			return NULL;
	return card_profiles[i];
}

struct card_profile_facts card_profile_facts(const struct card_profile *profile)
{
	return (struct card_profile_facts){.name = profile->name, .cards = profile->cards,
					   .pin_min = profile->pin_min, .pin_max = profile->pin_max,
					   .pin_tries = profile->pin_tries};
}

enum card_permission card_profile_permits(const struct card_profile *profile, enum card_op op,
					  enum provenance *mark)
{
	*mark = profile->marks[op];
	if (!is_built(profile, op))
		return CARD_CANNOT;
	return is_unproven(profile, op) ? CARD_MAY_IF_ALLOWED : CARD_MAY;
}
