/* twcard authz resume: finishes, or withdraws, what was signed and got no further. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "authz/twcard-authz.h"
#include "tools/twcard/authz_cards.h"
#include "tools/twcard/authz_client.h"
#include "tools/twcard/authz_deliver.h"
#include "tools/twcard/authz_pending.h"
#include "tools/twcard/card.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"
#include "tools/twcard/pin_ask.h"
#include "tools/twcard/table.h"

#define ID_SHOWN 8 /* hex digits: enough to tell them apart */
#define ID_MIN 4

/* ---- what there is ---- */

static void serial_of(const struct authz_pending *p, char out[160])
{
	struct authz_cert *cert = NULL;

	snprintf(out, 160, "?");
	if (authz_cert_parse(p->cert, p->cert_len, NULL, &cert) == AUTHZ_GOOD)
		snprintf(out, 160, "%s", authz_cert_info(cert)->serial);
	authz_cert_free(cert);
}

static struct json_object *item_json(const struct authz_pending *p, const char *state)
{
	struct json_object *v = json_object_new_object();
	char serial[160], since[CERT_TIME_SIZE];

	serial_of(p, serial);
	cert_info_time(p->since, since);
	json_object_object_add(v, "id", message_json_text(p->id));
	json_object_object_add(v, "step", message_json_text(authz_pending_word(p->step)));
	json_object_object_add(v, "state", message_json_text(state));
	json_object_object_add(v, "serial", message_json_text(serial));
	json_object_object_add(v, "server", message_json_text(p->server));
	json_object_object_add(v, "holder", message_json_text(p->holder_number));
	json_object_object_add(v, "authorizer", message_json_text(p->authorizer_number));
	json_object_object_add(v, "since", json_object_new_string(since));
	return v;
}

static void print_list(const struct authz_pending_list *list)
{
	struct table *t = table_new(4);
	char serial[160], since[CERT_DATE_SIZE];

	table_cell(t, STYLE_HEAD, "%s", _("Number"));
	table_cell(t, STYLE_HEAD, "%s", _("Signed on"));
	table_cell(t, STYLE_HEAD, "%s", _("For card"));
	table_cell(t, STYLE_HEAD, "%s", _("It is"));
	for (size_t i = 0; i < list->count; i++) {
		const struct authz_pending *p = &list->items[i];

		serial_of(p, serial);
		cert_info_date(p->since, since);
		table_cell(t, STYLE_PLAIN, "%.*s", ID_SHOWN, p->id);
		table_cell(t, STYLE_PLAIN, "%s", since);
		table_cell(t, STYLE_PLAIN, "%s", p->holder_number);
		table_cell(t, STYLE_PLAIN, "%s", authz_pending_text(p->step));
	}
	table_print(t, stdout, 0);
	table_free(&t);
}

/* ---- finishing ---- */

/* The card that signed: it must be the same one. */
static enum exit_code ask_authorizer(const struct arguments *args, const struct authz_pending *p,
				     struct authz_session *out)
{
	struct authz_party party = {.x509 = p->authorizer};

	snprintf(party.number, sizeof party.number, "%s", p->authorizer_number);
	return authz_cards_ask(args, AUTHZ_ROLE_AUTHORIZER_AGAIN, &party, out);
}

static enum exit_code request(struct authz_session *s, struct authz_client *client, const char *operation,
			      struct json_object *fields)
{
	const struct authz_signer signer = {s->pkey, s->party.x509, s->party.others};
	struct json_object *answer = NULL;
	enum exit_code code = authz_session_login(s);

	if (code == EXIT_GOOD)
		code = authz_client_request(client, &signer, operation, fields, &answer);
	else
		json_object_put(fields);
	authz_session_logout(s);
	json_object_put(answer);
	return code;
}

/* The same bytes as before: the authority answers as it did, or would have. */
static enum exit_code register_again(const struct arguments *args, struct authz_client *client,
				     struct authz_pending *p)
{
	struct json_object *fields = json_object_new_object();
	struct authz_session s = AUTHZ_SESSION_NONE;
	enum exit_code code = ask_authorizer(args, p, &s);

	json_object_object_add(fields, "reservation", message_json_text(p->reservation));
	json_object_object_add(fields, "certificate", json_bytes_new(p->cert, p->cert_len));
	if (code == EXIT_GOOD)
		code = request(&s, client, "register", fields);
	else
		json_object_put(fields);
	authz_session_clear(&s);
	if (code != EXIT_GOOD)
		return code;
	p->step = AUTHZ_PENDING_REGISTERED;
	return authz_pending_keep(p);
}

static enum exit_code finish(const struct arguments *args, struct authz_client *client, struct authz_pending *p)
{
	enum exit_code code = EXIT_GOOD;

	if (p->step == AUTHZ_PENDING_SIGNED)
		code = register_again(args, client, p);
	return code == EXIT_GOOD ? authz_deliver(args, client, p) : code;
}

/* ---- withdrawing ---- */

/* Either card may: the one that is there, or else the one that signed is asked for. */
static enum exit_code ask_either(const struct arguments *args, const struct authz_pending *p,
				 struct authz_session *out)
{
	for (size_t i = 0; i < cards_count(); i++) {
		struct slot *slot = cards_slot(i);
		bool there = slot_look_for_card(slot) && authz_session_look(args, slot, out) == RESULT_OK;

		if (there && (X509_cmp(out->party.x509, p->holder) == 0 ||
			      X509_cmp(out->party.x509, p->authorizer) == 0))
			return EXIT_GOOD;
		if (there)
			authz_session_clear(out);
		card_leave(slot);
	}
	*out = (struct authz_session)AUTHZ_SESSION_NONE;
	return ask_authorizer(args, p, out);
}

