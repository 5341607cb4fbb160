#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>

#include "apdu/platform.h"

/* By the XDG base directories: what the variable says, or a folder in the home directory. */
static const struct {
	const char *variable; /* NULL: none, it is always `fixed` */
	const char *in_home;  /* NULL: without the variable there is none */
	const char *fixed;
} folders[] = {
	[PLATFORM_CONFIG] = {"XDG_CONFIG_HOME", ".config", NULL},
	[PLATFORM_CACHE] = {"XDG_CACHE_HOME", ".cache", NULL},
	[PLATFORM_RUNTIME] = {"XDG_RUNTIME_DIR", NULL, NULL},
	[PLATFORM_SYSTEM] = {NULL, NULL, SYSCONFDIR},
	[PLATFORM_SHARED] = {NULL, NULL, "/tmp"},
};

bool platform_folder(enum platform_folder which, char *out, size_t size)
{
	const char *variable = folders[which].variable, *fixed = folders[which].fixed;
	const char *base = variable ? secure_getenv(variable) : NULL;
	const char *home = folders[which].in_home ? secure_getenv("HOME") : NULL;
	int n;

	out[0] = '\0';
	if (fixed)
		n = snprintf(out, size, "%s", fixed);
	else if (base && *base == '/')
		n = snprintf(out, size, "%s", base);
	else if (home && *home == '/')
		n = snprintf(out, size, "%s/%s", home, folders[which].in_home);
	else
		return false;
	return n > 0 && (size_t)n < size;
}

bool platform_is_absolute(const char *path)
{
	return path[0] == '/';
}

bool platform_is_privileged(void)
{
	return getauxval(AT_SECURE);
}

bool is_private(int fd, mode_t type)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type && st.st_uid == geteuid() &&
	       (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

const char *platform_file_exposed(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return "it cannot be examined";
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return "it belongs to another user";
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return "group or others have access to it (chmod 600)";
	return NULL;
}

int platform_standard_error(void)
{
	return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
}

static size_t in_pages(size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

void *platform_pages_new(size_t size)
{
	const size_t len = in_pages(size);
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* where a limit forbids the first, the rest must do */
	(void)!mlock(p, len);
	(void)madvise(p, len, MADV_DONTDUMP);
	(void)madvise(p, len, MADV_WIPEONFORK); /* a child gets zeros, not its parent's PIN */
	return p;
}

void platform_pages_free(void *pages, size_t size)
{
	(void)munmap(pages, in_pages(size));
}

bool platform_reaches_cards_at_exit(void)
{
	return true;
}

uint64_t platform_uptime_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_BOOTTIME, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
