/* A folder of a fuzz target's own, and the file in it that holds its input. One target includes it once. */
#ifndef TESTS_FUZZ_FOLDER_H
#define TESTS_FUZZ_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script.h"

static char folder[200];

/* The path of a name in it; valid until the next call. */
static inline const char *folder_path(const char *name)
{
	static char path[sizeof folder + 100];

	MUST(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
	return path;
}

static inline void folder_write(const char *name, const uint8_t *data, size_t size)
{
	int fd = open(folder_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	MUST(fd >= 0 && (size == 0 || write(fd, data, size) == (ssize_t)size) && close(fd) == 0);
}

static int folder_remove_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
	(void)st;
	(void)kind;
	(void)place;
	return remove(path);
}

static void folder_remove(void)
{
	(void)nftw(folder, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Once; goes when the program ends. */
static inline void folder_make(void)
{
	const char *base = getenv("TMPDIR");

	if (*folder)
		return;
	MUST(snprintf(folder, sizeof folder, "%s/fuzz-XXXXXX", base ? base : "/tmp") < (int)sizeof folder);
	MUST(mkdtemp(folder) && atexit(folder_remove) == 0);
}

#endif
