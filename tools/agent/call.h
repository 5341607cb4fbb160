/* One question on its way to its answer: what the files of the agent share. */
#ifndef TWCARD_AGENT_CALL_H
#define TWCARD_AGENT_CALL_H

#include "tools/agent/agent.h"
#include "tools/agent/refusal.h"

struct json_object;
struct call;

/* Which questions are let in, and by which sign (agent.c). */
enum route_kind {
	ROUTE_POPUP,   /* a page that a site opens, in a window of its own */
	ROUTE_PAGE,    /* a page that the user opens */
	ROUTE_FILE,    /* what pages load */
	ROUTE_OWN,     /* for the agent's own pages */
	ROUTE_UPLOAD,  /* the same, with a file as body: agent_upload() */
	ROUTE_EVENTS,  /* the same, where a page can send no header */
	ROUTE_DIRECT,  /* for programs and allowed sites */
	ROUTE_CONTROL, /* for `twcard agent` */
	ROUTE_KINDS
};

struct route {
	const char *path;
	enum route_kind kind;
	const char *methods; /* "GET", "POST", "GET POST" */
	void (*run)(struct call *c);
	enum work_function function; /* of ROUTE_DIRECT */
	const char *page;  /* a file's name */
	const char *ready; /* what a window says first */
};

struct call {
	struct agent *a;
	struct agent_question *q;
	struct agent_answer *out;
	const struct route *route;
	int64_t now;
};

void call_refuse(struct call *c, enum refusal r);

/* Pages, and what they load (open.c). */
void open_popup(struct call *c);
void open_add(struct call *c);
void open_page(struct call *c);
void open_self_test(struct call *c);
void open_file(struct call *c);
void open_nothing(struct call *c);

/* What windows ask, and what the user says (consent.c). */
void consent_ask(struct call *c);
void consent_answer(struct call *c);
void consent_closed(struct call *c);

/* What is asked without a window (direct.c). */
void direct_ask(struct call *c);
void direct_bitmap(struct call *c);
void direct_preflight(struct call *c);

/* The card manager (manage.c). */
void manage_login(struct call *c);
void manage_state(struct call *c);
void manage_events(struct call *c);
void manage_sites(struct call *c);
void manage_site(struct call *c);
void manage_log(struct call *c);
void manage_call(struct call *c);
void manage_selftest(struct call *c);
void manage_report(struct call *c);

/* Files of the page's (manage_file.c). */
void file_data(struct call *c);
void file_signature(struct call *c);
void file_sign(struct call *c);
void file_verify(struct call *c);

/* Certificates (manage_cert.c). */
void cert_check_one(struct call *c);
void cert_authz(struct call *c);

/* `twcard agent` (manage.c). */
void control_status(struct call *c);
void control_open(struct call *c);
void control_stop(struct call *c);
void control_log(struct call *c);

/* What was agreed to is done, noted and logged (perform.c). */
struct perform {
	enum work_function function;
	const char *func;            /* as asked; NULL: none */
	struct json_object *request;
	const struct secret *pin;    /* NULL or empty: none */
	const char *serial;          /* the card that was shown; "": any */
	const char *who;             /* for the log: an origin, or a word */
};

/* Does it touch a PIN at all? Then one goes after the other, and the card is looked at first. */
bool perform_takes_turns(enum work_function function);

/* In what those who ask differ. */
struct perform_rule {
	bool given;  /* the request brought a PIN along */
	bool hidden; /* who asks must not even learn that there is no card, or a locked one: may() says what happens */
	/*
	 * May it be done with this card, as it is now? If not, *answer is what is said instead, owned by
	 * the caller; NULL: may() has said it. It is called in the turn, and waits for nobody.
	 */
	bool (*may)(void *context, const struct work_preview *card, enum pin_why why, struct json_object **answer);
	void *context;
};

/*
 * The only way to the card: takes the turn, looks at the card, asks the rule of PINs and the asker's
 * own, and does it with that card and no other. NULL: may() has said it, or out of memory. Owned by
 * the caller.
 */
struct json_object *perform(struct agent *a, const struct perform *p, const struct perform_rule *rule);

/* A code alone, logged the same way. */
struct json_object *perform_error(struct agent *a, const struct perform *p, uint32_t code, uint64_t last_error);

/* That of the strictness with which no PIN may go to the card; WORK_OK: it may. */
struct json_object *perform_refused(struct agent *a, const struct perform *p, enum pin_why why);

/* What the files of the card manager share: a page's request, after its token was found good. NULL: it was not, and the call is answered. request_free(). */
struct json_object *manage_request(struct call *c, struct secret *pin);

/* What the page shows of all. Owned by the caller. */
struct json_object *manage_state_json(struct agent *a);

/* What WORK_INFO_CERTS answers. NULL: out of memory. Owned by the caller. */
struct json_object *manage_cards(struct agent *a);

/* The user's own click and PIN: what was wrong before does not matter, the last try does. Owned by the caller. */
struct json_object *manage_by_hand(struct agent *a, const struct perform *p);

#define PERFORM_PIN_LOCKED 0xA4 /* CKR_PIN_LOCKED */

#endif
