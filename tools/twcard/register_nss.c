/* NSS databases (Firefox, Chromium and others), by NSS's own programs. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/twcard/message.h"
#include "tools/twcard/program.h"
#include "tools/twcard/register.h"

#define DATABASE "sql:." /* from in there: NSS 3 loses the modules of a folder with a blank in its path */
#define TRUST_NONE ",,"
#define TRUST_ROOT "C,C," /* CA of web sites and of mail */
#define MODULE_WHAT _("module twcard") /* REGISTER_NAME */
#define URI_SIZE 160

/* ---- the programs ---- */

/*
 * Runs one of NSS's programs. False, and it was said: there is none, or (unless
 * the caller takes an answer) it failed. The result is the caller's to clear.
 */
static bool run(struct registration *r, const char *db, const char *what,
		const char *const argv[], bool may_fail, struct program_result *out)
{
	if (!program_run(argv, db, NULL, 0, out)) {
		char text[200];

		snprintf(text, sizeof text, _("%s: %s\nIt is in the package libnss3-tools (Debian) or nss-tools (Fedora)."),
			 argv[0], strerror(errno));
		(void)register_fail(r, db, what, EXIT_FILE, text);
		return false;
	}
	if (out->status == 0 || may_fail)
		return true;
	(void)register_fail(r, db, what, EXIT_FILE,
			    out->err.len ? (char *)out->err.data : (char *)out->out.data);
	return false;
}

/* The same where only its success counts. */
static bool run_quietly(struct registration *r, const char *db, const char *what,
			const char *const argv[])
{
	struct program_result result = PROGRAM_RESULT_INIT;
	bool ok = run(r, db, what, argv, false, &result);

	program_result_clear(&result);
	return ok;
}

/* ---- the module ---- */

/* What `modutil -rawlist` says of one module. */
struct module_line {
	char name[256];
	char library[PATH_MAX];
};

/* The value behind KEY=, in quotes with \ before quotes, or up to a blank. */
static bool value_of(const char *line, const char *key, char *out, size_t size)
{
	const char *at = line;
	size_t n = 0, len = strlen(key);
	bool quoted;

	while ((at = strstr(at, key)) && ((at != line && at[-1] != ' ') || at[len] != '='))
		at++;
	if (!at)
		return false;
	at += len + 1;
	quoted = *at == '"';
	for (at += quoted; *at && *at != '\n' && *at != (quoted ? '"' : ' ') && n + 1 < size; at++) {
		if (quoted && *at == '\\' && at[1])
			at++;
		out[n++] = *at;
	}
	out[n] = '\0';
	return n > 0;
}

struct module_state {
	struct module_line ours;  /* by its name; empty: none */
	struct module_line other; /* the same library under another name */
};

static void take_module(const char *line, const char *library, struct module_state *out)
{
	struct module_line found = {"", ""};

	if (!value_of(line, "library", found.library, sizeof found.library) ||
	    !value_of(line, "name", found.name, sizeof found.name))
		return;
	if (strcmp(found.name, REGISTER_NAME) == 0)
		out->ours = found;
	else if (strcmp(found.library, library) == 0)
		out->other = found;
}

static bool look_for_module(struct registration *r, const char *db,
			    struct module_state *out)
{
	const char *const argv[] = {"modutil", "-force", "-rawlist", "-dbdir", DATABASE, NULL};
	struct program_result result = PROGRAM_RESULT_INIT;
	char *line, *next;
	bool ok = run(r, db, MODULE_WHAT, argv, false, &result);

	*out = (struct module_state){.ours.name = ""};
	for (line = ok ? (char *)result.out.data : NULL; line && *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		take_module(line, r->module, out);
	}
	program_result_clear(&result);
	return ok;
}

/* Whatever its folder: an installation may have moved. */
static bool is_our_library(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, REGISTER_LIBRARY) == 0;
}

