#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "stub_server.h"

#define STEPS_MAX 16
#define REQUESTS_MAX 64
#define REQUEST_SIZE (256 * 1024)

struct request {
	char path[128];
	unsigned char *body;
	size_t len;
};

/* A step of its own: the test's may be gone or written anew while this one is still being sent. */
struct own_step {
	enum stub_action action;
	int status;
	char *path, *body, *header; /* may be NULL */
};

static struct {
	int listener;
	char address[64];
	pthread_t thread;
	pthread_mutex_t lock; /* all below */
	struct own_step steps[STEPS_MAX]; /* without texts: used */
	size_t step_count;
	struct request requests[REQUESTS_MAX];
	size_t request_count;
} stub = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

/* ---- a request ---- */

/* Header and body are there; false: the client has gone. */
static bool read_request(int fd, char *buffer, struct request *out)
{
	size_t have = 0, want = 0;
	char *end = NULL;

	while (!end || have < want) {
		ssize_t n = recv(fd, buffer + have, REQUEST_SIZE - 1 - have, 0);

		if (n <= 0)
			return false;
		have += (size_t)n;
		buffer[have] = '\0';
		if (!end && (end = strstr(buffer, "\r\n\r\n"))) {
			const char *length = strcasestr(buffer, "\r\ncontent-length:");

			want = (size_t)(end + 4 - buffer) + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
			must(want < REQUEST_SIZE, "a request of this size");
		}
	}
	must(sscanf(buffer, "%*s %127s", out->path) == 1, "a request line");
	out->len = want - (size_t)(end + 4 - buffer);
	out->body = malloc(out->len + 1);
	must(out->body != NULL, "malloc");
	memcpy(out->body, end + 4, out->len);
	return true;
}

/* ---- steps ---- */

static char *copy(const char *text)
{
	char *own = text ? strdup(text) : NULL;

	must(!text || own, "strdup");
	return own;
}

static struct own_step step_new(const struct stub_step *step)
{
	return (struct own_step){step->action, step->status, copy(step->path), copy(step->body), copy(step->header)};
}

static void step_clear(struct own_step *step)
{
	free(step->path);
	free(step->body);
	free(step->header);
	*step = (struct own_step){.action = STUB_ANSWER};
}

/* Taken out of the script: who has it clears it, without the lock. */
static struct own_step step_for(const char *path)
{
	char nonce[64];
	struct stub_step good = {path, STUB_ANSWER, 200, "{\"state\":\"done\"}", NULL};

	for (size_t i = 0; i < stub.step_count; i++) {
		struct own_step step = stub.steps[i];

		if (!step.path || strcmp(step.path, path) != 0)
			continue;
		stub.steps[i] = (struct own_step){.action = STUB_ANSWER};
		return step;
	}
	if (strcmp(path, "/v1/version") == 0)
		good.body = "{\"protocol\":1,\"software\":\"0.1\",\"client_minimum\":\"0.1\",\"name\":\"stub\"}";
	if (strcmp(path, "/v1/nonce") == 0) {
		snprintf(nonce, sizeof nonce, "{\"nonce\":\"nonce-%zu\"}", stub.request_count);
		good.body = nonce;
	}
	return step_new(&good);
}

static void answer(int fd, const struct own_step *step)
{
	char header[256], byte;
	int n;

	switch (step->action) {
	case STUB_SILENCE:
		while (recv(fd, &byte, 1, 0) > 0)
			;
		return;
	case STUB_CUT:
		return;
	case STUB_RAW:
		(void)!send(fd, step->body, strlen(step->body), MSG_NOSIGNAL);
		return;
	case STUB_ANSWER:
		n = snprintf(header, sizeof header,
			     "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n", step->status,
			     strlen(step->body), step->header ? step->header : "");
		(void)!send(fd, header, (size_t)n, MSG_NOSIGNAL);
		(void)!send(fd, step->body, strlen(step->body), MSG_NOSIGNAL);
	}
}

static void serve(int fd, char *buffer)
{
	struct request request;
	struct own_step step;

	if (!read_request(fd, buffer, &request))
		return;
	pthread_mutex_lock(&stub.lock);
	must(stub.request_count < REQUESTS_MAX, "room for a request");
	stub.requests[stub.request_count++] = request;
	step = step_for(request.path);
	pthread_mutex_unlock(&stub.lock);
	answer(fd, &step);
	step_clear(&step);
}

static void *run(void *unused)
{
	char *buffer = malloc(REQUEST_SIZE), rest[512];
	int fd;

	must(buffer != NULL, "malloc");
	while ((fd = accept(stub.listener, NULL, NULL)) >= 0) {
		serve(fd, buffer);
		/* what is still unread would make the end a reset, and take the answer with it */
		shutdown(fd, SHUT_WR);
		while (recv(fd, rest, sizeof rest, 0) > 0)
			;
		close(fd);
	}
	must(errno == EINVAL, "accept"); /* stub_stop() */
	free(buffer);
	return unused;
}

/* ---- the test's side ---- */

const char *stub_start(void)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof where;

	stub.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(stub.listener >= 0, "socket");
	must(bind(stub.listener, (struct sockaddr *)&where, sizeof where) == 0, "bind");
	must(getsockname(stub.listener, (struct sockaddr *)&where, &len) == 0, "getsockname");
	must(listen(stub.listener, 16) == 0, "listen");
	snprintf(stub.address, sizeof stub.address, "http://127.0.0.1:%d", ntohs(where.sin_port));
	must(pthread_create(&stub.thread, NULL, run, NULL) == 0, "pthread_create");
	return stub.address;
}

void stub_stop(void)
{
	shutdown(stub.listener, SHUT_RDWR);
	pthread_join(stub.thread, NULL);
	close(stub.listener);
	stub_script(NULL, 0);
}

void stub_script(const struct stub_step *steps, size_t count)
{
	must(count <= STEPS_MAX, "room for the steps");
	pthread_mutex_lock(&stub.lock);
	for (size_t i = 0; i < stub.step_count; i++)
		step_clear(&stub.steps[i]);
	for (size_t i = 0; i < count; i++)
		stub.steps[i] = step_new(&steps[i]);
	stub.step_count = count;
	for (size_t i = 0; i < stub.request_count; i++)
		free(stub.requests[i].body);
	stub.request_count = 0;
	pthread_mutex_unlock(&stub.lock);
}

size_t stub_count(const char *path)
{
	size_t n = 0;

	pthread_mutex_lock(&stub.lock);
	for (size_t i = 0; i < stub.request_count; i++)
		n += strcmp(stub.requests[i].path, path) == 0;
	pthread_mutex_unlock(&stub.lock);
	return n;
}

const unsigned char *stub_body(const char *path, size_t n, size_t *len)
{
	const unsigned char *body = NULL;

	*len = 0;
	pthread_mutex_lock(&stub.lock);
	for (size_t i = 0; i < stub.request_count && !body; i++) {
		if (strcmp(stub.requests[i].path, path) != 0 || n--)
			continue;
		body = stub.requests[i].body;
		*len = stub.requests[i].len;
	}
	pthread_mutex_unlock(&stub.lock);
	return body;
}
