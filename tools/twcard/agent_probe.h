/*
 * What a service on this machine's port is, and what it lets every page do. It is
 * asked only what pages ask without a user: never with a PIN, for a signature, or
 * to let a site in.
 */
#ifndef TWCARD_TOOLS_AGENT_PROBE_H
#define TWCARD_TOOLS_AGENT_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#define AGENT_PROBE_VERSION 64
#define AGENT_PROBE_PAGES 5

enum agent_probe_kind {
	AGENT_PROBE_NOBODY,  /* nobody answers */
	AGENT_PROBE_FOREIGN, /* another program: not this protocol */
	AGENT_PROBE_VENDOR,  /* the protocol, and not ours: the vendor's, or one like it */
	AGENT_PROBE_OWN      /* twcard-agent */
};

/* What a page of an unknown site can do without its user. */
enum agent_probe_right {
	AGENT_PROBE_CARDS,   /* read readers and cards */
	AGENT_PROBE_PICTURE, /* the same out of /p11Image.bmp */
	AGENT_PROBE_NAME,    /* ask under a name of its own (DNS rebinding) */
	AGENT_PROBE_FRAME,   /* show the service's windows inside itself */
	AGENT_PROBE_RIGHTS
};

struct agent_probe {
	enum agent_probe_kind kind;
	char version[AGENT_PROBE_VERSION]; /* serverVersion, as it came: not safe for a terminal. "": none */
	size_t readers, cards;             /* that it tells a program of */
	bool pages[AGENT_PROBE_PAGES];     /* windows that it has */
	bool rights[AGENT_PROBE_RIGHTS];
};

/* Paths; NULL at the end. */
extern const char *const agent_probe_pages[AGENT_PROBE_PAGES + 1];

/* False: out of memory. */
bool agent_probe(unsigned port, struct agent_probe *out);

/* What a /p11Image.bmp says, as pages read it. Owned by the caller; NULL: nothing. */
char *agent_probe_picture(const void *image, size_t len);

#endif
