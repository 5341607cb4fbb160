/* Children of a test: cmocka's failures cannot cross a fork, exit codes can. */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

/* In a child: a condition that does not hold ends it with a code that tells the line. */
#define CHILD_WANTS(what) \
	do { \
		if (!(what)) \
			_exit(__LINE__ & 0x7F ? __LINE__ & 0x7F : 1); \
	} while (0)

/* Ends a child well that leaves memory behind on purpose: leak checkers do not get to see it. */
void child_done_leaving_memory(void) __attribute__((noreturn));

/* Forks; output of the test program is written before. Answers as fork() does. */
pid_t child_start(void);

/* Waits for it; fails the test unless the child ended well. */
void child_assert_well(pid_t child);

/* Does a child get zeros where its parent asks for that? Linux does so; an emulator need not. */
bool child_gets_zeros(void);

#endif
