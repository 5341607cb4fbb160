#include "config.h"

#include <string.h>
#include <time.h>

#include "apdu/log.h"
#include "src/base/config_file.h"
#include "src/token/chain.h"
#include "src/token/internal.h"
#include "src/token/warm.h"

/*
 * The end of a certificate is its signature. 200 bytes are read by one command
 * from every card (facts: transport rules), and are most of it.
 */
#define END_SIZE 200
#define ENDS_MAX 8 /* commands at most; cards seen need 3 */

/* Nothing binds labels, ids and data objects to the card: they are read anew after a day. */
#define DIRECTORY_AGE_MAX (24 * 60 * 60)

const enum p15_class warm_kinds[WARM_KINDS] = {P15_CERTIFICATE, P15_PUBLIC_KEY, P15_DATA};

#define BIT(place) ((uint64_t)1 << (place))

/* ---- the file ---- */

/* Unproven ones: good enough to check what the card computed, for nothing else. */
static void take_keys(struct token *t)
{
	for (size_t i = 0; i < t->cache.count; i++) {
		const struct cache_entry *e = &t->cache.entries[i];
		struct public_key key = {.key_ref = e->index, .readable = true, .origin = KEY_UNPROVEN};

		if (e->kind == CACHE_KEY && key_from_bytes(&e->bytes, &key.rsa) &&
		    !token_known_key(t, e->index))
			(void)token_put_key(t, &key);
	}
}

void warm_load(struct token *t)
{
	if (t->warm_loaded || !config_current()->cache || !t->data.serial[0])
		return;
	t->warm_loaded = true;
	if (!cache_load(t->data.serial, &t->cache))
		return;
	pthread_mutex_lock(&t->lock);
	take_keys(t);
	pthread_mutex_unlock(&t->lock);
}

void warm_refute(struct token *t, enum cache_kind kind, unsigned index)
{
	const struct buffer *wrong = cache_get(&t->cache, kind, index);

	if (!wrong)
		return;
	(void)cache_put(&t->refuted, kind, index, wrong->data, wrong->len);
	cache_drop(&t->cache, kind, index);
	t->dirty = true;
}

/* ---- binding certificates to the card ---- */

static void build_chain(const struct cache *cache, const struct p15_list *records, struct chain *c)
{
	chain_init(c);
	for (size_t i = 0; i < records->count; i++) {
		const struct buffer *der = cache_get(cache, CACHE_CERTIFICATE, (unsigned)i);

		if (der)
			(void)chain_put(c, i, der, &records->items[i]);
	}
	chain_verify(c);
}

static bool is_whole(const struct chain *c, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (chain_root(c, i) < 0)
			return false;
	return count > 0;
}

/*
 * The certificates whose ends bind all: those that signed no other, and those that signed themselves.
 * None if they are too many: a part of them, without the roots, would cost commands and bind nothing.
 */
static size_t choose(const struct chain *c, size_t count, size_t out[ENDS_MAX])
{
	size_t n = 0;

	for (int roots = 0; roots < 2; roots++)
		for (size_t i = 0; i < count; i++)
			if (chain_root(c, i) >= 0 && (chain_root(c, i) == (int)i) == (bool)roots &&
			    (roots || !chain_is_issuer(c, i))) {
				if (n == ENDS_MAX)
					return 0;
				out[n++] = i;
			}
	return n;
}

/* Reads the bytes of the card that must be the last ones of `der`. */
static enum result compare_end(struct token *t, const struct p15_object *record,
			       const struct buffer *der, bool *same)
{
	struct p15_object end = *record; /* a view: owns nothing */
	struct buffer now = BUFFER_INIT;
	enum result r;

	end.length = der->len < END_SIZE ? (unsigned)der->len : END_SIZE;
	end.offset = (record->has_range ? record->offset : 0) + (unsigned)der->len - end.length;
	end.has_range = true;
	r = card_read_object(t->card, &end, &now);
	*same = r == RESULT_OK && now.len == end.length &&
		memcmp(now.data, der->data + der->len - end.length, now.len) == 0;
	buffer_clear(&now);
	/* a card on which the place cannot be read is not the one in the cache */
	return result_is_refusal(r) || r == RESULT_BAD_ANSWER ? RESULT_OK : r;
}

/*
 * A certificate is bound if the self-signed one above it is on the card, and
 * it is itself, or one that it vouches for (docs/SECURITY.md).
 */
static uint64_t bound_by(const struct chain *c, size_t count, uint64_t ends)
{
	uint64_t bound = 0;

	for (size_t i = 0; i < count; i++) {
		int root = chain_root(c, i);

		if (root < 0 || !(ends & BIT(root)))
			continue;
		for (size_t j = 0; j < count; j++)
			if (ends & BIT(j) && chain_is_above(c, i, j))
				bound |= BIT(i);
	}
	return bound;
}

