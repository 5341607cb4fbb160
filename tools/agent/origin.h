/* Who asks: origins ("https://www.example.gov.tw", "http://127.0.0.1:8000") and Host lines, as browsers send them. */
#ifndef TWCARD_AGENT_ORIGIN_H
#define TWCARD_AGENT_ORIGIN_H

#include <stdbool.h>

#define ORIGIN_MAX 272 /* bytes, with the NUL: a scheme, a name of 253, a port */

/*
 * http or https, a host, perhaps a port, and nothing else; in small letters, a scheme's own
 * port left out. False: not of this form ("null" is none), and out is "".
 */
bool origin_parse(const char *text, char out[ORIGIN_MAX]);

/* That of a URL, such as Referer says. The same. */
bool origin_of_url(const char *url, char out[ORIGIN_MAX]);

/* https:// and a host's name: what /addDomain names. False: it is no name. */
bool origin_of_name(const char *name, char out[ORIGIN_MAX]);

/* Is its host this one? Both in small letters. */
bool origin_has_host(const char *origin, const char *host);

/* Is it one of the names under which the agent may be asked? A site that points its name at 127.0.0.1 is not. */
bool origin_is_own_host(const char *host, unsigned port);
bool origin_is_own(const char *origin, unsigned port);

#endif
