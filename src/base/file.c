#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apdu/platform.h"
#include "src/base/file.h"

#define LOCK_PAUSE_NS (10 * 1000 * 1000)

/* ---- reading ---- */

static bool read_open(int fd, size_t max, struct buffer *out)
{
	uint8_t piece[4096];
	ssize_t n;

	for (size_t all = 0;; all += (size_t)n) {
		n = read(fd, piece, sizeof piece);
		if (n < 0 && errno == EINTR) {
			n = 0;
			continue;
		}
		if (n <= 0)
			return n == 0;
		if ((size_t)n > max - all) {
			errno = EFBIG;
			return false;
		}
		if (buffer_append(out, piece, (size_t)n) != RESULT_OK) {
			errno = ENOMEM;
			return false;
		}
	}
}

bool file_read(int dir, const char *path, size_t max, struct buffer *out)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error;
	const size_t len = out->len;
	struct stat st;
	bool ok;

	if (fd < 0)
		return false;
	ok = fstat(fd, &st) == 0;
	if (ok && !S_ISREG(st.st_mode)) {
		errno = EINVAL;
		ok = false;
	}
	ok = ok && read_open(fd, max, out);
	error = errno;
	close(fd);
	if (!ok)
		buffer_truncate(out, len);
	errno = error;
	return ok;
}

/* ---- writing ---- */

bool file_write(int fd, const void *bytes, size_t len)
{
	for (const uint8_t *from = bytes; len;) {
		ssize_t n = write(fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		from += n;
		len -= (size_t)n;
	}
	return true;
}

bool file_replace(int dir, const char *path, const void *bytes, size_t len, mode_t mode,
		  bool durable)
{
	char beside[FILE_PATH_MAX];
	int fd, error;
	bool ok;

	if (snprintf(beside, sizeof beside, "%s.%ld.new", path, (long)getpid()) >=
	    (int)sizeof beside) {
		errno = ENAMETOOLONG;
		return false;
	}
	(void)unlinkat(dir, beside, 0); /* of a killed program that had our number */
	fd = openat(dir, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	ok = file_write(fd, bytes, len) && fchmod(fd, mode) == 0 && (!durable || fsync(fd) == 0);
	error = errno;
	if (close(fd) != 0 && ok) {
		error = errno;
		ok = false;
	}
	if (ok && renameat(dir, beside, dir, path) != 0) {
		error = errno;
		ok = false;
	}
	if (!ok)
		(void)unlinkat(dir, beside, 0);
	errno = error;
	return ok;
}

bool file_resolve(const char *path, char out[FILE_PATH_MAX])
{
	char *real = realpath(path, NULL);
	int n = snprintf(out, FILE_PATH_MAX, "%s", real ? real : path);

	free(real);
	return n < FILE_PATH_MAX;
}

int file_lock(int dir, const char *path, unsigned tries)
{
	const struct timespec pause = {0, LOCK_PAUSE_NS};
	int fd = openat(dir, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	int error = errno;

	for (unsigned i = 0; fd >= 0 && i < tries; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		error = errno;
		if (error != EWOULDBLOCK && error != EINTR)
			break;
		(void)nanosleep(&pause, NULL);
	}
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

bool file_make_folders(const char *path)
{
	char folder[FILE_PATH_MAX];
	char *slash;

	if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder) {
		errno = ENAMETOOLONG;
		return false;
	}
	for (slash = folder; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (mkdir(folder, 0700) != 0 && errno != EEXIST && access(folder, X_OK) != 0)
			return false;
		*slash = '/';
	}
	return true;
}
