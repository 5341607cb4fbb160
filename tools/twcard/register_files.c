/* What p11-kit reads, and the system's trusted CA certificates. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "src/base/file.h"
#include "src/crypto/context.h"
#include "tools/twcard/message.h"
#include "tools/twcard/program.h"
#include "tools/twcard/register.h"

#define FILE_MAX 65536

/* ---- p11-kit ---- */

#define MODULE_FILE REGISTER_NAME ".module"
#define MODULE_MARK "# made by 'twcard cert register --p11-kit'\n"

enum module_file {
	MODULE_FILE_NONE,
	MODULE_FILE_OURS,  /* just as we would write it */
	MODULE_FILE_OLD,   /* ours, for another path */
	MODULE_FILE_SAME,  /* somebody else's, for the same module */
	MODULE_FILE_OTHER
};

/* True if the file's line "module:" has this path. */
static bool names_module(const char *text, const char *module)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		const char *value = text + strspn(text, " \t");

		if (strncmp(value, "module:", 7) != 0)
			continue;
		value += 7 + strspn(value + 7, " \t");
		return strncmp(value, module, strlen(module)) == 0 &&
		       strspn(value + strlen(module), " \t\r") ==
			       strcspn(value + strlen(module), "\n");
	}
	return false;
}

static enum module_file judge(const struct buffer *file, const char *module)
{
	const char *text = (const char *)file->data;
	bool ours = strncmp(text, MODULE_MARK "module: ", strlen(MODULE_MARK "module: ")) == 0;

	/* a line that somebody added makes it his */
	if (ours && strchr(text + strlen(MODULE_MARK), '\n') == text + file->len - 2)
		return names_module(text, module) ? MODULE_FILE_OURS : MODULE_FILE_OLD;
	return names_module(text, module) ? MODULE_FILE_SAME : MODULE_FILE_OTHER;
}

/* False, with errno: it is there and cannot be read. */
static bool look(const char *path, const char *module, enum module_file *out)
{
	struct buffer file = BUFFER_INIT;
	bool ok = file_read(AT_FDCWD, path, FILE_MAX, &file);
	int error = errno;

	*out = MODULE_FILE_NONE;
	if (ok && buffer_append_u8(&file, '\0') != RESULT_OK) {
		ok = false;
		error = ENOMEM;
	}
	if (ok)
		*out = judge(&file, module);
	buffer_clear(&file);
	errno = error;
	return ok || error == ENOENT;
}

/* What `make install` or a package put there; *path: where. */
static bool is_installed(const struct registration *r, char path[FILE_PATH_MAX])
{
	static const char *const folders[] = {P11KIT_CONFIGS, P11KIT_SYSTEM_CONFIGS};
	enum module_file found;

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		int n = snprintf(path, FILE_PATH_MAX, "%s%s/" MODULE_FILE, r->root, folders[i]);

		if (n < FILE_PATH_MAX && look(path, r->module, &found) && found == MODULE_FILE_SAME)
			return true;
	}
	return false;
}

static enum exit_code write_module_file(struct registration *r, const char *path,
					enum module_file found)
{
	struct buffer text = BUFFER_INIT;
	enum exit_code code = EXIT_INTERNAL;

	if (buffer_append(&text, MODULE_MARK "module: ", strlen(MODULE_MARK "module: ")) == RESULT_OK &&
	    buffer_append(&text, r->module, strlen(r->module)) == RESULT_OK &&
	    buffer_append_u8(&text, '\n') == RESULT_OK)
		code = register_write(r, path, "p11-kit", &text, 0644,
				      found == MODULE_FILE_NONE ? REGISTER_ADDED : REGISTER_CHANGED);
	buffer_clear(&text);
	return code;
}

static enum exit_code add_module_file(struct registration *r, const char *path)
{
	char installed[FILE_PATH_MAX];
	enum module_file found;

	if (!look(path, r->module, &found))
		return register_fail(r, path, "p11-kit", EXIT_FILE, strerror(errno));
	if (found == MODULE_FILE_OURS || found == MODULE_FILE_SAME) {
		register_say(r, path, "p11-kit", REGISTER_PRESENT, NULL);
		return EXIT_GOOD;
	}
	if (found == MODULE_FILE_OTHER) {
		register_say(r, path, "p11-kit", REGISTER_KEPT,
			     _("the file is somebody else's and names another module, or settings: change it by hand"));
		return EXIT_REFUSED;
	}
	if (found == MODULE_FILE_NONE && is_installed(r, installed)) {
		register_say(r, installed, "p11-kit", REGISTER_PRESENT, _("the installation put it there"));
		return EXIT_GOOD;
	}
	return write_module_file(r, path, found);
}

