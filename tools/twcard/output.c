#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "src/base/file.h"
#include "tools/twcard/message.h"
#include "tools/twcard/output.h"

#define PIECE 65536
#define NO_ORDINARY_FILE (-1) /* in errno, which has no word for it */

static const struct {
	mode_t mode;
	bool held;      /* a device or a pipe gets nothing before all is good */
	bool only_file; /* neither of them, nor standard output */
	bool named;     /* from the start */
} kinds[] = {
	[OUTPUT_PUBLIC] = {.mode = 0666},
	[OUTPUT_HELD] = {.mode = 0666, .held = true},
	[OUTPUT_SECRET] = {.mode = 0600, .held = true},
	[OUTPUT_PRIVATE] = {.mode = 0600, .only_file = true},
	[OUTPUT_NAMED] = {.mode = 0600, .only_file = true, .named = true},
};

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

static bool is_standard(const struct output *out)
{
	return !kinds[out->kind].only_file && strcmp(out->path, "-") == 0;
}

static enum exit_code tell(const struct output *out, int error)
{
	const char *name = is_standard(out) ? _("standard output") : out->path;

	if (error == EEXIST)
		message_error(_("%s is there already\nGive another name, or --force to replace it."), name);
	else if (error == NO_ORDINARY_FILE)
		message_error(_("%s is no ordinary file"), name);
	else
		message_error(_("%s cannot be written: %s"), name, strerror(error));
	return EXIT_FILE;
}

/* ---- where it is written ---- */

/* Owned by the caller; NULL: no memory. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
}

/* A file without a name in the folder of `path`; -1: the file system cannot. */
static int open_nameless(const char *path, mode_t mode)
{
	char *folder = folder_of(path);
	int fd = -1;

	/* the name is given through /proc */
	if (folder && access("/proc/self/fd", X_OK) == 0)
		fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	free(folder);
	return fd;
}

/* The name is from the root, for programs that change their folder. */
static char *name_beside(const char *path)
{
	char *folder = folder_of(path), *real = folder ? realpath(folder, NULL) : NULL;
	char *name = NULL;

	if (real && asprintf(&name, "%s/.twcard-XXXXXX", real) < 0)
		name = NULL;
	free(folder);
	free(real);
	return name;
}

static int open_named(struct output *out, mode_t mode)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	out->temporary = name_beside(out->path);
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
static int open_target(struct output *out)
{
	out->target = is_standard(out) ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
				       : open(out->path, O_WRONLY | O_CLOEXEC);
	if (out->target < 0)
		return -1;
	return kinds[out->kind].held ? memfd_create("twcard", MFD_CLOEXEC)
				     : fcntl(out->target, F_DUPFD_CLOEXEC, 3);
}

static int open_place(struct output *out)
{
	mode_t mode = kinds[out->kind].mode;
	struct stat about;
	bool special = stat(out->path, &about) == 0 && !S_ISREG(about.st_mode);
	int fd = -1;

	if (is_standard(out) || (special && !kinds[out->kind].only_file))
		return open_target(out);
	if (!out->force && lstat(out->path, &about) == 0) {
		errno = EEXIST;
		return -1;
	}
	if (special) { /* root could replace /dev/null */
		errno = NO_ORDINARY_FILE;
		return -1;
	}
	if (!kinds[out->kind].named)
		fd = open_nameless(out->path, mode);
	return fd >= 0 ? fd : open_named(out, mode);
}

/* stdio forgets why a write failed, and takes a short one for a failure. */
static ssize_t write_some(void *output, const char *data, size_t len)
{
	struct output *out = output;

	if (file_write(out->fd, data, len))
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
	out->kind = kind;
	out->fd = open_place(out);
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
	char *name = NULL;
	bool good;

	if (asprintf(&name, "%s.%ld", out->path, (long)getpid()) < 0)
		return false;
	good = name_it(from_proc, name);
	if (good && rename(name, out->path) != 0) {
		int error = errno;

		unlink(name);
		errno = error;
		good = false;
	}
	free(name);
	return good;
}

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

static bool rename_it(const struct output *out)
{
	if (out->force)
		return rename(out->temporary, out->path) == 0;
	/* not renameat2(): musl 1.2.3 has none */
	if (syscall(SYS_renameat2, AT_FDCWD, out->temporary, AT_FDCWD, out->path, RENAME_NOREPLACE) == 0)
		return true;
	/* a file system that cannot do that; link() does not replace either */
	if ((errno != EINVAL && errno != ENOSYS) || link(out->temporary, out->path) != 0)
		return false;
	(void)unlink(out->temporary);
	return true;
}

static bool publish(struct output *out)
{
	char from_proc[64];

	if (out->temporary)
		return rename_it(out);
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
		if (got > 0 && !file_write(target, piece, (size_t)got))
			got = -1;
		at += got;
	}
	OPENSSL_clear_free(piece, piece ? PIECE : 0);
	return got == 0;
}

static bool finish(struct output *out)
{
	/* not every C library takes a write of nothing for an error: musl does not */
	if (fflush(out->file) != 0 || out->error)
		return false;
	if (out->target >= 0)
		return !kinds[out->kind].held || let_go(out->fd, out->target);
	return fsync(out->fd) == 0 && publish(out);
}

/* The name itself is to survive a power cut. */
static void sync_folder(const char *path)
{
	char *folder = folder_of(path);
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

enum exit_code output_save(const char *path, bool force, const char *data, size_t len)
{
	struct output out;
	enum exit_code code = output_open(path, OUTPUT_PRIVATE, force, &out);

	if (code != EXIT_GOOD)
		return code;
	(void)fwrite(data, 1, len, out.file); /* the stream remembers an error for the end */
	return output_commit(&out);
}
