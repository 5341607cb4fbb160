/* The PC/SC double is no DLL: what the card library takes for imported of one. */
#include <winscard.h>

#include "tests/windows/posix_tests.h"

extern const SCARD_IO_REQUEST *const __imp_g_rgSCardT0Pci, *const __imp_g_rgSCardT1Pci;

const SCARD_IO_REQUEST *const __imp_g_rgSCardT0Pci = &g_rgSCardT0Pci;
const SCARD_IO_REQUEST *const __imp_g_rgSCardT1Pci = &g_rgSCardT1Pci;

/* No test finds what another left, or the settings of who runs it. */
__attribute__((constructor)) static void hide_the_users_folders(void)
{
	_putenv_s("APPDATA", "Z:/dev/null/none");
	_putenv_s("LOCALAPPDATA", "Z:/dev/null/none");
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
