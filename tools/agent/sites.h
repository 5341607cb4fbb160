/*
 * What the user said about sites: a file with those that are allowed or blocked,
 * and, until the agent ends, those that may sign without a click. By any thread.
 */
#ifndef TWCARD_AGENT_SITES_H
#define TWCARD_AGENT_SITES_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct sites;

enum site_state { SITE_UNKNOWN, SITE_ALLOWED, SITE_BLOCKED };

/*
 * The file may be missing; what it holds must be as sites_set() wrote it. NULL: it is not, or
 * cannot be read, and problem says so: what the user blocked must not be forgotten.
 */
struct sites *sites_open(const char *path, char *problem, size_t size);
void sites_close(struct sites *s); /* NULL: nothing */

/* Of what is no origin: unknown. */
enum site_state sites_state(struct sites *s, const char *origin);

/* An origin as origin_parse() makes it. False, with errno: the file could not be written, and nothing has changed. */
bool sites_set(struct sites *s, const char *origin, enum site_state state);

/* No more clicks for this one until the end; only of one that is allowed. Ends with sites_set(). */
void sites_grant(struct sites *s, const char *origin);
bool sites_granted(struct sites *s, const char *origin);

/* "unknown", "allowed", "blocked"; and back. False: no such word. */
const char *sites_word(enum site_state state);
bool sites_from_word(const char *word, enum site_state *out);

/* [{"origin","state","since","session"}]. Owned by the caller. */
struct json_object *sites_json(struct sites *s);

#endif
