/*
 * What windows ask for their sites, and what the user says to it. A window has
 * one request and one consent; whoever takes the popup out of its table owns it,
 * so that nothing is used twice.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "tools/agent/answer.h"
#include "tools/agent/call.h"
#include "tools/agent/request.h"
#include "tools/agent/shown.h"
#include "tools/twcard/json_bytes.h"

/* What the user said. */
struct said {
	struct json_object *json;
	struct secret pin;
	const char *token, *decision, *remember, *typed;
};

static struct perform perform_of(const struct popup *popup)
{
	return (struct perform){.function = popup->function,
				.func = popup->func,
				.request = popup->request,
				.pin = &popup->pin,
				.serial = popup->serial,
				.who = *popup->origin ? popup->origin : "window"};
}

static void finish(struct call *c, struct popup *popup, struct json_object *answer)
{
	answer_done(c->out, answer);
	popup_free(popup);
}

static void finish_code(struct call *c, struct popup *popup, uint32_t code)
{
	const struct perform p = perform_of(popup);

	finish(c, popup, perform_error(c->a, &p, code, 0));
}

/* ---- what is shown ---- */

static bool has_consequences(enum work_function function)
{
	return function == WORK_WRITE_CERT || function == WORK_CARD_COMMAND;
}

/* "No more clicks for this session": a mere look needs none once the site is allowed, and what changes a card always does. */
static bool offers_session(enum work_function function)
{
	return strcmp(request_kind(function), "info") != 0 && !has_consequences(function);
}

static struct json_object *may_json(enum work_function function)
{
	static const char *const words[] = {"once", "site", "session"};
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < (offers_session(function) ? 3 : 2); i++)
		json_object_array_add(list, json_object_new_string(words[i]));
	return list;
}

/* What is left of the time, rounded up: a page shows no 0 while an answer is still taken. */
static struct json_object *seconds_json(const struct popup *popup, int64_t now)
{
	return popup->until ? json_object_new_int64((popup->until - now + 999) / 1000) : NULL;
}

static struct json_object *card_json(const struct work_preview *card)
{
	struct json_object *json = NULL;

	if (*card->reader || *card->serial) {
		json = json_object_new_object();
		json_object_object_add(json, "reader", shown_text(card->reader));
		json_object_object_add(json, "serial", shown_text(card->serial));
	}
	return json;
}

/* What the window passes on when it is closed: it has no time to ask for it then. */
static struct json_object *cancelled_json(const struct popup *popup)
{
	struct json_object *answer = work_error(popup->function, popup->func, WORK_CANCELLED, 0), *json;

	json = json_object_new_string(
		json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(answer);
	return json;
}

static struct json_object *consent_json(struct call *c, const struct popup *popup, const struct work_preview *card)
{
	struct json_object *json = json_object_new_object(), *site = json_object_new_object();
	bool ask = popup->why != PIN_WHY_NONE;

