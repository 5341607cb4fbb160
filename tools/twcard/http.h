/*
 * One exchange over HTTP with a server that is not trusted: its certificate is
 * checked always, redirections are not followed, time and size are limited.
 */
#ifndef TWCARD_TOOLS_HTTP_H
#define TWCARD_TOOLS_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_WHY 256

struct http_limits {
	long connect_ms; /* until there is a connection */
	long total_ms;   /* of the exchange */
	size_t answer_max; /* bytes of the body */
};

struct http_server {
	const char *base;  /* the address; checked by http_is_allowed() */
	const char *ca;    /* a file of PEM certificates; NULL: those that the system trusts */
	const char *proxy; /* as curl has it; NULL: as curl's environment says */
	struct http_limits limits;
	const char *const *headers; /* lines that go with every request, NULL at the end; NULL: none */
};

/*
 * https://, or http:// to this machine; a host, perhaps a port and a path,
 * nothing else (no password). What is not encrypted never goes to a proxy.
 */
bool http_is_allowed(const char *url);
/* Is it http://? */
bool http_is_plain(const char *url);

enum http_failure {
	HTTP_OK,        /* there is an answer, good or bad */
	HTTP_NO_MEMORY,
	HTTP_NETWORK,   /* no such name, nobody listens, no way */
	HTTP_PROXY,     /* the proxy is not there, or does not let us */
	HTTP_TLS,       /* it is not proven whose server that is */
	HTTP_TIMEOUT,
	HTTP_CUT,       /* the connection ended before the answer did */
	HTTP_ANSWER     /* no HTTP, or too much of it */
};

/* To be cleared in any case. */
struct http_answer {
	enum http_failure failure;
	bool sent;        /* the request left, or part of it: it may have been done */
	long status;      /* HTTP's; 0: none came */
	long retry_after; /* seconds, as the server says; 0: it does not */
	char *body;       /* of body_len bytes, and a NUL */
	size_t body_len;
	char why[HTTP_WHY]; /* libcurl's words for the failure; not safe for a terminal */
};

struct http; /* keeps its connection between exchanges */

/* The server must outlive it. NULL: out of memory. */
struct http *http_new(const struct http_server *server);
void http_free(struct http **http);

/* GET path, or POST with a body of this type. Answers out->failure. */
enum http_failure http_exchange(struct http *http, const char *path, const char *type, const void *body,
				size_t len, struct http_answer *out);
void http_answer_clear(struct http_answer *answer);

/* A header of the last answer; not safe for a terminal. Lives until the next exchange. NULL: it had none. */
const char *http_header(struct http *http, const char *name);

#endif
