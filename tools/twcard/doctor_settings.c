/* What is set: the clock, and the configuration. */
#include "config.h"

#include "src/base/config_file.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/doctor.h"
#include "tools/twcard/message.h"

/* ---- the clock ---- */

void doctor_check_clock(struct doctor *d, struct doctor_finding *f)
{
	char now[CERT_TIME_SIZE], other[CERT_TIME_SIZE];

	cert_info_time(d->place.now, now);
	if (d->place.now < d->place.built) {
		cert_info_time(d->place.built, other);
		doctor_say(f, DOCTOR_PROBLEM, _("it says %s, but twcard was built on %s"), now, other);
	} else if (d->place.now < d->issued) {
		cert_info_time(d->issued, other);
		doctor_say(f, DOCTOR_PROBLEM, _("it says %s, but a certificate on the card was issued on %s"),
			   now, other);
	} else {
		doctor_say(f, DOCTOR_OK, _("plausible: %s"), now);
		return;
	}
	doctor_todo(f, "%s", doctor_how_to_set_clock());
}

/* ---- the configuration ---- */

struct complaints {
	char first[DOCTOR_TEXT / 2];
	size_t count;
};

static void hear_complaint(enum log_level level, const char *line, void *context)
{
	struct complaints *c = context;

	(void)level;
	if (!c->count++)
		snprintf(c->first, sizeof c->first, "%s", line);
}

void doctor_check_config(struct doctor *d, struct doctor_finding *f)
{
	struct complaints c = {"", 0};

	(void)d;
	config_load();
	log_set(LOG_ERROR, hear_complaint, &c);
	config_report();
	log_set(LOG_NONE, NULL, NULL);
	if (c.count) {
		doctor_say(f, DOCTOR_PROBLEM, ngettext("%zu thing is wrong: %s", "%zu things are wrong, the "
						       "first: %s", c.count), c.count, c.first);
		doctor_todo(f, _("Correct the file; twcard.conf(5) lists what it may say"));
	} else if (config_current()->allow_unproven) {
		doctor_say(f, DOCTOR_NOTE, _("allow-unproven is on: commands that were never tried on a real card "
					     "are sent to it"));
		doctor_todo(f, _("Unless you know why, take the line out"));
	} else {
		doctor_say(f, DOCTOR_OK, _("nothing is wrong with it"));
	}
}
