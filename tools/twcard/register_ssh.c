/* OpenSSH: our lines in ~/.ssh/config, and the keys for authorized_keys. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/file.h"
#include "tools/twcard/message.h"
#include "tools/twcard/register.h"
#include "tools/twcard/ssh_config.h"

#define CONFIG_MAX (1024 * 1024)
#define WHAT "PKCS11Provider"

/* The mode that it has and is to keep. False: it is somebody else's. */
static bool find_mode(const char *path, mode_t *mode)
{
	struct stat st;

	*mode = 0600;
	if (stat(path, &st) != 0)
		return errno == ENOENT;
	*mode = st.st_mode & 0777;
	return st.st_uid == geteuid();
}

static enum exit_code add(struct registration *r, const char *path, const struct buffer *file,
			  const struct ssh_config *found, mode_t mode)
{
	struct buffer new = BUFFER_INIT;
	enum exit_code code;
	bool same, other;

	other = ssh_config_names_provider(file, found, r->module, &same);
	if (found->state == SSH_CONFIG_OURS && strcmp(found->module, r->module) == 0) {
		register_say(r, path, WHAT, REGISTER_PRESENT, NULL);
		return EXIT_GOOD;
	}
	if (same && found->state == SSH_CONFIG_NONE) {
		register_say(r, path, WHAT, REGISTER_PRESENT, _("it was written by somebody else"));
		return EXIT_GOOD;
	}
	code = ssh_config_edit(file, r->module, &new)
		       ? register_write(r, path, WHAT, &new, mode,
					found->state == SSH_CONFIG_OURS ? REGISTER_CHANGED : REGISTER_ADDED)
		       : message_result(RESULT_NO_MEMORY, NULL);
	if (code == EXIT_GOOD && other)
		message_note(_("Another PKCS11Provider stands in the file: it wins for the hosts that it is for."));
	buffer_clear(&new);
	return code;
}

static enum exit_code take_out(struct registration *r, const char *path, const struct buffer *file,
			       const struct ssh_config *found, mode_t mode)
{
	struct buffer new = BUFFER_INIT;
	enum exit_code code;

	if (found->state == SSH_CONFIG_NONE) {
		register_say(r, path, WHAT, REGISTER_ABSENT, NULL);
		return EXIT_GOOD;
	}
	code = ssh_config_edit(file, NULL, &new)
		       ? register_write(r, path, WHAT, &new, mode, REGISTER_REMOVED)
		       : message_result(RESULT_NO_MEMORY, NULL);
	buffer_clear(&new);
	return code;
}

static enum exit_code edit(struct registration *r, const char *path, const struct buffer *file,
			   mode_t mode)
{
	struct ssh_config found;

	ssh_config_look(file, &found);
	if (found.state == SSH_CONFIG_CHANGED) {
		register_say(r, path, WHAT, REGISTER_KEPT,
			     _("the lines of 'twcard cert register' were edited: take them out by hand"));
		return EXIT_REFUSED;
	}
	return r->removing ? take_out(r, path, file, &found, mode) : add(r, path, file, &found, mode);
}

static void say_keys(const struct registration *r)
{
	size_t count = r->keys ? json_object_array_length(r->keys) : 0;

	if (message_is_json() || r->removing)
		return;
	if (!count)
		message_note(_("No card with a key for signatures is there: put it in and do it again for the line\n"
			       "that goes into ~/.ssh/authorized_keys on the host."));
	else
		message_note(_("This goes into ~/.ssh/authorized_keys on the host:"));
	for (size_t i = 0; i < count; i++)
		printf("%s\n", json_object_get_string(json_object_array_get_idx(r->keys, i)));
}

enum exit_code register_ssh(struct registration *r)
{
	struct buffer file = BUFFER_INIT;
	char path[FILE_PATH_MAX];
	enum exit_code code;
	mode_t mode;

	if (!register_home(NULL, ".ssh", "config", path, sizeof path))
		return EXIT_FILE;
	if (!find_mode(path, &mode))
		code = register_fail(r, path, WHAT, EXIT_FILE, _("the file belongs to another user"));
	else if (!file_read(AT_FDCWD, path, CONFIG_MAX, &file) && errno != ENOENT)
		code = register_fail(r, path, WHAT, EXIT_FILE, strerror(errno));
	else
		code = edit(r, path, &file, mode);
	buffer_clear(&file);
	if (code == EXIT_GOOD)
		say_keys(r);
	return code;
}
