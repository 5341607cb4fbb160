/* twcard cert list, show: which certificates are on the card, and what they say. */
#include "config.h"

#include <json-c/json.h>

#include "tools/twcard/cert_list.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/table.h"

#define DAYS_SOON 60 /* to be renewed: the CAs begin to remind about then */

/* ---- words ---- */

static const struct {
	const char *text;
	enum style style;
} validities[] = {
	[CERT_VALID] = {N_("valid"), STYLE_GOOD},
	[CERT_NOT_YET_VALID] = {N_("not yet valid"), STYLE_BAD},
	[CERT_EXPIRED] = {N_("expired"), STYLE_BAD},
	[CERT_NO_VALIDITY] = {N_("no dates that can be read"), STYLE_BAD},
};

static enum style validity_style(const struct cert_info *info)
{
	if (info->validity == CERT_VALID && info->days_left < DAYS_SOON)
		return STYLE_WARN;
	return validities[info->validity].style;
}

/* ---- list ---- */

static void add_heads(struct table *t)
{
	static const char *const heads[] = {
		N_("No."), N_("Label"), N_("Id"), N_("Holder"), N_("Usage"), N_("Valid until"),
		N_("Days left"), N_("Issued by"),
	};

	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		table_cell(t, STYLE_HEAD, "%s", _(heads[i]));
}

static void add_days(struct table *t, const struct cert_info *info)
{
	if (info->validity == CERT_VALID)
		table_cell(t, validity_style(info), "%ld", info->days_left);
	else
		table_cell(t, validity_style(info), "%s", _(validities[info->validity].text));
}

static void add_row(struct table *t, const struct cert_item *item)
{
	char usage[CERT_USAGE_SIZE], until[CERT_DATE_SIZE];
	const struct cert_info *info = &item->info;

	table_cell(t, STYLE_PLAIN, "%zu", item->number);
	table_cell(t, STYLE_PLAIN, "%s", item->label);
	table_cell(t, STYLE_PLAIN, "%s", item->id);
	if (!item->x509) {
		table_cell(t, STYLE_BAD, "%s", _("damaged"));
		for (int i = 0; i < 4; i++)
			table_cell(t, STYLE_PLAIN, "%s", "");
		return;
	}
	cert_info_usage(info, usage);
	cert_info_date(info->not_after, until);
	table_cell(t, STYLE_PLAIN, "%s", info->holder);
	table_cell(t, STYLE_PLAIN, "%s", usage);
	table_cell(t, STYLE_PLAIN, "%s", info->validity == CERT_NO_VALIDITY ? "" : until);
	add_days(t, info);
	table_cell(t, STYLE_PLAIN, "%s", info->ca ? info->ca : info->issuer_name);
}

static void print_list(const struct cert_list *list)
{
	struct table *t = table_new(8);

	if (list->name[0])
		printf(_("Card: %s\n"), list->name);
	add_heads(t);
	for (size_t i = 0; i < list->count; i++)
		add_row(t, &list->items[i]);
	table_print(t, stdout, 0);
	table_free(&t);
}

/* Some, or one of them. */
static void say_json(const struct cert_list *list, const struct cert_item *only)
{
	struct json_object *value = json_object_new_object(), *items = json_object_new_array();

	for (size_t i = 0; items && i < list->count; i++)
		if (!only || only == &list->items[i])
			json_object_array_add(items, cert_item_json(&list->items[i]));
	json_object_object_add(value, "reader", message_json_text(list->reader));
	json_object_object_add(value, "name", message_json_some(list->name));
	json_object_object_add(value, "certificates", items);
	message_json(value);
}

/* A certificate that is none is a problem of the card. */
static enum exit_code code_of(const struct cert_list *list, const struct cert_item *only)
{
	for (size_t i = 0; i < list->count; i++)
		if (!list->items[i].x509 && (!only || only == &list->items[i]))
			return EXIT_CARD;
	return EXIT_GOOD;
}

static enum exit_code run_list(const struct arguments *args)
{
	struct cert_list list;
	enum exit_code code = cert_list_read(args, time(NULL), &list);

	if (code != EXIT_GOOD)
		return code;
	if (message_is_json())
		say_json(&list, NULL);
	else if (list.count)
		print_list(&list);
	else
		message_note(_("There are no certificates on this card."));
	code = code_of(&list, NULL);
	cert_list_clear(&list);
	return code;
}

/* ---- show ---- */

