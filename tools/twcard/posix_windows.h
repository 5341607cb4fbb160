/*
 * More of POSIX that the C library of Windows lacks, for the card manager and
 * the tests; every file of theirs includes it first (configure.ac), so that none of
 * them knows of Windows. See apdu/posix_windows.h for what is promised.
 */
#ifndef TWCARD_TOOLS_POSIX_WINDOWS_H
#define TWCARD_TOOLS_POSIX_WINDOWS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "apdu/platform.h"

#define tell tell_the_user /* the C library has one, of files */
#define F_GETFD 1
#define F_SETFD 2	    /* FD_CLOEXEC only */
#define F_DUPFD_CLOEXEC 1030 /* the number is not looked at */
#define FD_CLOEXEC 1
#define POSIX_FADV_SEQUENTIAL 2
#define O_NOCTTY 0

#define open(...) openat(AT_FDCWD, __VA_ARGS__)
#define unlink(path) unlinkat(AT_FDCWD, path, 0)
#define rename(from, to) renameat(AT_FDCWD, from, AT_FDCWD, to)
#define posix_fadvise(fd, from, len, advice) (0)

int fcntl(int fd, int command, ...);
int dprintf(int fd, const char *format, ...) __attribute__((format(gnu_printf, 2, 3)));
char *strcasestr(const char *in, const char *what);
char *strptime(const char *text, const char *format, struct tm *out); /* %Y %m %d %H %M %S */

/* The file can be renamed while it is open. */
int platform_mkstemp(char *path);
#define mkstemp(path) platform_mkstemp(path)

/* A file for the user alone that is gone when it is closed, however the program ends. -1, with errno. */
int platform_nameless(void);
FILE *platform_tmpfile(void);
#define tmpfile() platform_tmpfile()

/* `out` and `size` are set by fclose() alone. At most four at once. */
FILE *open_memstream(char **out, size_t *size);
FILE *fmemopen(void *bytes, size_t len, const char *mode); /* "r" */
int platform_fclose(FILE *file);
#define fclose(file) platform_fclose(file)

/*
 * A file that was made with O_EXCL is gone when it is closed, however the program
 * ends; until that is taken back. False: it was not possible.
 */
bool platform_vanishes(int fd, bool wanted);

int twcard_main(int argc, char **argv); /* main() itself is in start_windows.c */

/* Gives the user's language texts of the catalog in the program, if it is that. */
void platform_language(void);

#endif
