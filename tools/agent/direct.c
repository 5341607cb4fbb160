/* What is asked without a window: by programs of the user, and by sites that the user allowed. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "tools/agent/answer.h"
#include "tools/agent/call.h"
#include "tools/agent/request.h"

#define PROGRAM "program"

enum asker {
	ASKER_PROGRAM, /* no browser */
	ASKER_SITE,    /* one that the user allowed */
	ASKER_UNKNOWN,
	ASKER_BLOCKED
};

static const uint32_t refused_codes[] = {
	[ASKER_UNKNOWN] = WORK_SITE_UNKNOWN,
	[ASKER_BLOCKED] = WORK_SITE_FORBIDDEN,
};

/*
 * Browsers name the site with what scripts send, and mark all else; a program that does neither is
 * the user's own if its connection is.
 */
static enum asker who_asks(const struct call *c, char origin[ORIGIN_MAX])
{
	const struct agent_question *q = c->q;

	snprintf(origin, ORIGIN_MAX, "%s", PROGRAM);
	if (!q->origin)
		return q->fetch_site || q->fetch_mode || q->fetch_dest || q->referer || q->peer != AGENT_PEER_OWN
			       ? ASKER_UNKNOWN : ASKER_PROGRAM;
	if (!origin_parse(q->origin, origin) || origin_is_own(origin, c->a->port))
		return ASKER_UNKNOWN;
	switch (sites_state(c->a->sites, origin)) {
	case SITE_ALLOWED:
		return ASKER_SITE;
	case SITE_BLOCKED:
		return ASKER_BLOCKED;
	default:
		return ASKER_UNKNOWN;
	}
}

/* Without a window nobody can agree: so it is what the user has agreed to for the session, or no more than a look. */
static bool may(const struct call *c, enum asker asker, const char *origin, enum work_function function)
{
	if (asker == ASKER_PROGRAM || function == WORK_NOT_OFFERED)
		return true;
	return strcmp(request_kind(function), "info") == 0 ||
	       (sites_granted(c->a->sites, origin) && function != WORK_WRITE_CERT && function != WORK_CARD_COMMAND);
}

/* There is nobody to type a PIN. */
struct direct {
	struct agent *a;
	const struct perform *p;
};

static bool may_now(void *context, const struct work_preview *card, enum pin_why why, struct json_object **answer)
{
	const struct direct *d = context;

	(void)card;
	if (why != PIN_WHY_NONE)
		*answer = perform_refused(d->a, d->p, why);
	return why == PIN_WHY_NONE;
}

static struct json_object *perform_direct(struct agent *a, const struct perform *p)
{
	struct direct d = {.a = a, .p = p};
	const struct perform_rule rule = {.given = p->pin && p->pin->len, .may = may_now, .context = &d};

	return p->function == WORK_NOT_OFFERED ? perform_error(a, p, WORK_METHOD, 0) : perform(a, p, &rule);
}

void direct_ask(struct call *c)
{
	char origin[ORIGIN_MAX];
	enum asker asker = who_asks(c, origin);
	struct secret pin = SECRET_INIT;
	struct perform p = {.function = c->route->function, .pin = &pin, .serial = "", .who = origin};
	struct json_object *request = NULL, *answer;
	enum work_code code;

	if (p.function == WORK_INFO && c->q->withcert && strcmp(c->q->withcert, "true") == 0)
		p.function = WORK_INFO_CERTS;
	code = request_read(c->q->body, c->q->len, &request, &pin);
	p.request = request;
	if (asker == ASKER_UNKNOWN || asker == ASKER_BLOCKED) {
		p.who = "unknown or blocked site";
		answer = perform_error(c->a, &p, refused_codes[asker], 0);
	} else if (code != WORK_OK) {
		answer = perform_error(c->a, &p, code, 0);
	} else if (!may(c, asker, origin, p.function)) {
		answer = perform_error(c->a, &p, WORK_CANCELLED, 0);
	} else {
		struct json_object *func = NULL;

		if (json_object_object_get_ex(request, "func", &func) && json_object_is_type(func, json_type_string))
			p.func = json_object_get_string(func);
		answer = perform_direct(c->a, &p);
	}
	if (asker == ASKER_SITE)
		snprintf(c->out->allow, sizeof c->out->allow, "%s", origin);
	answer_json(c->out, answer);
	request_free(request);
	secret_clear(&pin);
}

/*
 * The one answer that a site the user does not know yet may read: that it must be allowed first. Without
 * it, pages that look for the agent by this picture could never ask for that.
 */
void direct_bitmap(struct call *c)
{
	char origin[ORIGIN_MAX];
	enum asker asker = who_asks(c, origin);
	struct perform p = {.function = WORK_INFO, .serial = "", .who = origin};
	struct json_object *answer;

	if (asker == ASKER_PROGRAM || asker == ASKER_SITE) {
		p.request = json_object_new_object();
		answer = perform_direct(c->a, &p);
		json_object_put(p.request);
	} else {
		p.who = "unknown or blocked site";
		answer = perform_error(c->a, &p, refused_codes[asker], 0);
	}
	if (c->q->origin && asker != ASKER_BLOCKED && origin_parse(c->q->origin, origin))
		snprintf(c->out->allow, sizeof c->out->allow, "%s", origin);
	answer_bitmap(c->out, answer);
}

void direct_preflight(struct call *c)
{
	char origin[ORIGIN_MAX];

	if (!c->q->ask_method || who_asks(c, origin) != ASKER_SITE) {
		call_refuse(c, REFUSAL_ORIGIN);
		return;
	}
	c->out->status = 204;
	c->out->preflight = true;
	c->out->private_network = c->q->ask_private && strcmp(c->q->ask_private, "true") == 0;
	snprintf(c->out->allow, sizeof c->out->allow, "%s", origin);
}
