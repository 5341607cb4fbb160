#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "apdu/log.h"
#include "src/crypto/rsa.h"
#include "src/token/token.h"

#define SENDS_CARD_AWAY(r)                                                                         \
	((r) == RESULT_CARD_REMOVED || (r) == RESULT_CARD_MUTE || (r) == RESULT_NO_READER ||       \
	 (r) == RESULT_NO_SERVICE || (r) == RESULT_CARD_RESET || (r) == RESULT_NO_MEMORY)

void token_init(struct token *t)
{
	memset(t, 0, sizeof *t);
	t->next_handle = 1;
	t->tries_left = -1;
}

/* The handles of one list die; the records stay. */
static void drop_objects(struct token *t, struct object_list *list)
{
	for (size_t i = 0; list->items && i < list->count; i++) {
		HASH_DEL(t->handles, &list->items[i]);
		object_release(&list->items[i]);
	}
	free(list->items);
	list->items = NULL;
	list->count = 0;
}

enum result token_add_session_object(struct token *t, struct store *attributes,
				     CK_SESSION_HANDLE owner, CK_OBJECT_HANDLE *handle)
{
	struct object *o = calloc(1, sizeof *o);
	struct store *own = calloc(1, sizeof *own);

	if (!o || !own)
		goto fail;
	*own = *attributes;
	o->attributes = own;
	o->owner = owner;
	o->klass = store_ulong(own, CKA_CLASS);
	o->is_private = store_bool(own, CKA_PRIVATE);
	o->handle = t->next_handle++;
	HASH_ADD(hh, t->handles, handle, sizeof o->handle, o);
	if (!o->hh.tbl)
		goto fail;
	*attributes = (struct store){NULL, 0};
	*handle = o->handle;
	return RESULT_OK;
fail:
	store_clear(attributes);
	free(own);
	free(o);
	return RESULT_NO_MEMORY;
}

enum result token_add_profiles(struct token *t)
{
	static const CK_ULONG ids[] = {CKP_BASELINE_PROVIDER, CKP_AUTHENTICATION_TOKEN,
				       CKP_PUBLIC_CERTIFICATES_TOKEN};
	enum result r = RESULT_OK;

	for (size_t i = 0; !t->has_profiles && r == RESULT_OK && i < sizeof ids / sizeof *ids; i++) {
		struct store s = {NULL, 0};
		CK_OBJECT_HANDLE handle;

		r = store_set_ulong(&s, CKA_CLASS, CKO_PROFILE);
		if (r == RESULT_OK)
			r = store_set_bool(&s, CKA_TOKEN, true);
		if (r == RESULT_OK)
			r = store_set_bool(&s, CKA_PRIVATE, false);
		if (r == RESULT_OK)
			r = store_set_bool(&s, CKA_MODIFIABLE, false);
		if (r == RESULT_OK)
			r = store_set_ulong(&s, CKA_PROFILE_ID, ids[i]);
		if (r == RESULT_OK)
			r = token_add_session_object(t, &s, 0, &handle);
		store_clear(&s);
	}
	t->has_profiles = t->has_profiles || r == RESULT_OK;
	return r;
}

void token_remove_session_object(struct token *t, struct object *o)
{
	HASH_DEL(t->handles, o);
	object_release(o);
	free(o);
}

void token_end_session_objects(struct token *t, CK_SESSION_HANDLE owner, bool only_private)
{
	struct object *o, *next;

	HASH_ITER(hh, t->handles, o, next)
		if (o->attributes && (!owner || o->owner == owner) && (!only_private || o->is_private))
			token_remove_session_object(t, o);
}

void token_clear(struct token *t)
{
	CK_OBJECT_HANDLE next = t->next_handle;

	token_end_session_objects(t, 0, false);
	for (size_t i = 0; i < P15_CLASSES; i++) {
		drop_objects(t, &t->lists[i]);
		p15_list_clear(&t->lists[i].records);
		buffer_clear(&t->lists[i].raw);
	}
	cache_clear(&t->cache);
	secret_clear(&t->pin);
	card_free(&t->card);
	token_init(t);
	t->next_handle = next;
}

