/* twcard status: readers, cards, holders, and how long the certificates last. */
#include "config.h"

#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/status.h"

/* The worst of two: a card that failed, then one that was read, then none. */
static enum exit_code worse(enum exit_code a, enum exit_code b)
{
	if (a == EXIT_CARD || b == EXIT_CARD)
		return EXIT_CARD;
	return a == EXIT_GOOD || b == EXIT_GOOD ? EXIT_GOOD : EXIT_NO_CARD;
}

static enum exit_code show(struct slot *slot, size_t number, struct json_object *list)
{
	struct status s;
	enum exit_code code;

	status_read(slot, number, &s);
	code = status_code(&s);
	if (list)
		json_object_array_add(list, status_json(&s));
	else
		status_print(&s);
	status_clear(&s);
	return code;
}

static enum exit_code show_all(const struct arguments *args)
{
	struct json_object *list = message_is_json() ? json_object_new_array() : NULL;
	const char *wanted = arguments_value(args, "reader");
	enum exit_code code = EXIT_NO_CARD;
	size_t shown = 0;

	for (size_t i = 0; i < cards_count(); i++) {
		if (wanted && !cards_is_meant(wanted, i))
			continue;
		code = worse(code, show(cards_slot(i), i + 1, list));
		shown++;
	}
	if (!shown && (wanted || !list)) {
		json_object_put(list);
		return cards_tell_none(wanted);
	}
	if (list)
		message_json(list);
	return code;
}

static enum exit_code run(const struct arguments *args)
{
	enum result r = cards_begin();

	if (arguments_has(args, "watch") && (r == RESULT_OK || r == RESULT_NO_SERVICE))
		return status_watch();
	return r == RESULT_OK ? show_all(args) : message_result(r, NULL);
}

static const struct option_row options[] = {
	{"watch", 'w', NULL, N_("go on: a line for each card and reader that comes or goes")},
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_status = {
	.name = "status",
	.summary = N_("readers, cards, holders and certificates (the default)"),
	.options = options,
	.run = run,
};
