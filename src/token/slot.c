#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "apdu/log.h"
#include "src/base/config_file.h"
#include "src/crypto/context.h"
#include "src/module/module.h"
#include "src/token/slot.h"
#include "src/token/warm.h"

enum result slot_new(CK_SLOT_ID id, const char *reader, struct slot **out)
{
	struct slot *slot = calloc(1, sizeof *slot);

	*out = NULL;
	if (slot)
		slot->reader = strdup(reader);
	if (!slot || !slot->reader) {
		free(slot);
		return RESULT_NO_MEMORY;
	}
	slot->id = id;
	pthread_mutex_init(&slot->lock, NULL);
	token_init(&slot->token);
	*out = slot;
	return RESULT_OK;
}

/* Everything that belonged to the card that was here. */
static void forget_card(struct slot *slot)
{
	slot->in_transaction = false;
	slot->reset_at_end = false;
	session_close_all(slot);
	token_clear(&slot->token);
	pcsc_close(&slot->context);
}

void slot_free(struct slot **slot)
{
	struct slot *s = *slot;

	if (!s)
		return;
	if (s->token.logged_in)
		slot_logout(s);
	slot_leave(s);
	forget_card(s);
	pthread_mutex_destroy(&s->lock);
	free(s->reader);
	free(s);
	*slot = NULL;
}

bool slot_has_card(const struct slot *slot)
{
	return pcsc_reader_present(slot->state) && pcsc_card_present(slot->state);
}

bool slot_look(struct slot *slot)
{
	uint32_t now = module_reader_state(slot->reader);
	bool changed = pcsc_card_changed(slot->state, now);

	if (changed && slot_has_card(slot))
		log_line(LOG_INFO, "%s: the card or reader was taken away", slot->reader);
	slot->state = now;
	if (changed)
		forget_card(slot);
	return changed;
}

static enum result connect_card(struct slot *slot)
{
	const struct config *config = config_current();
	struct card_options options;
	struct channel *channel;
	enum result r = RESULT_OK;

	if (slot->token.unknown)
		return RESULT_UNKNOWN_CARD;
	options = (struct card_options){.libctx = crypto_context(),
					.allow_unproven = config->allow_unproven,
					.keyset_dirs = config->keyset_dirs};
	if (!slot->context)
		r = pcsc_open(&slot->context);
	if (r == RESULT_OK)
		r = pcsc_connect(slot->context, slot->reader, &channel);
	if (r == RESULT_OK)
		r = card_open(channel, &options, &slot->token.card);
	slot->token.unknown = r == RESULT_UNKNOWN_CARD;
	/* here it costs two commands, later the way there again */
	if (r == RESULT_OK && config->cache)
		(void)!card_read_number(slot->token.card, slot->token.data.serial,
					sizeof slot->token.data.serial);
	if (r != RESULT_OK && r != RESULT_UNKNOWN_CARD)
		log_line(LOG_ERROR, "%s: no way to the card: %s", slot->reader, result_text(r));
	if (r == RESULT_NO_SERVICE)
		pcsc_close(&slot->context);
	return r;
}

enum result slot_touch(struct slot *slot)
{
	bool was_reset = false;
	enum result r = RESULT_OK;

	if (slot->in_transaction)
		return RESULT_OK;
	if (slot->token.card)
		r = card_begin(slot->token.card, &was_reset);
	else
		r = connect_card(slot); /* begins the transaction, too */
	slot->in_transaction = r == RESULT_OK;
	if (was_reset && slot->token.logged_in)
		slot->token.verified = false;
	return r;
}

void slot_leave(struct slot *slot)
{
	if (slot->in_transaction && slot->token.card && !slot->reset_at_end)
		warm_save(&slot->token);
	if (slot->in_transaction && slot->token.card)
		card_end(slot->token.card, slot->reset_at_end);
	slot->in_transaction = false;
	slot->reset_at_end = false;
}

enum result slot_after_error(struct slot *slot, enum result r)
{
	switch (r) {
	case RESULT_CARD_MUTE: /* perhaps it was pulled out: look; if not, start anew next time */
	case RESULT_CARD_RESET:
		if (slot_look(slot))
			return RESULT_CARD_REMOVED;
		slot_leave(slot);
		token_logout(&slot->token);
		card_free(&slot->token.card);
		return r;
	case RESULT_CARD_REMOVED:
	case RESULT_NO_READER:
	case RESULT_NO_SERVICE:
		if (slot->token.card || slot->sessions) {
			log_line(LOG_INFO, "%s: %s", slot->reader, result_text(r));
			forget_card(slot);
		}
		return r;
	default:
		return r;
	}
}

enum result slot_token_data(struct slot *slot, const struct token_data **out)
{
	enum result r = RESULT_OK;

	*out = &slot->token.data;
	if (slot->token.has_data)
		return RESULT_OK;
	r = slot_touch(slot);
	if (r == RESULT_OK)
		r = token_read_data(&slot->token);
	return slot_after_error(slot, r);
}

enum result slot_load(struct slot *slot, enum p15_class kind)
{
	enum result r = RESULT_OK;

	if (!slot->token.lists[kind].loaded) {
		r = slot_touch(slot);
		if (r == RESULT_OK && kind != P15_PRIVATE_KEY)
			r = warm_start(&slot->token);
	}
	if (r == RESULT_OK)
		r = token_load(&slot->token, kind);
	return slot_after_error(slot, r);
}

void slot_lock(struct slot *slot)
{
	(void)slot; /* held since the call came in */
}

void slot_unlock(struct slot *slot)
{
	(void)slot;
}

enum result slot_fetch(struct slot *slot, CK_OBJECT_HANDLE handle, unsigned needs)
{
	const struct rsa_public *ignored;
	enum result r = slot_touch(slot);
	struct object *o = token_object(&slot->token, handle);

	if (r == RESULT_OK && (!o || o->attributes))
		r = RESULT_NOT_FOUND;
	if (r == RESULT_OK && needs & SLOT_NEEDS_VALUE)
		r = token_read_value(&slot->token, o);
	if (r == RESULT_OK && needs & SLOT_NEEDS_PUBLIC_KEY)
		r = token_public_key(&slot->token, o, &ignored);
	return slot_after_error(slot, r);
}

enum result slot_public_key(struct slot *slot, CK_OBJECT_HANDLE handle, struct rsa_public *out)
{
	struct object *o = token_object(&slot->token, handle);
	const struct rsa_public *key;
	enum result r = RESULT_OK;

	if (!o || o->attributes)
		return RESULT_NOT_FOUND;
	if (!token_has_public_key(&slot->token, o))
		r = slot_fetch(slot, handle, SLOT_NEEDS_PUBLIC_KEY);
	if (r == RESULT_OK)
		r = token_public_key(&slot->token, o, &key);
	if (r == RESULT_OK)
		*out = *key;
	return r;
}

void slot_logout(struct slot *slot)
{
	/* a card that cannot be reached any more has lost its state with its power */
	if (slot_touch(slot) == RESULT_OK)
		slot->reset_at_end = true;
	session_end_private(slot);
	token_logout(&slot->token);
}
