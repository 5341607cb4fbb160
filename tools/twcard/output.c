#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "tools/twcard/message.h"
#include "tools/twcard/output.h"

#define PIECE 65536

/* For the signal handler: the one name to take away. */
static char *volatile unfinished;

static void remove_unfinished(int signal_number)
{
	const char *path = unfinished;

	if (path)
		unlink(path);
	raise(signal_number); /* SA_RESETHAND: now it ends the program */
}

static void watch_signals(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = remove_unfinished, .sa_flags = (int)SA_RESETHAND};
	struct sigaction before;

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			(void)sigaction(ends[i], &action, NULL);
}

static enum exit_code tell(const struct output *out, int error)
{
	if (error == EEXIST)
		message_error(_("%s is there already\nChoose another name with --out, or replace it with --force."),
			      out->path);
	else
		message_error("%s: %s", strcmp(out->path, "-") == 0 ? _("standard output") : out->path,
			      strerror(error));
	return EXIT_FILE;
}

/* ---- where it is written ---- */

/* path + suffix, owned by the caller. */
static char *join(const char *path, size_t len, const char *suffix)
{
	char *joined = malloc(len + strlen(suffix) + 1);

	if (!joined)
		return NULL;
	memcpy(joined, path, len);
	strcpy(joined + len, suffix);
	return joined;
}

static size_t folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

/* A file without a name in the folder of `path`; -1: the file system cannot. */
static int open_nameless(const char *path, mode_t mode)
{
	size_t n = folder_length(path);
	char *folder = n ? join(path, n, "") : join(".", 1, "");
	int fd = -1;

	/* the name is given through /proc */
	if (folder && access("/proc/self/fd", X_OK) == 0)
		fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	free(folder);
	return fd;
}

static int open_named(struct output *out, mode_t mode)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	out->temporary = join(out->path, strlen(out->path), ".XXXXXX");
	if (!out->temporary)
		return -1;
	fd = mkostemp(out->temporary, O_CLOEXEC);
	if (fd < 0) {
		free(out->temporary);
		out->temporary = NULL;
		return -1;
	}
	unfinished = out->temporary;
	watch_signals();
	(void)fchmod(fd, mode & ~mask);
	return fd;
}

/* Where nothing can be taken back. The answer is what is written to until the end. */
static int open_target(struct output *out, enum output_kind kind)
{
	bool standard = strcmp(out->path, "-") == 0;

	out->target = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
			       : open(out->path, O_WRONLY | O_CLOEXEC);
	if (out->target < 0)
		return -1;
	return kind == OUTPUT_PUBLIC ? fcntl(out->target, F_DUPFD_CLOEXEC, 3)
				     : memfd_create("twcard", MFD_CLOEXEC);
}

static int open_place(struct output *out, enum output_kind kind)
{
	mode_t mode = kind == OUTPUT_SECRET ? 0600 : 0666;
	struct stat about;
	int fd;

	if (strcmp(out->path, "-") == 0 || (stat(out->path, &about) == 0 && !S_ISREG(about.st_mode)))
		return open_target(out, kind);
	if (!out->force && lstat(out->path, &about) == 0) {
		errno = EEXIST;
		return -1;
	}
	fd = open_nameless(out->path, mode);
	return fd >= 0 ? fd : open_named(out, mode);
}

static bool write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* stdio forgets why a write failed, and takes a short one for a failure. */
static ssize_t write_some(void *output, const char *data, size_t len)
{
	struct output *out = output;

	if (write_all(out->fd, (const uint8_t *)data, len))
		return (ssize_t)len;
	if (!out->error)
		out->error = errno;
	return 0; /* which is what fopencookie() takes for an error */
}

static int close_it(void *output)
{
	struct output *out = output;

	return close(out->fd);
}

enum exit_code output_open(const char *path, enum output_kind kind, bool force, struct output *out)
{
	const cookie_io_functions_t functions = {.write = write_some, .close = close_it};

	*out = (struct output)OUTPUT_CLOSED;
	out->path = path;
	out->force = force;
	out->held = kind != OUTPUT_PUBLIC;
	out->fd = open_place(out, kind);
	if (out->fd < 0) {
		enum exit_code code = tell(out, errno);

		output_abort(out);
		return code;
	}
	out->file = fopencookie(out, "w", functions);
	if (out->file)
		return EXIT_GOOD;
	close(out->fd);
	output_abort(out);
	return message_result(RESULT_NO_MEMORY, NULL);
}

/* ---- the end ---- */

static bool name_it(const char *from_proc, const char *to)
{
	return linkat(AT_FDCWD, from_proc, AT_FDCWD, to, AT_SYMLINK_FOLLOW) == 0;
}

/* A name of its own first: a link never replaces a file, renaming does. */
static bool replace_by_nameless(struct output *out, const char *from_proc)
{
	char suffix[24];
	char *name;
	bool good;

	snprintf(suffix, sizeof suffix, ".%ld", (long)getpid());
	name = join(out->path, strlen(out->path), suffix);
	good = name && name_it(from_proc, name);
	if (good && rename(name, out->path) != 0) {
		int error = errno;

		unlink(name);
		errno = error;
		good = false;
	}
	free(name);
	return good;
}

static bool publish(struct output *out)
{
	char from_proc[64];

	if (out->temporary)
		return renameat2(AT_FDCWD, out->temporary, AT_FDCWD, out->path,
				 out->force ? 0 : RENAME_NOREPLACE) == 0;
	snprintf(from_proc, sizeof from_proc, "/proc/self/fd/%d", out->fd);
	return name_it(from_proc, out->path) ||
	       (errno == EEXIST && out->force && replace_by_nameless(out, from_proc));
}

/* What was held goes where it was meant to. */
static bool let_go(int fd, int target)
{
	uint8_t *piece = OPENSSL_malloc(PIECE);
	off_t at = 0;
	ssize_t got = piece ? 1 : -1;

	while (got > 0) {
		got = pread(fd, piece, PIECE, at);
		if (got > 0 && !write_all(target, piece, (size_t)got))
			got = -1;
		at += got;
	}
	OPENSSL_clear_free(piece, piece ? PIECE : 0);
	return got == 0;
}

static bool finish(struct output *out)
{
	if (fflush(out->file) != 0)
		return false;
	if (out->target >= 0)
		return !out->held || let_go(out->fd, out->target);
	return fsync(out->fd) == 0 && publish(out);
}

/* The name itself is to survive a power cut. */
static void sync_folder(const char *path)
{
	size_t n = folder_length(path);
	char *folder = n ? join(path, n, "") : join(".", 1, "");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(folder);
}

static void forget(struct output *out)
{
	if (out->file)
		fclose(out->file);
	if (out->target >= 0)
		close(out->target);
	unfinished = NULL;
	free(out->temporary);
	*out = (struct output)OUTPUT_CLOSED;
}

enum exit_code output_commit(struct output *out)
{
	if (ferror(out->file) || !finish(out)) {
		enum exit_code code = tell(out, out->error ? out->error : errno);

		output_abort(out);
		return code;
	}
	if (out->target < 0)
		sync_folder(out->path);
	forget(out);
	return EXIT_GOOD;
}

void output_abort(struct output *out)
{
	if (out->temporary)
		unlink(out->temporary);
	forget(out);
}
