#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <microhttpd.h>
#include <openssl/crypto.h>

#include "tools/authority/listen.h"
#include "tools/authority/log.h"
#include "tools/authority/server.h"

#define IDLE_SECONDS 30     /* a connection without a byte */
#define BEGUN_SECONDS 60    /* a request from its first byte to its last */
#define STOP_SECONDS 30     /* for what was begun, at the end */
#define MEMORY_MAX 32768    /* of a connection's headers */
#define PEM_MAX (1u << 20)

struct server {
	struct authority *authority;
	struct MHD_Daemon *daemon;
	char url[LISTEN_NAME_MAX + 16];
	char *cert, *key;
	/* what was begun and not yet answered */
	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned busy;
	bool stopping;
};

/* One question, while it comes in. */
struct exchange {
	struct server *server;
	struct timespec begun;
	uint8_t *body;
	size_t len, room;
	bool too_large;
};

static double seconds_since(const struct timespec *then)
{
	struct timespec now = {.tv_sec = 0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

/* ---- what was begun ---- */

static void count(struct server *s, int by)
{
	pthread_mutex_lock(&s->lock);
	s->busy += (unsigned)by;
	if (!s->busy)
		pthread_cond_broadcast(&s->idle);
	pthread_mutex_unlock(&s->lock);
}

static bool is_stopping(struct server *s)
{
	bool stopping;

	pthread_mutex_lock(&s->lock);
	stopping = s->stopping;
	pthread_mutex_unlock(&s->lock);
	return stopping;
}

static struct exchange *exchange_new(struct server *s)
{
	struct exchange *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	x->server = s;
	clock_gettime(CLOCK_MONOTONIC, &x->begun);
	count(s, 1);
	return x;
}

static void exchange_done(void *context, struct MHD_Connection *connection, void **own,
			  enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *own;

	(void)context;
	(void)connection;
	(void)code;
	if (!x)
		return;
	*own = NULL;
	count(x->server, -1);
	free(x->body);
	free(x);
}

/* False: out of memory. What is too large is read to its end, and not kept. */
static bool append(struct exchange *x, const char *data, size_t len)
{
	uint8_t *more;

	if (x->too_large || len > AUTHORITY_BODY_MAX - x->len) {
		x->too_large = true;
		return true;
	}
	if (x->len + len > x->room) {
		x->room = x->len + len > 2 * x->room ? x->len + len : 2 * x->room;
		more = realloc(x->body, x->room);
		if (!more)
			return false;
		x->body = more;
	}
	memcpy(x->body + x->len, data, len);
	x->len += len;
	return true;
}

/* ---- answers ---- */

static enum MHD_Result send_answer(struct server *s, struct MHD_Connection *connection,
				   const struct authority_answer *answer)
{
	static char nothing[] = "{\"error\":{\"code\":\"internal\",\"reason\":null,\"text\":{\"en\":\"out of memory\","
				"\"zh_TW\":\"記憶體不足\"}}}";
	char *body = answer->body ? answer->body : nothing;
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;
	char seconds[16];

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", "application/json");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (answer->retry_after) {
		snprintf(seconds, sizeof seconds, "%u", answer->retry_after);
		MHD_add_response_header(r, "Retry-After", seconds);
	}
	if (is_stopping(s))
		MHD_add_response_header(r, "Connection", "close");
	result = MHD_queue_response(connection, (unsigned)answer->status, r);
	MHD_destroy_response(r);
	return result;
}

static void log_answer(const struct exchange *x, const struct authority_question *q,
		       const struct authority_answer *answer)
{
	/* a path that is not known may be anything */
	const char *path = answer->error == ERROR_NOT_FOUND ? "?" : q->path;

	log_line("%s %s %d %s %s signer=%.16s request=%s %.1fms%s%s", q->address, path, answer->status,
		 error_name(answer->error), *answer->operation ? answer->operation : "-",
		 *answer->who ? answer->who : "-", *answer->request ? answer->request : "-",
		 1000 * seconds_since(&x->begun), answer->problem[0] ? " database: " : "", answer->problem);
}

static enum MHD_Result answer_now(struct exchange *x, struct MHD_Connection *connection, const char *path,
				  const char *method)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char address[LISTEN_NAME_MAX];
	struct authority_question q = {
		.method = method,
		.path = path,
		.type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type"),
		.body = x->body,
		.len = x->too_large ? AUTHORITY_BODY_MAX + 1 : x->len,
		.address = address,
	};
	struct authority_answer answer;
	enum MHD_Result result;

	listen_peer(info ? info->client_addr : NULL, address);
	authority_ask(x->server->authority, &q, &answer);
	log_answer(x, &q, &answer);
	result = send_answer(x->server, connection, &answer);
	free(answer.body);
	return result;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
			      const char *version, const char *data, size_t *len, void **own)
{
	struct exchange *x = *own;

	(void)version;
	if (!x) {
		x = exchange_new(context);
		*own = x;
		return x ? MHD_YES : MHD_NO;
	}
	if (*len) {
		bool ok = append(x, data, *len) && seconds_since(&x->begun) < BEGUN_SECONDS;

		*len = 0;
		return ok ? MHD_YES : MHD_NO;
	}
	return answer_now(x, connection, path, method);
}

