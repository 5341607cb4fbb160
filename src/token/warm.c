#include "config.h"

#include <string.h>

#include "apdu/log.h"
#include "src/base/config_file.h"
#include "src/token/cache.h"
#include "src/token/warm.h"

#define HEAD_SIZE 64 /* bytes: the serial number and more; a renewed certificate has another */
#define HEADS_MAX 3
#define EXPONENT_SIZE 4

/* The directories that may be kept; private keys' is not. */
static const enum p15_class kinds[] = {P15_CERTIFICATE, P15_PUBLIC_KEY, P15_DATA};

/* ---- which certificates are looked at ---- */

static bool issued_another(const struct p15_list *list, size_t which)
{
	for (size_t i = 0; i < list->count; i++)
		if (i != which && buffer_same(&list->items[i].issuer, &list->items[which].subject))
			return true;
	return false;
}

/* The holder's, then the others from the last: the one that issued them comes behind the root. */
static size_t choose(const struct p15_list *list, size_t out[HEADS_MAX])
{
	size_t n = 0;

	for (int issuers = 0; issuers < 2; issuers++) {
		for (size_t i = 0; n < HEADS_MAX && i < list->count; i++) {
			size_t at = issuers ? list->count - 1 - i : i;

			if (issued_another(list, at) == (bool)issuers && list->items[at].has_range &&
			    list->items[at].length >= HEAD_SIZE)
				out[n++] = at;
		}
	}
	return n;
}

static enum result read_head(struct token *t, const struct p15_object *certificate,
			     struct buffer *out)
{
	struct p15_object head = *certificate; /* a view: owns nothing */

	head.length = HEAD_SIZE;
	return card_read_object(t->card, &head, out);
}

/* ---- taking ---- */

static enum result check_heads(struct token *t, const struct cache *cache,
			       const struct p15_list *certificates, bool *same)
{
	size_t which[HEADS_MAX], n = choose(certificates, which);
	enum result r = RESULT_OK;

	*same = n > 0;
	for (size_t i = 0; r == RESULT_OK && *same && i < n; i++) {
		const struct buffer *known = cache_get(cache, CACHE_HEAD, (unsigned)which[i]);
		struct buffer now = BUFFER_INIT;

		*same = known != NULL;
		if (known)
			r = read_head(t, &certificates->items[which[i]], &now);
		*same = *same && r == RESULT_OK && buffer_same(known, &now);
		buffer_clear(&now);
	}
	/* a card on which the place cannot be read is not the one in the cache */
	return result_is_refusal(r) || r == RESULT_BAD_ANSWER ? RESULT_OK : r;
}

static bool parse_all(const struct cache *cache, struct p15_list lists[P15_CLASSES])
{
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		const struct buffer *raw = cache_get(cache, CACHE_DIRECTORY, kinds[k]);

		if (raw && p15_parse(kinds[k], raw->data, raw->len, &lists[kinds[k]]) != RESULT_OK)
			return false;
	}
	return cache_get(cache, CACHE_DIRECTORY, P15_CERTIFICATE) != NULL;
}

static void take_keys(struct token *t, const struct cache *cache)
{
	for (size_t i = 0; i < cache->count && t->key_count < TOKEN_KEYS_MAX; i++) {
		const struct cache_entry *e = &cache->entries[i];
		struct public_key *key = &t->keys[t->key_count];
		const uint8_t *exponent = e->bytes.data + CARD_MODULUS_SIZE;

		if (e->kind != CACHE_KEY || e->bytes.len != CARD_MODULUS_SIZE + EXPONENT_SIZE)
			continue;
		key->key_ref = e->index;
		key->readable = true;
		memcpy(key->rsa.modulus, e->bytes.data, CARD_MODULUS_SIZE);
		key->rsa.exponent = (uint32_t)exponent[0] << 24 | (uint32_t)exponent[1] << 16 |
				    (uint32_t)exponent[2] << 8 | exponent[3];
		t->key_count++;
	}
}

/* Hands the parsed directories over; the certificates' bytes wait in t->cache. */
static bool take(struct token *t, struct cache *cache, struct p15_list lists[P15_CLASSES])
{
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		const struct buffer *raw = cache_get(cache, CACHE_DIRECTORY, kinds[k]);
		struct object_list *list = &t->lists[kinds[k]];

		if (!raw || list->loaded)
			continue;
		if (buffer_append(&list->raw, raw->data, raw->len) != RESULT_OK)
			return false;
		list->records = lists[kinds[k]];
		lists[kinds[k]] = (struct p15_list){NULL, 0};
		list->loaded = true;
	}
	if (!t->key_count)
		take_keys(t, cache);
	return true;
}

