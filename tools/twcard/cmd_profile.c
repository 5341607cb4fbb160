/* twcard profile list, show: the cards that are known, and how well. */
#include "config.h"

#include <string.h>

#include "src/base/config_file.h"
#include "tools/twcard/card.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/table.h"

static const char *const permissions[] = {
	[CARD_MAY] = N_("allowed"),
	[CARD_MAY_IF_ALLOWED] = N_("refused, unless allow-unproven = yes"),
	[CARD_CANNOT] = N_("not supported"),
};

static const char *const permission_keys[] = {
	[CARD_MAY] = "allowed",
	[CARD_MAY_IF_ALLOWED] = "refused-unless-allow-unproven",
	[CARD_CANNOT] = "not-supported",
};

static struct json_object *json_facts(const struct card_profile *profile)
{
	const struct card_profile_facts facts = card_profile_facts(profile);
	struct json_object *value = json_object_new_object();

	json_object_object_add(value, "name", json_object_new_string(facts.name));
	json_object_object_add(value, "cards", message_json_text(_(facts.cards)));
	json_object_object_add(value, "pin_min", json_object_new_int((int)facts.pin_min));
	json_object_object_add(value, "pin_max", json_object_new_int((int)facts.pin_max));
	json_object_object_add(value, "pin_tries", json_object_new_int(facts.pin_tries));
	return value;
}

/* ---- list ---- */

static enum exit_code run_list(const struct arguments *args)
{
	struct json_object *list = json_object_new_array();
	const struct card_profile *profile;
	struct table *t = table_new(4);

	(void)args;
	table_cell(t, STYLE_HEAD, "%s", _("Profile"));
	table_cell(t, STYLE_HEAD, "%s", _("PIN length"));
	table_cell(t, STYLE_HEAD, "%s", _("Tries"));
	table_cell(t, STYLE_HEAD, "%s", _("Cards"));
	for (size_t i = 0; (profile = card_profile_at(i)) != NULL; i++) {
		const struct card_profile_facts facts = card_profile_facts(profile);

		table_cell(t, STYLE_PLAIN, "%s", facts.name);
		table_cell(t, STYLE_PLAIN, _("%zu to %zu"), facts.pin_min, facts.pin_max);
		table_cell(t, STYLE_PLAIN, "%d", facts.pin_tries);
		table_cell(t, STYLE_PLAIN, "%s", _(facts.cards));
		json_object_array_add(list, json_facts(profile));
	}
	if (message_is_json()) {
		struct json_object *value = json_object_new_object();

		json_object_object_add(value, "profiles", list);
		message_json(value);
	} else {
		table_print(t, stdout, 0);
		json_object_put(list);
	}
	table_free(&t);
	return EXIT_GOOD;
}

/* ---- show ---- */

static const struct card_profile *find(const char *name)
{
	const struct card_profile *profile;

	for (size_t i = 0; (profile = card_profile_at(i)) != NULL; i++)
		if (strcmp(card_profile_facts(profile).name, name) == 0)
			return profile;
	message_error(_("there is no profile %s\n'twcard profile list' names them."), name);
	return NULL;
}

static enum exit_code of_card(const struct arguments *args, const struct card_profile **out)
{
	struct slot *slot;
	enum result r;
	enum exit_code code = cards_choose(args, &slot);

	if (code != EXIT_GOOD)
		return code;
	r = slot_touch(slot);
	if (r == RESULT_OK)
		*out = card_profile_of(slot->token.card);
	else
		code = message_result(slot_after_error(slot, r), slot->reader);
	card_leave(slot);
	return code;
}

static void print_profile(const struct card_profile *profile)
{
	const struct card_profile_facts facts = card_profile_facts(profile);
	struct table *t = table_new(4);

	printf(_("%s: %s\nPIN: %zu to %zu characters, %d tries\nallow-unproven: %s\n\n"), facts.name, _(facts.cards),
	       facts.pin_min, facts.pin_max, facts.pin_tries,
	       config_current()->allow_unproven ? _("yes") : _("no"));
	table_cell(t, STYLE_HEAD, "%s", _("Operation"));
	table_cell(t, STYLE_HEAD, "%s", _("Known"));
	table_cell(t, STYLE_HEAD, "%s", _("Changes the card"));
	table_cell(t, STYLE_HEAD, "%s", _("What happens"));
	for (enum card_op op = 0; op < OP_COUNT; op++) {
		enum provenance mark;
		enum card_permission may = card_profile_permits(profile, op, &mark);

		table_cell(t, STYLE_PLAIN, "%s", _(card_op_name(op)));
		table_cell(t, mark == OBSERVED ? STYLE_GOOD : STYLE_PLAIN, "%s", _(provenance_name(mark)));
		table_cell(t, STYLE_PLAIN, "%s", card_op_changes_card(op) ? _("yes") : _("no"));
		table_cell(t, STYLE_PLAIN, "%s", _(permissions[may]));
	}
	table_print(t, stdout, 0);
	table_free(&t);
}

static void print_json(const struct card_profile *profile)
{
	struct json_object *value = json_facts(profile), *list = json_object_new_array();

	for (enum card_op op = 0; op < OP_COUNT; op++) {
		struct json_object *row = json_object_new_object();
		enum provenance mark;
		enum card_permission may = card_profile_permits(profile, op, &mark);

		json_object_object_add(row, "operation", json_object_new_string(card_op_name(op)));
		json_object_object_add(row, "mark", json_object_new_string(provenance_name(mark)));
		json_object_object_add(row, "changes_card", json_object_new_boolean(card_op_changes_card(op)));
		json_object_object_add(row, "permission", json_object_new_string(permission_keys[may]));
		json_object_array_add(list, row);
	}
	json_object_object_add(value, "allow_unproven",
			       json_object_new_boolean(config_current()->allow_unproven));
	json_object_object_add(value, "operations", list);
	message_json(value);
}

static enum exit_code run_show(const struct arguments *args)
{
	const struct card_profile *profile = NULL;
	enum exit_code code = EXIT_GOOD;

	config_load();
	if (args->word_count)
		profile = find(args->words[0]);
	else
		code = of_card(args, &profile);
	if (!profile)
		return code == EXIT_GOOD ? EXIT_NEGATIVE : code;
	if (message_is_json())
		print_json(profile);
	else
		print_profile(profile);
	return EXIT_GOOD;
}

const struct subcommand command_profile_list = {
	.name = "profile list",
	.summary = N_("the kinds of cards that are known"),
	.run = run_list,
};

const struct subcommand command_profile_show = {
	.name = "profile show",
	.words = N_("[PROFILE]"),
	.words_max = 1,
	.summary = N_("what is known of a kind of card, and what is refused"),
	.more = N_("Without a name: of the card in the reader. Known: observed on real cards, documented, static\n"
		   "(read out of the vendor's library), assumed, unknown."),
	.run = run_show,
};