	json_object_object_add(site, "origin", json_object_new_string(popup->origin));
	json_object_object_add(site, "state",
			       json_object_new_string(sites_word(sites_state(c->a->sites, popup->origin))));
	json_object_object_add(json, "state", json_object_new_string("consent"));
	json_object_object_add(json, "token", json_object_new_string(popup->consent));
	json_object_object_add(json, "seconds", seconds_json(popup, c->now));
	json_object_object_add(json, "site", site);
	json_object_object_add(json, "func", shown_text(popup->func));
	json_object_object_add(json, "kind", json_object_new_string(request_kind(popup->function)));
	json_object_object_add(json, "shows", shown_request(popup->function, popup->request));
	json_object_object_add(json, "card", card_json(card));
	json_object_object_add(json, "certificate", json_object_get(card->certificate));
	json_object_object_add(json, "pin", json_object_new_string(ask ? "ask" : card->needs_pin ? "given" : "none"));
	json_object_object_add(json, "why", json_object_new_string(pin_rule_word(popup->why)));
	json_object_object_add(json, "typed", popup->why == PIN_WHY_LAST_TRY ? shown_text(pin_rule_typed(card->serial)) : NULL);
	json_object_object_add(json, "may", may_json(popup->function));
	json_object_object_add(json, "cancelled", cancelled_json(popup));
	return json;
}

/* Asks the user, with a new token each time. */
static void show(struct call *c, struct popup *popup, const struct work_preview *card)
{
	if (popup->step != POPUP_CONSENT && c->a->consent_seconds)
		popup->until = c->now + (int64_t)c->a->consent_seconds * 1000;
	else if (popup->step != POPUP_CONSENT)
		popup->until = 0;
	popup->step = POPUP_CONSENT;
	snprintf(popup->serial, sizeof popup->serial, "%s", card->serial);
	if (!token_new(popup->consent)) {
		finish_code(c, popup, WORK_FAILED);
		return;
	}
	answer_json(c->out, consent_json(c, popup, card));
	popups_put(c->a->popups, popup, c->now);
}

/* ---- what a window asks ---- */

static bool must_ask(const struct call *c, const struct popup *popup)
{
	if (sites_state(c->a->sites, popup->origin) != SITE_ALLOWED || has_consequences(popup->function))
		return true;
	if (popup->why != PIN_WHY_NONE)
		return true;
	return strcmp(request_kind(popup->function), "info") != 0 && !sites_granted(c->a->sites, popup->origin);
}

/* A window's request on its way: asked about, or agreed to. */
struct asking {
	struct call *c;
	struct popup *popup;
	const struct said *said; /* NULL: nothing yet */
	bool shown;              /* the user is asked: the popup is back in its table */
};

static void show_again(struct asking *asking, const struct work_preview *card, enum pin_why why)
{
	asking->popup->why = why;
	asking->shown = true;
	show(asking->c, asking->popup, card);
}

static bool may_unasked(void *context, const struct work_preview *card, enum pin_why why, struct json_object **answer)
{
	struct asking *asking = context;

	(void)answer;
	asking->popup->why = why;
	if (!must_ask(asking->c, asking->popup))
		return true;
	show_again(asking, card, why);
	return false;
}

static void go_on(struct asking *asking, const struct perform *p, const struct perform_rule *rule)
{
	struct json_object *answer = perform(asking->c->a, p, rule);

	if (!asking->shown)
		finish(asking->c, asking->popup, answer);
}

/* Of a site that is not known, nothing is told before the user has agreed: not even that there is no card. */
static void look_and_ask(struct call *c, struct popup *popup)
{
	struct asking asking = {.c = c, .popup = popup};
	const struct perform p = perform_of(popup);
	const struct perform_rule rule = {.given = popup->pin.len,
					  .hidden = sites_state(c->a->sites, popup->origin) != SITE_ALLOWED,
					  .may = may_unasked,
					  .context = &asking};

	go_on(&asking, &p, &rule);
}

/*
 * The page says who sent it the message; the browser said who opened the window. Both must be the same.
 * The agent's own self test asks like any site, as it tests what sites meet.
 */
static enum work_code read_site(const struct call *c, struct popup *popup)
{
	if (!origin_parse(c->q->site, popup->origin)) {
		popup->origin[0] = '\0';
		return WORK_SITE_UNKNOWN;
	}
	if (*popup->opener && strcmp(popup->opener, popup->origin) != 0)
		return WORK_SITE_FORBIDDEN;
	return sites_state(c->a->sites, popup->origin) == SITE_BLOCKED ? WORK_SITE_FORBIDDEN : WORK_OK;
}

static enum work_code read_request(const struct call *c, struct popup *popup)
{
	enum work_code code = request_read(c->q->body, c->q->len, &popup->request, &popup->pin);
	const char *func = code == WORK_OK ? json_bytes_text(popup->request, "func") : NULL;

