/* twcard cert register and unregister: the targets, and what holds for all of them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/config_file.h"
#include "src/base/file.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/register.h"

#define LOCK_TRIES 3000 /* of 10 ms: programs that are run take their time */

#define TARGET_OPTIONS \
	{"firefox", 0, NULL, N_("all Firefox profiles of this user")}, \
	{"profile", 0, N_("NAME"), N_("with --firefox: only this profile")}, \
	{"chromium", 0, NULL, N_("Chromium and Chrome: the NSS database ~/.pki/nssdb")}, \
	{"nss", 0, N_("DIR"), N_("the NSS database in this folder; may be given several times")}, \
	{"p11-kit", 0, NULL, N_("p11-kit, and with it GnuTLS and others")}, \
	{"system", 0, NULL, N_("with --p11-kit: for all users (root)")}, \
	{"ssh", 0, NULL, N_("OpenSSH: ~/.ssh/config")}, \
	{"system-ca", 0, NULL, N_("the system's trusted CA certificates (root)")}, \
	{"module", 0, N_("PATH"), N_("the PKCS#11 module, if it is not the installed one")}, \
	{"root", 0, N_("DIR"), N_("the system's folders are below this one: for an image")}, \
	{"dry-run", 0, NULL, N_("say what would be done, and do nothing")}

static const struct option_row register_options[] = {
	TARGET_OPTIONS,
	{"no-ca", 0, NULL, N_("only the module, no CA certificates: no card is needed")},
	{"trust-ca", 0, NULL, N_("let browsers trust the card's root CA, for web sites and mail")},
	{"yes", 0, NULL, N_("with --system-ca: trust the CA certificates that were shown")},
	{NULL, 0, NULL, NULL},
};

static const struct option_row unregister_options[] = {
	TARGET_OPTIONS,
	{NULL, 0, NULL, NULL},
};

static const struct target {
	const char *option;
	bool wants_module, wants_ca, likes_card;
	enum exit_code (*run)(struct registration *r);
} targets[] = {
	{"firefox", true, true, false, register_firefox},
	{"chromium", true, true, false, register_chromium},
	{"nss", true, true, false, register_nss},
	{"p11-kit", true, false, false, register_p11_kit},
	{"ssh", true, false, true, register_ssh},
	{"system-ca", false, true, false, register_system_ca},
};
#define TARGETS (sizeof targets / sizeof *targets)

/* ---- before ---- */

/* It goes into files that others parse, each in its way. */
static bool is_plain_path(const char *path)
{
	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7F || strchr("\"'\\%$", *c))
			return false;
	return *path == '/' && strlen(path) < FILE_PATH_MAX / 2;
}

static enum exit_code check_module(const struct registration *r)
{
	if (!is_plain_path(r->module))
		return message_usage(r->args->command,
				     _("the module's path must be absolute, without quotes, \\, %% and $"));
	if (r->removing || access(r->module, R_OK) == 0)
		return EXIT_GOOD;
	message_error(_("the module %s: %s\nInstall it, or say where it is with --module."), r->module,
		      strerror(errno));
	return EXIT_FILE;
}

static enum exit_code check_options(const struct registration *r)
{
	static const char *const pairs[][2] = {
		{"profile", "firefox"}, {"system", "p11-kit"}, {"yes", "system-ca"},
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (arguments_has(r->args, pairs[i][0]) && !arguments_has(r->args, pairs[i][1]))
			return message_usage(r->args->command, _("--%s goes with --%s"), pairs[i][0],
					     pairs[i][1]);
	if (arguments_has(r->args, "no-ca") &&
	    (arguments_has(r->args, "trust-ca") || arguments_has(r->args, "system-ca")))
		return message_usage(r->args->command, _("--no-ca leaves nothing to trust"));
	if (*r->root && *r->root != '/')
		return message_usage(r->args->command, _("--root wants an absolute path"));
	return EXIT_GOOD;
}

static enum exit_code prepare(struct registration *r)
{
	bool any = false, module = false, card = false, likes = false;
	enum exit_code code = check_options(r);

