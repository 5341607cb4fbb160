/* What `twcard agent` says to the agent of this user, and starting one. */
#ifndef TWCARD_TOOLS_AGENT_CLIENT_H
#define TWCARD_TOOLS_AGENT_CLIENT_H

#include <stdbool.h>

#include <json-c/json.h>

#include "tools/agent/runtime.h"
#include "tools/twcard/subcommand.h"

/* Is there one? EXIT_NEGATIVE: none runs. EXIT_FILE: its file cannot be used; the user has been told. */
enum exit_code agent_client_find(struct runtime *out);

/*
 * One of its control addresses: "status", "stop", "log", "open". EXIT_NEGATIVE: none runs (its file
 * was left behind); EXIT_FILE: it does not answer as it should, and the user has been told. *out is owned
 * by the caller.
 */
enum exit_code agent_client_ask(const struct runtime *r, const char *what, struct json_object **out);

/* Has this user's ended? Waits up to 30 s. */
bool agent_client_wait_end(void);

/*
 * Starts one that lives on, with these arguments (argv[0] is set; NULL at the end), and waits until it
 * is ready. EXIT_FILE: it is not there, or ended; the user has been told.
 */
enum exit_code agent_client_start(char *argv[]);

#endif