enum result token_read_data(struct token *t)
{
	enum result r = RESULT_OK;

	if (!t->has_data)
		r = card_read_token(t->card, &t->data);
	t->has_data = r == RESULT_OK;
	return r;
}

/* A CA's certificate: its record says so, or it issued one that is on the card. */
static bool is_authority(const struct p15_list *list, size_t which)
{
	const struct p15_object *o = &list->items[which];

	for (size_t i = 0; i < list->count && !o->is_authority; i++)
		if (buffer_same(&list->items[i].issuer, &o->subject))
			return true;
	return o->is_authority;
}

/* Handle and place in the table; false: out of memory. */
static bool add_object(struct token *t, struct object_list *list, size_t record, bool authority)
{
	struct object *o = &list->items[list->count];

	o->record = &list->records.items[record];
	o->klass = object_class(o->record->kind);
	o->is_private = o->record->kind == P15_PRIVATE_KEY || o->record->is_private;
	o->is_authority = authority;
	o->handle = t->next_handle++;
	HASH_ADD(hh, t->handles, handle, sizeof o->handle, o);
	if (!o->hh.tbl)
		return false;
	list->count++;
	return true;
}

/*
 * The order that callers see: the card's, but the holder's certificates before
 * the CAs', for programs that take the first one.
 */
static enum result add_objects(struct token *t, struct object_list *list)
{
	if (list->items || !list->records.count)
		return RESULT_OK;
	list->items = calloc(list->records.count, sizeof *list->items);
	if (!list->items)
		return RESULT_NO_MEMORY;
	for (int authorities = 0; authorities < 2; authorities++) {
		for (size_t i = 0; i < list->records.count; i++) {
			bool authority = list->records.items[i].kind == P15_CERTIFICATE &&
					 is_authority(&list->records, i);

			if (authority != (bool)authorities)
				continue;
			if (!add_object(t, list, i, authority)) {
				drop_objects(t, list);
				return RESULT_NO_MEMORY;
			}
		}
	}
	return RESULT_OK;
}

enum result token_load(struct token *t, enum p15_class kind)
{
	struct object_list *list = &t->lists[kind];
	enum result r = RESULT_OK;

	if (!list->loaded)
		r = card_read_directory(t->card, kind, &list->records, &list->raw);
	if (r != RESULT_OK) {
		buffer_clear(&list->raw);
		return r;
	}
	t->dirty = t->dirty || (!list->loaded && kind != P15_PRIVATE_KEY);
	list->loaded = true;
	/* private keys have no handles before login; a logout takes them away */
	if (kind == P15_PRIVATE_KEY && !t->logged_in)
		return RESULT_OK;
	return add_objects(t, list);
}

struct object *token_object(struct token *t, CK_OBJECT_HANDLE handle)
{
	struct object *o = NULL;

	HASH_FIND(hh, t->handles, &handle, sizeof handle, o);
	return o && o->is_private && !t->logged_in ? NULL : o;
}

/* Certificates: the DER object at the front, which may be shorter than the room it has. */
static enum result trim_certificate(const struct object *o, struct buffer *value)
{
	struct cursor c = cursor_of(value->data, value->len);
	struct tlv tlv;

	if (cursor_tlv(&c, &tlv, NULL) != TLV_OK || tlv.tag != 0x30) {
		log_line(LOG_ERROR, "certificate \"%.*s\": what is on the card (%zu bytes) is no certificate",
			 (int)o->record->label.len, (const char *)o->record->label.data, value->len);
		return RESULT_BAD_DATA;
	}
	buffer_truncate(value, tlv.size);
	return RESULT_OK;
}

/* The certificate from the disk cache, if that was found to be this card's. */
static bool from_cache(const struct token *t, struct object *o)
{
	const struct buffer *known;

	if (o->klass != CKO_CERTIFICATE)
		return false;
	known = cache_get(&t->cache, CACHE_CERTIFICATE,
			  (unsigned)(o->record - t->lists[P15_CERTIFICATE].records.items));
	o->value_read = known && buffer_append(&o->value, known->data, known->len) == RESULT_OK;
	return o->value_read;
}

