/*
 * The agent, without its network: a question comes in, an answer goes out.
 * docs/AGENT.md is the protocol, and says which test shows which defence.
 */
#ifndef TWCARD_AGENT_AGENT_H
#define TWCARD_AGENT_AGENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/agent/journal.h"
#include "tools/agent/keys.h"
#include "tools/agent/origin.h"
#include "tools/agent/pages.h"
#include "tools/agent/pin_rule.h"
#include "tools/agent/popups.h"
#include "tools/agent/sites.h"
#include "tools/agent/turns.h"
#include "tools/agent/upload.h"
#include "tools/agent/work.h"

#define AGENT_PORT 61161
#define AGENT_CONSENT_SECONDS 13 /* pages give up after 15 */

/* Who is at the other end of the connection. */
enum agent_peer {
	AGENT_PEER_OWN,    /* a process of the same user */
	AGENT_PEER_OTHER,  /* another's, or one that is gone: refused */
	AGENT_PEER_UNKNOWN /* this system does not tell: served, but for programs without a page */
};

/* All are owned, but page_list. */
struct agent {
	struct work *work;
	struct sites *sites;
	struct popups *popups;
	struct pin_rule *pins;
	struct turns *turns; /* at the card */
	struct journal *journal;
	struct keys *keys;
	struct uploads *uploads;
	const struct page *page_list;
	unsigned port;
	unsigned consent_seconds; /* 0: no limit */
	int64_t (*now)(void);     /* ms of a clock that does not go back */
	_Atomic int64_t used;     /* when there was the last question */
	_Atomic unsigned streams; /* events_new() */
	_Atomic bool stop;        /* it was told to end */
};

/* Texts as they came; NULL: not said. */
struct agent_question {
	const char *method, *path;
	const char *host, *origin, *referer, *type;
	const char *fetch_site, *fetch_mode, *fetch_dest; /* Sec-Fetch-… */
	const char *token, *site;                          /* X-Twcard-Token, X-Twcard-Origin */
	const char *ask_method, *ask_private;              /* Access-Control-Request-Method, -Private-Network */
	const char *domain, *withcert, *key;               /* of the query */
	uint8_t *body;    /* wiped where it may hold a secret */
	size_t len;
	bool too_large;   /* the body was, and was not kept */
	struct upload *upload; /* agent_upload()'s, with the whole body; NULL: there is none. What is left of it is the caller's */
	enum agent_peer peer;
};

/* What kind of thing is answered: which headers go with it. */
enum agent_kind {
	AGENT_DATA,    /* for a script, or a program */
	AGENT_POPUP,   /* a page that keeps its opener, or opens such */
	AGENT_PAGE     /* one that has none */
};

struct agent_answer {
	int status; /* of HTTP */
	enum agent_kind kind;
	const char *type;       /* Content-Type */
	void *body;             /* owned by the caller: free(). NULL with a length of 0: out of memory, or none */
	size_t len;
	struct events *events;  /* instead of body: what goes on (events.h); owned by the caller */
	const void *fixed;      /* instead of body: bytes that stay */
	char allow[ORIGIN_MAX]; /* Access-Control-Allow-Origin; "": not sent */
	bool preflight;         /* and what a preflight wants to know */
	bool private_network;
};

/* Any number of threads. *out is cleared by free(out->body). */
void agent_ask(struct agent *a, struct agent_question *q, struct agent_answer *out);

/*
 * Before a body comes: is it a file that the agent's page sends? Then it goes there, piece by piece. NULL:
 * it does not, or may not; agent_ask() says why. Owned by the caller.
 */
struct upload *agent_upload(struct agent *a, struct agent_question *q);

/* Makes what the caller has not: popups, pins, journal, keys, uploads. False: out of memory or of random bytes. */
bool agent_init(struct agent *a);
void agent_clear(struct agent *a);

#endif
