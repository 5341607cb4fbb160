#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "src/base/config_file.h"
#include "src/base/names.h"
#include "src/base/settings.h"
#include "src/crypto/context.h"
#include "src/token/readers.h"
#include "tools/twcard/card.h"
#include "tools/twcard/message.h"
#include "tools/twcard/pin_ask.h"
#include "tools/twcard/pin_tries.h"
#include "tools/twcard/text.h"

static struct {
	struct slot *slots[PCSC_READERS_MAX];
	size_t count;
} cards;

/* ---- readers ---- */

static bool is_known(const char *reader)
{
	for (size_t i = 0; i < cards.count; i++)
		if (strcmp(cards.slots[i]->reader, reader) == 0)
			return true;
	return false;
}

enum result cards_look(void)
{
	struct pcsc_readers readers;
	enum result r = readers_list(&readers);
	uint64_t round;

	if (r != RESULT_OK)
		return r;
	for (size_t i = 0; i < readers.count && r == RESULT_OK; i++) {
		if (is_known(readers.names[i]) || cards.count == PCSC_READERS_MAX)
			continue;
		r = slot_new(cards.count, readers.names[i], readers_state(readers.names[i], &round),
			     &cards.slots[cards.count]);
		if (r == RESULT_OK)
			cards.count++;
	}
	pcsc_readers_clear(&readers);
	return r;
}

enum result cards_begin(void)
{
	config_load();
	settings_start_log(config_current());
	config_report();
	return crypto_start() ? cards_look() : RESULT_NO_MEMORY;
}

void cards_end(void)
{
	for (size_t i = 0; i < cards.count; i++)
		slot_free(&cards.slots[i]);
	cards.count = 0;
	readers_close();
	settings_stop_log();
}

size_t cards_count(void)
{
	return cards.count;
}

struct slot *cards_slot(size_t i)
{
	return cards.slots[i];
}

/* ---- the one that is meant ---- */

bool cards_is_meant(const char *wanted, size_t i)
{
	char *end;
	unsigned long number = strtoul(wanted, &end, 10);

	if (isdigit((unsigned char)*wanted) && !*end)
		return number == i + 1;
	return strstr(cards.slots[i]->reader, wanted) != NULL;
}

enum exit_code cards_tell_none(const char *wanted)
{
	if (wanted && cards.count)
		message_error(_("no reader is called %s\n'twcard status' lists the readers."), wanted);
	else
		message_error(_("no reader is connected\n"
				"Plug one in; 'twcard doctor' says what else may be missing."));
	return EXIT_NO_CARD;
}

static enum exit_code choose_among(const char *wanted, struct slot **out)
{
	size_t readers = 0, with_card = 0;

	for (size_t i = 0; i < cards.count; i++) {
		if (wanted && !cards_is_meant(wanted, i))
			continue;
		readers++;
		if (!slot_look_for_card(cards.slots[i]))
			continue;
		with_card++;
		*out = cards.slots[i];
	}
	if (with_card == 1)
		return EXIT_GOOD;
	*out = NULL;
	if (with_card > 1)
		message_error(_("there is more than one card\n"
				"Say which with --reader and a number or part of the name; 'twcard status' lists them."));
	else if (!readers)
		return cards_tell_none(wanted);
	else
		return message_result(RESULT_NO_CARD, NULL);
	return EXIT_NO_CARD;
}

enum exit_code cards_choose(const struct arguments *args, struct slot **out)
{
	enum result r = cards_begin();

	*out = NULL;
	if (r != RESULT_OK)
		return message_result(r, NULL);
	return choose_among(arguments_value(args, "reader"), out);
}

/* ---- what is read ---- */

enum result card_identify(struct slot *slot, struct card_identity *out)
{
	const struct token *t = &slot->token;
	enum result r = slot_check_card(slot);

	memset(out, 0, sizeof *out);
	if (r == RESULT_OK)
		r = slot_touch(slot);
	if (r == RESULT_OK)
		r = token_read_number(&slot->token);
	if (r != RESULT_OK)
		return slot_after_error(slot, r);
	snprintf(out->number, sizeof out->number, "%s", t->data.serial);
	out->profile = card_profile_name(card_profile_of(t->card));
	out->pin_min = t->pin_min;
	out->pin_max = t->pin_max;
	out->pin_tries = t->pin_tries;
	out->tries_left = t->tries_left >= 0 ? t->tries_left : pin_tries_last(out->number);
	out->can_login = t->can_login;
	return RESULT_OK;
}

enum result card_token(struct slot *slot, struct slot_token *out)
{
	return slot_token_info(slot, out);
}

static char *label_of(const struct object *o)
{
	char *label = malloc(o->record->label.len + 1);

	if (!label)
		return NULL;
	if (o->record->label.len)
		memcpy(label, o->record->label.data, o->record->label.len);
	label[o->record->label.len] = '\0';
	return label;
}

static enum result read_certificate(struct slot *slot, const struct object *o,
				    struct card_certificate *out)
{
	const uint8_t *der;
	enum result r = slot_fetch(slot, o->handle, SLOT_NEEDS_VALUE);

