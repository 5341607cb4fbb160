/* The agent's sockets: 127.0.0.1 and, where there is IPv6, ::1, on one port; opened, or handed over by systemd. */
#ifndef TWCARD_AGENT_LOOPBACK_H
#define TWCARD_AGENT_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>

#define LOOPBACK_MAX 2

struct loopback {
	int fds[LOOPBACK_MAX]; /* -1: there is none */
	size_t count;
	unsigned port;
};

/*
 * port 0: any that is free on both. False: problem says who has it. A machine without IPv6 has one
 * socket; a ::1 that somebody else listens on is refused, since browsers would talk to that one.
 */
bool loopback_open(unsigned port, struct loopback *out, char *problem, size_t size);

/* What systemd handed over (LISTEN_FDS); count 0: nothing. False: it is not on loopback, or no socket that listens. */
bool loopback_inherit(struct loopback *out, char *problem, size_t size);

void loopback_close(struct loopback *l);

#endif
