#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tools/twcard/terminal.h"

/*
 * What would end or stop us while nothing that is typed shows. Not SIGTTOU: it
 * stops a job in the background before it changes anything.
 */
static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGTSTP};
#define WATCHED (sizeof watched / sizeof *watched)

static volatile sig_atomic_t came[WATCHED];

static void note_signal(int signal)
{
	for (size_t i = 0; i < WATCHED; i++)
		if (watched[i] == signal)
			came[i] = 1;
}

static bool is_interrupted(void)
{
	for (size_t i = 0; i < WATCHED; i++)
		if (came[i])
			return true;
	return false;
}

/* The watched signals are let in only while it waits, so that none comes just before. False: one did. */
static bool wait_for_input(int fd, const sigset_t *let_in)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (ppoll(&p, 1, NULL, let_in) < 0 && errno == EINTR)
		if (is_interrupted())
			return false;
	return !is_interrupted();
}

/* let_in NULL: nothing is watched. */
static int read_line(int fd, uint8_t line[TERMINAL_LINE_MAX], const sigset_t *let_in)
{
	int len = 0;
	ssize_t got;

	for (;;) {
		if (let_in && !wait_for_input(fd, let_in))
			return -1;
		got = read(fd, line + len, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || (got == 0 && len == 0))
			return -1;
		if (got == 0 || line[len] == '\n')
			break;
		if (++len == TERMINAL_LINE_MAX)
			return -1;
	}
	return len && line[len - 1] == '\r' ? len - 1 : len;
}

int terminal_read_line(int fd, uint8_t line[TERMINAL_LINE_MAX])
{
	return read_line(fd, line, NULL);
}

/* What was there before a question. */
struct signals {
	struct sigaction actions[WATCHED];
	sigset_t mask;
};

/* A signal that is ignored stays ignored: a background job of nohup, say. */
static void watch_signals(struct signals *before)
{
	struct sigaction watch = {.sa_handler = note_signal};
	sigset_t blocked;

	sigemptyset(&watch.sa_mask);
	sigemptyset(&blocked);
	for (size_t i = 0; i < WATCHED; i++)
		sigaddset(&blocked, watched[i]);
	sigprocmask(SIG_BLOCK, &blocked, &before->mask);
	for (size_t i = 0; i < WATCHED; i++) {
		came[i] = 0;
		sigaction(watched[i], NULL, &before->actions[i]);
		if (before->actions[i].sa_handler != SIG_IGN)
			sigaction(watched[i], &watch, NULL);
	}
}

/* Gives the signals that came to whom they were for. True: we were stopped, and go on. */
static bool pass_signals_on(const struct signals *before)
{
	bool stopped = false;

	for (size_t i = 0; i < WATCHED; i++)
		sigaction(watched[i], &before->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
	for (size_t i = 0; i < WATCHED; i++) {
		if (!came[i])
			continue;
		raise(watched[i]);
		stopped = stopped || watched[i] == SIGTSTP;
	}
	return stopped;
}

/* True: to be asked again. */
static bool ask_once(int fd, const char *prompt, bool echo, uint8_t line[TERMINAL_LINE_MAX],
		     int *len)
{
	struct signals before;
	struct termios found, quiet;
	bool stopped;

	*len = -1;
	watch_signals(&before);
	if (tcgetattr(fd, &found) == 0) {
		quiet = found;
		if (!echo) {
			quiet.c_lflag &= ~(tcflag_t)ECHO;
			quiet.c_lflag |= ECHONL;
		}
		/* TCSAFLUSH: what was typed before the question is no answer to it */
		if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0) {
			dprintf(fd, "%s", prompt);
			*len = read_line(fd, line, &before.mask);
			if (*len < 0 && !echo)
				dprintf(fd, "\n");
		}
		while (tcsetattr(fd, TCSAFLUSH, &found) != 0 && errno == EINTR)
			continue;
	}
	stopped = pass_signals_on(&before);
	return *len < 0 && stopped;
}

enum terminal_end terminal_ask(const char *prompt, bool echo, uint8_t line[TERMINAL_LINE_MAX],
			       int *len)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	*len = -1;
	if (fd < 0)
		return TERMINAL_NONE;
	while (ask_once(fd, prompt, echo, line, len))
		continue;
	close(fd);
	return *len < 0 ? TERMINAL_NO_ANSWER : TERMINAL_ANSWERED;
}
