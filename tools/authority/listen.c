#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/authority/listen.h"

#define BACKLOG 128

/* "[::1]:80" is ::1 and 80. False: not of this form. */
static bool split(const char *where, char host[LISTEN_NAME_MAX], char port[LISTEN_NAME_MAX])
{
	const char *colon = strrchr(where, ':');
	size_t len = colon ? (size_t)(colon - where) : 0;

	if (!colon || !len || len >= LISTEN_NAME_MAX || !colon[1] || strlen(colon + 1) > 5 ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	if (where[0] == '[' && where[len - 1] == ']') {
		where++;
		len -= 2;
	} else if (memchr(where, ':', len)) {
		return false; /* an IPv6 address without brackets */
	}
	snprintf(host, LISTEN_NAME_MAX, "%.*s", (int)len, where);
	snprintf(port, LISTEN_NAME_MAX, "%s", colon + 1);
	return true;
}

static bool is_loopback(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	if (address->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int open_one(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

static void name_of(int fd, char name[LISTEN_NAME_MAX])
{
	struct sockaddr_storage own;
	socklen_t len = sizeof own;
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";

	if (getsockname(fd, (struct sockaddr *)&own, &len) == 0)
		getnameinfo((struct sockaddr *)&own, len, host, sizeof host, port, sizeof port,
			    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(name, LISTEN_NAME_MAX, strchr(host, ':') ? "[%.60s]:%.8s" : "%.60s:%.8s", host, port);
}

int listen_open(const char *where, bool loopback, char name[LISTEN_NAME_MAX], char *problem, size_t size)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list = NULL;
	char host[LISTEN_NAME_MAX], port[LISTEN_NAME_MAX];
	int fd = -1, error;

	if (!split(where, host, port)) {
		snprintf(problem, size, "'%.100s' is no ADDRESS:PORT", where);
		return -1;
	}
	error = getaddrinfo(host, port, &hints, &list);
	if (error) {
		snprintf(problem, size, "%s: %s", host, gai_strerror(error));
		return -1;
	}
	if (loopback && !is_loopback(list->ai_addr)) {
		snprintf(problem, size, "%s is no loopback address: without TLS only these may be listened on "
					"(--tls-cert, --tls-key)", host);
	} else {
		fd = open_one(list);
		if (fd < 0)
			snprintf(problem, size, "cannot listen on %s:%s: %s", host, port, strerror(errno));
		else
			name_of(fd, name);
	}
	freeaddrinfo(list);
	return fd;
}

void listen_peer(const struct sockaddr *address, char out[LISTEN_NAME_MAX])
{
	socklen_t len = address && address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								  : sizeof(struct sockaddr_in);

	if (!address || getnameinfo(address, len, out, LISTEN_NAME_MAX, NULL, 0, NI_NUMERICHOST) != 0)
		snprintf(out, LISTEN_NAME_MAX, "?");
}
