/*
 * A thread in place of the child process: Windows has no fork(). What hangs is
 * left behind until the program ends; what crashes takes the program along.
 */
#include "config.h"

#include <string.h>

#include <windows.h>

#include "tools/twcard/run_child.h"

struct work {
	child_function *function;
	void *context;
	int out;
};

static DWORD WINAPI be_child(void *given)
{
	struct work *work = given;

	work->function(work->out, work->context);
	close(work->out);
	free(work);
	return 0;
}

/* All of it is in the pipe, which has room for it. */
static void take_answer(int in, struct child_answer *answer)
{
	int n = 1;

	while (n > 0 && answer->len < CHILD_ANSWER_MAX) {
		n = (int)read(in, answer->text + answer->len, (unsigned)(CHILD_ANSWER_MAX - answer->len));
		answer->len += n > 0 ? (size_t)n : 0;
	}
}

void child_run(child_function *function, void *context, unsigned limit_ms, struct child_answer *answer)
{
	struct work *work = calloc(1, sizeof *work);
	HANDLE thread = NULL;
	int ends[2];

	*answer = (struct child_answer){.end = CHILD_NONE};
	if (!work || _pipe(ends, 4 * CHILD_ANSWER_MAX, _O_BINARY | _O_NOINHERIT) != 0) {
		free(work);
		return;
	}
	*work = (struct work){function, context, ends[1]};
	thread = CreateThread(NULL, 0, be_child, work, 0, NULL);
	if (!thread) {
		close(ends[1]);
		free(work);
	} else if (WaitForSingleObject(thread, limit_ms) == WAIT_OBJECT_0) {
		answer->end = CHILD_DONE;
		take_answer(ends[0], answer);
	} else {
		answer->end = CHILD_HUNG;
	}
	if (thread)
		CloseHandle(thread);
	if (answer->end != CHILD_HUNG) /* else it may still write */
		close(ends[0]);
}
