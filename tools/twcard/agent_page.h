/* Does a page sign through a service on the user's machine, and through which? It is read, never run. */
#ifndef TWCARD_TOOLS_AGENT_PAGE_H
#define TWCARD_TOOLS_AGENT_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/twcard/http.h"

#define AGENT_PAGE_PATHS 8
#define AGENT_PAGE_FUNCTIONS 9

struct agent_page {
	unsigned port;         /* of the service that it names; 0: none */
	bool paths[AGENT_PAGE_PATHS], functions[AGENT_PAGE_FUNCTIONS]; /* named in it, in the order of the lists below */
	bool servisign;        /* names a service of the other kind, which each site brings along */
	size_t scripts, missing; /* of its own server: that were read, and that could not be */
};

/* NULL at the end. */
extern const char *const agent_page_paths[AGENT_PAGE_PATHS + 1];
extern const char *const agent_page_functions[AGENT_PAGE_FUNCTIONS + 1];

/* What a text names is added to *page. */
void agent_page_read(struct agent_page *page, const char *text, size_t len);

/*
 * The path of the next script of the page's own server. *at: where to go on, 0 at first. path: the
 * page's own. base: its server, without a slash at its end. False: there is no more.
 */
bool agent_page_script(const char *text, const char *base, const char *path, size_t *at, char *out, size_t size);

/* The page and its scripts. HTTP's failure of the page itself; then *answer tells more. To be cleared in any case. */
enum http_failure agent_page_fetch(const char *base, const char *path, struct agent_page *page,
				   struct http_answer *answer);

#endif
