/*
 * An agent for tests: in-process, with a clock that stands still, pages of one
 * line each, and cards that are played: what work.h promises, without a card.
 */
#ifndef TESTS_UNIT_AGENTDESK_H
#define TESTS_UNIT_AGENTDESK_H

#include <json-c/json.h>

#include "tools/agent/agent.h"

#define DESK_PORT 61161
#define DESK_SITE "https://www.example.gov.tw"
#define DESK_OTHER "https://evil.example"
#define DESK_OWN "http://localhost:61161"
#define DESK_SERIAL "TP03150012345678"
#define DESK_TYPED "5678"

/* The played card, as work_preview() tells of it, and what became of it. */
struct desk_card {
	enum work_code code;
	bool needs_pin;
	enum work_pin_state tries;
	const char *pin;    /* the right one; another one takes a try */
	const char *serial;
	unsigned previews, calls, verifies;
	enum work_function function; /* of the last call */
	char said[64];      /* the last call's PIN */
	char func[64];      /* and func; "": none */
	void (*looked)(void); /* what happens right after a look at the card; NULL: nothing */
	void (*called)(void); /* and right before it does anything */
};

extern struct desk_card desk_card;
extern int64_t desk_time; /* the agent's clock, ms */
extern _Atomic unsigned long desk_generation; /* of readers and cards */
extern struct agent *desk; /* the agent of the running test */

int desk_set_up(void **state);
int desk_tear_down(void **state);
#define DESK(test) cmocka_unit_test_setup_teardown(test, desk_set_up, desk_tear_down)

/* Where the sites are kept; a file in a folder of the test's own. */
const char *desk_sites_file(void);
void desk_write_sites(const char *text);

/* ---- questions ---- */

struct desk_reply {
	int status;
	const char *text;           /* the body, with a NUL; lives until the test ends */
	size_t len;
	struct json_object *json;   /* NULL: it is none */
	struct agent_answer head;   /* the rest */
};

/* As a program of the same user asks; what the test does not set is so. */
struct agent_question desk_question(const char *method, const char *path);

/* The body is copied; NULL: none. */
struct desk_reply desk_ask(struct agent_question *q, const char *body);

/* The same from the agent's own page. */
struct desk_reply desk_own(const char *path, const char *token, const char *body);

/* Opens a window and answers its token. */
const char *desk_window(const char *path, const char *referer);

/* The same, for a site's request, which is sent at once. */
struct desk_reply desk_begin(const char *site, const char *request, const char **token);

/* A window's request of a site, as it came by postMessage. */
struct desk_reply desk_popup(const char *token, const char *site, const char *request);

/* What the user says: "decision", and more members of JSON, or "". */
struct desk_reply desk_say(const char *token, struct desk_reply consent, const char *decision, const char *more);

/* The user has allowed DESK_SITE. */
void desk_allow(void);

/* Opens the card manager: its page's token. */
const char *desk_enter(void);

#define DESK_PIN "\"pin\":\"123456\""
#define DESK_SIGN "{\"func\":\"MakeSignature\",\"tbs\":\"hello\",\"tbsEncoding\":\"NONE\"," DESK_PIN "}"
#define DESK_SIGN_WRONG "{\"func\":\"MakeSignature\",\"tbs\":\"hello\",\"pin\":\"000000\"}"
#define DESK_SIGN_NO_PIN "{\"func\":\"MakeSignature\",\"tbs\":\"hello\"}"

/* ---- answers ---- */

/* Fails the test unless it is there. */
struct json_object *desk_member(struct json_object *json, const char *key);

/* Fails the test unless it is an error with that word. */
void desk_assert_refused(struct desk_reply reply, const char *word);

/* A member that is a text, or "". Lives as long as the reply. */
const char *desk_text(struct json_object *json, const char *key);

/* ret_code of what a window passes on, or of the answer itself; -1: there is none. */
int64_t desk_code(struct desk_reply reply);

/* Is the user asked? */
bool desk_is_asked(struct desk_reply reply);

#endif
