#include "config.h"

#include <string.h>

#include "apdu/log.h"
#include "src/token/internal.h"
#include "src/token/warm.h"

#define EXPONENT_USUAL 65537

struct public_key *token_known_key(const struct token *t, unsigned key_ref)
{
	for (size_t i = 0; i < t->key_count; i++)
		if (t->keys[i].key_ref == key_ref)
			return (struct public_key *)&t->keys[i];
	return NULL;
}

/* ---- as bytes on the disk ---- */

void key_to_bytes(const struct rsa_public *key, uint8_t out[KEY_BYTES])
{
	memcpy(out, key->modulus, CARD_MODULUS_SIZE);
	for (int i = 0; i < KEY_BYTES - CARD_MODULUS_SIZE; i++)
		out[CARD_MODULUS_SIZE + i] = (uint8_t)(key->exponent >> (24 - 8 * i));
}

bool key_from_bytes(const struct buffer *bytes, struct rsa_public *out)
{
	const uint8_t *e;

	if (bytes->len != KEY_BYTES)
		return false;
	e = bytes->data + CARD_MODULUS_SIZE;
	memcpy(out->modulus, bytes->data, CARD_MODULUS_SIZE);
	out->exponent = (uint32_t)e[0] << 24 | (uint32_t)e[1] << 16 | (uint32_t)e[2] << 8 | e[3];
	/* another exponent could have been made for a result that is known (docs/SECURITY.md) */
	return out->exponent == EXPONENT_USUAL;
}

/* ---- where a key comes from ---- */

/* What no RSA public key looks like: an empty, even or short modulus, an even exponent. */
static bool is_plausible(const struct rsa_public *key)
{
	return key->exponent >= 3 && key->exponent & 1 && key->modulus[0] & 0x80 &&
	       key->modulus[CARD_MODULUS_SIZE - 1] & 1;
}

static enum result read_once(struct token *t, unsigned key_ref, struct rsa_public *out)
{
	enum result r = card_read_public_key(t->card, key_ref, out);

	return r == RESULT_OK && !is_plausible(out) ? RESULT_BAD_DATA : r;
}

/* The key's certificate, if it was read. *any: there is one, read or not. */
static const struct buffer *certificate_of(const struct token *t, const struct object *key, bool *any)
{
	const struct object_list *list = &t->lists[P15_CERTIFICATE];
	const struct buffer *found = NULL;

	*any = !list->loaded; /* not known yet */
	for (size_t i = 0; !found && i < list->count; i++) {
		const struct object *o = &list->items[i];

		if (!buffer_same(&o->record->id, &key->record->id))
			continue;
		*any = true;
		found = o->value_read ? &o->value : NULL;
	}
	return found;
}

static bool same_key(const struct rsa_public *a, const struct rsa_public *b)
{
	return a->exponent == b->exponent && memcmp(a->modulus, b->modulus, sizeof a->modulus) == 0;
}

/*
 * A key that differs from its certificate's, or has none to compare with, is
 * read twice. (One whose certificate was not read yet is believed: a private
 * operation will tell.)
 */
static enum result read_twice_if_needed(struct token *t, const struct object *key,
					struct rsa_public *out)
{
	struct rsa_public other;
	bool any;
	const struct buffer *der = certificate_of(t, key, &any);
	enum result r = read_once(t, key->record->key_ref, out);

	if (r != RESULT_OK || (der && token_certificate_key(der, &other) == RESULT_OK &&
			       same_key(out, &other)) || (any && !der))
		return r;
	other = *out;
	r = read_once(t, key->record->key_ref, out);
	/* once more, if need be: two of three */
	if (r == RESULT_OK && !same_key(out, &other)) {
		other = *out;
		r = read_once(t, key->record->key_ref, out);
		if (r == RESULT_OK && !same_key(out, &other))
			r = RESULT_BAD_ANSWER;
	}
	return r;
}

