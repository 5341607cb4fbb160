#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "tools/twcard/pinentry.h"

#define LINE_SIZE 1002 /* Assuan: 1000 bytes and the line's end */
#define TEXT_SIZE 1600 /* of ours, escaped; longer ones are cut */
#define GRACE_MS 1000  /* for the program to end when it is told to */

extern char **environ;

struct dialogue {
	pid_t pid;
	int fd;           /* both its standard input and output */
	int64_t deadline; /* ms */
	char in[LINE_SIZE]; /* what came and is not read yet; may hold a PIN */
	size_t in_len;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the program ---- */

static bool start(struct dialogue *d, const char *program)
{
	char *const argv[] = {(char *)program, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2];
	bool started;

	/* a socket, because writing to a dead pipe would be a signal */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	started = posix_spawnp(&d->pid, program, &actions, NULL, argv, environ) == 0;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	d->fd = ends[0];
	if (!started)
		close(d->fd);
	return started;
}

/* Whoever does not end when his line is cut is ended. */
static void finish(struct dialogue *d)
{
	const struct timespec step = {0, 10 * 1000000};
	int64_t end = now_ms() + GRACE_MS;

	(void)!send(d->fd, "BYE\n", 4, MSG_NOSIGNAL);
	close(d->fd);
	while (waitpid(d->pid, NULL, WNOHANG) == 0) {
		if (now_ms() >= end) {
			kill(d->pid, SIGKILL);
			waitpid(d->pid, NULL, 0);
			break;
		}
		nanosleep(&step, NULL);
	}
	OPENSSL_cleanse(d->in, sizeof d->in);
}

/* ---- lines ---- */

static bool send_text(struct dialogue *d, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(d->fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* The command and its text, in which %, and the ends of lines, are escaped. */
static bool send_line(struct dialogue *d, const char *command, const char *text)
{
	char line[TEXT_SIZE];
	size_t len = (size_t)snprintf(line, sizeof line, "%s%s", command, text ? " " : "");

	for (; text && *text && len + 4 < LINE_SIZE; text++) {
		if (*text == '%' || *text == '\n' || *text == '\r')
			len += (size_t)snprintf(line + len, 4, "%%%02X", (unsigned)*text);
		else
			line[len++] = *text;
	}
	line[len++] = '\n';
	return send_text(d, line, len);
}

/* Waits for a byte more. False: the time is up, or the program is gone. */
static bool receive(struct dialogue *d)
{
	struct pollfd p = {.fd = d->fd, .events = POLLIN};
	int64_t left = d->deadline - now_ms();
	ssize_t n;

	if (left <= 0 || d->in_len == sizeof d->in)
		return false;
	n = poll(&p, 1, (int)left);
	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	n = recv(d->fd, d->in + d->in_len, sizeof d->in - d->in_len, 0);
	if (n > 0)
		d->in_len += (size_t)n;
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Takes the next line, without its end. False: none comes. */
static bool next_line(struct dialogue *d, char line[LINE_SIZE], size_t *len)
{
	char *end;

	while (!(end = memchr(d->in, '\n', d->in_len)))
		if (!receive(d))
			return false;
	*len = (size_t)(end - d->in);
	memcpy(line, d->in, *len);
	line[*len] = '\0';
	d->in_len -= *len + 1;
	memmove(d->in, end + 1, d->in_len);
	OPENSSL_cleanse(d->in + d->in_len, sizeof d->in - d->in_len);
	return true;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789ABCDEF0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

/* In place; a % without two digits stands for itself. */
static size_t unescape(char *text, size_t len)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		bool escaped = text[i] == '%' && i + 2 < len && hex_digit(text[i + 1]) >= 0 &&
			       hex_digit(text[i + 2]) >= 0;

		text[out++] = escaped ? (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]))
				      : text[i];
		i += escaped ? 2 : 0;
	}
	return out;
}

/*
 * The answer to a command: OK, or ERR; a data line goes to out, a second one
 * in its place. Comments and status lines are passed over.
 */
static enum pinentry_end answer(struct dialogue *d, struct secret *out)
{
	enum pinentry_end end = PINENTRY_FAILED;
	char line[LINE_SIZE];
	bool done = false;
	size_t len;

	while (!done && next_line(d, line, &len)) {
		if (strncmp(line, "D ", 2) == 0 && out) {
			len = unescape(line + 2, len - 2);
			done = len && secret_set(out, line + 2, len) != RESULT_OK;
		} else if (strncmp(line, "OK", 2) == 0) {
			end = PINENTRY_ANSWERED;
			done = true;
		} else if (strncmp(line, "ERR", 3) == 0) {
			end = PINENTRY_CANCELLED;
			done = true;
		}
	}
	OPENSSL_cleanse(line, sizeof line);
	/* who answered so far and then does not is a person */
	return !done && now_ms() >= d->deadline ? PINENTRY_CANCELLED : end;
}

static bool say(struct dialogue *d, const char *command, const char *text)
{
	return send_line(d, command, text) && answer(d, NULL) == PINENTRY_ANSWERED;
}

/* A pinentry without a window of its own takes our terminal; one with a window may not know these. */
static void offer_terminal(struct dialogue *d)
{
	const char *type = getenv("TERM"), *locale = getenv("LC_ALL");
	char option[LINE_SIZE];

	(void)say(d, "OPTION", "ttyname=/dev/tty");
	snprintf(option, sizeof option, "ttytype=%s", type ? type : "dumb");
	(void)say(d, "OPTION", option);
	snprintf(option, sizeof option, "lc-ctype=%s", locale && *locale ? locale : "C.UTF-8");
	(void)say(d, "OPTION", option);
}

static enum pinentry_end converse(struct dialogue *d, const char *description, const char *prompt,
				  unsigned timeout_s, struct secret *out)
{
	char seconds[16];

	if (answer(d, NULL) != PINENTRY_ANSWERED) /* its greeting */
		return PINENTRY_FAILED;
	offer_terminal(d);
	snprintf(seconds, sizeof seconds, "%u", timeout_s);
	(void)say(d, "SETTIMEOUT", seconds);
	if (!say(d, "SETTITLE", "twcard") || !say(d, "SETDESC", description) ||
	    !say(d, "SETPROMPT", prompt) || !send_line(d, "GETPIN", NULL))
		return PINENTRY_FAILED;
	return answer(d, out);
}

enum pinentry_end pinentry_ask(const char *program, const char *description, const char *prompt,
			       unsigned timeout_s, struct secret *out)
{
	struct dialogue d = {.deadline = now_ms() + (int64_t)timeout_s * 1000};
	enum pinentry_end end;

	secret_clear(out);
	if (!start(&d, program))
		return PINENTRY_FAILED;
	end = converse(&d, description, prompt, timeout_s, out);
	finish(&d);
	if (end != PINENTRY_ANSWERED)
		secret_clear(out);
	return end;
}