static enum result read_serial(struct token *t)
{
	return t->has_data ? RESULT_OK : card_read_number(t->card, t->data.serial, sizeof t->data.serial);
}

enum result warm_start(struct token *t)
{
	struct p15_list lists[P15_CLASSES] = {{NULL, 0}};
	bool same = false;
	enum result r;

	if (t->warm_tried || !config_current()->cache)
		return RESULT_OK;
	t->warm_tried = true;
	r = read_serial(t);
	if (r != RESULT_OK)
		return result_is_refusal(r) ? RESULT_OK : r;
	if (!cache_load(t->data.serial, &t->cache))
		return RESULT_OK;
	if (parse_all(&t->cache, lists))
		r = check_heads(t, &t->cache, &lists[P15_CERTIFICATE], &same);
	if (r == RESULT_OK && same)
		same = take(t, &t->cache, lists);
	if (!same) {
		log_line(LOG_INFO, "cache: the certificates of %s are not those in it", t->data.serial);
		cache_clear(&t->cache);
	}
	for (size_t k = 0; k < P15_CLASSES; k++)
		p15_list_clear(&lists[k]);
	return r;
}

/* ---- putting ---- */

/* A directory that names anything private stays off the disk as a whole. */
static bool is_public(const struct object_list *list)
{
	for (size_t i = 0; i < list->records.count; i++)
		if (list->records.items[i].is_private)
			return false;
	return list->loaded;
}

static bool put_directories(const struct token *t, struct cache *out)
{
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		const struct object_list *list = &t->lists[kinds[k]];

		if (is_public(list) &&
		    !cache_put(out, CACHE_DIRECTORY, kinds[k], list->raw.data, list->raw.len))
			return false;
	}
	return true;
}

static bool put_certificates(const struct token *t, struct cache *out)
{
	const struct object_list *list = &t->lists[P15_CERTIFICATE];

	for (size_t i = 0; list->items && i < list->count; i++) {
		const struct object *o = &list->items[i];

		if (o->value_read && !cache_put(out, CACHE_CERTIFICATE,
						(unsigned)(o->record - list->records.items),
						o->value.data, o->value.len))
			return false;
	}
	return true;
}

static bool put_keys(const struct token *t, struct cache *out)
{
	for (size_t i = 0; i < t->key_count; i++) {
		const struct public_key *key = &t->keys[i];
		uint8_t bytes[CARD_MODULUS_SIZE + EXPONENT_SIZE];

		memcpy(bytes, key->rsa.modulus, CARD_MODULUS_SIZE);
		for (int j = 0; j < EXPONENT_SIZE; j++)
			bytes[CARD_MODULUS_SIZE + j] = (uint8_t)(key->rsa.exponent >> (24 - 8 * j));
		if (key->readable && !cache_put(out, CACHE_KEY, key->key_ref, bytes, sizeof bytes))
			return false;
	}
	return true;
}

/* From the certificate if it was read, from the old cache, or from the card. */
static bool put_head(struct token *t, size_t which, struct cache *out)
{
	const struct p15_object *record = &t->lists[P15_CERTIFICATE].records.items[which];
	const struct buffer *whole = cache_get(out, CACHE_CERTIFICATE, (unsigned)which);
	const struct buffer *head = cache_get(&t->cache, CACHE_HEAD, (unsigned)which);
	struct buffer now = BUFFER_INIT;
	bool ok;

	if (whole && whole->len >= HEAD_SIZE)
		return cache_put(out, CACHE_HEAD, (unsigned)which, whole->data, HEAD_SIZE);
	if (head)
		return cache_put(out, CACHE_HEAD, (unsigned)which, head->data, head->len);
	ok = read_head(t, record, &now) == RESULT_OK &&
	     cache_put(out, CACHE_HEAD, (unsigned)which, now.data, now.len) &&
	     cache_put(&t->cache, CACHE_HEAD, (unsigned)which, now.data, now.len);
	buffer_clear(&now);
	return ok;
}

void warm_save(struct token *t)
{
	const struct object_list *certificates = &t->lists[P15_CERTIFICATE];
	size_t which[HEADS_MAX], n;
	struct cache out;
	bool ok;

	if (!t->dirty || !config_current()->cache || !certificates->loaded || !t->data.serial[0] ||
	    (t->logged_in && !card_reads_keys_freely(t->card)))
		return;
	t->dirty = false;
	out.count = 0;
	ok = put_directories(t, &out) && put_certificates(t, &out) && put_keys(t, &out);
	n = choose(&certificates->records, which);
	for (size_t i = 0; ok && i < n; i++)
		ok = put_head(t, which[i], &out);
	if (ok && n)
		cache_save(t->data.serial, &out);
	cache_clear(&out);
}
