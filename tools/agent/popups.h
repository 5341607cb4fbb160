/*
 * The windows that sites have opened, each with a token of its own: what one
 * brings along is used once, by its own window, for one request. By any thread.
 */
#ifndef TWCARD_AGENT_POPUPS_H
#define TWCARD_AGENT_POPUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apdu/secret.h"
#include "tools/agent/origin.h"
#include "tools/agent/pin_rule.h"
#include "tools/agent/work.h"

struct json_object;
struct popups;

#define POPUPS_MAX 64            /* at once; then the oldest is forgotten */
#define POPUPS_OPEN_SECONDS 600  /* until a window says what it wants */
#define TOKEN_LEN 43             /* characters: 256 random bits in base64url */
#define POPUP_FUNC_MAX 64

enum popup_step {
	POPUP_OPEN,    /* shown, and has asked nothing */
	POPUP_ADD,     /* asks whether a site is allowed */
	POPUP_CONSENT  /* the user is being asked */
};

struct popup {
	enum popup_step step;
	char token[TOKEN_LEN + 1], consent[TOKEN_LEN + 1];
	char opener[ORIGIN_MAX]; /* the browser's word for who opened it; "": it says nothing */
	char origin[ORIGIN_MAX]; /* who asks */
	int64_t until;           /* ms of the agent's clock; 0: no limit */
	/* what is asked */
	enum work_function function;
	char func[POPUP_FUNC_MAX + 1];
	struct json_object *request; /* owned */
	struct secret pin;           /* as the page gave it */
	enum pin_why why;            /* what the user was shown */
	char serial[33];             /* the card that was shown; "": none */
	struct popup *next;
};

/* 256 random bits. False: there are none. */
bool token_new(char out[TOKEN_LEN + 1]);
/* In a time that says nothing of where they differ. NULL and "" equal nothing. */
bool token_equal(const char *a, const char *b);

struct popups *popups_new(void);
void popups_free(struct popups *p); /* NULL: nothing */

/* One with a token, not yet among them. NULL: out of memory or of random bytes. */
struct popup *popup_new(enum popup_step step);
void popup_free(struct popup *popup); /* wipes; NULL: nothing */

/* Takes it over. now: ms. */
void popups_put(struct popups *p, struct popup *popup, int64_t now);

/*
 * Takes out the one with this token, which is the caller's then: whoever comes second finds none.
 * NULL: there is none at this step. One that has expired is taken out, too: *expired.
 */
struct popup *popups_take(struct popups *p, const char *token, enum popup_step step, int64_t now, bool *expired);

/* How many there are; those that have expired are forgotten. */
size_t popups_count(struct popups *p, int64_t now);

#endif
