#include "config.h"

#include <string.h>
#include <time.h>

#include "apdu/cursor.h"
#include "src/base/config_file.h"
#include "src/token/chain.h"
#include "src/token/internal.h"
#include "src/token/warm.h"

/* ---- directories ---- */

/* How many records the bytes hold, also those that nobody understood. */
static size_t count_records(const struct buffer *raw)
{
	struct cursor c = cursor_of(raw->data, raw->len);
	struct tlv tlv;
	size_t n = 0;

	while (c.left && cursor_tlv(&c, &tlv, NULL) == TLV_OK)
		n++;
	return n;
}

/*
 * A directory that names anything private stays off the disk as a whole, and
 * so does one with attribute certificates, which nothing binds to the card, or
 * one that is empty or was not understood to its end: a card that was
 * read wrong once looks like that.
 */
static bool may_be_kept(const struct object_list *list)
{
	for (size_t i = 0; i < list->records.count; i++)
		if (list->records.items[i].is_private || list->records.items[i].is_attribute)
			return false;
	return list->records.count && list->records.count == count_records(&list->raw);
}

/*
 * A card that says it selected a file, and did not, shows the one of before.
 * Nothing else tells one directory's records from another's, and what is kept
 * would be believed for a day: neither of the two is kept.
 */
static bool is_like_another(const struct token *t, enum p15_class kind)
{
	for (size_t k = 0; k < P15_CLASSES; k++)
		if (k != (size_t)kind && t->lists[k].loaded &&
		    buffer_same(&t->lists[k].raw, &t->lists[kind].raw))
			return true;
	return false;
}

static bool put_date(struct cache *file, enum p15_class kind)
{
	uint64_t now = (uint64_t)time(NULL);
	uint8_t bytes[sizeof now];

	for (size_t i = 0; i < sizeof now; i++)
		bytes[i] = (uint8_t)(now >> (8 * (sizeof now - 1 - i)));
	return cache_put(file, CACHE_DATE, kind, bytes, sizeof bytes);
}

/* Those that were read from the card take the place of what is there. */
static bool put_directories(const struct token *t, struct cache *file)
{
	for (size_t k = 0; k < WARM_KINDS; k++) {
		const struct object_list *list = &t->lists[warm_kinds[k]];

		if (!list->loaded || list->warm)
			continue;
		cache_drop(file, CACHE_DIRECTORY, warm_kinds[k]); /* without it a date says nothing */
		if (!may_be_kept(list) || is_like_another(t, warm_kinds[k]))
			continue;
		if (!cache_put(file, CACHE_DIRECTORY, warm_kinds[k], list->raw.data, list->raw.len) ||
		    !put_date(file, warm_kinds[k]))
			return false;
	}
	return true;
}

/* ---- certificates ---- */

static bool put_certificates(const struct token *t, struct cache *file)
{
	const struct object_list *list = &t->lists[P15_CERTIFICATE];

	for (size_t i = 0; list->items && i < list->count; i++) {
		const struct object *o = &list->items[i];

		if (o->value_read && !o->is_attribute && !cache_put(file, CACHE_CERTIFICATE,
						(unsigned)(o->record - list->records.items),
						o->value.data, o->value.len))
			return false;
	}
	return true;
}

/*
 * Only what belongs to the directory that is kept beside it, and only
 * certificates that the issuer signed whose certificate is here, too. One
 * whose issuer is not here yet waits for it.
 */
static void drop_unproven(struct cache *file)
{
	const struct buffer *raw = cache_get(file, CACHE_DIRECTORY, P15_CERTIFICATE);
	struct p15_list records = {NULL, 0};
	struct chain c;

	if (raw && p15_parse(P15_CERTIFICATE, raw->data, raw->len, &records) != RESULT_OK)
		p15_list_clear(&records);
	chain_init(&c);
	for (unsigned i = 0; i <= UINT8_MAX; i++) {
		const struct buffer *der = cache_get(file, CACHE_CERTIFICATE, i);

		if (der && (i >= records.count || !chain_put(&c, i, der, &records.items[i])))
			cache_drop(file, CACHE_CERTIFICATE, i);
	}
	chain_verify(&c);
	for (unsigned i = 0; i < records.count; i++)
		if (c.at[i] && c.issuer[i] == CHAIN_FORGED)
			cache_drop(file, CACHE_CERTIFICATE, i);
	chain_clear(&c);
	p15_list_clear(&records);
}

/* ---- keys ---- */

static bool put_keys(const struct token *t, struct cache *file)
{
	for (size_t i = 0; i < t->key_count; i++) {
		const struct public_key *key = &t->keys[i];
		uint8_t bytes[KEY_BYTES];

		if (!key->readable || key->origin == KEY_UNPROVEN)
			continue;
		key_to_bytes(&key->rsa, bytes);
		if (!cache_put(file, CACHE_KEY, key->key_ref, bytes, sizeof bytes))
			return false;
	}
	return true;
}

/* ---- all of it ---- */

/* What this process found to be wrong goes, unless another one has replaced it already. */
static void drop_refuted(const struct cache *refuted, struct cache *file)
{
	for (size_t i = 0; i < refuted->count; i++) {
		const struct cache_entry *e = &refuted->entries[i];
		const struct buffer *there = cache_get(file, e->kind, e->index);

		if (there && buffer_same(there, &e->bytes))
			cache_drop(file, e->kind, e->index);
	}
}

static bool merge(void *context, struct cache *file)
{
	const struct token *t = context;

	drop_refuted(&t->refuted, file);
	if (!put_directories(t, file) || !put_certificates(t, file) || !put_keys(t, file))
		return false;
	drop_unproven(file);
	return file->count > 0;
}

void warm_save(struct token *t)
{
	if (!t->dirty || !config_current()->cache || !t->data.serial[0])
		return;
	t->dirty = false;
	cache_update(t->data.serial, merge, t);
}
