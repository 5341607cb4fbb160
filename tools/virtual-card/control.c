/*
 * control.c - the control socket: one line in, a few lines out, closed. Both
 * ends. The server side never waits for a client.
 */
#include "server.h"
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CLIENT_MS = 5000, ASK_SECONDS = 10, BACKLOG = 8 };

int64_t
vc_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
make_address(const char *path, struct sockaddr_un *address, char *err, size_t errlen)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path)) {
		vc_error(err, errlen, "%s: too long for a socket, at most %zu bytes "
		    "(choose a shorter one with --control)", path, sizeof(address->sun_path) - 1);
		return false;
	}
	strcpy(address->sun_path, path);
	return true;
}

void
vc_control_init(struct vc_control *control)
{
	size_t i;

	control->fd = -1;
	control->path = NULL;
	for (i = 0; i < VC_CONTROL_CLIENTS; i++)
		control->clients[i].fd = -1;
}

/* Something listens there: the socket is not left over from a dead server. */
static bool
alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answer;

	if (fd < 0)
		return false;
	answer = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno == EAGAIN;
	close(fd);
	return answer;
}

bool
vc_control_listen(struct vc_control *control, const char *path, char *err, size_t errlen)
{
	struct sockaddr_un address;
	struct stat st;
	mode_t mask;
	int rc;

	if (!make_address(path, &address, err, errlen))
		return false;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
		if (alive(&address)) {
			vc_error(err, errlen, "%s: another twcard-virtual serves this card "
			    "(stop it, or choose another --control)", path);
			return false;
		}
		unlink(path);
	}
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		goto fail;
	mask = umask(0177);
	rc = bind(control->fd, (const struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (rc != 0)
		goto fail;
	control->path = strdup(path);
	if (control->path == NULL || listen(control->fd, BACKLOG) != 0)
		goto fail;
	return true;
fail:
	vc_error(err, errlen, "%s: %s", path, strerror(errno));
	vc_control_close(control);
	return false;
}

static void
drop_client(struct vc_control_client *client)
{
	close(client->fd);
	client->fd = -1;
}

void
vc_control_close(struct vc_control *control)
{
	size_t i;

	for (i = 0; i < VC_CONTROL_CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			drop_client(&control->clients[i]);
	if (control->fd >= 0)
		close(control->fd);
	if (control->path != NULL)
		unlink(control->path);
	free(control->path);
	vc_control_init(control);
}

nfds_t
vc_control_poll(const struct vc_control *control, struct pollfd *fds)
{
	const struct vc_control_client *client;
	bool room = false;
	nfds_t n = 0;
	size_t i;

	for (i = 0; i < VC_CONTROL_CLIENTS; i++) {
		client = &control->clients[i];
		if (client->fd < 0) {
			room = true;
			continue;
		}
		fds[n].fd = client->fd;
		fds[n++].events = client->out_used > 0 ? POLLOUT : POLLIN;
	}
	if (room) {
		fds[n].fd = control->fd;
		fds[n++].events = POLLIN;
	}
	return n;
}

int
vc_control_timeout(const struct vc_control *control)
{
	int64_t now = vc_now_ms(), left = -1;
	size_t i;

	for (i = 0; i < VC_CONTROL_CLIENTS; i++) {
		if (control->clients[i].fd < 0)
			continue;
		if (left < 0 || control->clients[i].deadline_ms - now < left)
			left = control->clients[i].deadline_ms > now ?
			    control->clients[i].deadline_ms - now : 0;
	}
	return (int)left;
}

static void
accept_clients(struct vc_control *control)
{
	struct vc_control_client *client;
	size_t i;

	for (i = 0; i < VC_CONTROL_CLIENTS; i++) {
		client = &control->clients[i];
		if (client->fd >= 0)
			continue;
		client->fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client->fd < 0)
			return;
		client->in_used = client->out_used = client->out_sent = 0;
		client->deadline_ms = vc_now_ms() + CLIENT_MS;
	}
}

static void
read_client(struct vc_control_client *client, vc_control_fn *handle, void *context)
{
	char *newline;
	ssize_t n;

	n = recv(client->fd, client->in + client->in_used,
	    sizeof(client->in) - 1 - client->in_used, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop_client(client);
		return;
	}
	client->in_used += (size_t)n;
	client->in[client->in_used] = '\0';
	newline = memchr(client->in, '\n', client->in_used);
	if (newline == NULL) {
		if (client->in_used == sizeof(client->in) - 1)
			drop_client(client);
		return;
	}
	*newline = '\0';
	client->out[0] = '\0';
	handle(context, client->in, client->out, sizeof(client->out));
	client->out_used = strlen(client->out);
}

static void
write_client(struct vc_control_client *client)
{
	ssize_t n;

	n = send(client->fd, client->out + client->out_sent, client->out_used - client->out_sent,
	    MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		client->out_sent += (size_t)n;
	if (n <= 0 || client->out_sent == client->out_used)
		drop_client(client);
}

void
vc_control_serve(struct vc_control *control, vc_control_fn *handle, void *context)
{
	struct vc_control_client *client;
	int64_t now = vc_now_ms();
	size_t i;

	accept_clients(control);
	for (i = 0; i < VC_CONTROL_CLIENTS; i++) {
		client = &control->clients[i];
		if (client->fd >= 0 && client->out_used == 0)
			read_client(client, handle, context);
		if (client->fd >= 0 && client->out_used > 0)
			write_client(client);
		if (client->fd >= 0 && client->deadline_ms <= now)
			drop_client(client);
	}
}

/* ---- client side ---------------------------------------------------------------- */

static int
open_client(const char *path, char *err, size_t errlen)
{
	const struct timeval limit = { .tv_sec = ASK_SECONDS };
	struct sockaddr_un address;
	int fd;

	if (!make_address(path, &address, err, errlen))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		vc_error(err, errlen, "%s: %s (is 'twcard-virtual run' serving the card?)", path,
		    strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

static bool
send_line(int fd, const char *line)
{
	size_t len = strlen(line), sent = 0;
	ssize_t n;

	while (sent < len) {
		n = send(fd, line + sent, len - sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		sent += (size_t)n;
	}
	return send(fd, "\n", 1, MSG_NOSIGNAL) == 1;
}

static bool
read_reply(int fd, char *reply, size_t size)
{
	size_t used = 0;
	ssize_t n;

	for (;;) {
		n = recv(fd, reply + used, size - 1 - used, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	reply[used] = '\0';
	return n == 0 && used > 0;
}

char *
vc_control_ask(const char *path, const char *line, char *err, size_t errlen)
{
	int fd = open_client(path, err, errlen);
	char reply[VC_CONTROL_REPLY + 1], *text = NULL;

	if (fd < 0)
		return NULL;
	if (strlen(line) > VC_CONTROL_LINE - 2 || strchr(line, '\n') != NULL)
		vc_error(err, errlen, "a command cannot be that long or have several lines");
	else if (!send_line(fd, line) || !read_reply(fd, reply, sizeof(reply)))
		vc_error(err, errlen, "%s: the card's server did not answer", path);
	else if (strncmp(reply, "ok\n", 3) == 0)
		text = strdup(reply + 3);
	else {
		reply[strcspn(reply, "\n")] = '\0';
		vc_error(err, errlen, "%s", strncmp(reply, "error ", 6) == 0 ? reply + 6 : reply);
	}
	close(fd);
	return text;
}
