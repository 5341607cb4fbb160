/* What all targets of a registration have in common. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/file.h"
#include "tools/twcard/message.h"
#include "tools/twcard/register.h"
#include "tools/twcard/text.h"

/* ---- saying it ---- */

static const struct {
	const char *word;    /* for JSON */
	const char *done;    /* for people */
	const char *planned; /* with --dry-run */
	bool changes;
} actions[] = {
	[REGISTER_ADDED] = {"added", N_("added"), N_("would be added"), true},
	[REGISTER_CHANGED] = {"changed", N_("changed"), N_("would be changed"), true},
	[REGISTER_REMOVED] = {"removed", N_("removed"), N_("would be removed"), true},
	[REGISTER_PRESENT] = {"present", N_("is there already"), N_("is there already"), false},
	[REGISTER_ABSENT] = {"absent", N_("is not there"), N_("is not there"), false},
	[REGISTER_KEPT] = {"kept", N_("left as it is"), N_("would be left as it is"), false},
	[REGISTER_FAILED] = {"failed", N_("failed"), N_("would fail"), false},
};

static void add_step(struct registration *r, const char *place, const char *what,
		     enum register_action action, const char *detail)
{
	struct json_object *step = json_object_new_object();

	json_object_object_add(step, "target", json_object_new_string(r->target));
	json_object_object_add(step, "place", message_json_text(place));
	json_object_object_add(step, "what", message_json_text(what));
	json_object_object_add(step, "action", json_object_new_string(actions[action].word));
	json_object_object_add(step, "detail", message_json_text(detail));
	json_object_array_add(r->steps, step);
}

/* Lines of a program's complaint are indented, and lose what a terminal would obey. */
static void print_detail(FILE *stream, const char *detail)
{
	while (*detail) {
		size_t len = strcspn(detail, "\n");
		char *line = strndup(detail, len), *safe = line ? text_safe(line) : NULL;

		if (safe && *safe)
			fprintf(stream, "    %s\n", safe);
		free(line);
		free(safe);
		detail += len + (detail[len] == '\n');
	}
}

static void print_step(const struct registration *r, const char *place, const char *what,
		       enum register_action action, const char *detail)
{
	const bool failed = action == REGISTER_FAILED;
	const char *word = r->dry_run ? actions[action].planned : actions[action].done;
	char *safe_place = text_safe(place), *safe_what = text_safe(what);

	if (failed) /* among what was done, in order */
		fflush(stdout);
	if (safe_place && safe_what)
		fprintf(failed ? stderr : stdout, "%s: %s: %s\n", safe_place, safe_what, _(word));
	if (detail)
		print_detail(failed ? stderr : stdout, detail);
	free(safe_place);
	free(safe_what);
}

void register_say(struct registration *r, const char *place, const char *what,
		  enum register_action action, const char *detail)
{
	r->changed |= actions[action].changes;
	add_step(r, place, what, action, detail);
	if (!message_is_json())
		print_step(r, place, what, action, detail);
}

enum exit_code register_fail(struct registration *r, const char *place, const char *what,
			     enum exit_code code, const char *detail)
{
	register_say(r, place, what, REGISTER_FAILED, detail);
	return code;
}

/* ---- files ---- */

enum exit_code register_write(struct registration *r, const char *path, const char *what,
			      const struct buffer *text, mode_t mode, enum register_action action)
{
	char real[FILE_PATH_MAX];
	bool ok = r->dry_run;

	errno = ENAMETOOLONG;
	if (!r->dry_run && file_resolve(path, real)) {
		ok = text ? file_make_folders(path) &&
				    file_replace(AT_FDCWD, real, text->data, text->len, mode, true)
			  : unlink(path) == 0;
	}
	if (!ok)
		return register_fail(r, path, what, EXIT_FILE, strerror(errno));
	register_say(r, path, what, action, NULL);
	return EXIT_GOOD;
}

bool register_home(const char *variable, const char *fallback, const char *rest, char *out,
		   size_t size)
{
	const char *base = variable ? getenv(variable) : NULL;
	const char *home = getenv("HOME");
	int n = -1;

	if (base && *base == '/')
		n = snprintf(out, size, "%s/%s", base, rest);
	else if (home && *home == '/')
		n = snprintf(out, size, "%s/%s%s%s", home, fallback, *fallback ? "/" : "", rest);
	if (n >= 0 && (size_t)n < size)
		return true;
	message_error(_("there is no home folder: HOME is not set to an absolute path"));
	return false;
}