static enum exit_code withdraw(const struct arguments *args, struct authz_client *client, struct authz_pending *p)
{
	struct authz_session s = AUTHZ_SESSION_NONE;
	struct json_object *fields;
	enum exit_code code;

	if (p->step == AUTHZ_PENDING_WRITTEN) {
		message_error(_("it is on the card already: it cannot be withdrawn any more\n"
				"'twcard authz resume' tells the authority, 'twcard authz cancel' takes it back."));
		return EXIT_NEGATIVE;
	}
	code = ask_either(args, p, &s);
	if (code == EXIT_GOOD) {
		fields = json_object_new_object();
		json_object_object_add(fields, "reservation", message_json_text(p->reservation));
		code = request(&s, client, "withdraw", fields);
		/* it is gone there: nothing of it can come into force */
		if (code != EXIT_GOOD && strcmp(authz_client_code(client), "unknown-reservation") == 0)
			code = EXIT_GOOD;
	}
	authz_session_clear(&s);
	return code == EXIT_GOOD ? authz_pending_drop(p) : code;
}

/* ---- all of them ---- */

static enum exit_code work_on(const struct arguments *args, struct authz_pending *p, struct json_object *to)
{
	bool back = arguments_has(args, "withdraw");
	char serial[160];
	struct authz_client *client = NULL;
	struct json_object *item;
	enum exit_code code = authz_pending_take(p);

	if (code != EXIT_GOOD)
		return code;
	serial_of(p, serial);
	message_note(_("%.*s: certificate %s for card %s: %s"), ID_SHOWN, p->id, serial, p->holder_number,
		     authz_pending_text(p->step));
	item = item_json(p, back ? "withdrawn" : "finished");
	code = authz_client_open_at(args, p->server, &client);
	if (code == EXIT_GOOD)
		code = back ? withdraw(args, client, p) : finish(args, client, p);
	authz_client_close(&client);
	if (code == EXIT_GOOD)
		message_note(back ? _("It is withdrawn.") : _("It is finished."));
	if (code == EXIT_GOOD)
		json_object_array_add(to, item);
	else
		json_object_put(item);
	return code;
}

static bool is_meant(const struct arguments *args, const struct authz_pending *p)
{
	size_t len = args->word_count ? strlen(args->words[0]) : 0;

	return !args->word_count || (len >= ID_MIN && strncmp(p->id, args->words[0], len) == 0);
}

static void say(struct json_object *items, size_t damaged)
{
	struct json_object *v = json_object_new_object();

	json_object_object_add(v, "pending", json_object_get(items));
	json_object_object_add(v, "damaged", json_object_new_int64((int64_t)damaged));
	message_json(v);
}

static enum exit_code show(const struct authz_pending_list *list)
{
	struct json_object *items = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		json_object_array_add(items, item_json(&list->items[i], "waiting"));
	if (message_is_json())
		say(items, list->damaged);
	else if (list->count)
		print_list(list);
	else
		message_note(_("Nothing waits to be finished."));
	json_object_put(items);
	return list->damaged ? EXIT_FILE : EXIT_GOOD;
}

static enum exit_code work(const struct arguments *args, struct authz_pending_list *list)
{
	struct json_object *items = json_object_new_array();
	enum exit_code code = EXIT_GOOD;
	size_t meant = 0;

	for (size_t i = 0; i < list->count; i++)
		meant += is_meant(args, &list->items[i]);
	if (args->word_count && meant != 1)
		code = message_usage(args->command, _("%s means none of them, or more than one\n'twcard authz resume --list' "
						      "shows them."), args->words[0]);
	else if (arguments_has(args, "withdraw") && meant > 1)
		code = message_usage(args->command, _("several wait: say which one is to be withdrawn"));
	for (size_t i = 0; code == EXIT_GOOD && i < list->count; i++)
		if (is_meant(args, &list->items[i]))
			code = work_on(args, &list->items[i], items);
	if (code == EXIT_GOOD && message_is_json())
		say(items, list->damaged);
	json_object_put(items);
	return code;
}

static enum exit_code resume(const struct arguments *args, struct authz_pending_list *list)
{
	enum result r;

	if (arguments_has(args, "list") || (!list->count && !args->word_count))
		return show(list);
	r = cards_begin();
	return r == RESULT_OK ? work(args, list) : message_result(r, NULL);
}

static enum exit_code run(const struct arguments *args)
{
	struct authz_pending_list list;
	enum exit_code code = authz_pending_list(&list);

	if (code == EXIT_GOOD)
		code = resume(args, &list);
	authz_pending_list_clear(&list);
	return code;
}

static const struct option_row options[] = {
	{"list", 'l', NULL, N_("only say what waits")},
	{"withdraw", 0, NULL, N_("tell the authority that it counts no more, and forget it")},
	AUTHZ_CARDS_OPTIONS,
	AUTHZ_CLIENT_OPTIONS,
	PIN_OPTIONS,
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_authz_resume = {
	.name = "authz resume",
	.words = N_("[NUMBER]"),
	.words_max = 1,
	.summary = N_("finish what was signed and got no further, or withdraw it"),
	.more = N_("Without a number all that waits is finished, the oldest first."),
	.options = options,
	.run = run,
};
