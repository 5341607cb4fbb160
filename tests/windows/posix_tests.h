/*
 * What of POSIX the unit tests use beyond the programs, for Windows: every file
 * of theirs includes it first. Processes, signals and links are not there: what
 * asks for them is refused, and the test that needs them is left out
 * (left-out.txt).
 */
#ifndef TESTS_WINDOWS_POSIX_TESTS_H
#define TESTS_WINDOWS_POSIX_TESTS_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <direct.h>
#include <pthread.h>
#include <sys/time.h>

#include "tools/twcard/posix_windows.h"

#undef main

/* ---- what works ---- */

#define _SC_PAGESIZE 30
#define _SC_NPROCESSORS_ONLN 84
#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 0x20
#define MAP_NORESERVE 0x4000
#define MAP_FAILED ((void *)-1)

/* Where Windows says what POSIX systems say with `name`. */
static inline const char *variable(const char *name)
{
	if (strcmp(name, "XDG_CONFIG_HOME") == 0)
		return "APPDATA";
	return strcmp(name, "XDG_CACHE_HOME") == 0 || strcmp(name, "XDG_RUNTIME_DIR") == 0 ? "LOCALAPPDATA" : name;
}

/* TMPDIR is wine's own, too, as another path. */
#define getenv(name) getenv(strcmp(name, "TMPDIR") == 0 ? "WINDOWS_TMPDIR" : (name))

/* Both of the C library and of Windows know it then. */
static inline int setenv(const char *name, const char *value, int replace)
{
	return replace || !getenv(variable(name)) ? _putenv_s(variable(name), value) : 0;
}

static inline int unsetenv(const char *name)
{
	return _putenv_s(variable(name), "");
}

static inline void explicit_bzero(void *p, size_t len)
{
	volatile unsigned char *c = p;

	while (len--)
		*c++ = 0;
}

static inline char *mkdtemp(char *path)
{
	return _mktemp(path) && mkdir(path, 0700) == 0 ? path : NULL;
}

static inline long sysconf(int name)
{
	return name == _SC_PAGESIZE ? 4096 : 2;
}

/* Anonymous pages alone. They are functions for who wraps them. */
void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t from);
int munmap(void *p, size_t len);

/* The C library's leaves a day before 1970 as it is. */
time_t timegm_of_any_day(struct tm *day);
#undef timegm
#define timegm(day) timegm_of_any_day(day)

/* The mode of what is the user's alone tells so. (sys/stat.h calls its own stat() _stat64().) */
int stat_with_rights(const char *path, struct _stat64 *out);
#define _stat64(path, out) stat_with_rights(path, out)

/* Winpthread's does not sleep by this clock. */
int sleep_by_clock(const struct timespec *asked);
#define clock_nanosleep(clock, flags, asked, left) ((void)(left), sleep_by_clock(asked))

typedef struct {
	struct dirent **entries;
	int count, at;
} DIR;

static inline int any_entry(const struct dirent *entry)
{
	(void)entry;
	return 1;
}

static inline DIR *opendir(const char *path)
{
	DIR *dir = calloc(1, sizeof *dir);

	if (dir)
		dir->count = scandir(path, &dir->entries, any_entry, NULL);
	if (!dir || dir->count >= 0)
		return dir;
	free(dir);
	return NULL;
}

static inline struct dirent *readdir(DIR *dir)
{
	return dir->at < dir->count ? dir->entries[dir->at++] : NULL;
}

static inline int closedir(DIR *dir)
{
	while (dir->count)
		free(dir->entries[--dir->count]);
	free(dir->entries);
	free(dir);
	return 0;
}

const char *pcsc_stringify_error(long code);

#define RUSAGE_SELF 0

/* What is not counted is 0. */
struct rusage {
	struct timeval ru_utime, ru_stime;
	long ru_nvcsw;
};

int getrusage(int whose, struct rusage *out);

/* ---- what is refused ---- */

#define SIGHUP 1
#define SIGQUIT 3
#define SIGKILL 9
#define SIGALRM 14
#define SIGUSR1 10
#define SIGUSR2 12
#define SIGPIPE 13
#define SA_RESETHAND 1
#define SA_RESTART 2
#define WIFEXITED(status) ((status) == 0)
#define WEXITSTATUS(status) (status)
#define WIFSIGNALED(status) ((status) != 0)
#define WTERMSIG(status) (status)
#define WNOHANG 1
#define RLIMIT_FSIZE 1
#define RLIM_INFINITY (-1)
#define S_ISLNK(mode) 0
#define SIGXFSZ 25
#define M_PERTURB (-6)

struct rlimit {
	long rlim_cur, rlim_max;
};

struct sigaction {
	void (*sa_handler)(int signal);
	int sa_flags;
	int sa_mask;
};

static inline int not_on_windows(void)
{
	errno = ENOSYS;
	return -1;
}

static inline int nothing_to_do(const void *a, const void *b, const void *c)
{
	(void)a;
	(void)b;
	(void)c;
	return 0;
}

static inline int refused(const void *a, const void *b)
{
	return nothing_to_do(a, b, NULL) + not_on_windows();
}

#undef pthread_atfork
#define sigemptyset(set) nothing_to_do(set, NULL, NULL)
#define sigaction(signal, action, before) nothing_to_do(action, before, NULL)
#define pthread_atfork(before, after, in_child) \
	nothing_to_do((const void *)(before), (const void *)(after), (const void *)(in_child))
#define fork() not_on_windows()
#define waitpid(child, status, flags) refused(status, NULL)
#define kill(process, signal) not_on_windows()
#define symlink(to, path) refused(to, path)
#define link(from, to) refused(from, to)
#define gid_t int
#define chown(path, owner, group) refused(path, NULL)
#define seteuid(user) not_on_windows()
#define mkfifo(path, mode) refused(path, NULL)
#define getrlimit(which, limit) refused(limit, NULL)
#define setrlimit(which, limit) refused(limit, NULL)
#define mallopt(option, value) ((void)(value))
#define lstat(path, out) stat(path, out)
#define getuid() 1000
#define geteuid() 1000
#define alarm(seconds) ((void)(seconds))

#endif
