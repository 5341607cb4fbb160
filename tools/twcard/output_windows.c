/* A file has a name from its beginning here, and Windows takes it away if the program ends before it is good. */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <windows.h>

#include <openssl/crypto.h>

#include "src/base/file.h"
#include "tools/twcard/message.h"
#include "tools/twcard/output.h"

#define PIECE 65536

static const struct {
	int mode;
	bool held, only_file;
} kinds[] = {
	[OUTPUT_PUBLIC] = {.mode = 0666},
	[OUTPUT_HELD] = {.mode = 0666, .held = true},
	[OUTPUT_SECRET] = {.mode = 0600, .held = true},
	[OUTPUT_PRIVATE] = {.mode = 0600, .only_file = true},
	[OUTPUT_NAMED] = {.mode = 0600, .only_file = true},
};

static bool is_standard(const struct output *out)
{
	return !kinds[out->kind].only_file && strcmp(out->path, "-") == 0;
}

static enum exit_code tell(const struct output *out, int error)
{
	const char *name = is_standard(out) ? _("standard output") : out->path;

	if (error == EEXIST)
		message_error(_("%s is there already\nGive another name, or --force to replace it."), name);
	else
		message_error(_("%s cannot be written: %s"), name, strerror(error));
	return EXIT_FILE;
}

/* ---- where it is written ---- */

static int open_named(struct output *out)
{
	const size_t size = strlen(out->path) + 32;
	int fd;

	out->temporary = malloc(size);
	if (!out->temporary)
		return -1;
	snprintf(out->temporary, size, "%s.%lx.new", out->path, GetCurrentProcessId());
	fd = open(out->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kinds[out->kind].mode);
	if (fd < 0) {
		free(out->temporary);
		out->temporary = NULL;
	} else if (out->kind != OUTPUT_NAMED) {
		(void)platform_vanishes(fd, true);
	}
	return fd;
}

static int open_place(struct output *out)
{
	if (is_standard(out)) {
		out->target = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		if (out->target < 0)
			return -1;
		return kinds[out->kind].held ? platform_nameless() : fcntl(out->target, F_DUPFD_CLOEXEC, 3);
	}
	if (!out->force && access(out->path, F_OK) == 0) {
		errno = EEXIST;
		return -1;
	}
	return open_named(out);
}

enum exit_code output_open(const char *path, enum output_kind kind, bool force, struct output *out)
{
	*out = (struct output)OUTPUT_CLOSED;
	out->path = path;
	out->force = force;
	out->kind = kind;
	out->fd = open_place(out);
	out->file = out->fd < 0 ? NULL : _fdopen(out->fd, "w+b");
	if (!out->file) {
		enum exit_code code = tell(out, errno);

		if (out->fd >= 0)
			close(out->fd);
		output_abort(out);
		return code;
	}
	return EXIT_GOOD;
}

/* ---- the end ---- */

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

static bool publish(struct output *out)
{
	if (out->kind != OUTPUT_NAMED && !platform_vanishes(out->fd, false)) {
		errno = EACCES;
		return false;
	}
	return renameat2(AT_FDCWD, out->temporary, AT_FDCWD, out->path, out->force ? 0 : RENAME_NOREPLACE) == 0;
}

static bool finish(struct output *out)
{
	if (fflush(out->file) != 0)
		return false;
	if (out->target >= 0)
		return !kinds[out->kind].held || let_go(out->fd, out->target);
	return fsync(out->fd) == 0 && publish(out);
}

static void forget(struct output *out)
{
	if (out->file)
		fclose(out->file);
	if (out->target >= 0)
		close(out->target);
	free(out->temporary);
	*out = (struct output)OUTPUT_CLOSED;
}

enum exit_code output_commit(struct output *out)
{
	if (ferror(out->file) || !finish(out)) {
		enum exit_code code = tell(out, errno);

		output_abort(out);
		return code;
	}
	forget(out);
	return EXIT_GOOD;
}

void output_abort(struct output *out)
{
	if (out->file && out->temporary)
		(void)platform_vanishes(out->fd, true);
	if (out->temporary)
		(void)unlink(out->temporary);
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