	out->object = o;
	out->label = label_of(o);
	if (!out->label)
		return RESULT_NO_MEMORY;
	if (r == RESULT_BAD_DATA || r == RESULT_NOT_FOUND) /* this one; the others may be whole */
		return RESULT_OK;
	if (r != RESULT_OK)
		return r;
	der = o->value.data;
	out->x509 = d2i_X509(NULL, &der, (long)o->value.len);
	return RESULT_OK;
}

enum result card_certificates(struct slot *slot, struct card_certificates *out)
{
	const struct object_list *list = &slot->token.lists[P15_CERTIFICATE];
	enum result r = slot_load(slot, P15_CERTIFICATE);

	*out = (struct card_certificates){NULL, 0};
	if (r == RESULT_OK && list->count)
		out->items = calloc(list->count, sizeof *out->items);
	if (r == RESULT_OK && list->count && !out->items)
		r = RESULT_NO_MEMORY;
	for (size_t i = 0; r == RESULT_OK && i < list->count; i++)
		if (!list->items[i].is_attribute)
			r = read_certificate(slot, &list->items[i], &out->items[out->count++]);
	if (r != RESULT_OK)
		card_certificates_clear(out);
	return r;
}

void card_certificates_clear(struct card_certificates *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].label);
		X509_free(list->items[i].x509);
	}
	free(list->items);
	*list = (struct card_certificates){NULL, 0};
}

static bool has_usage(const struct card_certificate *c, uint32_t usage)
{
	return c->x509 && !X509_check_ca(c->x509) && X509_get_key_usage(c->x509) & usage;
}

bool card_certificate_signs(const struct card_certificate *c)
{
	return has_usage(c, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
}

bool card_certificate_decrypts(const struct card_certificate *c)
{
	return has_usage(c, KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT);
}

char *card_title(const char *number)
{
	char name[NAMES_SIZE], title[NAMES_SIZE + 64];

	if (!names_get(number, name))
		return text_safe(number);
	snprintf(title, sizeof title, "%s (%s)", name, number);
	return text_safe(title);
}

/* ---- login ---- */

void card_tell_tries(int tries)
{
	if (tries < 0)
		return;
	message_json_error_add("tries_left", json_object_new_int(tries));
	if (tries > 0)
		message_note(ngettext("%d try is left, then it locks.", "%d tries are left, then it locks.",
				      (unsigned long)tries), tries);
}

static enum exit_code tell_login(enum result r, int tries)
{
	enum exit_code code = message_result(r, _("login"));

	card_tell_tries(tries);
	return code;
}

enum exit_code card_login(struct slot *slot, const struct arguments *args)
{
	struct secret pin = SECRET_INIT;
	struct slot_token info;
	enum exit_code code;
	enum result r = card_token(slot, &info);
	int tries = -1;

	card_leave(slot); /* a person types for a while */
	if (r != RESULT_OK)
		return message_result(r, slot->reader);
	if (!info.can_login)
		return message_result(RESULT_NO_KEYSET, _("login"));
	code = pin_ask(args, &info, &pin);
	if (code != EXIT_GOOD)
		return code;
	r = slot_touch(slot);
	if (r == RESULT_OK)
		r = token_login(&slot->token, pin.data, pin.len, &tries);
	pin_tries_saw(info.data.serial, r, tries);
	secret_clear(&pin);
	return r == RESULT_OK ? EXIT_GOOD : tell_login(slot_after_error(slot, r), tries);
}

void card_logout(struct slot *slot)
{
	if (slot_logged_in(slot))
		(void)slot_logout(slot);
}

static const struct object *key_of(struct slot *slot, const struct object *certificate)
{
	const struct object_list *list = &slot->token.lists[P15_PRIVATE_KEY];
	const struct buffer *id = &certificate->record->id;

	for (size_t i = 0; i < list->count; i++) {
		const struct buffer *other = &list->items[i].record->id;

		if (id->len && id->len == other->len && memcmp(id->data, other->data, id->len) == 0)
			return &list->items[i];
	}
	return NULL;
}

enum result card_private_operation(struct slot *slot, const struct object *certificate,
				   const uint8_t in[CARD_MODULUS_SIZE],
				   uint8_t out[CARD_MODULUS_SIZE])
{
	const struct object *key;
	enum result r = slot_load(slot, P15_PRIVATE_KEY);

	if (r != RESULT_OK)
		return r;
	key = key_of(slot, certificate);
	r = key ? token_private_op(&slot->token, key, false, in, out) : RESULT_NOT_FOUND;
	return r == RESULT_NOT_FOUND ? r : slot_after_error(slot, r);
}

void card_leave(struct slot *slot)
{
	slot_leave(slot);
}

void card_end_login(struct slot *slot)
{
	card_logout(slot);
	card_leave(slot);
	if (slot->token.owes_reset)
		message_note(_("The card could not be reset, and may still be open to other programs:"
			       " take it out of the reader."));
}
