/* twcard authz issue, delegate, undelegate, modify, cancel: what each is to say, and its options. */
#include "config.h"

#include "tools/twcard/authz_ask.h"
#include "tools/twcard/authz_work.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/pin_ask.h"

/* ---- what it is to say ---- */

static enum exit_code take(struct authz_work *w, enum exit_code code, struct json_object *json)
{
	if (code == EXIT_GOOD)
		return authz_content_take(json, w->way->kind, &w->content);
	json_object_put(json);
	return code;
}

static enum exit_code ask_grants(struct authz_work *w, struct json_object *before)
{
	struct json_object *json = NULL;
	enum exit_code code = authz_ask_grants(w->catalogue, before, &json);

	return take(w, code, json);
}

static enum exit_code say_new(struct authz_work *w)
{
	const char *path = arguments_value(w->args, "from");

	return path ? authz_content_load(path, w->way->kind, &w->content) : ask_grants(w, NULL);
}

static enum exit_code say_changed(struct authz_work *w)
{
	struct json_object *before;
	enum exit_code code;

	if (arguments_has(w->args, "from"))
		return say_new(w);
	before = authz_content_of(authz_cert_info(w->previous));
	code = ask_grants(w, before);
	json_object_put(before);
	return code;
}

static enum exit_code say_less(struct authz_work *w)
{
	const struct arguments *args = w->args;
	struct json_object *json = authz_content_of(authz_cert_info(w->previous));
	const char *name;

	if (arguments_has(args, "all"))
		json_object_object_add(json, "grants", json_object_new_array());
	for (size_t i = 0; (name = arguments_nth(args, "application", i)); i++) {
		if (authz_content_remove(json, name))
			continue;
		message_error(_("%s is not authorized on this card\n'twcard authz show' says what is."), name);
		json_object_put(json);
		return EXIT_NEGATIVE;
	}
	return authz_content_take(json, w->way->kind, &w->content);
}

static enum exit_code say_delegation(struct authz_work *w, bool disabled)
{
	const char *path = arguments_value(w->args, "from");
	struct json_object *json = NULL;
	enum exit_code code;

	if (!path) {
		code = authz_ask_delegation(disabled, &json);
		return take(w, code, json);
	}
	code = authz_content_load(path, w->way->kind, &w->content);
	if (code == EXIT_GOOD) { /* the command says which it is, not the file */
		w->content.disabled = disabled;
		json_object_object_add(w->content.json, "disabled", json_object_new_boolean(disabled));
	}
	return code;
}

static enum exit_code say_enabled(struct authz_work *w)
{
	return say_delegation(w, false);
}

static enum exit_code say_disabled(struct authz_work *w)
{
	return say_delegation(w, true);
}

/* ---- the commands ---- */

#define DONE_WRITTEN N_("The authorization is signed, and on the attached card")

static const struct authz_way issue = {
	.operation = "issue",
	.kind = AUTHZ_KIND_APPLICATIONS,
	.question = N_("Sign this, and write it to the attached card?"),
	.done = DONE_WRITTEN,
	.say = say_new,
};

static const struct authz_way modify = {
	.operation = "modify",
	.kind = AUTHZ_KIND_APPLICATIONS,
	.needs_previous = true,
	.may_replace = true,
	.question = N_("Sign this, and write it to the attached card?"),
	.done = DONE_WRITTEN,
	.say = say_changed,
};

static const struct authz_way cancel = {
	.operation = "cancel",
	.kind = AUTHZ_KIND_APPLICATIONS,
	.needs_previous = true,
	.may_replace = true,
	.question = N_("Sign this, and write it to the attached card?"),
	.done = DONE_WRITTEN,
	.say = say_less,
};

static const struct authz_way delegate = {
	.operation = "delegate",
	.kind = AUTHZ_KIND_DELEGATION,
	.holder_confirms = true,
	.may_replace = true,
	.question = N_("Sign this? The attached card may then authorize others."),
	.done = N_("The delegation is signed, and the authority has it"),
	.say = say_enabled,
};

