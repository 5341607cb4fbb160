/* The PC/SC double is no DLL: what the card library takes for imported of one. */
#include <winscard.h>

#include <openssl/crypto.h>

#include "tests/windows/posix_tests.h"
#include "child.h"
#include "owners.h"

extern const SCARD_IO_REQUEST *const __imp_g_rgSCardT0Pci, *const __imp_g_rgSCardT1Pci;

const SCARD_IO_REQUEST *const __imp_g_rgSCardT0Pci = &g_rgSCardT0Pci;
const SCARD_IO_REQUEST *const __imp_g_rgSCardT1Pci = &g_rgSCardT1Pci;

/* No test finds what another left, or the settings of who runs it. */
__attribute__((constructor)) static void hide_the_users_folders(void)
{
	_putenv_s("APPDATA", "Z:/dev/null/none");
	_putenv_s("LOCALAPPDATA", "Z:/dev/null/none");
}

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t from)
{
	void *p = platform_pages_new(len);

	(void)at;
	(void)protection;
	(void)flags;
	(void)fd;
	(void)from;
	return p ? p : MAP_FAILED;
}

int munmap(void *p, size_t len)
{
	platform_pages_free(p, len);
	return 0;
}

int stat_with_rights(const char *path, struct _stat64 *out)
{
	const int failed = (_stat64)(path, out);
	const bool folder = !failed && S_ISDIR(out->st_mode);
	const int fd = failed ? -1 : openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | (folder ? O_DIRECTORY : 0));

	if (fd >= 0)
		out->st_mode &= (mode_t)(is_private(fd, folder ? S_IFDIR : S_IFREG) ? ~077 : ~022);
	if (fd >= 0)
		close(fd);
	return failed;
}

int sleep_by_clock(const struct timespec *asked)
{
	Sleep((DWORD)(asked->tv_sec * 1000 + (asked->tv_nsec + 999999) / 1000000));
	return 0;
}

time_t timegm_of_any_day(struct tm *day)
{
	OPENSSL_gmtime_adj(day, 0, 0);
	return _mkgmtime(day);
}

static struct timeval to_timeval(FILETIME t)
{
	const uint64_t us = (((uint64_t)t.dwHighDateTime << 32) + t.dwLowDateTime) / 10;

	return (struct timeval){.tv_sec = (long)(us / 1000000), .tv_usec = (long)(us % 1000000)};
}

int getrusage(int whose, struct rusage *out)
{
	FILETIME start, end, kernel, user;

	(void)whose;
	*out = (struct rusage){.ru_nvcsw = 0};
	if (!GetProcessTimes(GetCurrentProcess(), &start, &end, &kernel, &user))
		return -1;
	out->ru_utime = to_timeval(user);
	out->ru_stime = to_timeval(kernel);
	return 0;
}

/* There are no children: who asks finds out at the next step. */
bool child_gets_zeros(void)
{
	return true;
}

/* The rights of Windows ask nobody who can be pretended: the tests of that are left out. */
bool owners_pretend(const char *path, unsigned long owner)
{
	(void)path;
	(void)owner;
	return not_on_windows() == 0;
}

void owners_clear(void)
{
}
