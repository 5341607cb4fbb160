/* A socket that listens where an option says. */
#ifndef TWCARD_AUTHORITY_LISTEN_H
#define TWCARD_AUTHORITY_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define LISTEN_NAME_MAX 128

/*
 * where: "127.0.0.1:8443", "[::1]:8443", "localhost:0". loopback: refuse any other.
 * name gets "127.0.0.1:8443" as it is. -1: no, and problem says why.
 */
int listen_open(const char *where, bool loopback, char name[LISTEN_NAME_MAX], char *problem, size_t size);

/* "127.0.0.1" of a peer, for logs and limits. */
void listen_peer(const struct sockaddr *address, char out[LISTEN_NAME_MAX]);

#endif