static enum result compare_ends(struct token *t, const struct p15_list *records, const struct chain *c)
{
	size_t which[ENDS_MAX], n = choose(c, records->count, which);
	enum result r = RESULT_OK;
	uint64_t ends = 0;

	t->bind_tried = true;
	for (size_t i = 0; r == RESULT_OK && i < n; i++) {
		const unsigned place = (unsigned)which[i];
		bool same;

		r = compare_end(t, &records->items[place],
				cache_get(&t->cache, CACHE_CERTIFICATE, place), &same);
		if (same)
			ends |= BIT(place);
		else if (r == RESULT_OK)
			warm_refute(t, CACHE_CERTIFICATE, place);
	}
	t->bound = bound_by(c, records->count, ends);
	return r;
}

enum result warm_bind(struct token *t)
{
	const struct object_list *list = &t->lists[P15_CERTIFICATE];
	struct chain c;
	enum result r;

	warm_load(t);
	if (t->bind_tried || !list->loaded || !t->cache.count)
		return RESULT_OK;
	build_chain(&t->cache, &list->records, &c);
	r = compare_ends(t, &list->records, &c);
	chain_clear(&c);
	pthread_mutex_lock(&t->lock);
	warm_fill(t);
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* ---- directories ---- */

static bool is_fresh(const struct cache *cache, enum p15_class kind)
{
	const struct buffer *date = cache_get(cache, CACHE_DATE, kind);
	uint64_t then = 0, now = (uint64_t)time(NULL);

	if (!date || date->len != sizeof then || !cache_get(cache, CACHE_DIRECTORY, kind))
		return false;
	for (size_t i = 0; i < sizeof then; i++)
		then = then << 8 | date->data[i];
	return then <= now && now - then < DIRECTORY_AGE_MAX;
}

static void parse_fresh(const struct cache *cache, struct p15_list lists[P15_CLASSES])
{
	for (size_t k = 0; k < WARM_KINDS; k++) {
		const struct buffer *raw = cache_get(cache, CACHE_DIRECTORY, warm_kinds[k]);

		if (is_fresh(cache, warm_kinds[k]) &&
		    p15_parse(warm_kinds[k], raw->data, raw->len, &lists[warm_kinds[k]]) != RESULT_OK)
			p15_list_clear(&lists[warm_kinds[k]]);
	}
}

/* The one record with this id; NULL: none, or several. */
static const struct p15_object *only_one(const struct p15_list *list, const struct buffer *id)
{
	const struct p15_object *found = NULL;

	for (size_t i = 0; i < list->count; i++) {
		if (!buffer_same(&list->items[i].id, id))
			continue;
		if (found)
			return NULL;
		found = &list->items[i];
	}
	return found;
}

/* Keys may say of themselves what their certificates allow. */
static bool keys_agree(const struct p15_list *keys, const struct p15_list *certificates,
		       const struct chain *c)
{
	for (size_t i = 0; i < keys->count; i++) {
		const struct p15_object *one = only_one(certificates, &keys->items[i].id);

		if (one && !chain_allows(c, (size_t)(one - certificates->items), keys->items[i].usage))
			return false;
	}
	return true;
}

/* Hands a parsed directory over. */
static void take(struct token *t, enum p15_class kind, struct p15_list *records)
{
	const struct buffer *raw = cache_get(&t->cache, CACHE_DIRECTORY, kind);
	struct object_list *list = &t->lists[kind];

	if (list->loaded || !records->count || buffer_append(&list->raw, raw->data, raw->len) != RESULT_OK)
		return;
	list->records = *records;
	*records = (struct p15_list){NULL, 0};
	list->loaded = list->warm = true;
}

/* The directories if every certificate in them is bound; otherwise none, and nothing is sent in vain. */
static enum result take_directories(struct token *t, struct p15_list lists[P15_CLASSES])
{
	struct p15_list *certificates = &lists[P15_CERTIFICATE];
	enum result r = RESULT_OK;
	struct chain c;
	bool all;

	build_chain(&t->cache, certificates, &c);
	all = is_whole(&c, certificates->count);
	if (all)
		r = compare_ends(t, certificates, &c);
	for (size_t i = 0; i < certificates->count; i++)
		all = all && t->bound & BIT(i);
	all = all && keys_agree(&lists[P15_PUBLIC_KEY], certificates, &c);
	if (all && r == RESULT_OK) {
		pthread_mutex_lock(&t->lock);
		for (size_t k = 0; k < WARM_KINDS; k++)
			take(t, warm_kinds[k], &lists[warm_kinds[k]]);
		pthread_mutex_unlock(&t->lock);
	} else if (r == RESULT_OK) {
		log_line(LOG_INFO, "cache: what is in it of %s is not all proven: the card is read",
			 t->data.serial);
	}
	chain_clear(&c);
	return r;
}

enum result warm_start(struct token *t)
{
	struct p15_list lists[P15_CLASSES] = {{NULL, 0}};
	enum result r;