/* And looks: modutil is content with more than it should be. */
static bool add_library(struct registration *r, const char *db, const char *library)
{
	const char *const argv[] = {"modutil", "-force", "-dbdir", DATABASE, "-add", REGISTER_NAME,
				    "-libfile", library, NULL};
	struct module_state state;

	if (!run_quietly(r, db, MODULE_WHAT, argv) || !look_for_module(r, db, &state))
		return false;
	if (strcmp(state.ours.library, library) == 0)
		return true;
	(void)register_fail(r, db, MODULE_WHAT, EXIT_FILE, _("modutil added it, but it is not there"));
	return false;
}

static bool delete_module(struct registration *r, const char *db)
{
	const char *const argv[] = {"modutil", "-force", "-dbdir", DATABASE, "-delete", REGISTER_NAME,
				    NULL};

	return run_quietly(r, db, MODULE_WHAT, argv);
}

/* When the new one cannot be added the old one comes back. */
static enum exit_code replace_module(struct registration *r, const char *db,
				     const char *old)
{
	if (!delete_module(r, db))
		return EXIT_FILE;
	if (!add_library(r, db, r->module)) {
		if (!add_library(r, db, old))
			register_say(r, db, MODULE_WHAT, REGISTER_REMOVED, old);
		return EXIT_FILE;
	}
	register_say(r, db, MODULE_WHAT, REGISTER_CHANGED, NULL);
	return EXIT_GOOD;
}

static enum exit_code add_module(struct registration *r, const char *db,
				 const struct module_state *state)
{
	if (strcmp(state->ours.library, r->module) == 0) {
		register_say(r, db, MODULE_WHAT, REGISTER_PRESENT, NULL);
	} else if (*state->ours.name && !is_our_library(state->ours.library)) {
		register_say(r, db, MODULE_WHAT, REGISTER_KEPT,
			     _("another library has this name: take it out with modutil -delete"));
		return EXIT_REFUSED;
	} else if (!*state->ours.name && *state->other.name) {
		register_say(r, db, state->other.name, REGISTER_PRESENT,
			     _("somebody added the module under this name"));
	} else if (r->dry_run) {
		register_say(r, db, MODULE_WHAT,
			     *state->ours.name ? REGISTER_CHANGED : REGISTER_ADDED, NULL);
	} else if (*state->ours.name) {
		return replace_module(r, db, state->ours.library);
	} else {
		if (!add_library(r, db, r->module))
			return EXIT_FILE;
		register_say(r, db, MODULE_WHAT, REGISTER_ADDED, NULL);
	}
	return EXIT_GOOD;
}

static enum exit_code remove_module(struct registration *r, const char *db,
				    const struct module_state *state)
{
	bool ours = *state->ours.name && (is_our_library(state->ours.library) ||
					  strcmp(state->ours.library, r->module) == 0);

	if (ours && !r->dry_run && !delete_module(r, db))
		return EXIT_FILE;
	if (*state->ours.name)
		register_say(r, db, MODULE_WHAT, ours ? REGISTER_REMOVED : REGISTER_KEPT,
			     ours ? NULL : _("another library has this name"));
	else
		register_say(r, db, MODULE_WHAT, REGISTER_ABSENT, NULL);
	if (*state->other.name)
		register_say(r, db, state->other.name, REGISTER_KEPT,
			     _("somebody added the module under this name: take it out with modutil -delete"));
	return EXIT_GOOD;
}

static enum exit_code do_module(struct registration *r, const char *db)
{
	struct module_state state;

	if (!look_for_module(r, db, &state))
		return EXIT_FILE;
	return r->removing ? remove_module(r, db, &state) : add_module(r, db, &state);
}

/* ---- the CA certificates ---- */

/* True if the database itself (the card has it, too) has this certificate under a name or URI. */
static bool has_certificate(struct registration *r, const char *db,
			    const struct register_ca *ca, const char *name, bool *has)
{
	const char *const argv[] = {"certutil", "-L", "-d", DATABASE, "-n", name, "-r", NULL};
	struct program_result result = PROGRAM_RESULT_INIT;
	bool ok = run(r, db, ca->holder, argv, true, &result);

	*has = ok && result.status == 0 && result.out.len >= (size_t)ca->der_len &&
	       memmem(result.out.data, result.out.len, ca->der, (size_t)ca->der_len);
	program_result_clear(&result);
	return ok;
}

