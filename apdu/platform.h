/*
 * What is of the operating system: the user's folders, files that are the
 * user's alone, memory for secrets, clocks. All else of apdu/, profiles/ and
 * src/ is written against POSIX; where a system has less, this header brings
 * the functions that are missing, with the same meaning
 * (apdu/posix_windows.h). PC/SC is in pcsc.c, waiting for other processes
 * in queue.c.
 */
#ifndef TWCARD_APDU_PLATFORM_H
#define TWCARD_APDU_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#include "apdu/posix_windows.h"
#else
#include <dirent.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

/* Where files are; programs have their own folder ("twcard") below. */
enum platform_folder {
	PLATFORM_CONFIG,  /* the user's settings */
	PLATFORM_CACHE,   /* the user's files that can be made again */
	PLATFORM_RUNTIME, /* the user's, for what his processes tell each other */
	PLATFORM_SYSTEM,  /* settings of all users, writable for the administrator alone */
	PLATFORM_SHARED,  /* writable for all users */
};

/*
 * An absolute path without a separator at the end. False: it is too long for
 * `size` bytes with its NUL, this user or system has no such folder, or this is
 * a privileged process and the folder is not PLATFORM_SYSTEM or PLATFORM_SHARED;
 * unless it is too long, *out is empty then.
 */
bool platform_folder(enum platform_folder which, char *out, size_t size);

/* Does not depend on where the program is. */
bool platform_is_absolute(const char *path);

/*
 * True: the process has rights that who started it has not (set-user-id). What
 * secure_getenv() answers is NULL then.
 */
bool platform_is_privileged(void);

/*
 * True if what is open is of this type (S_IFREG, S_IFDIR), belongs to this user,
 * and nobody else (but the administrator) has any right to it.
 */
bool is_private(int fd, mode_t type);

/*
 * Who else could read or exchange the open file? NULL: nobody but this user
 * and the administrator; else a text that ends "it …".
 */
const char *platform_file_exposed(int fd);

/* A descriptor of its own for standard error, which a program that is started does not inherit. -1: none. */
int platform_standard_error(void);

/*
 * Zeroed pages for a secret: as far as the system allows not swapped out, not
 * in core dumps, and empty in a forked child. NULL: no memory.
 */
void *platform_pages_new(size_t size);

/* Gives back what platform_pages_new(size) gave, and does not wipe. */
void platform_pages_free(void *pages, size_t size);

/*
 * False: when a program ends, or lets go of the library, without C_Finalize,
 * cards cannot be talked to any more.
 */
bool platform_reaches_cards_at_exit(void);

/* ns on a clock that all processes share and that starts with the machine; 0: there is none. */
uint64_t platform_uptime_ns(void);

#endif
