#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/twcard/authz_ask.h"
#include "tools/twcard/authz_deliver.h"
#include "tools/twcard/authz_work.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"
#include "tools/twcard/text.h"

/* ---- the attached card ---- */

/* What is there already. Not one that can be read: as none, and said. */
static enum exit_code take_previous(struct authz_work *w, enum result r, const struct buffer *record)
{
	if (r == RESULT_SNO_UNKNOWN)
		return EXIT_GOOD;
	if (r != RESULT_OK)
		return authz_session_tell(r, w->holder.slot->reader);
	if (authz_cert_parse(record->data, record->len, NULL, &w->previous) != AUTHZ_GOOD)
		message_note(_("What is on the card cannot be read as an authorization certificate."));
	return EXIT_GOOD;
}

static enum exit_code read_record(struct authz_work *w)
{
	struct buffer record = BUFFER_INIT;
	enum exit_code code = authz_session_login(&w->holder);

	if (code == EXIT_GOOD)
		code = take_previous(w, authz_session_read(&w->holder, &record), &record);
	buffer_clear(&record);
	authz_session_logout(&w->holder);
	return code;
}

/* That the card's holder is there and agrees, as the PIN says; nothing is read. */
static enum exit_code confirm_holder(struct authz_work *w)
{
	enum exit_code code = authz_session_login(&w->holder);

	authz_session_logout(&w->holder);
	return code;
}

/* A delegation is kept by the authority: of the card nothing but its certificate is wanted. */
static enum exit_code read_holder(struct authz_work *w)
{
	enum exit_code code = authz_cards_ask(w->args, AUTHZ_ROLE_HOLDER, NULL, &w->holder);
	enum result r;
	char *title;

	if (code != EXIT_GOOD)
		return code;
	title = authz_cards_title(&w->holder.party);
	message_note(_("The attached card: %s"), title ? title : "");
	free(title);
	if (w->way->kind == AUTHZ_KIND_DELEGATION)
		return w->way->holder_confirms ? confirm_holder(w) : EXIT_GOOD;
	r = authz_session_may_write(&w->holder); /* nothing is signed that cannot be written */
	return r == RESULT_OK ? read_record(w) : authz_session_tell(r, w->holder.slot->reader);
}

static enum exit_code check_previous(const struct authz_work *w)
{
	const struct authz_way *way = w->way;

	if (way->needs_previous && !w->previous)
		return authz_session_tell(RESULT_SNO_UNKNOWN, NULL);
	if (!w->previous || way->may_replace || arguments_has(w->args, "anew"))
		return EXIT_GOOD;
	return authz_ask_yes(_("There is an authorization certificate on the card. Issue one anew, in its place?"),
			     _("there is an authorization certificate on the card already\n"
			       "--anew puts another in its place; 'twcard authz modify' changes it."));
}

/* ---- the authority's terms ---- */

/* Line by line: a line's end is the one control character that may be there. */
static void show_lines(const char *text)
{
	char *copy = strdup(text), *rest = copy, *line;

	while (copy && (line = strsep(&rest, "\n"))) {
		char *safe = text_safe(line);

		message_note("  %s", safe ? safe : "");
		free(safe);
	}
	free(copy);
}

static enum exit_code accept_terms(const struct authz_work *w)
{
	struct json_object *texts = json_object_object_get(w->terms, "text");
	struct json_object *text = json_object_object_get(texts, message_in_chinese() ? "zh_TW" : "en");

	if (arguments_has(w->args, "accept-terms"))
		return EXIT_GOOD;
	message_note(_("The authority's terms:"));
	show_lines(json_object_is_type(text, json_type_string) ? json_object_get_string(text) : "");
	return authz_ask_yes(_("Do you accept the terms?"),
			     _("the authority's terms were not accepted\n"
			       "--accept-terms accepts them, and asks no questions."));
}

/* Before anybody types a PIN: is it there, and what does it have to choose from? */
static enum exit_code ask_authority(struct authz_work *w)
{
	enum exit_code code = authz_client_open(w->args, &w->client);

	if (code == EXIT_GOOD)
		code = authz_client_get(w->client, "/v1/terms", &w->terms);
	if (code == EXIT_GOOD && !arguments_has(w->args, "from") && w->way->kind == AUTHZ_KIND_APPLICATIONS)
		code = authz_client_get(w->client, "/v1/catalogue", &w->catalogue);
	return code;
}

/* ---- what is shown ---- */

static void show_text(const char *what, const char *text)
{
	char *safe = text ? text_safe(text) : NULL;

	if (safe && *safe)
		message_note("  %s: %s", what, safe);
	free(safe);
}

static void show_party(const char *what, const struct authz_party *party)
{
	char *title = authz_cards_title(party);

	show_text(what, title);
	free(title);
}

