#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apdu/log.h"
#include "apdu/platform.h"
#include "src/base/text.h"
#include "src/token/pin_watch.h"

#define PATH_SIZE 1100
#define TEXT_SIZE 24 /* a number of 64 bits, and a newline */

uint64_t pin_watch_now(void)
{
	return platform_uptime_ns();
}

/* The file of a card, named after the number, which the card chose. */
static bool make_path(const char *number, bool make, char path[PATH_SIZE])
{
	char base[PATH_SIZE];
	int len;

	if (!text_is_word(number))
		return false;
	if (!platform_folder(PLATFORM_RUNTIME, base, sizeof base))
		return !*base && platform_folder(PLATFORM_SHARED, base, sizeof base) &&
		       snprintf(path, PATH_SIZE, "%s/.twcard-%s.pin", base, number) < PATH_SIZE;
	len = snprintf(path, PATH_SIZE, "%s/twcard", base);
	if (len < 0 || len >= PATH_SIZE)
		return false;
	if (make)
		(void)mkdir(path, 0700);
	return snprintf(path + len, PATH_SIZE - (size_t)len, "/%s.pin", number) <
	       (int)(PATH_SIZE - (size_t)len);
}

/* -1: none. Other users may own it where /tmp is shared: its worst is a login that ends. */
static int open_mark(const char *number, bool write)
{
	const int flags = (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	char path[PATH_SIZE];
	struct stat st;
	int fd;

	if (!make_path(number, write, path))
		return -1;
	fd = openat(AT_FDCWD, path, flags);
	if (fd < 0 && write) {
		fd = openat(AT_FDCWD, path, flags | O_CREAT | O_EXCL, 0600);
		if (fd >= 0) /* whoever has the card must be able to say so */
			(void)fchmod(fd, 0666);
	}
	/* a second name could be laid on a file of ours by who may write in /tmp, too */
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static uint64_t read_mark(int fd)
{
	char text[TEXT_SIZE + 1] = "";
	ssize_t n = pread(fd, text, TEXT_SIZE, 0);
	uintmax_t stamp;
	char *end;

	errno = 0;
	stamp = strtoumax(text, &end, 10);
	/* a mark from the future is of another boot: it says nothing */
	return n <= 0 || end == text || errno || stamp > pin_watch_now() ? 0 : stamp;
}

static void write_mark(int fd, uint64_t stamp)
{
	char text[TEXT_SIZE + 1];
	int n = snprintf(text, sizeof text, "%-*" PRIu64 "\n", TEXT_SIZE - 1, stamp);

	if (pwrite(fd, text, (size_t)n, 0) != n)
		log_line(LOG_INFO, "the mark of a PIN in use cannot be written");
}

bool pin_watch_failed(const char *number, uint64_t since)
{
	int fd = open_mark(number, false);
	bool failed = fd >= 0 && read_mark(fd) > since;

	if (fd >= 0)
		close(fd);
	return failed;
}

uint64_t pin_watch_mark(const char *number)
{
	int fd = open_mark(number, true);
	uint64_t before = fd >= 0 ? read_mark(fd) : 0;

	if (fd >= 0) {
		write_mark(fd, pin_watch_now());
		close(fd);
	}
	return before;
}

void pin_watch_unmark(const char *number, uint64_t before)
{
	int fd = open_mark(number, true);

	if (fd >= 0) {
		write_mark(fd, before);
		close(fd);
	}
}
