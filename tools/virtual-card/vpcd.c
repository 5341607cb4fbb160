/*
 * vpcd.c - the card's end of the virtual reader's protocol: messages with a
 * two-byte big-endian length; one byte is a control code, more is an APDU.
 */
#include "server.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { CONNECT_MS = 1000, SEND_SECONDS = 5 };

void
vc_vpcd_init(struct vc_vpcd *link)
{
	link->fd = -1;
	link->used = 0;
	link->taken = 0;
}

/* vpcd sends length and body apart, and would wait for the acknowledgement
 * in between. The kernel forgets this option, so it is set again and again. */
static void
quick_ack(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}

static bool
finish_connect(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof(error);

	if (poll(&poller, 1, CONNECT_MS) <= 0)
		errno = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
		return true;
	else if (error != 0)
		errno = error;
	return false;
}

static int
connect_to(const struct addrinfo *address)
{
	const struct timeval limit = { .tv_sec = SEND_SECONDS };
	int one = 1, flags, fd, saved;

	fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    address->ai_protocol);
	if (fd < 0)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) != 0 &&
	    (errno != EINPROGRESS || !finish_connect(fd)))
		goto fail;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0)
		goto fail;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	quick_ack(fd);
	return fd;
fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

bool
vc_vpcd_connect(struct vc_vpcd *link, const char *host, const char *port, char *err, size_t errlen)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL, *at;
	int rc;

	vc_vpcd_close(link);
	rc = getaddrinfo(host, port, &hints, &list);
	if (rc != 0) {
		vc_error(err, errlen, "%s port %s: %s", host, port, gai_strerror(rc));
		return false;
	}
	for (at = list; at != NULL && link->fd < 0; at = at->ai_next)
		link->fd = connect_to(at);
	if (link->fd < 0)
		vc_error(err, errlen, "no virtual reader at %s port %s: %s", host, port,
		    strerror(errno));
	freeaddrinfo(list);
	return link->fd >= 0;
}

void
vc_vpcd_close(struct vc_vpcd *link)
{
	if (link->fd >= 0)
		close(link->fd);
	vc_vpcd_init(link);
}

bool
vc_vpcd_receive(struct vc_vpcd *link)
{
	ssize_t n;

	n = recv(link->fd, link->in + link->used, sizeof(link->in) - link->used, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	quick_ack(link->fd);
	link->used += (size_t)n;
	return true;
}

bool
vc_vpcd_next(struct vc_vpcd *link, const uint8_t **message, size_t *len)
{
	if (link->taken > 0) {
		link->used -= link->taken;
		memmove(link->in, link->in + link->taken, link->used);
		link->taken = 0;
	}
	if (link->used < 2)
		return false;
	*len = (size_t)link->in[0] << 8 | link->in[1];
	if (link->used - 2 < *len)
		return false;
	*message = link->in + 2;
	link->taken = 2 + *len;
	return true;
}

bool
vc_vpcd_send(struct vc_vpcd *link, const uint8_t *message, size_t len)
{
	uint8_t out[2 + VCARD_RESPONSE_MAX];
	size_t sent = 0;
	ssize_t n;

	if (len > VCARD_RESPONSE_MAX)
		return false;
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)(len & 0xFF);
	memcpy(out + 2, message, len);
	while (sent < len + 2) {
		n = send(link->fd, out + sent, len + 2 - sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		sent += (size_t)n;
	}
	return true;
}