static enum exit_code remove_module_file(struct registration *r, const char *path)
{
	enum module_file found;

	if (!look(path, r->module, &found))
		return register_fail(r, path, "p11-kit", EXIT_FILE, strerror(errno));
	if (found == MODULE_FILE_OURS || found == MODULE_FILE_OLD)
		return register_write(r, path, "p11-kit", NULL, 0, REGISTER_REMOVED);
	register_say(r, path, "p11-kit", found == MODULE_FILE_NONE ? REGISTER_ABSENT : REGISTER_KEPT,
		     found == MODULE_FILE_NONE ? NULL : _("the file is somebody else's, or was changed"));
	return EXIT_GOOD;
}

enum exit_code register_p11_kit(struct registration *r)
{
	bool system = arguments_has(r->args, "system");
	char path[FILE_PATH_MAX];

	if (system && geteuid() != 0 && !*r->root && !r->dry_run) {
		message_error(_("--system writes for all users: become root, e.g. with sudo"));
		return EXIT_REFUSED;
	}
	if (!system && geteuid() == 0) {
		message_error(_("p11-kit does not read root's own file: use --system, or do it as the user"));
		return EXIT_REFUSED;
	}
	if (system)
		snprintf(path, sizeof path, "%s" P11KIT_SYSTEM_CONFIGS "/" MODULE_FILE, r->root);
	else if (!register_home("XDG_CONFIG_HOME", ".config", "pkcs11/modules/" MODULE_FILE, path,
				sizeof path))
		return EXIT_FILE;
	return r->removing ? remove_module_file(r, path) : add_module_file(r, path);
}

/* ---- the system's CA certificates ---- */

#define CA_PREFIX "twcard-"
#define CA_SUFFIX ".crt"

/* Where a system has the certificates that its administrator adds, and what makes them count. */
static const struct store {
	const char *folder;
	const char *program[2];
} stores[] = {
	{"/usr/local/share/ca-certificates", {"update-ca-certificates", NULL}}, /* Debian */
	{"/etc/pki/ca-trust/source/anchors", {"update-ca-trust", NULL}}, /* Fedora */
	{"/etc/ca-certificates/trust-source/anchors", {"update-ca-trust", NULL}}, /* Arch */
	{"/etc/pki/trust/anchors", {"update-ca-certificates", NULL}}, /* SUSE */
};

static const struct store *find_store(const struct registration *r, char folder[PATH_MAX])
{
	for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
		int n = snprintf(folder, PATH_MAX, "%s%s", r->root, stores[i].folder);

		if (n < PATH_MAX && access(folder, F_OK) == 0)
			return &stores[i];
	}
	return NULL;
}

/* Makes the files count. Below another root that is for who uses it to do. */
static enum exit_code update(struct registration *r, const struct store *store, const char *folder)
{
	struct program_result result = PROGRAM_RESULT_INIT;
	enum exit_code code = EXIT_GOOD;

	if (r->dry_run)
		return EXIT_GOOD;
	if (*r->root) {
		message_note(_("%s was not run: it would change this system."), store->program[0]);
		return EXIT_GOOD;
	}
	if (!program_run(store->program, NULL, NULL, 0, &result))
		code = register_fail(r, folder, store->program[0], EXIT_FILE, strerror(errno));
	else if (result.status != 0)
		code = register_fail(r, folder, store->program[0], EXIT_FILE, (char *)result.err.data);
	program_result_clear(&result);
	return code;
}

static bool ca_path(const char *folder, const struct register_ca *ca, char path[FILE_PATH_MAX])
{
	return snprintf(path, FILE_PATH_MAX, "%s/" CA_PREFIX "%s" CA_SUFFIX, folder,
			ca->name + strlen(REGISTER_CA_MARK)) < FILE_PATH_MAX;
}

static bool to_pem(const struct register_ca *ca, struct buffer *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	bool ok = bio && PEM_write_bio(bio, "CERTIFICATE", "", ca->der, ca->der_len) > 0;
	long len = ok ? BIO_get_mem_data(bio, &text) : 0;

	ok = len > 0 && buffer_append(out, text, (size_t)len) == RESULT_OK;
	BIO_free(bio);
	return ok;
}

static enum exit_code add_ca_file(struct registration *r, const char *folder,
				  struct register_ca *ca)
{
	struct buffer text = BUFFER_INIT, old = BUFFER_INIT;
	char path[FILE_PATH_MAX];
	enum exit_code code = EXIT_GOOD;

