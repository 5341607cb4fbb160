/*
 * Who may use the card manager: `twcard agent open` gets a key that works once
 * and soon, the page changes it into a token for as long as it is open. And the
 * secret of the agent's own file, by which `twcard agent` is known. By any thread.
 */
#ifndef TWCARD_AGENT_KEYS_H
#define TWCARD_AGENT_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/agent/popups.h"

struct keys;

#define KEYS_OPEN_SECONDS 60
#define KEYS_MAX 8           /* pages of the card manager at once; then the oldest ends */
#define KEYS_PAGE_HOURS 12

/* NULL: out of memory or of random bytes. */
struct keys *keys_new(void);
void keys_free(struct keys *k); /* NULL: nothing */

/* The secret; lives as long as k. */
const char *keys_secret(const struct keys *k);

/* A key for an address. False: no random bytes. now: ms. */
bool keys_open(struct keys *k, int64_t now, char out[TOKEN_LEN + 1]);

/* A page's token for a key, once. False: it is none, was used, or is too old. */
bool keys_enter(struct keys *k, const char *key, int64_t now, char out[TOKEN_LEN + 1]);

/* Is it a page's token? */
bool keys_good(struct keys *k, const char *token, int64_t now);

#endif
