#include "config.h"

#include <errno.h>
#include <time.h>

#include "quick_time.h"

int nanosleep(const struct timespec *asked, struct timespec *left)
{
	const long long ns = (asked->tv_sec * 1000000000LL + asked->tv_nsec) / QUICK_TIME_FACTOR;
	const struct timespec quick = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

	errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &quick, left);
	return errno ? -1 : 0;
}