	for (size_t i = 0; i < TARGETS; i++) {
		if (!arguments_has(r->args, targets[i].option))
			continue;
		any = true;
		module |= targets[i].wants_module;
		card |= targets[i].wants_ca;
		likes |= targets[i].likes_card;
	}
	if (code == EXIT_GOOD && !any)
		code = message_usage(r->args->command, _("say where: --firefox, --nss, --p11-kit …"));
	if (code == EXIT_GOOD && module)
		code = check_module(r);
	card = card && !arguments_has(r->args, "no-ca");
	if (code == EXIT_GOOD && !r->removing && (card || likes))
		code = register_read_card(r, card);
	return code;
}

/* One twcard at a time edits; -1 with *code good: there is no place for a lock, so be it. */
static int lock(const struct registration *r, enum exit_code *code)
{
	char path[CONFIG_PATH_MAX];
	int fd = -1;

	if (!r->dry_run && config_user_path("register.lock", path) && file_make_folders(path))
		fd = file_lock(AT_FDCWD, path, LOCK_TRIES);
	else
		errno = 0;
	if (fd < 0 && errno == EWOULDBLOCK) {
		message_error(_("another twcard registers or unregisters: wait for it, or end it"));
		*code = EXIT_FILE;
	}
	return fd;
}

/* ---- after ---- */

static void say_json(struct registration *r)
{
	struct json_object *v = json_object_new_object();

	json_object_object_add(v, "dry-run", json_object_new_boolean(r->dry_run));
	json_object_object_add(v, "changed", json_object_new_boolean(r->changed));
	json_object_object_add(v, "steps", json_object_get(r->steps));
	if (arguments_has(r->args, "ssh") && !r->removing)
		json_object_object_add(v, "ssh-keys", json_object_get(r->keys));
	message_json(v);
}

static enum exit_code run_targets(struct registration *r)
{
	enum exit_code code = EXIT_GOOD;
	int fd = lock(r, &code);

	if (code != EXIT_GOOD)
		return code;
	for (size_t i = 0; i < TARGETS; i++) {
		enum exit_code one;

		if (!arguments_has(r->args, targets[i].option))
			continue;
		r->target = targets[i].option;
		one = targets[i].run(r);
		code = code == EXIT_GOOD ? one : code;
	}
	if (fd >= 0)
		close(fd);
	if (message_is_json() && json_object_array_length(r->steps))
		say_json(r);
	else if (!r->changed)
		message_note(_("Nothing was changed."));
	return code;
}

static enum exit_code run(const struct arguments *args, bool removing)
{
	const char *module = arguments_value(args, "module"), *root = arguments_value(args, "root");
	struct registration r = {.args = args,
				 .module = module ? module : MODULE_PATH,
				 .root = root ? root : "",
				 .removing = removing,
				 .dry_run = arguments_has(args, "dry-run"),
				 .steps = json_object_new_array()};
	enum exit_code code = prepare(&r);

	if (code == EXIT_GOOD)
		code = run_targets(&r);
	register_clear(&r);
	return code;
}

static enum exit_code run_register(const struct arguments *args)
{
	return run(args, false);
}

static enum exit_code run_unregister(const struct arguments *args)
{
	return run(args, true);
}

const struct subcommand command_cert_register = {
	.name = "cert register",
	.summary = N_("make browsers and other programs see the card and its CAs"),
	.more = N_("The card's CA certificates are added without trust: that a card has a root certificate\n"
		   "proves nothing about it. No PIN is needed; 'twcard cert unregister' undoes it."),
	.options = register_options,
	.run = run_register,
};

const struct subcommand command_cert_unregister = {
	.name = "cert unregister",
	.summary = N_("undo 'twcard cert register'"),
	.more = N_("What carries the marks of a registration is removed; all else stays. No card is needed."),
	.options = unregister_options,
	.run = run_unregister,
};
