#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/twcard/doctor.h"
#include "tools/twcard/message.h"

#define PATHS 4
#define PATH_SIZE 2048

const struct doctor_check doctor_checks[] = {
	{"config", N_("configuration"), NULL, false, doctor_check_config},
	{"usb", N_("reader on USB"), NULL, false, doctor_check_usb},
	{"pcscd", N_("pcscd"), NULL, false, doctor_check_pcscd},
	{"service", N_("PC/SC service"), NULL, false, doctor_check_service},
	{"readers", N_("readers"), "service", false, doctor_check_readers},
	{"driver", N_("reader driver"), NULL, false, doctor_check_driver},
	{"card", N_("card"), "readers", false, doctor_check_card},
	{"answer", N_("card answers"), "card", true, doctor_check_answer},
	{"profile", N_("kind of card"), "answer", true, doctor_check_profile},
	{"number", N_("card number"), "profile", true, doctor_check_number},
	{"keyset", N_("key set"), "profile", true, doctor_check_keyset},
	{"certificates", N_("certificates"), "profile", true, doctor_check_certificates},
	{"validity", N_("validity"), "certificates", true, doctor_check_validity},
	{"chain", N_("certificate chain"), "certificates", true, doctor_check_chain},
	{"pin", N_("PIN"), "profile", true, doctor_check_pin},
	{"clock", N_("clock"), NULL, false, doctor_check_clock},
	{"cache", N_("cache folder"), NULL, false, doctor_check_cache},
	{"runtime", N_("runtime folder"), NULL, false, doctor_check_runtime},
	{"module", N_("PKCS#11 module"), NULL, false, doctor_check_module},
	{"p11-kit", N_("registered in p11-kit"), NULL, false, doctor_check_p11kit},
	{"nss", N_("registered in NSS"), NULL, false, doctor_check_nss},
	{"firefox", N_("registered in Firefox"), NULL, false, doctor_check_firefox},
	{"vendor", N_("vendor's software"), NULL, false, doctor_check_vendor},
	{NULL, NULL, NULL, false, NULL},
};

void doctor_place_here(struct doctor_place *out)
{
	const char *socket = getenv("PCSCLITE_CSOCK_NAME");
	const char *built = BUILD_TIME;

	*out = (struct doctor_place){
		.root = "",
		.socket = socket && *socket ? socket : "/run/pcscd/pcscd.comm",
		.home = getenv("HOME"),
		.config_home = getenv("XDG_CONFIG_HOME"),
		.cache_home = getenv("XDG_CACHE_HOME"),
		.runtime_dir = getenv("XDG_RUNTIME_DIR"),
		.module = MODULE_PATH,
		.module_configs = P11KIT_CONFIGS,
		.system_configs = P11KIT_SYSTEM_CONFIGS,
		.now = time(NULL),
		.built = (time_t)strtoll(built, NULL, 10),
	};
}

/* ---- for the checks ---- */

const char *doctor_state_name(enum doctor_state state)
{
	static const char *const names[DOCTOR_STATES] = {
		[DOCTOR_OK] = "ok",
		[DOCTOR_NOTE] = "note",
		[DOCTOR_PROBLEM] = "problem",
		[DOCTOR_SKIPPED] = "not-checked",
	};

	return names[state];
}

void doctor_say(struct doctor_finding *f, enum doctor_state state, const char *format, ...)
{
	va_list args;

	f->state = state;
	va_start(args, format);
	vsnprintf(f->text, sizeof f->text, format, args);
	va_end(args);
}

void doctor_todo(struct doctor_finding *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->todo, sizeof f->todo, format, args);
	va_end(args);
}

const struct doctor_finding *doctor_found(const struct doctor *d, const char *name)
{
	const char *reader = d->slot ? d->slot->reader : NULL;

	for (size_t i = d->count; i-- > 0;) {
		const struct doctor_finding *f = &d->findings[i];

		if (strcmp(f->check->name, name) == 0 && (!f->check->of_card || f->reader == reader))
			return f;
	}
	return NULL;
}

const char *doctor_path(const struct doctor *d, const char *path)
{
	static char paths[PATHS][PATH_SIZE];
	static unsigned at;
	char *out = paths[at++ % PATHS];

	snprintf(out, PATH_SIZE, "%s%s", d->place.root, path);
	return out;
}

bool doctor_has_file(const struct doctor *d, const char *path)
{
	return access(doctor_path(d, path), F_OK) == 0;
}

/* ---- running them ---- */

static struct doctor_finding *new_finding(struct doctor *d, const struct doctor_check *check)
{
	struct doctor_finding *more = realloc(d->findings, (d->count + 1) * sizeof *more);

	if (!more) {
		d->no_memory = true;
		return NULL;
	}
	d->findings = more;
	more += d->count;
	*more = (struct doctor_finding){.check = check,
					.reader = check->of_card && d->slot ? d->slot->reader : NULL};
	return more;
}

static bool is_bad(const struct doctor_finding *f)
{
	return !f || f->state == DOCTOR_PROBLEM || f->state == DOCTOR_SKIPPED;
}

static void run_check(struct doctor *d, const struct doctor_check *check)
{
	struct doctor_finding *f = new_finding(d, check);
	const struct doctor_finding *needed;

	if (!f)
		return;
	needed = check->needs ? doctor_found(d, check->needs) : NULL;
	if (check->needs && is_bad(needed))
		doctor_say(f, DOCTOR_SKIPPED, _("it needs \"%s\", see above"),
			   needed ? _(needed->check->title) : check->needs);
	else
		check->run(d, f);
	d->count++; /* what it finds of itself is nothing yet */
}

static void run_of_card(struct doctor *d, const struct doctor_check *first, struct slot *slot)
{
	d->slot = slot;
	for (const struct doctor_check *c = first; c->name && c->of_card; c++)
		run_check(d, c);
	card_certificates_clear(&d->certificates);
	if (slot)
		card_leave(slot);
	d->slot = NULL;
}

/* All cards, one after the other; without any, each check says that it was not made. */
static void run_of_cards(struct doctor *d, const struct doctor_check *first)
{
	bool any = false;

	for (size_t i = 0; i < cards_count(); i++) {
		if ((d->wanted && !cards_is_meant(d->wanted, i)) || !slot_look_for_card(cards_slot(i)))
			continue;
		if (is_bad(doctor_found(d, "card")))
			break;
		run_of_card(d, first, cards_slot(i));
		any = true;
	}
	if (!any)
		run_of_card(d, first, NULL);
}

void doctor_run(struct doctor *d)
{
	for (const struct doctor_check *c = doctor_checks; c->name; c++) {
		if (!c->of_card) {
			run_check(d, c);
			continue;
		}
		run_of_cards(d, c);
		while (c[1].name && c[1].of_card)
			c++;
	}
}

void doctor_clear(struct doctor *d)
{
	free(d->findings);
	redact_clear(&d->secrets);
	*d = (struct doctor){.findings = NULL};
}

bool doctor_found_problem(const struct doctor *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->findings[i].state == DOCTOR_PROBLEM)
			return true;
	return false;
}