	popup->function = request_function(func);
	if (func)
		snprintf(popup->func, sizeof popup->func, "%s", func);
	if (code == WORK_OK && popup->function == WORK_NOT_OFFERED)
		code = WORK_METHOD;
	return code;
}

void consent_ask(struct call *c)
{
	bool expired = false;
	struct popup *popup = popups_take(c->a->popups, c->q->token, POPUP_OPEN, c->now, &expired);
	enum work_code code, site;

	if (!popup || expired) {
		popup_free(popup);
		call_refuse(c, expired ? REFUSAL_EXPIRED : REFUSAL_TOKEN);
		return;
	}
	site = read_site(c, popup);
	code = read_request(c, popup);
	if (site != WORK_OK || code != WORK_OK)
		finish_code(c, popup, site != WORK_OK ? site : code);
	else
		look_and_ask(c, popup);
}

/* ---- what the user says ---- */

static bool read_said(struct call *c, struct said *said)
{
	*said = (struct said){.pin = SECRET_INIT};
	if (!c->q->len || request_parse(c->q->body, c->q->len, &said->json, &said->pin) != WORK_OK)
		return false;
	said->token = json_bytes_text(said->json, "token");
	said->decision = json_bytes_text(said->json, "decision");
	said->remember = json_bytes_text(said->json, "remember");
	said->typed = json_bytes_text(said->json, "typed");
	return said->token && said->decision &&
	       (strcmp(said->decision, "yes") == 0 || strcmp(said->decision, "no") == 0 ||
		strcmp(said->decision, "block") == 0);
}

static bool said_is(const char *word, const char *expected)
{
	return word && strcmp(word, expected) == 0;
}

/* False: the file of sites could not be written. */
static bool remember(struct call *c, const struct popup *popup, const struct said *said)
{
	bool session = said_is(said->remember, "session") && offers_session(popup->function);

	if (said_is(said->decision, "block"))
		return sites_set(c->a->sites, popup->origin, SITE_BLOCKED);
	if (!session && !said_is(said->remember, "site"))
		return true;
	if (sites_state(c->a->sites, popup->origin) != SITE_ALLOWED &&
	    !sites_set(c->a->sites, popup->origin, SITE_ALLOWED))
		return false;
	if (session)
		sites_grant(c->a->sites, popup->origin);
	return true;
}

/* Is what was said enough for this card, as it is now? */
static bool is_enough(const struct popup *popup, enum pin_why now, const struct work_preview *card,
		      const struct said *said)
{
	if (now > popup->why)
		return false;
	if (now == PIN_WHY_LAST_TRY && !said_is(said->typed, pin_rule_typed(card->serial)))
		return false;
	return now == PIN_WHY_NONE || said->pin.len;
}

static bool may_agreed(void *context, const struct work_preview *card, enum pin_why why, struct json_object **answer)
{
	struct asking *asking = context;

	(void)answer;
	if (is_enough(asking->popup, why, card, asking->said))
		return true;
	show_again(asking, card, why);
	return false;
}

/* The card is looked at again: another window may have spent a try, or somebody the card, since this was shown. */
static void do_agreed(struct call *c, struct popup *popup, const struct said *said)
{
	struct asking asking = {.c = c, .popup = popup, .said = said};
	struct perform p = perform_of(popup);
	const struct perform_rule rule = {.given = popup->pin.len, .may = may_agreed, .context = &asking};

	if (said->pin.len)
		p.pin = &said->pin;
	go_on(&asking, &p, &rule);
}

/* The page that adds a site has no request: what it passes on says whether the site is allowed now. */
static void answer_add(struct call *c, struct popup *popup, const struct said *said)
{
	static const struct {
		const char *decision;
		enum site_state state;
		enum work_code code;
	} rows[] = {
		{"yes", SITE_ALLOWED, WORK_OK},
		{"no", SITE_UNKNOWN, WORK_CANCELLED},
		{"block", SITE_BLOCKED, WORK_SITE_FORBIDDEN},
	};
	size_t i = 0;

	while (strcmp(rows[i].decision, said->decision) != 0)
		i++;
	snprintf(popup->func, sizeof popup->func, "addDomain");
	popup->function = WORK_NOT_OFFERED;
	if (!*popup->origin) {
		popup_free(popup);
		call_refuse(c, REFUSAL_ORIGIN);
	} else if (rows[i].state != SITE_UNKNOWN && !sites_set(c->a->sites, popup->origin, rows[i].state)) {
		popup_free(popup);
		call_refuse(c, REFUSAL_FILE);
	} else {
		finish_code(c, popup, rows[i].code);
	}
}

/* The site is told in time, even if the user is not there. */
static void answer_late(struct call *c, struct popup *popup)
{
	const struct perform p = perform_of(popup);
	struct json_object *answer = perform_error(c->a, &p, WORK_CANCELLED, 0), *late = json_object_new_object();
	const char *text = json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	json_object_object_add(late, "error", json_object_new_string(refusal_word(REFUSAL_EXPIRED)));
	json_object_object_add(late, "answer", json_object_new_string(text ? text : ""));
	answer_json(c->out, late);
	c->out->status = 403;
	json_object_put(answer);
	popup_free(popup);
}

static void answer_consent(struct call *c, struct popup *popup, const struct said *said)
{
	if (!remember(c, popup, said)) {
		popup_free(popup);
		call_refuse(c, REFUSAL_FILE);
	} else if (said_is(said->decision, "yes")) {
		do_agreed(c, popup, said);
	} else {
		finish_code(c, popup, said_is(said->decision, "no") ? WORK_CANCELLED : WORK_SITE_FORBIDDEN);
	}
}

void consent_answer(struct call *c)
{
	struct said said;
	bool good = read_said(c, &said), expired = false;
	struct popup *popup = good ? popups_take(c->a->popups, c->q->token, POPUP_CONSENT, c->now, &expired) : NULL;

	if (good && !popup)
		popup = popups_take(c->a->popups, c->q->token, POPUP_ADD, c->now, &expired);
	if (!good) {
		call_refuse(c, REFUSAL_JSON);
	} else if (!popup) {
		call_refuse(c, REFUSAL_TOKEN);
	} else if (!token_equal(said.token, popup->step == POPUP_ADD ? popup->token : popup->consent)) {
		/* of another window: this one's user is still being asked */
		popups_put(c->a->popups, popup, c->now);
		call_refuse(c, REFUSAL_TOKEN);
	} else if (expired) {
		answer_late(c, popup);
	} else if (popup->step == POPUP_ADD) {
		answer_add(c, popup, &said);
	} else {
		answer_consent(c, popup, &said);
	}
	request_free(said.json);
	secret_clear(&said.pin);
}

/* A closing window can send no headers of its own: its token is in the body. */
static struct popup *closed_popup(struct call *c)
{
	static const enum popup_step steps[] = {POPUP_CONSENT, POPUP_ADD, POPUP_OPEN};
	struct secret pin = SECRET_INIT;
	struct json_object *request = NULL;
	struct popup *popup = NULL;
	bool expired;

	if (!c->q->len || request_parse(c->q->body, c->q->len, &request, &pin) != WORK_OK) {
		call_refuse(c, REFUSAL_JSON);
		return NULL;
	}
	for (size_t i = 0; !popup && i < sizeof steps / sizeof *steps; i++)
		popup = popups_take(c->a->popups, json_bytes_text(request, "token"), steps[i], c->now, &expired);
	if (!popup)
		call_refuse(c, REFUSAL_TOKEN);
	request_free(request);
	secret_clear(&pin);
	return popup;
}

/* Nobody can agree any more: the request and its PIN are forgotten, and the window is told what its site gets. */
void consent_closed(struct call *c)
{
	struct popup *popup = closed_popup(c);

	if (popup)
		finish_code(c, popup, WORK_CANCELLED);
}
