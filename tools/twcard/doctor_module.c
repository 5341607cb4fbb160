/* The PKCS#11 module: does it work, and who knows of it. */
#include "config.h"

#include <dirent.h>
#include <dlfcn.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cryptoki.h"
#include "tools/twcard/doctor.h"
#include "tools/twcard/message.h"
#include "tools/twcard/nss_folders.h"
#include "tools/twcard/run_child.h"

#define MODULE_MS 10000
#define MODULE_NAME "twcard-pkcs11.so"
#define PATH_SIZE 1200
#define SLOTS_SHOWN 64

/* ---- does it work? In a child ---- */

/*
 * What the child says: the step that it begins, a line each, so that the last
 * one names where it ended. "= " goes before the answer of a step that failed,
 * "+ " before the number of slots.
 */
static bool step(int out, const char *name, CK_RV rv)
{
	if (rv == CKR_OK)
		return true;
	dprintf(out, "= %s: %08lX\n", name, rv);
	return false;
}

static void try_calls(int out, CK_FUNCTION_LIST *list)
{
	CK_SLOT_ID slots[SLOTS_SHOWN];
	CK_ULONG count = SLOTS_SHOWN;

	dprintf(out, "C_Initialize\n");
	if (!step(out, "C_Initialize", list->C_Initialize(NULL)))
		return;
	dprintf(out, "C_GetSlotList\n");
	if (step(out, "C_GetSlotList", list->C_GetSlotList(CK_FALSE, slots, &count)))
		dprintf(out, "+ %lu\n", count);
	dprintf(out, "C_Finalize\n");
	(void)list->C_Finalize(NULL);
}

static void try_module(int out, void *context)
{
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST *list = NULL;
	void *module;

	dprintf(out, "dlopen\n");
	module = dlopen(context, RTLD_NOW | RTLD_LOCAL);
	if (!module) {
		dprintf(out, "= %s\n", dlerror());
		return;
	}
	dprintf(out, "C_GetFunctionList\n");
	*(void **)&get = dlsym(module, "C_GetFunctionList");
	if (!get)
		dprintf(out, "= %s\n", dlerror());
	else if (step(out, "C_GetFunctionList", get(&list)) && list)
		try_calls(out, list);
}

/* The last line that begins with `mark` (0: with none of the two marks). NULL: there is none. */
static const char *last_line(char *text, char mark)
{
	static char line[DOCTOR_TEXT / 2];
	bool found = false;
	char *save = NULL, *copy = strdup(text);

	for (char *l = copy ? strtok_r(copy, "\n", &save) : NULL; l; l = strtok_r(NULL, "\n", &save)) {
		bool marked = *l == '=' || *l == '+';

		if (mark ? *l != mark : marked)
			continue;
		snprintf(line, sizeof line, "%s", mark ? l + 2 : l);
		found = true;
	}
	free(copy);
	return found ? line : NULL;
}

static void say_module(struct doctor *d, struct doctor_finding *f, struct child_answer *answer)
{
	const char *where = last_line(answer->text, 0);

	if (!where)
		where = "dlopen";
	if (answer->end == CHILD_HUNG)
		doctor_say(f, DOCTOR_PROBLEM, _("%s hangs in %s"), d->place.module, where);
	else if (answer->end == CHILD_CRASHED && answer->signal)
		doctor_say(f, DOCTOR_PROBLEM, _("%s crashes in %s (%s)"), d->place.module, where,
			   strsignal(answer->signal));
	else if (answer->end != CHILD_DONE)
		doctor_say(f, DOCTOR_PROBLEM, _("%s ends the program in %s"), d->place.module, where);
	else if ((where = last_line(answer->text, '=')))
		doctor_say(f, DOCTOR_PROBLEM, _("%s does not work: %s"), d->place.module, where);
	else if ((where = last_line(answer->text, '+')))
		doctor_say(f, DOCTOR_OK, _("%s works and has %s slots"), d->place.module, where);
	else
		doctor_say(f, DOCTOR_PROBLEM, _("%s has no functions"), d->place.module);
	if (f->state == DOCTOR_PROBLEM)
		doctor_todo(f, _("Install twcard anew; if it stays, send the report of 'twcard doctor --report FILE'"));
}

void doctor_check_module(struct doctor *d, struct doctor_finding *f)
{
	struct child_answer answer;

	if (access(d->place.module, F_OK) != 0) {
		doctor_say(f, DOCTOR_PROBLEM, _("%s is not there: no program can use the card through it"),
			   d->place.module);
		doctor_todo(f, _("Install twcard's module ('make install'), or name it: --module FILE"));
		return;
	}
	child_run(try_module, (void *)(uintptr_t)d->place.module, MODULE_MS, &answer);
	say_module(d, f, &answer);
}

/* ---- who knows of it ---- */

struct registrations {
	size_t files;  /* that were read */
	size_t ours;   /* in how many of them */
	size_t opensc; /* in how many OpenSC's module is */
	size_t reached; /* in how many ours is, or p11-kit stands for all that it knows */
	bool through_proxy; /* p11-kit knows ours */
	char missing[PATH_SIZE]; /* a file that is registered for ours and is not there */
};

/* The vendor's names may lead to our module. */
static bool is_ours(const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	char *real = realpath(path, NULL);
	bool is = strcmp(name, MODULE_NAME) == 0 ||
		  (real && strlen(real) > strlen(MODULE_NAME) &&
		   strcmp(real + strlen(real) - strlen(MODULE_NAME), MODULE_NAME) == 0);

	free(real);
	return is;
}

