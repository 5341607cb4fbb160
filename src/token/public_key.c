#include "config.h"

#include "apdu/log.h"
#include "src/token/internal.h"

static struct public_key *cached_key(const struct token *t, unsigned key_ref)
{
	for (size_t i = 0; i < t->key_count; i++)
		if (t->keys[i].key_ref == key_ref)
			return (struct public_key *)&t->keys[i];
	return NULL;
}

/* What no RSA public key looks like: an empty, even or short modulus, an even exponent. */
static bool is_plausible(const struct rsa_public *key)
{
	return key->exponent >= 3 && key->exponent & 1 && key->modulus[0] & 0x80 &&
	       key->modulus[CARD_MODULUS_SIZE - 1] & 1;
}

bool token_has_public_key(const struct token *t, const struct object *key)
{
	return cached_key(t, key->record->key_ref) != NULL;
}

enum result token_public_key(struct token *t, const struct object *key,
			     const struct rsa_public **out)
{
	struct public_key *entry = cached_key(t, key->record->key_ref);
	enum result r;

	*out = NULL;
	if (!entry) {
		if (t->key_count == TOKEN_KEYS_MAX)
			return RESULT_NOT_FOUND;
		entry = &t->keys[t->key_count];
		r = card_read_public_key(t->card, key->record->key_ref, &entry->rsa);
		if (r == RESULT_OK && !is_plausible(&entry->rsa))
			r = RESULT_BAD_DATA;
		if (r != RESULT_OK)
			log_line(LOG_ERROR, "public key %02X cannot be read: %s",
				 key->record->key_ref, result_text(r));
		/* what failed once is asked again next time: only "there is none" is remembered */
		if (r != RESULT_OK && r != RESULT_NOT_FOUND)
			return r;
		pthread_mutex_lock(&t->lock);
		entry->key_ref = key->record->key_ref;
		entry->readable = r == RESULT_OK;
		t->key_count++;
		t->dirty = t->dirty || entry->readable;
		pthread_mutex_unlock(&t->lock);
	}
	if (!entry->readable)
		return RESULT_NOT_FOUND;
	*out = &entry->rsa;
	return RESULT_OK;
}

bool token_result_undoes(struct token *t, const struct object *key,
			 const uint8_t in[CARD_MODULUS_SIZE], const uint8_t out[CARD_MODULUS_SIZE])
{
	struct public_key *entry = cached_key(t, key->record->key_ref);

	if (entry && !entry->check)
		entry->check = rsa_check_new(&entry->rsa);
	return entry && entry->check && rsa_check_undoes(entry->check, in, out);
}

void token_forget_checks(struct token *t)
{
	for (size_t i = 0; i < t->key_count; i++)
		rsa_check_free(&t->keys[i].check);
}
