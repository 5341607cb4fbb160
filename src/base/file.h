/*
 * Small files that are read and written whole. A path counts from the
 * directory `dir`, or (AT_FDCWD) from where the program is.
 */
#ifndef TWCARD_SRC_FILE_H
#define TWCARD_SRC_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "apdu/buffer.h"
#include "apdu/platform.h"

#define FILE_PATH_MAX 4096 /* bytes, with the NUL */

/*
 * Appends all of a file to *out. False, with errno: ENOENT, EFBIG (more than
 * `max` bytes), EINVAL (no regular file), ENOMEM and what open() and read()
 * say; then *out is as it was.
 */
bool file_read(int dir, const char *path, size_t max, struct buffer *out);

/* All of it to what is open. False, with errno. */
bool file_write(int fd, const void *bytes, size_t len);

/*
 * Writes beside it and renames: readers see the old file or the new one, and
 * after a failure (false, with errno) the old one is there and nothing else.
 * `durable`: it must outlive a loss of power. A symbolic link is replaced, not
 * followed: see file_resolve().
 */
bool file_replace(int dir, const char *path, const void *bytes, size_t len, mode_t mode,
		  bool durable);

/* The file that a path leads to, through links; the path itself if there is none. False: too long. */
bool file_resolve(const char *path, char out[FILE_PATH_MAX]);

/*
 * Takes a lock file, which it makes (mode 0600); held until the descriptor is
 * closed. -1, with errno: another one has it for `tries` times 10 ms
 * (EWOULDBLOCK: perhaps a program that was stopped), or it cannot be made.
 */
int file_lock(int dir, const char *path, unsigned tries);

/* Makes the directories that lead to the path's last part, mode 0700. False, with errno. */
bool file_make_folders(const char *path);

#endif
