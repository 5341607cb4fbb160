#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/twcard/agent_client.h"
#include "tools/twcard/http.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"

#define PROGRAM "twcard-agent"
#define READY "ready: "
#define WAIT_MS 30000
#define WAIT_SECONDS 30 /* a lock is waited for so long */
#define SAID_MAX 2048
#define ANSWER_MAX (1u << 20)

enum exit_code agent_client_find(struct runtime *out)
{
	if (runtime_read(out))
		return EXIT_GOOD;
	if (errno == ENOENT)
		return EXIT_NEGATIVE;
	message_error(_("the agent's file in $XDG_RUNTIME_DIR/twcard cannot be used: %s\n"
			"End the agent by its process, and remove the file."),
		      strerror(errno));
	return EXIT_FILE;
}

/* ---- asking ---- */

/* The lock of one that has ended is free, also if nobody has waited for the process. Waits a second. */
static bool is_free(void)
{
	int lock = runtime_lock();

	if (lock < 0)
		return false;
	close(lock);
	return true;
}

static enum exit_code exchange(const struct http_server *server, const char *path, const char *body,
			       struct http_answer *answer)
{
	struct http *http = http_new(server);
	enum http_failure failure;

	if (!http)
		return EXIT_INTERNAL;
	failure = http_exchange(http, path, "application/json", body, strlen(body), answer);
	http_free(&http);
	if (failure == HTTP_OK && answer->status == 200)
		return EXIT_GOOD;
	/* one that is just ending may still take a connection */
	if (failure == HTTP_NETWORK || (failure != HTTP_OK && is_free()))
		return EXIT_NEGATIVE;
	message_error(_("the agent does not answer as it should (HTTP %ld)\n"
			"Is it another program's port? 'twcard agent start' starts one."),
		      answer->status);
	return EXIT_FILE;
}

enum exit_code agent_client_ask(const struct runtime *r, const char *what, struct json_object **out)
{
	char base[64], path[64], body[128];
	const struct http_server server = {
		.base = base,
		.limits = {.connect_ms = WAIT_MS, .total_ms = WAIT_MS, .answer_max = ANSWER_MAX},
	};
	struct http_answer answer = {.body = NULL};
	enum exit_code code;

	snprintf(base, sizeof base, "http://127.0.0.1:%u", r->port);
	snprintf(path, sizeof path, "/control/%s", what);
	snprintf(body, sizeof body, "{\"secret\":\"%s\"}", r->secret);
	code = exchange(&server, path, body, &answer);
	*out = code == EXIT_GOOD ? json_bytes_parse(answer.body, answer.body_len) : NULL;
	if (code == EXIT_GOOD && !*out) {
		message_error(_("the agent's answer is no JSON"));
		code = EXIT_FILE;
	}
	http_answer_clear(&answer);
	return code;
}

bool agent_client_wait_end(void)
{
	for (int i = 0; i < WAIT_SECONDS; i++)
		if (is_free())
			return true;
	return false;
}

/* ---- starting ---- */

/* Beside this program, as installed or as built; else PATH. */
static void run_program(char *argv[])
{
	static const char *const places[] = {"/" PROGRAM, "/../agent/" PROGRAM};
	char own[PATH_MAX], path[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
	char *slash;

	own[n > 0 ? n : 0] = '\0';
	slash = strrchr(own, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
		snprintf(path, sizeof path, "%s%s", own, places[i]);
		execv(path, argv);
	}
	execvp(PROGRAM, argv);
}

/* In the child: what it says until it is ready goes to the pipe. */
static void become_agent(int out, char *argv[])
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null < 0 || chdir("/") < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0)
		_exit(EXIT_INTERNAL);
	run_program(argv);
	dprintf(STDERR_FILENO, "%s: %s\n", PROGRAM, strerror(errno));
	_exit(EXIT_FILE);
}

/* Is a line of it there? */
static const char *ready_line(const char *said)
{
	const char *line = strstr(said, READY);

	return line && strchr(line, '\n') ? line : NULL;
}

/* Until it says that it is ready, or ends. */
static bool wait_ready(int fd, char said[SAID_MAX])
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t len = 0;
	ssize_t n = 1;

	said[0] = '\0';
	while (n > 0 && len + 1 < SAID_MAX && !ready_line(said) && poll(&p, 1, WAIT_MS) == 1) {
		n = read(fd, said + len, SAID_MAX - 1 - len);
		len += n > 0 ? (size_t)n : 0;
		said[len] = '\0';
	}
	return ready_line(said) != NULL;
}

enum exit_code agent_client_start(char *argv[])
{
	char name[] = PROGRAM, said[SAID_MAX];
	int fds[2];
	pid_t child;
	bool ready;

	argv[0] = name;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return EXIT_INTERNAL;
	child = fork();
	if (child == 0)
		become_agent(fds[1], argv);
	close(fds[1]);
	ready = child > 0 && wait_ready(fds[0], said);
	close(fds[0]);
	if (ready)
		return EXIT_GOOD;
	said[strcspn(said, "\n")] = '\0';
	message_error(_("the agent has not started: %s"), child > 0 && *said ? said : strerror(errno));
	return EXIT_FILE;
}
