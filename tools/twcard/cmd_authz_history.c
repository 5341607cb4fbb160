/* twcard authz history: what the authority has recorded of a card. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/twcard/authz_client.h"
#include "tools/twcard/authz_session.h"
#include "tools/twcard/authz_view.h"
#include "tools/twcard/card.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"
#include "tools/twcard/pin_ask.h"
#include "tools/twcard/table.h"
#include "tools/twcard/trust.h"

#define SHOWN_MAX 40 /* the manual's limit, and the authority's */

struct question {
	const char *kind, *direction; /* words of the protocol */
	bool has_from, has_to;
	time_t from, to;
};

/* ---- what is asked ---- */

static enum exit_code choose(const struct arguments *args, const char *option, const char *const *words,
			     const char **out)
{
	const char *given = arguments_value(args, option);

	if (!given)
		return EXIT_GOOD;
	for (; *words; words++) {
		if (strcmp(given, *words) == 0) {
			*out = *words;
			return EXIT_GOOD;
		}
	}
	return message_usage(args->command, _("--%s does not know %s"), option, given);
}

static enum exit_code take_time(const struct arguments *args, const char *option, bool end, bool *has, time_t *out)
{
	const char *text = arguments_value(args, option);

	*has = text != NULL;
	if (!text || trust_parse_time(text, end, out))
		return EXIT_GOOD;
	return message_usage(args->command, _("--%s is a day (2026-01-31) or a time (2026-01-31T08:00:00Z)"), option);
}

static enum exit_code take_question(const struct arguments *args, struct question *q)
{
	static const char *const kinds[] = {"applications", "delegation", "all", NULL};
	static const char *const directions[] = {"issued", "received", NULL};
	enum exit_code code = choose(args, "kind", kinds, &q->kind);

	if (code == EXIT_GOOD)
		code = choose(args, "direction", directions, &q->direction);
	if (code == EXIT_GOOD)
		code = take_time(args, "from", false, &q->has_from, &q->from);
	if (code == EXIT_GOOD)
		code = take_time(args, "to", true, &q->has_to, &q->to);
	if (code == EXIT_GOOD && q->has_from && q->has_to && q->from > q->to)
		code = message_usage(args->command, _("the time begins after it ends\nChoose a --from that is not later than --to."));
	return code;
}

static struct json_object *time_json(bool has, time_t t)
{
	char text[CERT_TIME_SIZE];

	if (!has)
		return NULL;
	cert_info_time(t, text);
	return json_object_new_string(text);
}

static struct json_object *fields_of(const struct question *q)
{
	struct json_object *v = json_object_new_object();

	json_object_object_add(v, "from", time_json(q->has_from, q->from));
	json_object_object_add(v, "to", time_json(q->has_to, q->to));
	json_object_object_add(v, "kind", json_object_new_string(q->kind));
	json_object_object_add(v, "direction", json_object_new_string(q->direction));
	return v;
}

/* ---- what is answered ---- */

/* One of the list; NULL: there is no certificate in it that can be read. Owned by the caller. */
static struct authz_cert *cert_of(struct json_object *item)
{
	struct authz_cert *cert = NULL;
	unsigned char *der;
	size_t len;

	if (!json_bytes_take(item, "certificate", &der, &len))
		return NULL;
	if (authz_cert_parse(der, len, NULL, &cert) != AUTHZ_GOOD)
		cert = NULL;
	free(der);
	return cert;
}

static const char *some(const char *text)
{
	return text ? text : "-";
}

/* Also what is no certificate any more has its row. */
static void add_row(struct table *t, struct json_object *item, bool issued)
{
	struct authz_cert *cert = cert_of(item);
	const struct authz_info *info = cert ? authz_cert_info(cert) : NULL;
	const char *date = json_bytes_text(item, "issued");

	table_cell(t, STYLE_PLAIN, "%.16s", some(date));
	table_cell(t, STYLE_PLAIN, "%s", some(json_bytes_text(item, "kind")));
	table_cell(t, STYLE_PLAIN, "%s", some(json_bytes_text(item, "state")));
	table_cell(t, STYLE_PLAIN, "%s", some(json_bytes_text(item, "serial")));
	table_cell(t, STYLE_PLAIN, "%s", some(json_bytes_text(item, issued ? "holder_serial" : "issuer")));
	table_cell(t, STYLE_PLAIN, "%s%s", info && info->grant_count ? info->grants[0].application : "-",
		   info && info->grant_count > 1 ? " …" : "");
	authz_cert_free(cert);
}

static void print_list(struct json_object *list, const struct question *q)
{
	bool issued = strcmp(q->direction, "issued") == 0;
	size_t count = json_object_array_length(list);
	struct table *t = table_new(6);

	table_cell(t, STYLE_HEAD, "%s", _("Issued"));
	table_cell(t, STYLE_HEAD, "%s", _("Kind"));
	table_cell(t, STYLE_HEAD, "%s", _("State"));
	table_cell(t, STYLE_HEAD, "%s", _("Serial number"));
	table_cell(t, STYLE_HEAD, "%s", issued ? _("Card's certificate") : _("Authorized by"));
	table_cell(t, STYLE_HEAD, "%s", _("Applications"));
	for (size_t i = 0; i < count && i < SHOWN_MAX; i++)
		add_row(t, json_object_array_get_idx(list, i), issued);
	table_print(t, stdout, 0);
	table_free(&t);
}