/* A registered module; a bare name is looked for in p11-kit's folder. Answers what it is by a bit. */
enum { IS_OURS = 1, IS_OPENSC = 2, IS_PROXY = 4 };

static unsigned look_at(struct registrations *r, const char *module)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s%s", *module == '/' ? "" : MODULEDIR "/", module);
	if (strstr(path, "opensc-pkcs11") || strstr(path, "onepin-opensc"))
		return IS_OPENSC;
	if (strstr(path, "p11-kit-proxy") || strstr(path, "p11-kit-client"))
		return IS_PROXY;
	if (!is_ours(path))
		return 0;
	if (access(path, F_OK) != 0)
		snprintf(r->missing, sizeof r->missing, "%s", path);
	return IS_OURS;
}

/* One file, with a line "key value" for each module. */
static void read_registrations(struct registrations *r, const char *file, const char *key)
{
	FILE *stream = fopen(file, "re");
	char line[PATH_SIZE];
	unsigned seen = 0;

	while (stream && fgets(line, sizeof line, stream)) {
		char *value = line + strspn(line, " \t");

		if (strncmp(value, key, strlen(key)) != 0)
			continue;
		value += strlen(key);
		value += strspn(value, " \t");
		value[strcspn(value, "\r\n")] = '\0';
		seen |= look_at(r, value);
	}
	if (!stream)
		return;
	fclose(stream);
	r->files++;
	r->ours += (seen & IS_OURS) != 0;
	r->opensc += (seen & IS_OPENSC) != 0;
	r->reached += (seen & IS_OURS) || (r->through_proxy && (seen & IS_PROXY));
}

static void read_all(struct registrations *r, const char *pattern, const char *key)
{
	glob_t found;

	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_registrations(r, found.gl_pathv[i], key);
	globfree(&found);
}

/* True, and said, if what is registered for ours is not there. */
static bool say_missing(struct doctor_finding *f, const struct registrations *r)
{
	if (!*r->missing)
		return false;
	doctor_say(f, DOCTOR_PROBLEM, _("registered is %s, which is not there"), r->missing);
	doctor_todo(f, _("Install twcard's module, or take it back: twcard cert unregister --help"));
	return true;
}

void doctor_check_p11kit(struct doctor *d, struct doctor_finding *f)
{
	struct registrations r = {0};
	char pattern[PATH_SIZE];

	snprintf(pattern, sizeof pattern, "%s%s/*.module", d->place.root, d->place.module_configs);
	read_all(&r, pattern, "module:");
	snprintf(pattern, sizeof pattern, "%s%s/*.module", d->place.root, d->place.system_configs);
	read_all(&r, pattern, "module:");
	if (d->place.config_home && *d->place.config_home == '/')
		snprintf(pattern, sizeof pattern, "%s/pkcs11/modules/*.module", d->place.config_home);
	else
		snprintf(pattern, sizeof pattern, "%s/.config/pkcs11/modules/*.module",
			 d->place.home ? d->place.home : "");
	read_all(&r, pattern, "module:");
	d->in_p11kit = r.ours > 0;
	if (say_missing(f, &r))
		return;
	if (!r.ours) {
		doctor_say(f, DOCTOR_NOTE, _("no: programs that ask p11-kit (GnuTLS, GNOME, ssh) do not see the card"));
		doctor_todo(f, "twcard cert register --p11-kit");
	} else if (r.opensc) {
		doctor_say(f, DOCTOR_NOTE, _("yes, and OpenSC's module is, too: programs show the reader twice, and "
					     "OpenSC's asks the card for what it does not have"));
	} else {
		doctor_say(f, DOCTOR_OK, _("yes"));
	}
}

/* An NSS database lists its modules in pkcs11.txt; modutil would load all of them to tell. */
static void say_nss(struct doctor_finding *f, const struct registrations *r, const char *who,
		    const char *todo)
{
	if (say_missing(f, r))
		return;
	if (!r->files) {
		doctor_say(f, DOCTOR_NOTE, _("there is no NSS database of %s"), who);
	} else if (r->reached < r->files) {
		doctor_say(f, DOCTOR_NOTE, _("in %zu of %zu databases: %s does not see the card in the others"),
			   r->reached, r->files, who);
		doctor_todo(f, "%s", todo);
	} else {
		doctor_say(f, DOCTOR_OK, r->ours ? _("yes") : _("yes, through p11-kit"));
	}
}

void doctor_check_nss(struct doctor *d, struct doctor_finding *f)
{
	struct registrations r = {.through_proxy = d->in_p11kit};
	char pattern[PATH_SIZE];

	snprintf(pattern, sizeof pattern, "%s/" NSS_SHARED "/pkcs11.txt", d->place.home ? d->place.home : "");
	read_registrations(&r, pattern, "library=");
	say_nss(f, &r, _("Chromium and others (~/.pki/nssdb)"),
		"twcard cert register --chromium");
}

void doctor_check_firefox(struct doctor *d, struct doctor_finding *f)
{
	struct registrations r = {.through_proxy = d->in_p11kit};
	char pattern[PATH_SIZE];

	for (const struct nss_firefox *place = nss_firefox; d->place.home && place->folder; place++) {
		snprintf(pattern, sizeof pattern, "%s/%s/*/pkcs11.txt", d->place.home, place->folder);
		read_all(&r, pattern, "library=");
	}
	say_nss(f, &r, "Firefox", "twcard cert register --firefox");
}