/* What failed is asked again next time: only "there is none" is remembered. */
static enum result read_key(struct token *t, const struct object *key, struct public_key *out)
{
	enum result r = read_twice_if_needed(t, key, &out->rsa);

	if (r != RESULT_OK)
		log_line(LOG_ERROR, "public key %02X cannot be read: %s", out->key_ref, result_text(r));
	out->origin = KEY_READ;
	out->readable = r == RESULT_OK;
	return r == RESULT_NOT_FOUND ? RESULT_OK : r;
}

struct public_key *token_put_key(struct token *t, const struct public_key *key)
{
	struct public_key *entry = token_known_key(t, key->key_ref);

	if (!entry && t->key_count < TOKEN_KEYS_MAX)
		entry = &t->keys[t->key_count++];
	if (entry) {
		rsa_check_free(&entry->check);
		*entry = *key;
	}
	return entry;
}

bool token_has_public_key(const struct token *t, const struct object *key)
{
	const struct public_key *entry = token_known_key(t, key->record->key_ref);

	return entry && entry->origin >= KEY_CERTIFIED;
}

/* From a certificate that is bound, or from the card. */
static enum result learn_key(struct token *t, const struct object *key, bool only_card,
			     const struct public_key **out)
{
	struct public_key new = {.key_ref = key->record->key_ref, .origin = KEY_CERTIFIED};
	enum result r = RESULT_OK;

	if (!token_known_key(t, new.key_ref) && t->key_count == TOKEN_KEYS_MAX)
		return RESULT_NOT_FOUND;
	new.readable = !only_card && warm_key(t, key->record, &new.rsa);
	if (!new.readable)
		r = read_key(t, key, &new);
	if (r != RESULT_OK)
		return r;
	pthread_mutex_lock(&t->lock);
	*out = token_put_key(t, &new);
	t->dirty = t->dirty || new.readable;
	pthread_mutex_unlock(&t->lock);
	return RESULT_OK;
}

enum result token_public_key(struct token *t, const struct object *key,
			     const struct rsa_public **out)
{
	const struct public_key *entry = token_known_key(t, key->record->key_ref);
	enum result r = RESULT_OK;

	if (!entry || entry->origin < KEY_CERTIFIED)
		r = learn_key(t, key, entry && entry->origin == KEY_DOUBTED, &entry);
	if (r != RESULT_OK)
		return r;
	if (!entry->readable)
		return RESULT_NOT_FOUND;
	*out = &entry->rsa;
	return RESULT_OK;
}

bool token_result_undoes(struct token *t, const struct object *key,
			 const uint8_t in[CARD_MODULUS_SIZE], const uint8_t out[CARD_MODULUS_SIZE])
{
	struct public_key *entry = token_known_key(t, key->record->key_ref);

	if (entry && !entry->check)
		entry->check = rsa_check_new(&entry->rsa);
	return entry && entry->check && rsa_check_undoes(entry->check, in, out);
}

void token_forget_checks(struct token *t)
{
	for (size_t i = 0; i < t->key_count; i++)
		rsa_check_free(&t->keys[i].check);
}

const struct rsa_public *token_key_for_check(struct token *t, const struct object *key)
{
	const struct public_key *entry;

	warm_load(t);
	entry = token_known_key(t, key->record->key_ref);
	return entry && entry->readable ? &entry->rsa : NULL;
}

void token_doubt_key(struct token *t, const struct object *key)
{
	struct public_key *entry = token_known_key(t, key->record->key_ref);

	if (!entry || !entry->readable)
		return;
	log_line(LOG_INFO, "key %02X: the %s public key does not fit: it is read from the card again",
		 entry->key_ref, entry->origin == KEY_READ ? "card's" : "cache's");
	if (entry->origin != KEY_READ)
		warm_refute(t, CACHE_KEY, entry->key_ref);
	pthread_mutex_lock(&t->lock);
	rsa_check_free(&entry->check);
	entry->origin = KEY_DOUBTED;
	entry->readable = false;
	pthread_mutex_unlock(&t->lock);
}
