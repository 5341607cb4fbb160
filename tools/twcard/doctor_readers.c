/* Readers, and cards in them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/config_file.h"
#include "tools/twcard/doctor.h"
#include "tools/twcard/message.h"

#define NAMES_SIZE 512

void doctor_check_readers(struct doctor *d, struct doctor_finding *f)
{
	char names[NAMES_SIZE] = "";
	enum result r = cards_begin();

	doctor_log_start(d);
	if (r != RESULT_OK) {
		doctor_say(f, DOCTOR_PROBLEM, "%s", _(result_text(r)));
		return;
	}
	config_without_cache();
	for (size_t i = 0; i < cards_count(); i++) {
		size_t at = strlen(names);
		char *shown = redact_reader(cards_slot(i)->reader);

		redact_add(&d->secrets, cards_slot(i)->reader, shown ? shown : "<reader>");
		snprintf(names + at, sizeof names - at, "%s%s", at ? _(", ") : "", cards_slot(i)->reader);
		free(shown);
	}
	if (cards_count()) {
		doctor_say(f, DOCTOR_OK, "%s", names);
		return;
	}
	doctor_say_no_reader(d, f);
}

void doctor_check_card(struct doctor *d, struct doctor_finding *f)
{
	size_t meant = 0, with_card = 0;

	for (size_t i = 0; i < cards_count(); i++) {
		if (d->wanted && !cards_is_meant(d->wanted, i))
			continue;
		meant++;
		with_card += slot_look_for_card(cards_slot(i));
	}
	if (with_card) {
		doctor_say(f, DOCTOR_OK, ngettext("there is %zu card", "there are %zu cards", with_card),
			   with_card);
	} else if (!meant) {
		doctor_say(f, DOCTOR_PROBLEM, _("no reader is called %s"), d->wanted);
		doctor_todo(f, _("'twcard status' lists the readers"));
	} else {
		doctor_say(f, DOCTOR_PROBLEM, _("no card is in the reader, or it is in the wrong way"));
		doctor_todo(f, _("Take it out, and put it in all the way, chip first"));
	}
}
