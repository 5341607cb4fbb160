/* The agent on its sockets: HTTP in and out, its limits, and what goes with every answer. */
#ifndef TWCARD_AGENT_SERVER_H
#define TWCARD_AGENT_SERVER_H

#include "tools/agent/agent.h"
#include "tools/agent/loopback.h"

struct agent_server;

#define AGENT_CONNECTIONS 200 /* at once, of each socket; more wait */

/* Takes the sockets over if it succeeds. NULL: the library does not start, or out of memory. a outlives it. */
struct agent_server *agent_server_start(struct agent *a, struct loopback *sockets);

/* Ends connections, too; what was begun is finished. */
void agent_server_stop(struct agent_server *s);

#endif
