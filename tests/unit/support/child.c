#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "child.h"

#ifdef TWCARD_COVERAGE
extern void __gcov_dump(void);

/* What ran here counts, although nothing runs at this end. Where files may not grow it would be half of it. */
static void keep_coverage(void)
{
	struct rlimit size;

	if (getrlimit(RLIMIT_FSIZE, &size) == 0 && size.rlim_cur == RLIM_INFINITY)
		__gcov_dump();
}
#else
static void keep_coverage(void)
{
}
#endif

void child_done_leaving_memory(void)
{
	keep_coverage();
	raise(SIGKILL);
	abort();
}

pid_t child_start(void)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	return child;
}

void child_assert_well(pid_t child)
{
	int status = 0;

	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("the child ended with status %x (its line modulo 128: %d)", (unsigned)status,
			 WEXITSTATUS(status));
}
