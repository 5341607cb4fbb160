/*
 * The checks of `twcard doctor`: rows of a table, run in its order. Each says
 * what it found and what to do. They give no PIN, change nothing (a card's
 * files are not even kept in the disk cache), and what may hang or crash runs
 * in a child process.
 */
#ifndef TWCARD_TOOLS_DOCTOR_H
#define TWCARD_TOOLS_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "tools/twcard/card.h"
#include "tools/twcard/redact.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_NOTE,
	DOCTOR_PROBLEM,
	DOCTOR_SKIPPED, /* could not work, or is not done */
	DOCTOR_STATES
};

#define DOCTOR_TEXT 1024 /* bytes, with the NUL */

struct doctor;
struct doctor_finding;

struct doctor_check {
	const char *name;  /* for JSON and reports: never translated, never changed */
	const char *title; /* N_() */
	const char *needs; /* the name of an earlier one that must not have failed; NULL */
	bool of_card;      /* is run for every card */
	void (*run)(struct doctor *d, struct doctor_finding *f);
};

/* The name is NULL at the end; those of cards stand together. */
extern const struct doctor_check doctor_checks[];

struct doctor_finding {
	const struct doctor_check *check;
	const char *reader; /* the card's; NULL: of no card. The slot's */
	enum doctor_state state;
	char text[DOCTOR_TEXT]; /* translated */
	char todo[DOCTOR_TEXT]; /* empty: nothing */
};

/* Where is looked. Texts are not owned. */
struct doctor_place {
	const char *root;    /* stands before /sys, /proc, /usr and /etc; "" */
	const char *socket;  /* pcscd's */
	const char *home;    /* NULL: there is none, as with the next three */
	const char *config_home, *cache_home, *runtime_dir;
	const char *module;  /* the PKCS#11 module's file */
	const char *module_configs, *system_configs; /* p11-kit's folders, for packages and the administrator, after root */
	time_t now, built;
};

/* The process's own. */
void doctor_place_here(struct doctor_place *out);

/* What a report tells of a card. */
struct doctor_card {
	const char *reader;  /* the slot's */
	char atr[2 * ATR_MAX + 1]; /* hex */
	const char *profile; /* NULL: not known */
	enum result lists[P15_CLASSES]; /* only where d->report */
	size_t counts[P15_CLASSES];
};

struct doctor {
	struct doctor_place place;
	const char *wanted; /* --reader; NULL: all */
	bool report;        /* reads the directories, too, and fills `secrets` */
	FILE *log, *trace;  /* get the card library's; NULL, or both are there. Not owned */

	struct doctor_finding *findings;
	size_t count;
	bool no_memory; /* some are missing */

	/* what one check leaves to the next */
	struct slot *slot; /* the card's */
	struct card_certificates certificates; /* of this card */
	time_t issued;     /* the latest notBefore of any holder's certificate; 0: none was seen */
	bool usb_reader;   /* the kernel sees one */
	bool in_p11kit;    /* the module is registered there */
	struct doctor_card cards[PCSC_READERS_MAX];
	size_t card_count; /* the last one is the one that is looked at */
	struct redactor secrets;
};

/* Runs all checks. */
void doctor_run(struct doctor *d);
void doctor_clear(struct doctor *d);

/* Any finding that is a problem. */
bool doctor_found_problem(const struct doctor *d);

/* "problem"; for JSON and reports. */
const char *doctor_state_name(enum doctor_state state);

/* ---- for the checks ---- */

void doctor_say(struct doctor_finding *f, enum doctor_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void doctor_todo(struct doctor_finding *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The last finding of that name (of this card, if it is one of cards); NULL. */
const struct doctor_finding *doctor_found(const struct doctor *d, const char *name);

/* root and path, in a buffer that is good until the fourth call from now. */
const char *doctor_path(const struct doctor *d, const char *path);
bool doctor_has_file(const struct doctor *d, const char *path);

/* The checks, by what they look at (doctor_*.c). */
void doctor_check_usb(struct doctor *d, struct doctor_finding *f);
void doctor_check_pcscd(struct doctor *d, struct doctor_finding *f);
void doctor_check_service(struct doctor *d, struct doctor_finding *f);
void doctor_check_readers(struct doctor *d, struct doctor_finding *f);
void doctor_check_driver(struct doctor *d, struct doctor_finding *f);
void doctor_check_card(struct doctor *d, struct doctor_finding *f);

void doctor_check_answer(struct doctor *d, struct doctor_finding *f);
void doctor_check_profile(struct doctor *d, struct doctor_finding *f);
void doctor_check_number(struct doctor *d, struct doctor_finding *f);
void doctor_check_keyset(struct doctor *d, struct doctor_finding *f);
void doctor_check_certificates(struct doctor *d, struct doctor_finding *f);
void doctor_check_validity(struct doctor *d, struct doctor_finding *f);
void doctor_check_chain(struct doctor *d, struct doctor_finding *f);
void doctor_check_pin(struct doctor *d, struct doctor_finding *f);

void doctor_check_clock(struct doctor *d, struct doctor_finding *f);
void doctor_check_config(struct doctor *d, struct doctor_finding *f);
void doctor_check_cache(struct doctor *d, struct doctor_finding *f);
void doctor_check_runtime(struct doctor *d, struct doctor_finding *f);
void doctor_check_vendor(struct doctor *d, struct doctor_finding *f);

void doctor_check_module(struct doctor *d, struct doctor_finding *f);
void doctor_check_p11kit(struct doctor *d, struct doctor_finding *f);
void doctor_check_nss(struct doctor *d, struct doctor_finding *f);
void doctor_check_firefox(struct doctor *d, struct doctor_finding *f);

/* What differs between systems: doctor_service.c and doctor_files.c, or doctor_windows.c. */
void doctor_say_no_reader(struct doctor *d, struct doctor_finding *f);
const char *doctor_how_to_set_clock(void); /* translated */

/* ---- the report (doctor_report.c) ---- */

/*
 * Everything, redacted; log and trace: what was written to d->log and
 * d->trace. NULL: out of memory. Owned by the caller.
 */
char *doctor_report(struct doctor *d, const char *log, const char *trace);

/* For it, of the system: its versions; names of the computer and its user (doctor_system.c, doctor_windows.c). */
void doctor_put_system(FILE *out, const struct doctor *d);
void doctor_add_computer(struct redactor *r);

/* Logs to d->log and d->trace, or, without them, as the user wants it. */
void doctor_log_start(struct doctor *d);

#endif