static void show_plan(const struct authz_work *w)
{
	const struct authz_content *c = &w->content;

	message_note(_("This is to be signed:"));
	show_party(_("Attached card"), &w->holder.party);
	show_party(_("Authorized by"), &w->authorizer.party);
	if (c->kind == AUTHZ_KIND_DELEGATION)
		message_note("  %s", c->disabled ? _("Delegation: disabled") : _("Delegation: enabled"));
	else if (!c->grant_count)
		message_note("  %s", _("No application is authorized any more."));
	for (size_t i = 0; i < c->grant_count; i++) {
		show_text(_("Application"), c->grants[i].application);
		show_text(_("Unit"), c->grants[i].unit_name);
		show_text(_("Unit's code"), c->grants[i].unit_code);
		show_text(_("Role"), c->grants[i].role);
	}
	show_text(_("Unit"), c->scope.unit_name);
	show_text(_("Unit's code"), c->scope.unit_code);
	show_text(_("Role"), c->scope.role);
	show_text(_("Id number of the card's bearer"), c->bearer);
}

static void add_certificate(const struct authz_work *w, struct json_object *json)
{
	const struct authz_info *info = authz_cert_info(w->cert);
	char *text = authz_cert_text(w->cert, message_in_chinese() ? AUTHZ_CHINESE : AUTHZ_ENGLISH);
	const unsigned char *der;
	size_t len;

	der = authz_cert_der(w->cert, &len);
	json_object_object_add(json, "serial", message_json_text(info->serial));
	json_object_object_add(json, "not_before", json_object_get(json_object_object_get(w->reserved, "not_before")));
	json_object_object_add(json, "not_after", json_object_get(json_object_object_get(w->reserved, "not_after")));
	json_object_object_add(json, "certificate", json_bytes_new(der, len));
	json_object_object_add(json, "text", message_json_text(text));
	free(text);
}

static struct json_object *result_json(const struct authz_work *w, const char *state)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "operation", json_object_new_string(w->way->operation));
	json_object_object_add(json, "state", json_object_new_string(state));
	json_object_object_add(json, "holder", authz_cards_json(&w->holder.party));
	json_object_object_add(json, "authorizer", authz_cards_json(&w->authorizer.party));
	json_object_object_add(json, "content", json_object_get(w->content.json));
	json_object_object_add(json, "replaces",
			       w->previous ? message_json_text(authz_cert_info(w->previous)->serial) : NULL);
	if (w->cert)
		add_certificate(w, json);
	return json;
}

static void tell_done(const struct authz_work *w)
{
	if (message_is_json())
		message_json(result_json(w, w->way->kind == AUTHZ_KIND_DELEGATION ? "active" : "written"));
	else
		message_note(_("%s: %s"), _(w->way->done), authz_cert_info(w->cert)->serial);
}

/* ---- all of it ---- */

static enum exit_code say(struct authz_work *w)
{
	enum exit_code code = check_previous(w);

	if (code == EXIT_GOOD)
		code = accept_terms(w);
	return code == EXIT_GOOD ? w->way->say(w) : code;
}

static enum exit_code find_authorizer(struct authz_work *w)
{
	enum authz_role role = arguments_has(w->args, "by-attached") ? AUTHZ_ROLE_ATTACHED : AUTHZ_ROLE_PRIMARY;
	enum exit_code code = authz_cards_ask(w->args, role, &w->holder.party, &w->authorizer);

	return code == EXIT_GOOD ? authz_work_try(w) : code;
}

static enum exit_code confirm(const struct authz_work *w)
{
	show_plan(w);
	if (arguments_has(w->args, "accept-terms"))
		return EXIT_GOOD;
	return authz_ask_yes(_(w->way->question),
			     _("it was not confirmed\n--accept-terms asks no questions; nothing was signed."));
}

static enum exit_code finish(struct authz_work *w)
{
	enum exit_code code = confirm(w);

	if (code == EXIT_GOOD)
		code = authz_work_sign(w);
	if (code == EXIT_GOOD)
		code = authz_deliver(w->args, w->client, &w->pending);
	if (code == EXIT_GOOD)
		tell_done(w);
	else
		authz_deliver_tell_kept(&w->pending);
	return code;
}

static void clear(struct authz_work *w)
{
	authz_session_clear(&w->authorizer);
	authz_session_clear(&w->holder);
	authz_cert_free(w->cert);
	authz_cert_free(w->previous);
	authz_content_clear(&w->content);
	authz_pending_clear(&w->pending);
	authz_client_close(&w->client);
	json_object_put(w->terms);
	json_object_put(w->catalogue);
	json_object_put(w->reserved);
}

enum exit_code authz_work_run(const struct arguments *args, const struct authz_way *way)
{
	struct authz_work w = {.args = args, .way = way, .pending = AUTHZ_PENDING_NONE};
	enum exit_code code = message_result(cards_begin(), NULL);

	if (code == EXIT_GOOD)
		code = ask_authority(&w);
	if (code == EXIT_GOOD)
		code = read_holder(&w);
	if (code == EXIT_GOOD)
		code = say(&w);
	if (code == EXIT_GOOD)
		code = find_authorizer(&w);
	if (code == EXIT_GOOD && arguments_has(args, "preview")) {
		show_plan(&w);
		if (message_is_json())
			message_json(result_json(&w, "preview"));
	} else if (code == EXIT_GOOD) {
		code = finish(&w);
	}
	clear(&w);
	return code;
}