static const struct authz_way undelegate = {
	.operation = "undelegate",
	.kind = AUTHZ_KIND_DELEGATION,
	.may_replace = true,
	.question = N_("Sign this? The attached card may then authorize others no more."),
	.done = N_("The delegation is disabled, and the authority has it"),
	.say = say_disabled,
};

static enum exit_code run_issue(const struct arguments *args)
{
	return authz_work_run(args, &issue);
}

static enum exit_code run_modify(const struct arguments *args)
{
	return authz_work_run(args, &modify);
}

static enum exit_code run_cancel(const struct arguments *args)
{
	if (arguments_has(args, "all") == arguments_has(args, "application"))
		return message_usage(args->command, _("say either --all or --application NAME"));
	return authz_work_run(args, &cancel);
}

static enum exit_code run_delegate(const struct arguments *args)
{
	return authz_work_run(args, &delegate);
}

static enum exit_code run_undelegate(const struct arguments *args)
{
	return authz_work_run(args, &undelegate);
}

/* ---- their rows ---- */

#define OPTIONS_OF_ALL                                                                             \
	{"accept-terms", 0, NULL, N_("accept the authority's terms, and ask no questions")},       \
	{"preview", 0, NULL, N_("show what would be signed, and sign nothing")},                   \
	{"trust", 0, N_("FILE"), N_("a CA of the cards, beside those on them, PEM or DER")},       \
	AUTHZ_CARDS_OPTIONS, AUTHZ_CLIENT_OPTIONS, PIN_OPTIONS

#define FROM_OPTION {"from", 0, N_("FILE"), N_("what is to be authorized, JSON; nothing is asked then")}
#define BY_OPTION {"by-attached", 0, NULL, N_("an attached card with a delegation signs, not the primary card")}

static const struct option_row issue_options[] = {
	FROM_OPTION,
	BY_OPTION,
	{"anew", 0, NULL, N_("put it in the place of the certificate that is there")},
	OPTIONS_OF_ALL,
	{NULL, 0, NULL, NULL},
};

static const struct option_row modify_options[] = {
	FROM_OPTION,
	BY_OPTION,
	OPTIONS_OF_ALL,
	{NULL, 0, NULL, NULL},
};

static const struct option_row cancel_options[] = {
	{"all", 0, NULL, N_("all applications")},
	{"application", 0, N_("NAME"), N_("this application; may be given more than once")},
	BY_OPTION,
	OPTIONS_OF_ALL,
	{NULL, 0, NULL, NULL},
};

static const struct option_row delegate_options[] = {
	FROM_OPTION,
	OPTIONS_OF_ALL,
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_authz_issue = {
	.name = "authz issue",
	.summary = N_("authorize an attached card for applications"),
	.more = N_("The attached card is read, then the card that signs is asked for, then the attached card again;"
		   " with two readers both may stay in. What is to be authorized comes from questions, or --from."),
	.options = issue_options,
	.run = run_issue,
};

const struct subcommand command_authz_modify = {
	.name = "authz modify",
	.summary = N_("change what an attached card is authorized for"),
	.more = N_("A new certificate is signed, and written in the old one's place."),
	.options = modify_options,
	.run = run_modify,
};

const struct subcommand command_authz_cancel = {
	.name = "authz cancel",
	.summary = N_("take authorizations of an attached card back"),
	.more = N_("A new certificate is signed that says what remains, or that nothing does."),
	.options = cancel_options,
	.run = run_cancel,
};

const struct subcommand command_authz_delegate = {
	.name = "authz delegate",
	.summary = N_("let an attached card authorize others"),
	.more = N_("The primary card signs; the authority keeps it, and nothing is written to a card."),
	.options = delegate_options,
	.run = run_delegate,
};

const struct subcommand command_authz_undelegate = {
	.name = "authz undelegate",
	.summary = N_("disable such a delegation"),
	.more = N_("The primary card signs; the authority keeps it, and nothing is written to a card."),
	.options = delegate_options,
	.run = run_undelegate,
};