static struct json_object *item_json(struct json_object *item)
{
	static const char *const keys[] = {"serial", "kind", "state", "issued", "holder_serial", "issuer"};
	struct json_object *v = json_object_new_object();
	struct authz_cert *cert = cert_of(item);

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		json_object_object_add(v, keys[i], message_json_text(json_bytes_text(item, keys[i])));
	json_object_object_add(v, "certificate", cert ? authz_view_json(cert) : NULL);
	authz_cert_free(cert);
	return v;
}

static void say_json(struct json_object *list, const struct question *q, const char *number, bool more)
{
	struct json_object *v = fields_of(q), *out = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(list) && i < SHOWN_MAX; i++)
		json_object_array_add(out, item_json(json_object_array_get_idx(list, i)));
	json_object_object_add(v, "card", message_json_text(number));
	json_object_object_add(v, "certificates", out);
	json_object_object_add(v, "more", json_object_new_boolean(more));
	message_json(v);
}

/* --serial: all of one. */
static enum exit_code show_one(struct json_object *list, const char *serial)
{
	struct json_object *item;
	struct authz_cert *cert = NULL;

	for (size_t i = 0; i < json_object_array_length(list) && !cert; i++) {
		item = json_object_array_get_idx(list, i);
		if (strcmp(some(json_bytes_text(item, "serial")), serial) == 0)
			cert = cert_of(item);
	}
	if (!cert) {
		message_error(_("there is no such certificate among them\nWithout --serial they are listed."));
		return EXIT_NEGATIVE;
	}
	if (message_is_json())
		message_json(authz_view_json(cert));
	else
		authz_view_print(cert, stdout);
	authz_cert_free(cert);
	return EXIT_GOOD;
}

static enum exit_code tell(const struct arguments *args, const struct question *q, const char *number,
			   struct json_object *answer)
{
	struct json_object *list = json_bytes_member(answer, "certificates");
	const char *serial = arguments_value(args, "serial");
	bool more = json_object_get_boolean(json_bytes_member(answer, "more"));

	if (!json_object_is_type(list, json_type_array)) {
		message_error(_("the authority's answer has no list in it"));
		return EXIT_FILE;
	}
	more = more || json_object_array_length(list) > SHOWN_MAX;
	if (serial)
		return show_one(list, serial);
	if (message_is_json()) {
		say_json(list, q, number, more);
		return EXIT_GOOD;
	}
	if (!json_object_array_length(list)) {
		message_note(_("The authority has none of this kind and time."));
		return EXIT_GOOD;
	}
	print_list(list, q);
	if (more)
		message_note(_("These are the newest %d; --from and --to show others."), SHOWN_MAX);
	return EXIT_GOOD;
}

/* ---- the card ---- */

static enum exit_code ask(struct authz_session *s, struct authz_client *client, struct question *q,
			  struct json_object **answer)
{
	const struct authz_signer signer = {s->pkey, s->party.x509, s->party.others};
	enum exit_code code;

	if (!q->direction)
		q->direction = s->party.rank == CERT_RANK_PRIMARY ? "issued" : "received";
	code = authz_session_login(s);
	if (code == EXIT_GOOD)
		code = authz_client_request(client, &signer, "history", fields_of(q), answer);
	authz_session_logout(s);
	return code;
}

static enum exit_code look(const struct arguments *args, struct authz_session *out)
{
	struct slot *slot;
	enum exit_code code = cards_choose(args, &slot);
	enum result r;

	*out = (struct authz_session)AUTHZ_SESSION_NONE;
	if (code != EXIT_GOOD)
		return code;
	r = authz_session_look(args, slot, out);
	if (r != RESULT_OK && r != RESULT_NOT_FOUND)
		return message_result(r, slot->reader);
	if (r == RESULT_OK && (out->party.rank == CERT_RANK_PRIMARY || out->party.rank == CERT_RANK_SECONDARY))
		return EXIT_GOOD;
	message_error(_("this is no card of a company\nPut in a primary card (正卡) or an attached one (附卡)."));
	return EXIT_NEGATIVE;
}

static enum exit_code with_card(const struct arguments *args, struct authz_client *client, struct question *q)
{
	struct authz_session s;
	struct json_object *answer = NULL;
	enum exit_code code = look(args, &s);

	if (code == EXIT_GOOD)
		code = ask(&s, client, q, &answer);
	if (code == EXIT_GOOD)
		code = tell(args, q, s.party.number, answer);
	json_object_put(answer);
	authz_session_clear(&s);
	return code;
}

static enum exit_code run(const struct arguments *args)
{
	struct question q = {.kind = "all"};
	struct authz_client *client = NULL;
	enum exit_code code = take_question(args, &q);
	enum result r;

	if (code != EXIT_GOOD)
		return code;
	r = cards_begin();
	if (r != RESULT_OK)
		return message_result(r, NULL);
	code = authz_client_open(args, &client);
	if (code == EXIT_GOOD)
		code = with_card(args, client, &q);
	authz_client_close(&client);
	return code;
}

static const struct option_row options[] = {
	{"from", 0, N_("TIME"), N_("from this day or time on, 2026-01-31 or 2026-01-31T12:00:00Z")},
	{"to", 0, N_("TIME"), N_("up to this day or time")},
	{"kind", 0, N_("KIND"), N_("applications, delegation or all (the default)")},
	{"direction", 0, N_("WAY"), N_("issued or received (default: a primary card's issued, an attached card's received ones)")},
	{"serial", 0, N_("NUMBER"), N_("show all of this one")},
	AUTHZ_CLIENT_OPTIONS,
	PIN_OPTIONS,
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_authz_history = {
	.name = "authz history",
	.summary = N_("what the authority has recorded of a card, the newest 40 first"),
	.options = options,
	.run = run,
};