/*
 * By its key, because others give it other names: adding it once more would
 * take away the trust that they gave it.
 */
static void uri_of(const struct register_ca *ca, char out[URI_SIZE])
{
	size_t at = (size_t)snprintf(out, URI_SIZE, "pkcs11:token=NSS%%20Certificate%%20DB;type=cert;id=");

	for (size_t i = 0; ca->id[i]; i += 2)
		at += (size_t)snprintf(out + at, URI_SIZE - at, "%%%.2s", ca->id + i);
}

/* `certutil -L`: lines "NAME   TRUST". The trust of one; NULL: it is not there. Valid as `list`. */
static const char *trust_in(const char *list, const char *name)
{
	const char *line = list;
	size_t len = strlen(name);

	while (line && strncmp(line, name, len) != 0) {
		line = strchr(line, '\n');
		line += line != NULL;
	}
	return line ? line + len + strspn(line + len, " ") : NULL;
}

static bool list_certificates(struct registration *r, const char *db,
			      struct program_result *out)
{
	const char *const argv[] = {"certutil", "-L", "-d", DATABASE, NULL};

	return run(r, db, _("CA certificates"), argv, false, out);
}

/* Wants a password where the database has one: certutil asks for it. */
static enum exit_code trust(struct registration *r, const char *db,
			    const struct register_ca *ca)
{
	const char *const argv[] = {"certutil", "-M", "-d", DATABASE, "-n", ca->name, "-t", TRUST_ROOT,
				    NULL};
	struct program_result list = PROGRAM_RESULT_INIT;
	const char *now = NULL;
	bool has;

	if (!list_certificates(r, db, &list))
		return EXIT_FILE;
	now = trust_in((char *)list.out.data, ca->name);
	has = now && strncmp(now, TRUST_ROOT, strlen(TRUST_ROOT)) == 0;
	program_result_clear(&list);
	if (!has && !r->dry_run && !run_quietly(r, db, _("trust in the root CA"), argv))
		return EXIT_FILE;
	register_say(r, db, _("trust in the root CA"), has ? REGISTER_PRESENT : REGISTER_ADDED,
		     ca->holder);
	return EXIT_GOOD;
}

static bool insert(struct registration *r, const char *db, const struct register_ca *ca)
{
	const char *const argv[] = {"certutil", "-A", "-d", DATABASE, "-n", ca->name, "-t", TRUST_NONE,
				    NULL};
	struct program_result result = PROGRAM_RESULT_INIT;
	bool ok = program_run(argv, db, ca->der, (size_t)ca->der_len, &result);

	if (!ok || result.status != 0)
		(void)register_fail(r, db, ca->holder, EXIT_FILE,
				    ok ? (char *)result.err.data : strerror(errno));
	ok = ok && result.status == 0;
	program_result_clear(&result);
	return ok;
}

static enum exit_code add_certificate(struct registration *r, const char *db,
				      const struct register_ca *ca)
{
	bool wants_trust = ca->root && arguments_has(r->args, "trust-ca"), there, ours;
	char uri[URI_SIZE];

	uri_of(ca, uri);
	if (!has_certificate(r, db, ca, uri, &there) || !has_certificate(r, db, ca, ca->name, &ours))
		return EXIT_FILE;
	if (there || ours) {
		register_say(r, db, ca->holder, REGISTER_PRESENT,
			     ours ? NULL
			     : wants_trust ? _("somebody else added it: its trust is left as it is")
					   : _("somebody else added it"));
		return ours && wants_trust ? trust(r, db, ca) : EXIT_GOOD;
	}
	if (!r->dry_run && !insert(r, db, ca))
		return EXIT_FILE;
	ours = r->dry_run;
	if (!ours && !has_certificate(r, db, ca, ca->name, &ours))
		return EXIT_FILE;
	/* NSS knows one name for all certificates of a holder */
	register_say(r, db, ca->holder, REGISTER_ADDED,
		     ours ? NULL : _("NSS has another certificate of this holder and uses its name: unregister will not know this one"));
	return ours && wants_trust ? trust(r, db, ca) : EXIT_GOOD;
}

