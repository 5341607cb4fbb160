/*
 * The report: a text for a public place. What is secret is not put in, in the
 * first place; what got in all the same (in a path, in a line of the log) is
 * replaced at the end.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "src/base/settings.h"
#include "tools/twcard/doctor.h"
#include "tools/twcard/message.h"
#include "tools/twcard/trace_redact.h"


/* ---- the log ---- */

/* The trace apart: other lines are not of its format. */
static void hear(enum log_level level, const char *line, void *context)
{
	const struct doctor *d = context;

	if (level == LOG_TRACE)
		fprintf(d->trace, "%s\n", line);
	else
		fprintf(d->log, "%s: %s\n", log_level_name(level), line);
}

void doctor_log_start(struct doctor *d)
{
	if (d->log)
		log_set(LOG_TRACE, hear, d);
	else
		settings_start_log(config_current());
}

/* ---- versions ---- */

static void put_versions(FILE *out, const struct doctor *d)
{
	fprintf(out, "\n## versions\n\ntwcard: %s\nOpenSSL: %s\n", PACKAGE_VERSION,
		OpenSSL_version(OPENSSL_VERSION));
	doctor_put_system(out, d);
}

/* ---- what was found ---- */

static void put_findings(FILE *out, const struct doctor *d)
{
	fprintf(out, "\n## checks\n\n");
	for (size_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];

		fprintf(out, "%s: %s%s%s%s: %s\n", doctor_state_name(f->state), f->check->name,
			f->reader ? " (" : "", f->reader ? f->reader : "", f->reader ? ")" : "", f->text);
	}
}

static void put_cards(FILE *out, const struct doctor *d)
{
	static const char *const kinds[P15_CLASSES] = {
		[P15_PRIVATE_KEY] = "private keys",
		[P15_PUBLIC_KEY] = "public keys",
		[P15_CERTIFICATE] = "certificates",
		[P15_DATA] = "data objects",
	};

	for (size_t i = 0; i < d->card_count; i++) {
		const struct doctor_card *card = &d->cards[i];

		fprintf(out, "\n## card in %s\n\nATR: %s\nprofile: %s\n", card->reader, *card->atr ? card->atr : "not known",
			card->profile ? card->profile : "not known");
		for (size_t kind = 0; card->profile && kind < P15_CLASSES; kind++) {
			if (card->lists[kind] == RESULT_OK)
				fprintf(out, "%s: %zu\n", kinds[kind], card->counts[kind]);
			else
				fprintf(out, "%s: %s\n", kinds[kind], result_text(card->lists[kind]));
		}
	}
}

/* Only sizes and status words stay of what the card said. */
static bool put_trace(FILE *out, const char *trace)
{
	struct trace_redaction done;
	FILE *in = *trace ? fmemopen((void *)(uintptr_t)trace, strlen(trace), "r") : NULL;
	bool good = !*trace || (in && trace_redact(in, out, &done));

	if (in)
		fclose(in);
	return good;
}

static const char head[] =
	"# twcard doctor: report\n\n"
	"Left out: PINs (none was asked for), data read from the card (\"**N\" in the trace\n"
	"stands for N bytes), certificates and names.\n"
	"Replaced: <card-number>, <certificate-number>, <name>, <subject>, <national-id>,\n"
	"<organization-id>, <user>, <host>, <home>, and serial numbers in readers' names.\n"
	"Read it before you make it public.\n";

char *doctor_report(struct doctor *d, const char *log, const char *trace)
{
	char *text = NULL, *report;
	bool good;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	doctor_add_computer(&d->secrets);
	put_versions(out, d);
	put_findings(out, d);
	put_cards(out, d);
	fprintf(out, "\n## log\n\n%s\n## trace\n\n", log);
	good = put_trace(out, trace);
	if (fclose(out) != 0 || !good || d->no_memory) {
		free(text);
		return NULL;
	}
	report = redact_text(&d->secrets, text);
	free(text);
	text = NULL;
	if (report && asprintf(&text, "%s%s", head, report) < 0)
		text = NULL;
	free(report);
	return text;
}
