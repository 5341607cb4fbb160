/*
 * Runs something that may crash or hang in a child process: what becomes of it
 * there does not take this program along. For a program without threads.
 */
#ifndef TWCARD_TOOLS_RUN_CHILD_H
#define TWCARD_TOOLS_RUN_CHILD_H

#include <stddef.h>

#define CHILD_ANSWER_MAX 4096

enum child_end {
	CHILD_DONE,    /* the function came to its end */
	CHILD_CRASHED, /* a signal ended it, or it left by itself */
	CHILD_HUNG,    /* ended after its time */
	CHILD_NONE     /* there could be no child */
};

struct child_answer {
	enum child_end end;
	int signal; /* 0: none */
	size_t len;
	char text[CHILD_ANSWER_MAX + 1]; /* what it wrote to `out`, NUL-terminated; more is cut */
};

/*
 * In the child: writes its answer to `out`. Standard input, output and error
 * are /dev/null, and a crash leaves no core.
 */
typedef void child_function(int out, void *context);

/* Whatever the function started is ended, too. limit_ms: milliseconds from now. */
void child_run(child_function *function, void *context, unsigned limit_ms,
	       struct child_answer *answer);

/* The same with a program (its whole path): the answer is what it says on standard output. */
void child_run_program(const char *path, char *const argv[], unsigned limit_ms,
		       struct child_answer *answer);

#endif
