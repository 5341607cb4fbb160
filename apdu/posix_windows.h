/*
 * The POSIX functions that the C library of Windows lacks, for the rest of the
 * code; included by platform.h only. Paths and names are UTF-8, with / or \ as
 * separator. What is not said here is as POSIX has it. errno is set to the
 * nearest POSIX number.
 */
#ifndef TWCARD_APDU_POSIX_WINDOWS_H
#define TWCARD_APDU_POSIX_WINDOWS_H

#include <io.h>
#include <stddef.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <fcntl.h>

/* Beside the C library's own; that has none of these meanings at these bits. */
#define O_CLOEXEC _O_NOINHERIT
#define O_DIRECTORY 0x01000000
#define O_NOFOLLOW 0x02000000
#define O_NONBLOCK 0 /* no file here makes an open wait */
#define AT_FDCWD (-100)
#define RENAME_NOREPLACE 1
#define LOCK_EX 2
#define LOCK_NB 4
#ifndef EWOULDBLOCK
#define EWOULDBLOCK 140
#endif

#define DIRENT_NAME_MAX 780 /* bytes: 259 UTF-16 units in UTF-8, with the NUL */

struct dirent {
	char d_name[DIRENT_NAME_MAX];
};

/*
 * A mode without rights for group and others makes a file or directory that
 * is the user's alone, whatever the directory above says; another mode takes
 * over what that one says. `dir` is AT_FDCWD or an open directory. Files are
 * never in text mode, and others may rename or delete them while they are open.
 */
int openat(int dir, const char *path, int flags, ...);
int platform_mkdir(const char *path, int mode);
int platform_access(const char *path, int mode); /* is it there? */
FILE *platform_fopen(const char *path, const char *mode); /* for reading, "re" */
#define mkdir(path, mode) platform_mkdir(path, mode)
#define access(path, mode) platform_access(path, mode)
#define fopen(path, mode) platform_fopen(path, mode)

int unlinkat(int dir, const char *path, int flags);
int renameat(int from_dir, const char *from, int to_dir, const char *to);
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags); /* RENAME_NOREPLACE */
int fchmod(int fd, int mode); /* does nothing: a file keeps the rights that it was made with */
int fsync(int fd);
int flock(int fd, int operation); /* LOCK_EX, with LOCK_NB or without; ends with the descriptor */
ssize_t pread(int fd, void *out, size_t len, off_t at);
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at);
char *realpath(const char *path, char *out); /* `out` is NULL: the answer is to be freed */

/* By bytes; `compare` is not asked, because all who call sort so. */
int scandir(const char *path, struct dirent ***out, int (*wanted)(const struct dirent *entry),
	    int (*compare)(const struct dirent **a, const struct dirent **b));

/* Valid until the next call with the same name; from one thread at a time. */
const char *secure_getenv(const char *name);

ssize_t getline(char **line, size_t *room, FILE *file);
char *strndup(const char *text, size_t max);
void *memmem(const void *in, size_t in_len, const void *what, size_t len);

#endif