static enum exit_code remove_certificate(struct registration *r, const char *db,
					 const char *name)
{
	const char *const argv[] = {"certutil", "-D", "-d", DATABASE, "-n", name, NULL};

	if (!r->dry_run && !run_quietly(r, db, name, argv))
		return EXIT_FILE;
	register_say(r, db, name, REGISTER_REMOVED, NULL);
	return EXIT_GOOD;
}

/* Copies the name of a line that carries our mark. */
static bool is_marked(const char *line, char name[REGISTER_CA_NAME_SIZE])
{
	const size_t mark = strlen(REGISTER_CA_MARK);

	if (strncmp(line, REGISTER_CA_MARK, mark) != 0 ||
	    strspn(line + mark, "0123456789abcdef") != REGISTER_CA_HEX ||
	    line[mark + REGISTER_CA_HEX] != ' ')
		return false;
	memcpy(name, line, REGISTER_CA_NAME_SIZE - 1);
	name[REGISTER_CA_NAME_SIZE - 1] = '\0';
	return true;
}

static enum exit_code remove_certificates(struct registration *r, const char *db)
{
	struct program_result list = PROGRAM_RESULT_INIT;
	char name[REGISTER_CA_NAME_SIZE];
	enum exit_code code = EXIT_FILE;
	const char *line;
	bool any = false;

	if (!list_certificates(r, db, &list))
		goto out;
	code = EXIT_GOOD;
	for (line = (char *)list.out.data; line && code == EXIT_GOOD;) {
		if (is_marked(line, name)) {
			any = true;
			code = remove_certificate(r, db, name);
		}
		line = strchr(line, '\n');
		line += line != NULL;
	}
	if (!any)
		register_say(r, db, _("CA certificates"), REGISTER_ABSENT, NULL);
out:
	program_result_clear(&list);
	return code;
}

/* ---- a database ---- */

static bool is_locked(const char *folder, const char *name)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];
	bool locked;
	int fd;

	if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
		return false;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	locked = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return locked;
}

/* Firefox's second lock, for folders without locks: a link to "ADDRESS:+PROCESS". */
static bool has_living_link(const char *folder)
{
	char path[PATH_MAX], target[64];
	const char *sign;
	ssize_t n;
	long process;

	if (snprintf(path, sizeof path, "%s/lock", folder) >= (int)sizeof path)
		return false;
	n = readlink(path, target, sizeof target - 1);
	target[n > 0 ? n : 0] = '\0';
	sign = strrchr(target, '+');
	process = sign ? strtol(sign + 1, NULL, 10) : 0;
	return process > 0 && (kill((pid_t)process, 0) == 0 || errno == EPERM);
}

static enum exit_code check(struct registration *r, const char *folder)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/cert9.db", folder) >= (int)sizeof path ||
	    access(path, F_OK) != 0)
		return register_fail(r, folder, _("NSS database"), EXIT_FILE,
				     _("there is none: start the browser once, or make one with certutil -N"));
	if (!is_locked(folder, ".parentlock") && !is_locked(folder, "cert9.db") &&
	    !has_living_link(folder))
		return EXIT_GOOD;
	return register_fail(r, folder, _("NSS database"), EXIT_FILE,
			     _("a program is using it: end it (the browser, too) and try again"));
}

/* The certificates first: later the module is in the way, which asks the card each time. */
enum exit_code register_nss_folder(struct registration *r, const char *folder)
{
	enum exit_code code = check(r, folder);

	if (code != EXIT_GOOD)
		return code;
	if (r->removing) {
		code = do_module(r, folder);
		return code == EXIT_GOOD ? remove_certificates(r, folder) : code;
	}
	for (size_t i = 0; i < r->ca_count && code == EXIT_GOOD; i++)
		code = add_certificate(r, folder, &r->cas[i]);
	return code == EXIT_GOOD ? do_module(r, folder) : code;
}