/* ---- start ---- */

/* A PEM file, with a NUL. NULL: problem says why. Owned by the caller. */
static char *read_pem(const char *path, bool secret, char *problem)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st = {.st_size = 0};
	char *text = NULL;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		snprintf(problem, SERVER_PROBLEM_SIZE, "%s: %s", path, strerror(errno));
	} else if (secret && st.st_mode & (S_IRWXG | S_IRWXO) & ~S_IRGRP) {
		snprintf(problem, SERVER_PROBLEM_SIZE, "%s: others can read it (chmod 600)", path);
	} else {
		text = calloc(1, PEM_MAX + 1);
		n = text ? read(fd, text, PEM_MAX) : -1;
		if (n <= 0) {
			snprintf(problem, SERVER_PROBLEM_SIZE, "%s: cannot be read, or is empty", path);
			free(text);
			text = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static bool load_tls(struct server *s, const struct server_settings *settings, char *problem)
{
	if (!settings->tls_cert != !settings->tls_key) {
		snprintf(problem, SERVER_PROBLEM_SIZE, "--tls-cert and --tls-key belong together");
		return false;
	}
	if (!settings->tls_cert)
		return true;
	s->cert = read_pem(settings->tls_cert, false, problem);
	s->key = s->cert ? read_pem(settings->tls_key, true, problem) : NULL;
	return s->key != NULL;
}

static __attribute__((format(printf, 2, 0))) void log_library(void *context, const char *format, va_list args)
{
	(void)context;
	log_arguments(format, args);
}

static bool start_daemon(struct server *s, const struct server_settings *settings, int fd)
{
	const struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, s->key},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (char *)"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_USE_ITC | (s->cert ? MHD_USE_TLS : 0);

	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, s, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
				     MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, exchange_done, NULL,
				     MHD_OPTION_THREAD_POOL_SIZE, settings->threads, MHD_OPTION_CONNECTION_LIMIT,
				     settings->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
				     settings->connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
				     (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX,
				     MHD_OPTION_ARRAY, s->cert ? tls : &tls[3], MHD_OPTION_END);
	return s->daemon != NULL;
}

static void server_free(struct server *s)
{
	if (s->key)
		OPENSSL_cleanse(s->key, strlen(s->key));
	free(s->cert);
	free(s->key);
	pthread_cond_destroy(&s->idle);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct server *server_start(struct authority *a, const struct server_settings *settings,
			    char problem[SERVER_PROBLEM_SIZE])
{
	struct server *s = calloc(1, sizeof *s);
	char name[LISTEN_NAME_MAX];
	pthread_condattr_t monotonic;
	int fd = -1;

	if (!s)
		return NULL;
	s->authority = a;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->idle, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (load_tls(s, settings, problem))
		fd = listen_open(settings->listen, !s->cert, name, problem, SERVER_PROBLEM_SIZE);
	if (fd >= 0) {
		snprintf(s->url, sizeof s->url, "%s://%s", s->cert ? "https" : "http", name);
		if (start_daemon(s, settings, fd))
			return s;
		snprintf(problem, SERVER_PROBLEM_SIZE, "the HTTP library does not start; are certificate and key good?");
		close(fd);
	}
	server_free(s);
	return NULL;
}

const char *server_url(const struct server *s)
{
	return s->url;
}

static void wait_idle(struct server *s)
{
	struct timespec end = {.tv_sec = 0};

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += STOP_SECONDS;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	while (s->busy && pthread_cond_timedwait(&s->idle, &s->lock, &end) == 0)
		;
	pthread_mutex_unlock(&s->lock);
}

void server_stop(struct server *s)
{
	MHD_socket fd = MHD_quiesce_daemon(s->daemon);

	wait_idle(s);
	MHD_stop_daemon(s->daemon);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
	server_free(s);
}