	if (!to_pem(ca, &text) || !ca_path(folder, ca, path)) {
		code = message_result(RESULT_NO_MEMORY, NULL);
	} else if (file_read(AT_FDCWD, path, FILE_MAX, &old) && buffer_same(&old, &text)) {
		register_say(r, path, ca->holder, REGISTER_PRESENT, NULL);
	} else {
		code = register_write(r, path, ca->holder, &text, 0644,
				      old.len ? REGISTER_CHANGED : REGISTER_ADDED);
		ca->written = code == EXIT_GOOD && !r->dry_run;
	}
	buffer_clear(&text);
	buffer_clear(&old);
	return code;
}

/* What was added is not left there when it cannot be made to count. */
static enum exit_code add_cas(struct registration *r, const struct store *store, const char *folder)
{
	enum exit_code code = EXIT_GOOD;
	char path[FILE_PATH_MAX];
	bool any = false;

	for (size_t i = 0; i < r->ca_count && code == EXIT_GOOD; i++) {
		code = add_ca_file(r, folder, &r->cas[i]);
		any |= r->cas[i].written;
	}
	if (code == EXIT_GOOD && any)
		code = update(r, store, folder);
	for (size_t i = 0; i < r->ca_count && code != EXIT_GOOD; i++)
		if (r->cas[i].written && ca_path(folder, &r->cas[i], path))
			(void)register_write(r, path, r->cas[i].holder, NULL, 0, REGISTER_REMOVED);
	return code;
}

/* Its path, and true: a file of ours by its name, "twcard-" and 16 digits, and by what is in it. */
static bool is_ca_file(const char *folder, const char *name, char path[FILE_PATH_MAX])
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	char hex[REGISTER_CA_HEX + 1];
	X509 *x509 = NULL;
	bool ours = false;
	FILE *file;

	if (strncmp(name, CA_PREFIX, strlen(CA_PREFIX)) != 0 ||
	    strlen(name) != strlen(CA_PREFIX) + REGISTER_CA_HEX + strlen(CA_SUFFIX) ||
	    snprintf(path, FILE_PATH_MAX, "%s/%s", folder, name) >= FILE_PATH_MAX)
		return false;
	file = fopen(path, "re");
	if (file)
		x509 = PEM_read_X509(file, NULL, NULL, NULL);
	if (x509 && X509_digest(x509, crypto_digest("SHA256"), hash, NULL)) {
		for (size_t i = 0; i < REGISTER_CA_HEX / 2; i++)
			snprintf(hex + 2 * i, 3, "%02x", hash[i]);
		ours = strncmp(name + strlen(CA_PREFIX), hex, REGISTER_CA_HEX) == 0;
	}
	X509_free(x509);
	if (file)
		fclose(file);
	return ours;
}

static enum exit_code remove_cas(struct registration *r, const struct store *store,
				 const char *folder)
{
	enum exit_code code = EXIT_GOOD;
	DIR *dir = opendir(folder);
	char path[FILE_PATH_MAX];
	struct dirent *entry;
	bool any = false;

	if (!dir)
		return register_fail(r, folder, _("CA certificates"), EXIT_FILE, strerror(errno));
	while ((entry = readdir(dir)) && code == EXIT_GOOD) {
		if (!is_ca_file(folder, entry->d_name, path))
			continue;
		any = true;
		code = register_write(r, path, _("CA certificate"), NULL, 0, REGISTER_REMOVED);
	}
	closedir(dir);
	if (!any)
		register_say(r, folder, _("CA certificates"), REGISTER_ABSENT, NULL);
	return code == EXIT_GOOD && any ? update(r, store, folder) : code;
}

static bool is_allowed(const struct registration *r)
{
	if (r->dry_run)
		return true;
	if (geteuid() != 0 && !*r->root) {
		message_error(_("--system-ca changes whom this computer trusts: become root, e.g. with sudo"));
		return false;
	}
	if (r->removing || arguments_has(r->args, "yes"))
		return true;
	for (size_t i = 0; i < r->ca_count; i++)
		message_note("%s: %s", r->cas[i].name, r->cas[i].holder);
	message_error(_("programs on this computer would trust every web site and signature that these CAs\n"
			"vouch for. A card can carry any certificate: compare them with those that the CA\n"
			"publishes ('twcard cert show'), then say --yes."));
	return false;
}

enum exit_code register_system_ca(struct registration *r)
{
	const struct store *store;
	char folder[PATH_MAX];

	if (!is_allowed(r))
		return EXIT_REFUSED;
	store = find_store(r, folder);
	if (!store) {
		message_error(_("this system has no folder for CA certificates that is known here"));
		return EXIT_FILE;
	}
	if (r->removing)
		return remove_cas(r, store, folder);
	if (!r->ca_count)
		register_say(r, folder, _("CA certificates"), REGISTER_ABSENT, _("the card has none"));
	return add_cas(r, store, folder);
}
