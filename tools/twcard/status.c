#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/twcard/message.h"
#include "tools/twcard/status.h"
#include "tools/twcard/table.h"

#define SOON_DAYS 60 /* a renewal takes its time */

/* ---- reading ---- */

static enum result describe(struct status *s)
{
	const time_t now = time(NULL);

	if (s->certificates.count)
		s->infos = calloc(s->certificates.count, sizeof *s->infos);
	if (s->certificates.count && !s->infos)
		return RESULT_NO_MEMORY;
	for (size_t i = 0; i < s->certificates.count; i++) {
		const X509 *x = s->certificates.items[i].x509;

		if (x && !cert_info_read(x, now, &s->infos[i]))
			return RESULT_NO_MEMORY;
	}
	return RESULT_OK;
}

void status_read(struct slot *slot, size_t number, struct status *out)
{
	memset(out, 0, sizeof *out);
	out->number = number;
	out->reader = slot->reader;
	out->result = card_identify(slot, &out->card);
	if (out->result == RESULT_OK) {
		(void)names_get(out->card.number, out->name);
		out->certificates_result = card_certificates(slot, &out->certificates);
		if (out->certificates_result == RESULT_OK)
			out->certificates_result = describe(out);
		/* the card went, or stopped: nothing of it is shown as if it were there */
		if (out->certificates_result == RESULT_CARD_REMOVED)
			out->result = RESULT_CARD_REMOVED;
	}
	card_leave(slot);
}

void status_clear(struct status *s)
{
	for (size_t i = 0; s->infos && i < s->certificates.count; i++)
		cert_info_clear(&s->infos[i]);
	free(s->infos);
	s->infos = NULL;
	card_certificates_clear(&s->certificates);
}

enum exit_code status_code(const struct status *s)
{
	if (s->result == RESULT_NO_CARD || s->result == RESULT_CARD_REMOVED)
		return EXIT_NO_CARD;
	return s->result == RESULT_OK && s->certificates_result == RESULT_OK ? EXIT_GOOD : EXIT_CARD;
}

/* True if it was read, and is a certificate. */
static bool is_described(const struct status *s, size_t i)
{
	return s->infos && s->certificates.items[i].x509;
}

const struct cert_info *status_holder(const struct status *s)
{
	for (size_t i = 0; i < s->certificates.count; i++)
		if (is_described(s, i) && !(s->infos[i].usage & CERT_IS_CA))
			return &s->infos[i];
	return NULL;
}

/* ---- for people ---- */

static void row(struct table *t, const char *name, const char *value)
{
	table_cell(t, STYLE_PLAIN, "%s", name);
	table_cell(t, STYLE_PLAIN, "%s", value);
}

static void pin_row(struct table *t, const struct card_identity *card)
{
	table_cell(t, STYLE_PLAIN, "%s", _("PIN"));
	if (!card->can_login)
		table_cell(t, STYLE_WARN, "%s", _("no login: the issuer's key set is not installed (docs/KEYSETS.md)"));
	else if (card->tries_left == 0)
		table_cell(t, STYLE_BAD, "%s", _("locked, when a PIN was last given"));
	else if (card->tries_left > 0)
		table_cell(t, STYLE_WARN,
			   ngettext("%d try was left when a PIN was last given",
				    "%d tries were left when a PIN was last given",
				    (unsigned long)card->tries_left),
			   card->tries_left);
	else
		table_cell(t, STYLE_PLAIN, _("%zu to %zu characters; how many tries are left, the card does not tell"),
			   card->pin_min, card->pin_max);
}

static void print_card(const struct status *s)
{
	const struct cert_info *holder = status_holder(s);
	const char *rank = holder ? cert_attributes_rank(&holder->attributes) : NULL;
	const char *type = holder ? cert_attributes_subject_type(&holder->attributes) : NULL;
	struct table *t = table_new(2);

	if (s->name[0])
		row(t, _("Name"), s->name);
	row(t, _("Card number"), s->card.number);
	if (holder)
		row(t, _("Holder"), holder->holder);
	if (holder && holder->attributes.organization_id)
		row(t, _("Unified business number"), holder->attributes.organization_id);
	if (type)
		row(t, _("Kind of holder"), type);
	if (rank)
		row(t, _("Rank of the card"), rank);
	if (holder && holder->ca)
		row(t, _("Issued by"), holder->ca);
	pin_row(t, &s->card);
	table_print(t, stdout, 2);
	table_free(&t);
}