bool token_has_value(const struct token *t, struct object *o)
{
	return o->value_read || from_cache(t, o);
}

enum result token_read_value(struct token *t, struct object *o)
{
	struct buffer value = BUFFER_INIT;
	enum result r;

	if (o->value_read)
		return RESULT_OK;
	if (from_cache(t, o))
		return RESULT_OK;
	r = card_read_object(t->card, o->record, &value);
	if (r == RESULT_OK && o->klass == CKO_CERTIFICATE)
		r = trim_certificate(o, &value);
	if (r == RESULT_OK) {
		buffer_move(&o->value, &value);
		o->value_read = true;
		t->dirty = t->dirty || o->klass == CKO_CERTIFICATE;
	}
	buffer_clear(&value);
	return r;
}

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
		if (SENDS_CARD_AWAY(r))
			return r;
		entry->key_ref = key->record->key_ref;
		entry->readable = r == RESULT_OK && is_plausible(&entry->rsa);
		if (!entry->readable)
			log_line(LOG_ERROR, "public key %02X cannot be read: %s", entry->key_ref,
				 r == RESULT_OK ? "not an RSA-2048 key" : result_text(r));
		t->key_count++;
		t->dirty = t->dirty || entry->readable;
	}
	if (!entry->readable)
		return RESULT_NOT_FOUND;
	*out = &entry->rsa;
	return RESULT_OK;
}

/*
 * What will be needed after the login and would disturb it then: on a card
 * with a secure channel every plain read may close it.
 */
static enum result read_ahead(struct token *t)
{
	struct object_list *list = &t->lists[P15_PRIVATE_KEY];
	enum result r = token_load(t, P15_PRIVATE_KEY);

	if (SENDS_CARD_AWAY(r))
		return r;
	for (size_t i = 0; !card_reads_keys_freely(t->card) && i < list->records.count; i++) {
		const struct object key = {.record = &list->records.items[i]};
		const struct rsa_public *ignored;

		r = token_public_key(t, &key, &ignored);
		if (SENDS_CARD_AWAY(r))
			return r;
	}
	/* a damaged directory is told when somebody looks for keys, not here */
	return RESULT_OK;
}

enum result token_login(struct token *t, const uint8_t *pin, size_t len)
{
	struct secret copy = SECRET_INIT;
	int tries = -1;
	size_t min, max;
	enum result r;

	card_pin_limits(t->card, &min, &max, &tries);
	tries = -1;
	if (len < min || len > max)
		return RESULT_PIN_LENGTH;
	r = secret_set(&copy, pin, len);
	/* whose PIN it is: after a reset by others it is given to no other card */
	if (r == RESULT_OK)
		r = card_read_number(t->card, t->data.serial, sizeof t->data.serial);
	if (r == RESULT_OK)
		r = read_ahead(t);
	if (r == RESULT_OK)
		r = card_verify_pin(t->card, pin, len, &tries);
	if (r == RESULT_OK || r == RESULT_PIN_WRONG || r == RESULT_PIN_LOCKED)
		t->tries_left = r == RESULT_OK ? -1 : tries;
	if (r != RESULT_OK) {
		secret_clear(&copy);
		return r;
	}
	t->pin = copy;
	t->logged_in = t->verified = true;
	return RESULT_OK;
}

/* The old handle dies, and what was read of the object is forgotten. */
static void renew_handle(struct token *t, struct object *o)
{
	HASH_DEL(t->handles, o);
	object_release(o);
	o->handle = t->next_handle++;
	HASH_ADD(hh, t->handles, handle, sizeof o->handle, o);
}

void token_logout(struct token *t)
{
	secret_clear(&t->pin);
	t->logged_in = t->verified = false;
	token_end_session_objects(t, 0, true);
	drop_objects(t, &t->lists[P15_PRIVATE_KEY]);
	for (size_t k = 0; k < P15_CLASSES; k++)
		for (size_t i = 0; t->lists[k].items && i < t->lists[k].count; i++)
			if (t->lists[k].items[i].is_private)
				renew_handle(t, &t->lists[k].items[i]);
}

