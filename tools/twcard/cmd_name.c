/* twcard name: what a person calls a card, of which several look alike. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "src/base/names.h"
#include "src/base/text.h"
#include "tools/twcard/card.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"

#define NUMBER_SIZE sizeof(((struct card_identity *)0)->number)

static const struct option_row options[] = {
	{"number", 'n', N_("NUMBER"), N_("the card with this number, which need not be there")},
	{NULL, 0, NULL, NULL},
};

/* ---- which card ---- */

static enum exit_code number_of_card(const struct arguments *args, char out[NUMBER_SIZE])
{
	struct card_identity card;
	struct slot *slot;
	enum exit_code code = cards_choose(args, &slot);
	enum result r;

	if (code != EXIT_GOOD)
		return code;
	r = card_identify(slot, &card);
	card_leave(slot);
	if (r != RESULT_OK)
		return message_result(r, slot->reader);
	if (!text_is_word(card.number)) {
		message_error(_("the card does not tell its number, by which its name is kept"));
		return EXIT_CARD;
	}
	strcpy(out, card.number);
	return EXIT_GOOD;
}

static enum exit_code number_of(const struct arguments *args, char out[NUMBER_SIZE])
{
	const char *given = arguments_value(args, "number");

	if (!given)
		return number_of_card(args, out);
	if (!text_is_word(given) || strlen(given) >= NUMBER_SIZE)
		return message_usage(args->command, _("a card's number is letters and digits"));
	strcpy(out, given);
	return EXIT_GOOD;
}

/* ---- set, clear ---- */

static enum exit_code say(const char *number, const char *name, enum names_change change)
{
	struct json_object *v;

	if (message_is_json()) {
		v = json_object_new_object();
		json_object_object_add(v, "number", json_object_new_string(number));
		json_object_object_add(v, "name", name ? json_object_new_string(name) : NULL);
		json_object_object_add(v, "changed", json_object_new_boolean(change == NAMES_CHANGED));
		message_json(v);
	} else if (name) {
		printf(change == NAMES_CHANGED ? _("card %s is called %s\n")
					       : _("card %s was called %s already\n"),
		       number, name);
	} else {
		printf(change == NAMES_CHANGED ? _("card %s has no name any more\n")
					       : _("card %s had no name\n"),
		       number);
	}
	return EXIT_GOOD;
}

static enum exit_code change(const struct arguments *args, const char *name)
{
	char number[NUMBER_SIZE];
	enum exit_code code = number_of(args, number);
	enum names_change done;

	if (code != EXIT_GOOD)
		return code;
	done = names_set(number, name);
	if (done != NAMES_FAILED)
		return say(number, name, done);
	message_error(_("the file of names could not be written: %s\n"
			"It is as it was: $XDG_CONFIG_HOME/twcard/names, by default in ~/.config."),
		      strerror(errno));
	return EXIT_FILE;
}

static enum exit_code set(const struct arguments *args)
{
	static const char *const faults[] = {
		[NAMES_EMPTY] = N_("a name has at least one character; 'twcard name clear' takes one away"),
		[NAMES_LONG] = N_("the name is too long: it may have 32 bytes, which are 10 Chinese characters"),
		[NAMES_NO_UTF8] = N_("the name is not UTF-8"),
		[NAMES_UNSAFE] = N_("the name has control characters"),
		[NAMES_BLANKS] = N_("the name begins or ends with a blank"),
	};
	enum names_fault fault = names_check(args->words[0]);

	if (fault != NAMES_GOOD)
		return message_usage(args->command, "%s", _(faults[fault]));
	return change(args, args->words[0]);
}

static enum exit_code clear(const struct arguments *args)
{
	return change(args, NULL);
}

/* ---- show ---- */

static enum exit_code show(const struct arguments *args)
{
	char number[NUMBER_SIZE], name[NAMES_SIZE];
	enum exit_code code = number_of(args, number);
	struct json_object *v;
	bool named;

	if (code != EXIT_GOOD)
		return code;
	named = names_get(number, name);
	if (message_is_json()) {
		v = json_object_new_object();
		json_object_object_add(v, "number", json_object_new_string(number));
		json_object_object_add(v, "name", named ? json_object_new_string(name) : NULL);
		message_json(v);
	} else if (named) {
		printf("%s\n", name);
	} else {
		message_note(_("card %s has no name; 'twcard name set' gives it one"), number);
	}
	return named ? EXIT_GOOD : EXIT_NEGATIVE;
}

const struct subcommand command_name_set = {
	.name = "name set",
	.words = N_("NAME"),
	.words_min = 1,
	.words_max = 1,
	.summary = N_("give the card a name, to tell it from others of the same holder"),
	.more = N_("The name is kept on this computer by the card's number; nothing is written to the card."),
	.options = options,
	.run = set,
};

const struct subcommand command_name_show = {
	.name = "name show",
	.summary = N_("the card's name"),
	.options = options,
	.run = show,
};

const struct subcommand command_name_clear = {
	.name = "name clear",
	.summary = N_("take the card's name away"),
	.options = options,
	.run = clear,
};
