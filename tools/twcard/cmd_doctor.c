/* twcard doctor: what is wrong here, and what to do. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "apdu/log.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/doctor.h"
#include "tools/twcard/message.h"
#include "tools/twcard/output.h"
#include "tools/twcard/text.h"

static const struct {
	const char *word;
	enum style style;
} shown[DOCTOR_STATES] = {
	[DOCTOR_OK] = {N_("ok"), STYLE_GOOD},
	[DOCTOR_NOTE] = {N_("note"), STYLE_WARN},
	[DOCTOR_PROBLEM] = {N_("problem"), STYLE_BAD},
	[DOCTOR_SKIPPED] = {N_("not checked"), STYLE_PLAIN},
};

/* ---- for people ---- */

/* A line each, and one with what to do; words first, so that they can be listened to. */
static void print_finding(const struct doctor_finding *f)
{
	char *text = text_safe(f->text), *todo = text_safe(f->todo);
	const char *style = message_style(stdout, shown[f->state].style);

	printf("%s%s%s%s%s%s%s\n", style, _(shown[f->state].word), *style ? message_style_end(stdout) : "",
	       _(": "), _(f->check->title), _(": "), text ? text : "");
	if (*f->todo)
		printf("    %s%s%s\n", _("to do"), _(": "), todo ? todo : "");
	free(text);
	free(todo);
}

static void print_reader(const char *reader)
{
	char *safe = text_safe(reader);

	printf(_("The card in %s:\n"), safe ? safe : "");
	free(safe);
}

static void print_findings(const struct doctor *d)
{
	const char *reader = NULL;
	unsigned counts[DOCTOR_STATES] = {0};

	for (size_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];

		if (f->reader && f->reader != reader && d->card_count > 1)
			print_reader(f->reader);
		reader = f->reader;
		print_finding(f);
		counts[f->state]++;
	}
	printf(_("Problems: %u, notes: %u, not checked: %u, good: %u.\n"), counts[DOCTOR_PROBLEM],
	       counts[DOCTOR_NOTE], counts[DOCTOR_SKIPPED], counts[DOCTOR_OK]);
}

/* ---- for programs ---- */

static void print_json(const struct doctor *d)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];
		struct json_object *one = json_object_new_object();

		json_object_object_add(one, "check", message_json_text(f->check->name));
		json_object_object_add(one, "reader", message_json_some(f->reader));
		json_object_object_add(one, "state", message_json_text(doctor_state_name(f->state)));
		json_object_object_add(one, "text", message_json_text(f->text));
		json_object_object_add(one, "todo", message_json_some(f->todo));
		json_object_array_add(all, one);
	}
	message_json(all);
}

/* ---- the report ---- */

static enum exit_code write_file(const char *path, const char *text, bool force)
{
	enum exit_code code = output_save(path, force, text, strlen(text));

	if (code == EXIT_GOOD)
		message_note(_("The report is in %s. Read it before you make it public."), path);
	return code;
}

static enum exit_code write_report(struct doctor *d, const char *log, const char *trace, const char *path,
				   bool force)
{
	enum exit_code code = EXIT_GOOD;
	char *text = doctor_report(d, log, trace);

	if (!text)
		return message_result(RESULT_NO_MEMORY, _("report"));
	if (strcmp(path, "-") == 0)
		fputs(text, stdout);
	else
		code = write_file(path, text, force);
	free(text);
	return code;
}

/* Runs the checks, and for a report listens to what the card library says meanwhile. */
static enum exit_code examine(struct doctor *d, const char *path, bool force)
{
	char *log = NULL, *trace = NULL;
	enum exit_code code = EXIT_GOOD;
	size_t log_size, trace_size;
	bool good = true;

	d->report = path != NULL;
	d->log = path ? open_memstream(&log, &log_size) : NULL;
	d->trace = path ? open_memstream(&trace, &trace_size) : NULL;
	if (!path || (d->log && d->trace))
		doctor_run(d);
	else
		good = false;
	log_set(LOG_NONE, NULL, NULL);
	if (d->log)
		good = fclose(d->log) == 0 && good;
	if (d->trace)
		good = fclose(d->trace) == 0 && good;
	d->log = d->trace = NULL;
	if (!good || d->no_memory)
		code = message_result(RESULT_NO_MEMORY, NULL);
	else if (path)
		code = write_report(d, log, trace, path, force);
	free(log);
	free(trace);
	return code;
}

static enum exit_code run(const struct arguments *args)
{
	const char *report = arguments_value(args, "report");
	bool to_stdout = report && strcmp(report, "-") == 0;
	struct doctor *d;
	enum exit_code code;

	if (to_stdout && message_is_json())
		return message_usage(&command_doctor, _("--json and '--report -' both want standard output"));
	d = calloc(1, sizeof *d);
	if (!d)
		return message_result(RESULT_NO_MEMORY, NULL);
	doctor_place_here(&d->place);
	d->wanted = arguments_value(args, "reader");
	if (arguments_has(args, "module"))
		d->place.module = arguments_value(args, "module");
	code = examine(d, report, arguments_has(args, "force"));
	if (code == EXIT_GOOD && message_is_json())
		print_json(d);
	else if (code == EXIT_GOOD && !to_stdout)
		print_findings(d);
	if (code == EXIT_GOOD && doctor_found_problem(d))
		code = EXIT_NEGATIVE;
	doctor_clear(d);
	free(d);
	return code;
}

static const struct option_row options[] = {
	{"report", 0, N_("FILE"), N_("write a report without secrets, for a public bug tracker (-: standard output)")},
	{"force", 'f', NULL, N_("replace FILE if it is there")},
	{"module", 'm', N_("FILE"), N_("check this PKCS#11 module, not the installed one")},
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_doctor = {
	.name = "doctor",
	.summary = N_("what is wrong with reader, card or computer, and what to do"),
	.more = N_("Looks at everything between the reader's plug and the browser. It asks for no PIN, "
		   "changes nothing and keeps nothing of the card."),
	.options = options,
	.run = run,
};
