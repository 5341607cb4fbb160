/* Who is at the other end of a connection on this machine, and who listens on a port: from the kernel's tables. */
#ifndef TWCARD_AGENT_PEER_H
#define TWCARD_AGENT_PEER_H

#include <stddef.h>
#include <stdbool.h>

#include "tools/agent/agent.h"

/* Of a connected socket of ours. A process that has closed its end belongs to nobody: AGENT_PEER_OTHER. */
enum agent_peer peer_of(int fd);

/* Does this system tell? */
bool peer_is_told(void);

/* "process 123 (java) of user bob", as far as it can be seen; "another program" otherwise. */
void peer_listener(unsigned port, char *out, size_t size);

#endif