static void days_cell(struct table *t, const struct cert_info *info)
{
	switch (info->validity) {
	case CERT_VALID:
		table_cell(t, info->days_left < SOON_DAYS ? STYLE_WARN : STYLE_GOOD,
			   ngettext("%ld day left", "%ld days left", (unsigned long)info->days_left),
			   info->days_left);
		break;
	case CERT_NOT_YET_VALID:
		table_cell(t, STYLE_BAD, "%s", _("not valid yet"));
		break;
	case CERT_EXPIRED:
		table_cell(t, STYLE_BAD, "%s", _("expired"));
		break;
	default:
		table_cell(t, STYLE_BAD, "%s", _("no validity"));
	}
}

static void certificate_row(struct table *t, const struct status *s, size_t i)
{
	const struct cert_info *info = &s->infos[i];
	char usage[CERT_USAGE_SIZE], date[CERT_DATE_SIZE];

	table_cell(t, STYLE_PLAIN, "%zu", i + 1);
	table_cell(t, STYLE_PLAIN, "%s", s->certificates.items[i].label);
	if (!is_described(s, i)) {
		table_cell(t, STYLE_BAD, "%s", _("damaged: no certificate"));
		for (int rest = 0; rest < 3; rest++)
			table_cell(t, STYLE_PLAIN, "%s", "");
		return;
	}
	cert_info_usage(info, usage);
	cert_info_date(info->not_after, date);
	table_cell(t, STYLE_PLAIN, "%s", info->holder);
	table_cell(t, STYLE_PLAIN, "%s", usage);
	table_cell(t, STYLE_PLAIN, _("until %s"), date);
	days_cell(t, info);
}

static void print_certificates(const struct status *s)
{
	struct table *t = table_new(6);

	for (size_t i = 0; i < s->certificates.count; i++)
		certificate_row(t, s, i);
	printf("  %s\n", s->certificates.count ? _("Certificates") : _("No certificates"));
	table_print(t, stdout, 4);
	table_free(&t);
}

void status_print(const struct status *s)
{
	struct table *head = table_new(1);

	table_cell(head, STYLE_HEAD, _("Reader %zu: %s"), s->number, s->reader);
	table_print(head, stdout, 0);
	table_free(&head);
	if (s->result == RESULT_NO_CARD) {
		printf("  %s\n", _("no card"));
		return;
	}
	if (s->result != RESULT_OK) {
		(void)message_result(s->result, s->reader);
		return;
	}
	print_card(s);
	if (s->certificates_result == RESULT_OK)
		print_certificates(s);
	else
		(void)message_result(s->certificates_result, _("certificates"));
}

/* ---- for programs ---- */

static struct json_object *pin_json(const struct card_identity *card)
{
	struct json_object *pin = json_object_new_object();

	json_object_object_add(pin, "can_login", json_object_new_boolean(card->can_login));
	json_object_object_add(pin, "tries", json_object_new_int(card->pin_tries));
	json_object_object_add(pin, "tries_left", card->tries_left < 0 ? NULL
								   : json_object_new_int(card->tries_left));
	return pin;
}

static struct json_object *certificate_json(const struct status *s, size_t i)
{
	struct json_object *value = is_described(s, i) ? cert_info_json(&s->infos[i])
						       : json_object_new_object();

	json_object_object_add(value, "number", json_object_new_int64((int64_t)i + 1));
	json_object_object_add(value, "label", message_json_text(s->certificates.items[i].label));
	json_object_object_add(value, "damaged", json_object_new_boolean(!is_described(s, i)));
	return value;
}

static struct json_object *card_json(const struct status *s)
{
	const struct cert_info *holder = status_holder(s);
	struct json_object *card = json_object_new_object(), *list = json_object_new_array();

	json_object_object_add(card, "number", message_json_text(s->card.number));
	json_object_object_add(card, "name", message_json_some(s->name));
	json_object_object_add(card, "profile", message_json_text(s->card.profile));
	json_object_object_add(card, "holder", holder ? message_json_some(holder->holder) : NULL);
	json_object_object_add(card, "pin", pin_json(&s->card));
	for (size_t i = 0; i < s->certificates.count; i++)
		json_object_array_add(list, certificate_json(s, i));
	json_object_object_add(card, "certificates", list);
	if (s->certificates_result != RESULT_OK)
		json_object_object_add(card, "error", message_json_text(_(result_text(s->certificates_result))));
	return card;
}

struct json_object *status_json(const struct status *s)
{
	struct json_object *value = json_object_new_object();

	json_object_object_add(value, "number", json_object_new_int64((int64_t)s->number));
	json_object_object_add(value, "reader", message_json_text(s->reader));
	json_object_object_add(value, "card", s->result == RESULT_OK ? card_json(s) : NULL);
	if (s->result != RESULT_OK && s->result != RESULT_NO_CARD)
		json_object_object_add(value, "error", message_json_text(_(result_text(s->result))));
	return value;
}