/* The PIN must never be offered to another card than the one it opened. */
static enum result is_same_card(struct token *t)
{
	char now[sizeof t->data.serial];
	enum result r = card_read_number(t->card, now, sizeof now);

	if (r == RESULT_OK && strcmp(now, t->data.serial) != 0) {
		log_line(LOG_ERROR, "another card answers: the login is dropped");
		r = RESULT_SECURITY_STATUS;
	}
	return r;
}

/* Once, with the PIN that was right before; if it is not any more, the login ends. */
static enum result verify_again(struct token *t)
{
	int tries = -1;
	enum result r = t->verified ? RESULT_OK : is_same_card(t); /* not verified: it was reset */

	if (r == RESULT_OK)
		r = card_verify_pin(t->card, t->pin.data, t->pin.len, &tries);
	t->verified = r == RESULT_OK;
	if (r == RESULT_OK)
		return r;
	if (tries >= 0)
		t->tries_left = tries;
	log_line(LOG_ERROR, "the login could not be re-established: %s", result_text(r));
	token_logout(t);
	return SENDS_CARD_AWAY(r) ? r : RESULT_SECURITY_STATUS;
}

/*
 * The public half, if it can be had without disturbing the login. *out is
 * NULL, and that is no error, where it cannot or the card does not have it.
 */
static enum result key_for_check(struct token *t, const struct object *key,
				 const struct rsa_public **out)
{
	enum result r;

	*out = NULL;
	if (!token_has_public_key(t, key) && !card_reads_keys_freely(t->card))
		return RESULT_OK;
	r = token_public_key(t, key, out);
	return r == RESULT_NOT_FOUND ? RESULT_OK : r;
}

/* A result that does not undo with the public key must not leave the module. */
static enum result check_result(struct token *t, const struct object *key,
				const uint8_t in[CARD_MODULUS_SIZE],
				const uint8_t out[CARD_MODULUS_SIZE])
{
	const struct rsa_public *rsa;
	enum result r = key_for_check(t, key, &rsa);

	if (r == RESULT_OK && rsa && !rsa_undoes(rsa, in, out)) {
		log_line(LOG_ERROR, "key %02X: the card's result does not fit the public key",
			 key->record->key_ref);
		r = RESULT_BAD_SIGNATURE;
	}
	return r;
}

/* Cards are not asked for what RSA does not define. */
static enum result check_block(struct token *t, const struct object *key,
			       const uint8_t in[CARD_MODULUS_SIZE])
{
	const struct rsa_public *rsa;
	enum result r = key_for_check(t, key, &rsa);

	if (r == RESULT_OK && rsa && memcmp(in, rsa->modulus, CARD_MODULUS_SIZE) >= 0)
		r = RESULT_OUT_OF_RANGE;
	return r;
}

enum result token_private_op(struct token *t, const struct object *key, bool any_block,
			     const uint8_t in[CARD_MODULUS_SIZE], uint8_t out[CARD_MODULUS_SIZE])
{
	bool verified_now = false;
	enum result r = RESULT_OK;

	if (!t->logged_in)
		return RESULT_SECURITY_STATUS;
	if (any_block)
		r = check_block(t, key, in);
	if (r != RESULT_OK)
		return r;
	if (!t->verified || card_wants_pin_again(t->card)) {
		r = verify_again(t);
		if (r != RESULT_OK)
			return r;
		verified_now = true;
	}
	r = card_private_op(t->card, key->record->key_ref, in, out);
	if (r == RESULT_SECURITY_STATUS && !verified_now) {
		log_line(LOG_INFO, "the card forgot the PIN without a reset: giving it again, once");
		r = verify_again(t);
		if (r == RESULT_OK)
			r = card_private_op(t->card, key->record->key_ref, in, out);
	}
	if (r == RESULT_OK)
		r = check_result(t, key, in, out);
	if (r != RESULT_OK)
		OPENSSL_cleanse(out, CARD_MODULUS_SIZE);
	/* after an answer that makes no sense nothing about the card's state is certain */
	if (r == RESULT_SECURITY_STATUS || r == RESULT_CARD_MUTE)
		token_logout(t);
	return r;
}
