#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/twcard/message.h"
#include "tools/twcard/out_file.h"

static enum exit_code tell(const char *path)
{
	message_error(_("%s cannot be written: %s"), path, strerror(errno));
	return EXIT_FILE;
}

static enum exit_code tell_exists(const char *path)
{
	message_error(_("%s is there already\nGive another name, or --force to replace it."), path);
	return EXIT_FILE;
}

/* The folder must exist; it is named from the root, for programs that change theirs. */
static char *name_beside(const char *path)
{
	char *copy = strdup(path), *folder = copy ? realpath(dirname(copy), NULL) : NULL;
	char *name = NULL;

	if (folder && asprintf(&name, "%s/.twcard-XXXXXX", folder) < 0)
		name = NULL;
	free(folder);
	free(copy);
	return name;
}

enum exit_code out_file_open(const char *path, bool force, struct out_file *out)
{
	struct stat st;
	int fd = -1;

	*out = (struct out_file){.force = force};
	if (!force && access(path, F_OK) == 0)
		return tell_exists(path);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) { /* root could replace /dev/null */
		message_error(_("%s is no ordinary file"), path);
		return EXIT_FILE;
	}
	out->path = strdup(path);
	out->temporary = name_beside(path);
	if (out->path && out->temporary)
		fd = mkostemp(out->temporary, O_CLOEXEC); /* 0600 */
	if (fd >= 0)
		out->stream = fdopen(fd, "w");
	if (!out->stream) {
		enum exit_code code = tell(path);

		if (fd >= 0) {
			close(fd);
			unlink(out->temporary);
		}
		free(out->temporary);
		out->temporary = NULL;
		out_file_abandon(out);
		return code;
	}
	return EXIT_GOOD;
}

static enum exit_code move(const struct out_file *out)
{
	int failed = out->force ? rename(out->temporary, out->path)
				: renameat2(AT_FDCWD, out->temporary, AT_FDCWD, out->path, RENAME_NOREPLACE);

	/* a file system that cannot do that; link() does not replace either */
	if (failed && !out->force && (errno == EINVAL || errno == ENOSYS)) {
		failed = link(out->temporary, out->path);
		if (!failed)
			unlink(out->temporary);
	}
	if (failed && errno == EEXIST)
		return tell_exists(out->path);
	return failed ? tell(out->path) : EXIT_GOOD;
}

enum exit_code out_file_commit(struct out_file *out)
{
	bool written = !ferror(out->stream) && fflush(out->stream) == 0 && fsync(fileno(out->stream)) == 0;
	enum exit_code code;

	if (fclose(out->stream) != 0)
		written = false;
	out->stream = NULL;
	code = written ? move(out) : tell(out->path);
	if (code == EXIT_GOOD) {
		free(out->temporary);
		out->temporary = NULL;
	}
	out_file_abandon(out);
	return code;
}

void out_file_abandon(struct out_file *out)
{
	if (out->stream)
		fclose(out->stream);
	if (out->temporary)
		unlink(out->temporary);
	free(out->temporary);
	free(out->path);
	*out = (struct out_file){NULL};
}
