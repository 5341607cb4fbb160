/* For authz_client.c and its tests: a client with other limits than the usual ones. */
#ifndef TWCARD_TOOLS_AUTHZ_CLIENT_INTERNAL_H
#define TWCARD_TOOLS_AUTHZ_CLIENT_INTERNAL_H

#include "tools/twcard/authz_client.h"
#include "tools/twcard/http.h"

/*
 * A client of this address, which nobody has looked at. Texts are copied; all
 * but url may be NULL. pause: seconds between tries of the same request.
 * EXIT_INTERNAL: out of memory, told.
 */
enum exit_code authz_client_new(const char *url, const char *ca, const char *proxy,
				const struct http_limits *limits, unsigned pause, struct authz_client **out);

#endif
