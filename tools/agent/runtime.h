/*
 * Where the agent of this user is found: a file in $XDG_RUNTIME_DIR/twcard (else
 * ~/.local/state/twcard) that only the user reads, with its port and the secret
 * by which `twcard agent` is known to it; and the lock that lets there be one.
 */
#ifndef TWCARD_AGENT_RUNTIME_H
#define TWCARD_AGENT_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define RUNTIME_SECRET_MAX 64

struct runtime {
	unsigned port;
	pid_t pid;
	char secret[RUNTIME_SECRET_MAX];
};

/* False, with errno: ENOENT: none runs, or there is no such folder. EINVAL: not of its form. */
bool runtime_read(struct runtime *out);

/* Takes the lock, within a second. -1, with errno: EWOULDBLOCK: another agent of the user's runs. */
int runtime_lock(void);

/* False, with errno. */
bool runtime_write(const struct runtime *r);

/* Before the lock is given back. */
void runtime_remove(void);

/* $XDG_CONFIG_HOME/twcard/agent-sites.json (else ~/.config). False, with errno: there is no home. */
bool runtime_sites_path(char *out, size_t size);

#endif