/* text NULL: nothing is said, and no line stands there. */
static void add_line(struct table *t, enum style style, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	table_cell(t, STYLE_PLAIN, "%s", name);
	table_cell(t, style, "%s", text);
}

static void add_times(struct table *t, const struct cert_info *info)
{
	char from[CERT_TIME_SIZE], until[CERT_TIME_SIZE], days[32];
	const char *word = _(validities[info->validity].text);

	if (info->validity == CERT_NO_VALIDITY) {
		add_line(t, STYLE_BAD, _("Validity"), word);
		return;
	}
	cert_info_time(info->not_before, from);
	cert_info_time(info->not_after, until);
	snprintf(days, sizeof days, "%ld", info->days_left);
	add_line(t, STYLE_PLAIN, _("Valid from"), from);
	add_line(t, STYLE_PLAIN, _("Valid until"), until);
	add_line(t, validity_style(info), _("Validity"), word);
	add_line(t, validity_style(info), _("Days left"), days);
}

static void add_attributes(struct table *t, const struct cert_attributes *a)
{
	const char *type = cert_attributes_subject_type(a);

	add_line(t, STYLE_PLAIN, _("Kind of holder"), type ? type : a->subject_type);
	add_line(t, STYLE_PLAIN, _("Rank of the card"), cert_attributes_rank(a));
	add_line(t, STYLE_PLAIN, _("National ID ends in"), a->id_last4);
	add_line(t, STYLE_PLAIN, _("Unified business number"), a->organization_id);
	add_line(t, STYLE_PLAIN, _("OID of the organisation"), a->organization_oid);
	add_line(t, STYLE_PLAIN, _("Card number"), a->card_number);
	if (a->unreadable)
		add_line(t, STYLE_WARN, _("Attributes of the holder"), _("cannot be read"));
}

static void print_one(const struct cert_item *item)
{
	struct table *title = table_new(3), *t = table_new(2);
	const struct cert_info *info = &item->info;
	char usage[CERT_USAGE_SIZE];

	table_cell(title, STYLE_HEAD, "%zu", item->number);
	table_cell(title, STYLE_HEAD, "%s", item->label);
	table_cell(title, STYLE_HEAD, "%s", item->id);
	table_print(title, stdout, 0);
	table_free(&title);
	if (item->x509) {
		cert_info_usage(info, usage);
		add_line(t, STYLE_PLAIN, _("Holder"), info->holder);
		add_line(t, STYLE_PLAIN, _("Subject"), info->subject);
		add_line(t, STYLE_PLAIN, _("Issuer"), info->issuer);
		add_line(t, STYLE_PLAIN, _("Issued by"), info->ca);
		add_line(t, STYLE_PLAIN, _("Serial number"), info->serial);
		add_times(t, info);
		add_line(t, STYLE_PLAIN, _("Usage"), usage);
		add_attributes(t, &info->attributes);
		add_line(t, STYLE_PLAIN, "SHA-256", info->sha256);
	} else {
		add_line(t, STYLE_BAD, _("Damaged"), _("what is on the card is no certificate"));
	}
	table_print(t, stdout, 2);
	table_free(&t);
}

static enum exit_code show(const struct cert_list *list, const char *which)
{
	const struct cert_item *only = which ? cert_list_find(list, which) : NULL;

	if (which && !only)
		return EXIT_USAGE;
	if (message_is_json()) {
		say_json(list, only);
		return code_of(list, only);
	}
	if (!list->count)
		message_note(_("There are no certificates on this card."));
	for (size_t i = 0; i < list->count; i++)
		if (!only || only == &list->items[i])
			print_one(&list->items[i]);
	return code_of(list, only);
}

static enum exit_code run_show(const struct arguments *args)
{
	struct cert_list list;
	enum exit_code code = cert_list_read(args, time(NULL), &list);

	if (code != EXIT_GOOD)
		return code;
	code = show(&list, args->word_count ? args->words[0] : NULL);
	cert_list_clear(&list);
	return code;
}

const struct subcommand command_cert_list = {
	.name = "cert list",
	.summary = N_("the certificates on the card, one a line"),
	.run = run_list,
};

const struct subcommand command_cert_show = {
	.name = "cert show",
	.words = N_("[WHICH]"),
	.words_max = 1,
	.summary = N_("what a certificate says, or all of them"),
	.more = N_("WHICH is the certificate's number in 'twcard cert list', its id or its label."),
	.run = run_show,
};