	if (t->warm_tried || !config_current()->cache)
		return RESULT_OK;
	t->warm_tried = true;
	r = t->has_data ? RESULT_OK : token_read_number(t);
	if (r != RESULT_OK)
		return result_is_refusal(r) ? RESULT_OK : r;
	warm_load(t);
	parse_fresh(&t->cache, lists);
	if (lists[P15_CERTIFICATE].count && !t->lists[P15_CERTIFICATE].loaded)
		r = take_directories(t, lists);
	for (size_t k = 0; k < P15_CLASSES; k++)
		p15_list_clear(&lists[k]);
	return r;
}

void warm_compare_names(struct token *t)
{
	const struct p15_list *private = &t->lists[P15_PRIVATE_KEY].records;
	const struct object_list *public = &t->lists[P15_PUBLIC_KEY];
	bool same = true; /* also while either is not there */

	for (size_t i = 0; public->warm && i < public->records.count; i++)
		for (size_t j = 0; j < private->count; j++)
			same = same && (public->records.items[i].key_ref != private->items[j].key_ref ||
					buffer_same(&public->records.items[i].id, &private->items[j].id));
	for (size_t k = 0; !same && k < WARM_KINDS; k++)
		warm_refute(t, CACHE_DIRECTORY, warm_kinds[k]);
	if (!same)
		log_line(LOG_ERROR, "cache: names in it are not those of the card's keys: dropped");
}

/* ---- certificates and keys ---- */

/* The place of a record of the token's own directory whose certificate is bound. */
static const struct buffer *bound_certificate(const struct token *t, const struct p15_object *record,
					      struct chain *c)
{
	size_t place = (size_t)(record - t->lists[P15_CERTIFICATE].records.items);
	const struct buffer *der = NULL;

	chain_init(c);
	if (place < CHAIN_MAX && t->bound & BIT(place))
		der = cache_get(&t->cache, CACHE_CERTIFICATE, (unsigned)place);
	/* it was bound at a place: the directory may have been read anew since */
	return der && chain_put(c, place, der, record) ? der : NULL;
}

static void fill_value(const struct token *t, struct object *o)
{
	const struct buffer *der;
	struct chain c;

	der = bound_certificate(t, o->record, &c);
	o->value_read = der && buffer_append(&o->value, der->data, der->len) == RESULT_OK;
	chain_clear(&c);
}

bool warm_key(const struct token *t, const struct p15_object *key, struct rsa_public *out)
{
	const struct p15_list *certificates = &t->lists[P15_CERTIFICATE].records;
	const struct p15_object *one = only_one(certificates, &key->id);
	struct chain c;
	size_t place;
	bool ok;

	if (!one || !t->bound)
		return false;
	place = (size_t)(one - certificates->items);
	ok = bound_certificate(t, one, &c) && chain_allows(&c, place, key->usage) &&
	     chain_key(&c, place, out);
	chain_clear(&c);
	return ok;
}

void warm_fill(struct token *t)
{
	struct object_list *certificates = &t->lists[P15_CERTIFICATE];
	const struct p15_list *keys = &t->lists[P15_PUBLIC_KEY].records;

	for (size_t i = 0; t->bound && i < certificates->count; i++)
		if (!certificates->items[i].value_read)
			fill_value(t, &certificates->items[i]);
	for (size_t i = 0; t->bound && i < keys->count; i++) {
		struct public_key key = {.key_ref = keys->items[i].key_ref, .readable = true,
					 .origin = KEY_CERTIFIED};
		const struct public_key *known = token_known_key(t, key.key_ref);

		if ((!known || known->origin == KEY_UNPROVEN) && warm_key(t, &keys->items[i], &key.rsa))
			(void)token_put_key(t, &key);
	}
}

bool warm_doubts(const struct token *t, const struct object *o, const struct buffer *value)
{
	const struct object_list *list = &t->lists[P15_CERTIFICATE];
	size_t place = (size_t)(o->record - list->records.items);
	struct chain c;
	bool doubts;

	chain_init(&c);
	doubts = !chain_put(&c, place, value, o->record);
	for (size_t i = 0; !doubts && list->items && i < list->count; i++) {
		const struct object *other = &list->items[i];

		if (other != o)
			(void)chain_put(&c, (size_t)(other->record - list->records.items),
					other->value_read ? &other->value : &other->draft, other->record);
	}
	chain_verify(&c);
	doubts = doubts || c.issuer[place] == CHAIN_FORGED;
	chain_clear(&c);
	return doubts;
}
