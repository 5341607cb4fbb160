#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>
#include <openssl/crypto.h>

#include "tools/agent/events.h"
#include "tools/agent/peer.h"
#include "tools/agent/request.h"
#include "tools/agent/server.h"

#define IDLE_SECONDS 30    /* a connection without a byte */
#define BEGUN_SECONDS 60   /* a request from its first byte to its last */
#define EVENTS_BLOCK 4096  /* bytes of a stream at once */
#define MEMORY_MAX 32768   /* of a connection's headers */

struct agent_server {
	struct agent *agent;
	struct MHD_Daemon *daemons[LOOPBACK_MAX];
	size_t count;
};

/* One question, while it comes in. */
struct exchange {
	time_t begun;
	uint8_t *body;
	size_t len, room;
	bool too_large;
	struct upload *upload; /* gets the body instead; NULL: none */
};

static time_t seconds(void)
{
	struct timespec now = {.tv_sec = 0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void wipe_body(struct exchange *x)
{
	if (x->body)
		OPENSSL_cleanse(x->body, x->room);
	free(x->body);
	x->body = NULL;
	x->len = 0;
	x->room = 0;
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
	wipe_body(x);
	upload_free(x->upload);
	free(x);
}

/* False: out of memory. What is too large is read to its end, and not kept. It may hold a PIN: no copy stays. */
static bool append(struct exchange *x, const char *data, size_t len)
{
	uint8_t *more;
	size_t room;

	if (x->too_large || len > REQUEST_BODY_MAX - x->len) {
		x->too_large = true;
		wipe_body(x);
		return true;
	}
	if (x->len + len > x->room) {
		room = x->len + len > 2 * x->room ? x->len + len : 2 * x->room;
		more = malloc(room);
		if (!more)
			return false;
		if (x->len) {
			memcpy(more, x->body, x->len);
			OPENSSL_cleanse(x->body, x->room);
		}
		free(x->body);
		x->body = more;
		x->room = room;
	}
	memcpy(x->body + x->len, data, len);
	x->len += len;
	return true;
}

/* ---- answers ---- */

struct header {
	const char *name, *value;
};

static const struct header common_headers[] = {
	{"Content-Security-Policy",
	 "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
	 "form-action 'none'; frame-ancestors 'none'"},
	{"X-Frame-Options", "DENY"},
	{"X-Content-Type-Options", "nosniff"},
	{"Cache-Control", "no-store"},
	{"Referrer-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{NULL, NULL},
};

/* A window of a site is told by its opener what to do: it must keep it. No other page has one. */
static const char *const opener_policy[] = {
	[AGENT_DATA] = "same-origin",
	[AGENT_POPUP] = "unsafe-none",
	[AGENT_PAGE] = "same-origin",
};

static const struct header preflight_headers[] = {
	{"Access-Control-Allow-Methods", "GET, POST"},
	{"Access-Control-Allow-Headers", "Content-Type"},
	{NULL, NULL},
};

static void add_headers(struct MHD_Response *r, const struct header *list)
{
	for (; list->name; list++)
		MHD_add_response_header(r, list->name, list->value);
}

static void add_all(struct MHD_Response *r, const struct agent_answer *answer)
{
	add_headers(r, common_headers);
	MHD_add_response_header(r, "Cross-Origin-Opener-Policy", opener_policy[answer->kind]);
	MHD_add_response_header(r, "Vary", "Origin");
	if (answer->type)
		MHD_add_response_header(r, "Content-Type", answer->type);
	if (*answer->allow)
		MHD_add_response_header(r, "Access-Control-Allow-Origin", answer->allow);
	if (answer->preflight)
		add_headers(r, preflight_headers);
	if (answer->private_network)
		MHD_add_response_header(r, "Access-Control-Allow-Private-Network", "true");
}

static ssize_t read_events(void *events, uint64_t at, char *to, size_t room)
{
	ssize_t n = events_read(events, to, room);

	(void)at;
	return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static void free_events(void *events)
{
	events_free(events);
}

/* What goes on until the page is closed. */
static struct MHD_Response *stream(struct agent_answer *answer)
{
	struct MHD_Response *r =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, EVENTS_BLOCK, read_events, answer->events, free_events);

	if (!r)
		events_free(answer->events);
	return r;
}

/* Takes the body over. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, struct agent_answer *answer)
{
	static char nothing[] = "{\"error\":\"internal\",\"text\":{\"en\":\"out of memory\",\"zh_TW\":\"記憶體不足\"}}";
	bool none = !answer->body && !answer->fixed && !answer->events && answer->status != 204;
	const void *data = none ? nothing : answer->fixed ? answer->fixed : answer->body;
	size_t len = none ? strlen(nothing) : answer->len;
	struct MHD_Response *r = answer->events ? stream(answer) : MHD_create_response_from_buffer(
		len, (void *)(uintptr_t)data, answer->body && !none ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!r) {
		free(answer->body);
		return MHD_NO;
	}
	add_all(r, answer);
	result = MHD_queue_response(connection, none ? 500 : (unsigned)answer->status, r);
	MHD_destroy_response(r);
	return result;
}

/* ---- questions ---- */

static const char *head(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static const char *query(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Asked once for each connection: who it belongs to does not change. */
static void connection_changed(void *context, struct MHD_Connection *connection, void **own,
			       enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;

	(void)context;
	if (code != MHD_CONNECTION_NOTIFY_STARTED)
		return;
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	*own = (void *)(uintptr_t)(info ? peer_of(info->connect_fd) : AGENT_PEER_OTHER);
}

static enum agent_peer peer_known(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? (enum agent_peer)(uintptr_t)info->socket_context : AGENT_PEER_OTHER;
}

static struct agent_question read_heads(struct MHD_Connection *connection, const char *path, const char *method)
{
	return (struct agent_question){
		.method = method,
		.path = path,
		.host = head(connection, "Host"),
		.origin = head(connection, "Origin"),
		.referer = head(connection, "Referer"),
		.type = head(connection, "Content-Type"),
		.fetch_site = head(connection, "Sec-Fetch-Site"),
		.fetch_mode = head(connection, "Sec-Fetch-Mode"),
		.fetch_dest = head(connection, "Sec-Fetch-Dest"),
		.token = head(connection, "X-Twcard-Token"),
		.site = head(connection, "X-Twcard-Origin"),
		.ask_method = head(connection, "Access-Control-Request-Method"),
		.ask_private = head(connection, "Access-Control-Request-Private-Network"),
		.domain = query(connection, "domain"),
		.withcert = query(connection, "withcert"),
		.key = query(connection, "token"),
		.peer = peer_known(connection),
	};
}

static enum MHD_Result answer_now(struct agent *a, struct exchange *x, struct MHD_Connection *connection,
				  const char *path, const char *method)
{
	struct agent_question q = read_heads(connection, path, method);
	struct agent_answer answer;

	q.body = x->body;
	q.len = x->len;
	q.too_large = x->too_large;
	q.upload = x->upload;
	agent_ask(a, &q, &answer);
	x->upload = q.upload;
	return send_answer(connection, &answer);
}

static enum MHD_Result begin(struct agent *a, struct MHD_Connection *connection, const char *path, const char *method,
			     void **own)
{
	struct exchange *x = calloc(1, sizeof *x);
	struct agent_question q = read_heads(connection, path, method);

	*own = x;
	if (!x)
		return MHD_NO;
	x->begun = seconds();
	x->upload = agent_upload(a, &q);
	return MHD_YES;
}

/* A file takes the time that it takes: it is the agent's own page that sends it. False: the connection ends. */
static bool take_piece(struct exchange *x, const char *data, size_t len)
{
	if (!x->upload)
		return append(x, data, len) && seconds() - x->begun < BEGUN_SECONDS;
	(void)upload_add(x->upload, data, len); /* the answer says it */
	return true;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
			      const char *version, const char *data, size_t *len, void **own)
{
	struct exchange *x = *own;

	(void)version;
	if (!x)
		return begin(context, connection, path, method, own);
	if (*len) {
		bool ok = take_piece(x, data, *len);

		*len = 0;
		return ok ? MHD_YES : MHD_NO;
	}
	return answer_now(context, x, connection, path, method);
}

/* ---- begin and end ---- */

static __attribute__((format(printf, 2, 0))) void log_library(void *context, const char *format, va_list args)
{
	struct agent *a = context;

	journal_arguments(a->journal, format, args);
}

/* A thread for each connection: one that waits for a card holds up nobody else. */
static struct MHD_Daemon *start_daemon(struct agent *a, int fd)
{
	return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
					MHD_USE_ERROR_LOG | MHD_USE_ITC,
				0, NULL, NULL, handle, a, MHD_OPTION_EXTERNAL_LOGGER, log_library, a,
				MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, exchange_done, NULL,
				MHD_OPTION_NOTIFY_CONNECTION, connection_changed, NULL, MHD_OPTION_CONNECTION_LIMIT,
				(unsigned)AGENT_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX, MHD_OPTION_END);
}

struct agent_server *agent_server_start(struct agent *a, struct loopback *sockets)
{
	struct agent_server *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->agent = a;
	a->port = sockets->port;
	for (size_t i = 0; i < sockets->count; i++) {
		s->daemons[i] = start_daemon(a, sockets->fds[i]);
		if (!s->daemons[i]) {
			agent_server_stop(s);
			return NULL;
		}
		sockets->fds[i] = -1; /* the library's now */
		s->count++;
	}
	return s;
}

void agent_server_stop(struct agent_server *s)
{
	atomic_store(&s->agent->stop, true); /* ends the streams */
	for (size_t i = 0; i < s->count; i++)
		MHD_stop_daemon(s->daemons[i]);
	free(s);
}
