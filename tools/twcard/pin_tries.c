#include "config.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/text.h"
#include "tools/twcard/pin_tries.h"

#define PATH_SIZE 1100
#define TRIES_MAX 15 /* what 63Cx can say */

/* Named after the number, which the card chose. */
static bool make_path(const char *number, bool make, char path[PATH_SIZE])
{
	const char *base = secure_getenv("XDG_RUNTIME_DIR");
	int len;

	if (!base || *base != '/' || !text_is_word(number))
		return false;
	len = snprintf(path, PATH_SIZE, "%s/twcard", base);
	if (len < 0 || len >= PATH_SIZE)
		return false;
	if (make)
		(void)mkdir(path, 0700);
	return snprintf(path + len, PATH_SIZE - (size_t)len, "/%s.tries", number) <
	       (int)(PATH_SIZE - (size_t)len);
}

void pin_tries_saw(const char *number, enum result r, int tries)
{
	char path[PATH_SIZE];
	int fd;

	if (r == RESULT_OK && make_path(number, false, path))
		(void)unlink(path);
	if (tries < 0 || tries > TRIES_MAX || !make_path(number, true, path))
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return;
	(void)dprintf(fd, "%d\n", tries);
	close(fd);
}

int pin_tries_last(const char *number)
{
	char path[PATH_SIZE], text[4] = "", *end;
	long tries = -1;
	int fd;

	if (!make_path(number, false, path))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof text - 1) > 0) {
		tries = strtol(text, &end, 10);
		if (end == text || *end != '\n')
			tries = -1;
	}
	close(fd);
	return tries < 0 || tries > TRIES_MAX ? -1 : (int)tries;
}
