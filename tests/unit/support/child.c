#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "child.h"

#ifdef TWCARD_COVERAGE
extern void __gcov_dump(void);
#endif

void child_done_leaving_memory(void)
{
#ifdef TWCARD_COVERAGE
	__gcov_dump(); /* what ran here counts, although nothing runs at this end */
#endif
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
