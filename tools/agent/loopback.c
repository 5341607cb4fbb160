#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/agent/loopback.h"
#include "tools/agent/peer.h"

#define BACKLOG 128
#define TRIES 20           /* for a port that is free on both */
#define FIRST_INHERITED 3  /* SD_LISTEN_FDS_START */
#define WHO_MAX 256

/* -1, with errno. */
static int open_one(int family, unsigned port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port),
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	const struct sockaddr *address = family == AF_INET ? (const void *)&v4 : (const void *)&v6;
	socklen_t len = family == AF_INET ? sizeof v4 : sizeof v6;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1, error;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
	if (bind(fd, address, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* 0: it is no socket on loopback. */
static unsigned port_of(int fd)
{
	struct sockaddr_storage own = {.ss_family = 0};
	const struct sockaddr_in *v4 = (const void *)&own;
	const struct sockaddr_in6 *v6 = (const void *)&own;
	socklen_t len = sizeof own;

	if (getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		return 0;
	if (own.ss_family == AF_INET && ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET)
		return ntohs(v4->sin_port);
	return own.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ? ntohs(v6->sin6_port) : 0;
}

void loopback_close(struct loopback *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->fds[i] >= 0)
			close(l->fds[i]);
	l->count = 0;
}

/* False, with errno: a port is taken, or IPv4 has none. */
static bool open_both(unsigned port, struct loopback *out)
{
	int second, error;

	out->fds[0] = open_one(AF_INET, port);
	if (out->fds[0] < 0)
		return false;
	out->count = 1;
	out->port = port_of(out->fds[0]);
	second = open_one(AF_INET6, out->port);
	if (second >= 0)
		out->fds[out->count++] = second;
	if (second >= 0 || errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)
		return true;
	error = errno;
	loopback_close(out);
	errno = error;
	return false;
}

bool loopback_open(unsigned port, struct loopback *out, char *problem, size_t size)
{
	char who[WHO_MAX];
	int error;

	*out = (struct loopback){.count = 0};
	for (int i = 0; i < (port ? 1 : TRIES); i++)
		if (open_both(port, out))
			return true;
	error = errno;
	peer_listener(port, who, sizeof who);
	if (error == EADDRINUSE)
		snprintf(problem, size, "port %u is taken by %s; end that one, or choose another (--port)", port, who);
	else
		snprintf(problem, size, "port %u: %s", port, strerror(error));
	return false;
}

bool loopback_inherit(struct loopback *out, char *problem, size_t size)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	unsigned long count = fds ? strtoul(fds, NULL, 10) : 0;
	unsigned port;

	*out = (struct loopback){.count = 0};
	if (!pid || strtoul(pid, NULL, 10) != (unsigned long)getpid() || !count)
		return true;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	for (int i = 0; (unsigned long)i < count; i++) {
		int fd = FIRST_INHERITED + i;

		port = count <= LOOPBACK_MAX ? port_of(fd) : 0;
		if (!port || (out->port && port != out->port) || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
			snprintf(problem, size, "what systemd hands over must be 127.0.0.1 and [::1] on one port "
						"(twcard-agent.socket)");
			return false;
		}
		out->port = port;
		out->fds[out->count++] = fd;
	}
	return true;
}
