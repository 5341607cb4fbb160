/* HTTP and TLS around the authority: libmicrohttpd with a pool of threads. */
#ifndef TWCARD_AUTHORITY_SERVER_H
#define TWCARD_AUTHORITY_SERVER_H

#include "tools/authority/authority.h"

#define SERVER_PROBLEM_SIZE 512

struct server_settings {
	const char *listen;  /* "ADDRESS:PORT", "[::1]:PORT"; port 0: any that is free */
	const char *tls_cert, *tls_key; /* PEM files; NULL: no TLS, and then only a loopback address */
	unsigned threads, connections, connections_per_address;
};

struct server;

/*
 * Listens and answers until server_stop(). problem: why not, one line for people.
 * NULL: it does not.
 */
struct server *server_start(struct authority *a, const struct server_settings *settings,
			    char problem[SERVER_PROBLEM_SIZE]);

/* "https://127.0.0.1:4567"; lives as long as the server. */
const char *server_url(const struct server *s);

/* Takes no more connections, ends what was begun (for some time), and closes. */
void server_stop(struct server *s);

#endif
