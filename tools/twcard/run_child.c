#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/twcard/run_child.h"

#define STEP_MS 10
#define WELL 100 /* the exit code of who came to the end: what was called may have left with 0 */

/* A sanitizer or a library would make an exit code of what is a crash. */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- in the child ---- */

static void be_child(child_function *function, void *context, int out, pid_t parent)
{
	int null = open("/dev/null", O_RDWR);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
		signal(crashes[i], SIG_DFL);
	for (int fd = 0; fd < 3; fd++)
		if (null >= 0)
			dup2(null, fd);
	function(out, context);
	_exit(WELL);
}

/* ---- in the parent ---- */

/* What it writes, until it closes its end or the time is over. */
static void take_answer(int in, int64_t deadline, struct child_answer *answer)
{
	char more[256];

	for (int64_t left; (left = deadline - now_ms()) > 0;) {
		struct pollfd wait = {.fd = in, .events = POLLIN};
		ssize_t n;

		if (poll(&wait, 1, (int)left) <= 0)
			continue;
		n = read(in, more, sizeof more);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		if ((size_t)n > CHILD_ANSWER_MAX - answer->len)
			n = (ssize_t)(CHILD_ANSWER_MAX - answer->len);
		memcpy(answer->text + answer->len, more, (size_t)n);
		answer->len += (size_t)n;
	}
}

static void take_end(pid_t child, int64_t deadline, int good, struct child_answer *answer)
{
	int status = 0;
	pid_t ended;

	while ((ended = waitpid(child, &status, WNOHANG)) == 0 && now_ms() < deadline)
		poll(NULL, 0, STEP_MS);
	answer->end = CHILD_HUNG;
	if (ended == child) {
		answer->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		answer->end = WIFEXITED(status) && WEXITSTATUS(status) == good ? CHILD_DONE : CHILD_CRASHED;
	}
	kill(-child, SIGKILL);
	if (ended == 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			continue;
}

/* good: the exit code of who did not crash. */
static void run(child_function *function, void *context, unsigned limit_ms, int good,
		struct child_answer *answer)
{
	int64_t deadline = now_ms() + limit_ms;
	pid_t child = -1, self = getpid();
	int ends[2];

	*answer = (struct child_answer){.end = CHILD_NONE};
	fflush(NULL);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	child = fork();
	if (child == 0)
		be_child(function, context, ends[1], self);
	close(ends[1]);
	if (child > 0) {
		setpgid(child, child); /* whoever is first: it is killed by its group */
		take_answer(ends[0], deadline, answer);
		take_end(child, deadline, good, answer);
	}
	close(ends[0]);
}

void child_run(child_function *function, void *context, unsigned limit_ms,
	       struct child_answer *answer)
{
	run(function, context, limit_ms, WELL, answer);
}

struct program {
	const char *path;
	char *const *argv;
};

static void run_program(int out, void *context)
{
	const struct program *p = context;

	if (dup2(out, STDOUT_FILENO) >= 0)
		execv(p->path, p->argv);
	_exit(127);
}

void child_run_program(const char *path, char *const argv[], unsigned limit_ms,
		       struct child_answer *answer)
{
	struct program p = {path, argv};

	run(run_program, &p, limit_ms, 0, answer);
}
