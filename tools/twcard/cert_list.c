#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>
#include <openssl/x509.h>

#include "tools/twcard/card.h"
#include "tools/twcard/cert_list.h"
#include "tools/twcard/message.h"

/* ---- reading ---- */

static char *hex_text(const struct buffer *b)
{
	char *hex = malloc(2 * b->len + 1);

	for (size_t i = 0; hex && i < b->len; i++)
		snprintf(hex + 2 * i, 3, "%02X", b->data[i]);
	if (hex)
		hex[2 * b->len] = '\0';
	return hex;
}

/* Takes the certificate over. */
static bool fill(struct card_certificate *from, size_t number, time_t now, struct cert_item *to)
{
	const struct buffer *id = &from->object->record->id;

	*to = (struct cert_item){
		.number = number,
		.label = strdup(from->label),
		.id = cert_text(id->data, id->len),
		.id_hex = hex_text(id),
		.x509 = from->x509,
	};
	from->x509 = NULL;
	return to->label && to->id && to->id_hex &&
	       (!to->x509 || cert_info_read(to->x509, now, &to->info));
}

static enum result read_card(struct slot *slot, time_t now, struct cert_list *out)
{
	struct card_certificates found;
	struct card_identity card;
	enum result r = card_certificates(slot, &found);

	if (r != RESULT_OK)
		return r;
	out->reader = strdup(slot->reader);
	out->items = calloc(found.count + 1, sizeof *out->items);
	if (r == RESULT_OK && card_identify(slot, &card) == RESULT_OK) /* without a number it has no name */
		(void)names_get(card.number, out->name);
	if (!out->reader || !out->items)
		r = RESULT_NO_MEMORY;
	for (size_t i = 0; r == RESULT_OK && i < found.count; i++) {
		out->count = i + 1;
		if (!fill(&found.items[i], i + 1, now, &out->items[i]))
			r = RESULT_NO_MEMORY;
	}
	card_certificates_clear(&found);
	return r;
}

enum exit_code cert_list_read(const struct arguments *args, time_t now, struct cert_list *out)
{
	struct slot *slot;
	enum exit_code code = cards_choose(args, &slot);
	enum result r;

	*out = (struct cert_list){.items = NULL};
	if (code != EXIT_GOOD)
		return code;
	r = read_card(slot, now, out);
	card_leave(slot);
	if (r == RESULT_OK)
		return EXIT_GOOD;
	cert_list_clear(out);
	return message_result(r, slot->reader);
}

void cert_list_clear(struct cert_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct cert_item *item = &list->items[i];

		free(item->label);
		free(item->id);
		free(item->id_hex);
		X509_free(item->x509);
		cert_info_clear(&item->info);
	}
	free(list->items);
	free(list->reader);
	*list = (struct cert_list){.items = NULL};
}

/* ---- which one ---- */

static bool has_number(const struct cert_item *item, const char *which)
{
	char number[24];

	snprintf(number, sizeof number, "%zu", item->number);
	return strcmp(number, which) == 0;
}

static bool has_id(const struct cert_item *item, const char *which)
{
	return *which && (strcmp(item->id, which) == 0 || strcasecmp(item->id_hex, which) == 0);
}

static bool has_label(const struct cert_item *item, const char *which)
{
	return strcmp(item->label, which) == 0;
}

/* A number is one before it is a label, and an id too. */
static bool (*const meanings[])(const struct cert_item *item, const char *which) = {
	has_number, has_id, has_label,
};

const struct cert_item *cert_list_find(const struct cert_list *list, const char *which)
{
	const struct cert_item *found = NULL;

	for (size_t m = 0; !found && m < sizeof meanings / sizeof *meanings; m++) {
		for (size_t i = 0; i < list->count; i++) {
			if (!meanings[m](&list->items[i], which))
				continue;
			if (found) {
				message_error(_("more than one certificate is called %s\n"
						"Say its number: 'twcard cert list' shows them."), which);
				return NULL;
			}
			found = &list->items[i];
		}
	}
	if (!found)
		message_error(_("the card has no certificate %s\n"
				"'twcard cert list' shows those there are: a number, an id or a label is wanted."),
			      which);
	return found;
}

bool cert_item_is_users(const struct cert_item *item)
{
	return item->x509 && !(item->info.usage & CERT_IS_CA);
}

struct json_object *cert_item_json(const struct cert_item *item)
{
	struct json_object *to = json_object_new_object();

	if (!to)
		return NULL;
	json_object_object_add(to, "number", json_object_new_int64((int64_t)item->number));
	json_object_object_add(to, "label", message_json_text(item->label));
	json_object_object_add(to, "id", message_json_text(item->id));
	json_object_object_add(to, "id_hex", message_json_text(item->id_hex));
	json_object_object_add(to, "certificate", item->x509 ? cert_info_json(&item->info) : NULL);
	return to;
}
