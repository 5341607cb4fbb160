/* The card manager's page, and `twcard agent`. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "apdu/buffer.h"
#include "tools/agent/answer.h"
#include "tools/agent/call.h"
#include "tools/agent/events.h"
#include "tools/agent/request.h"
#include "tools/agent/shown.h"
#include "tools/twcard/json_bytes.h"

#define ADDRESS_MAX 128

struct json_object *manage_request(struct call *c, struct secret *pin)
{
	struct json_object *request = NULL;

	if (!keys_good(c->a->keys, c->q->token, c->now))
		call_refuse(c, REFUSAL_TOKEN);
	else if (!c->q->len || request_parse(c->q->body, c->q->len, &request, pin) != WORK_OK)
		call_refuse(c, REFUSAL_JSON);
	return request;
}

/* The same for what needs nothing of it. */
static bool is_page(struct call *c)
{
	struct secret pin = SECRET_INIT;
	struct json_object *request = manage_request(c, &pin);
	bool good = request != NULL;

	request_free(request);
	secret_clear(&pin);
	return good;
}

void manage_login(struct call *c)
{
	struct secret pin = SECRET_INIT;
	struct json_object *request = NULL, *answer;
	char token[TOKEN_LEN + 1];

	if (!c->q->len || request_parse(c->q->body, c->q->len, &request, &pin) != WORK_OK) {
		call_refuse(c, REFUSAL_JSON);
	} else if (!keys_enter(c->a->keys, json_bytes_text(request, "key"), c->now, token)) {
		call_refuse(c, REFUSAL_TOKEN);
	} else {
		answer = json_object_new_object();
		json_object_object_add(answer, "token", json_object_new_string(token));
		answer_json(c->out, answer);
	}
	request_free(request);
	secret_clear(&pin);
}

/* ---- what there is ---- */

struct json_object *manage_cards(struct agent *a)
{
	struct json_object *request = json_object_new_object();
	const struct work_consent consent = {.pin = NULL};
	struct work_answer answer = {.json = NULL};

	work_call(a->work, WORK_INFO_CERTS, request, &consent, &answer);
	json_object_put(request);
	return answer.json;
}

struct json_object *manage_state_json(struct agent *a)
{
	struct json_object *state = json_object_new_object();

	json_object_object_add(state, "generation", json_object_new_int64((int64_t)work_generation(a->work)));
	json_object_object_add(state, "info", manage_cards(a));
	json_object_object_add(state, "version", json_object_new_string(PACKAGE_VERSION));
	json_object_object_add(state, "port", json_object_new_int((int)a->port));
	json_object_object_add(state, "queue", json_object_new_int((int)turns_count(a->turns)));
	return state;
}

void manage_state(struct call *c)
{
	if (is_page(c))
		answer_json(c->out, manage_state_json(c->a));
}

/* Where there are streams enough, one event: the browser comes back for the next. */
void manage_events(struct call *c)
{
	if (!keys_good(c->a->keys, c->q->key, c->now)) {
		call_refuse(c, REFUSAL_TOKEN);
		return;
	}
	c->out->type = "text/event-stream";
	c->out->events = events_new(c->a, c->q->key);
	if (c->out->events)
		return;
	c->out->body = events_text(c->a);
	c->out->len = c->out->body ? strlen(c->out->body) : 0;
}

static void answer_sites(struct call *c)
{
	struct json_object *answer = json_object_new_object();

	json_object_object_add(answer, "sites", sites_json(c->a->sites));
	answer_json(c->out, answer);
}

void manage_sites(struct call *c)
{
	if (is_page(c))
		answer_sites(c);
}

void manage_site(struct call *c)
{
	struct secret pin = SECRET_INIT;
	struct json_object *request = manage_request(c, &pin);
	char origin[ORIGIN_MAX];
	enum site_state state;

	if (request && (!origin_parse(json_bytes_text(request, "origin"), origin) ||
			!sites_from_word(json_bytes_text(request, "state"), &state)))
		call_refuse(c, REFUSAL_JSON);
	else if (request && !sites_set(c->a->sites, origin, state))
		call_refuse(c, REFUSAL_FILE);
	else if (request)
		answer_sites(c);
	request_free(request);
	secret_clear(&pin);
}

static void answer_log(struct call *c)
{
	struct json_object *answer = json_object_new_object();

	json_object_object_add(answer, "lines", journal_json(c->a->journal));
	answer_json(c->out, answer);
}

void manage_log(struct call *c)
{
	if (is_page(c))
		answer_log(c);
}

/* ---- what the user does with a card ---- */

static bool is_typed(struct json_object *request, const char *serial)
{
	const char *typed = json_bytes_text(request, "typed");

	return typed && strcmp(typed, pin_rule_typed(serial)) == 0;
}

static struct json_object *typed_json(const char *serial)
{
	struct json_object *answer = json_object_new_object();

	json_object_object_add(answer, "state", json_object_new_string("typed"));
	json_object_object_add(answer, "typed", shown_text(pin_rule_typed(serial)));
	return answer;
}

struct by_hand {
	struct agent *a;
	const struct perform *p;
};

/* The user's own click and PIN: what was wrong before does not matter, the last try does. */
static bool may_by_hand(void *context, const struct work_preview *card, enum pin_why why, struct json_object **answer)
{
	const struct by_hand *h = context;

	if (why != PIN_WHY_NONE && !h->p->pin->len)
		*answer = perform_refused(h->a, h->p, why);
	else if (why == PIN_WHY_LAST_TRY && !is_typed(h->p->request, card->serial))
		*answer = typed_json(card->serial);
	else
		return true;
	return false;
}

struct json_object *manage_by_hand(struct agent *a, const struct perform *p)
{
	struct by_hand h = {.a = a, .p = p};
	const struct perform_rule rule = {.given = p->pin->len, .may = may_by_hand, .context = &h};

	return perform(a, p, &rule);
}

void manage_call(struct call *c)
{
	struct secret pin = SECRET_INIT;
	struct json_object *request = manage_request(c, &pin);
	struct perform p = {.request = request, .pin = &pin, .serial = "", .who = "card manager"};

	if (request) {
		p.func = json_bytes_text(request, "func");
		p.function = request_function(p.func);
		answer_json(c->out, p.function == WORK_NOT_OFFERED ? perform_error(c->a, &p, WORK_METHOD, 0)
								   : manage_by_hand(c->a, &p));
	}
	request_free(request);
	secret_clear(&pin);
}

/* ---- self test ---- */

struct step {
	const char *name, *english, *chinese;
};

static void add_step(struct json_object *list, const struct step *step, bool known, bool good)
{
	struct json_object *row = json_object_new_object(), *text = json_object_new_object();

	json_object_object_add(text, "en", json_object_new_string(step->english));
	json_object_object_add(text, "zh_TW", json_object_new_string(step->chinese));
	json_object_object_add(row, "name", json_object_new_string(step->name));
	json_object_object_add(row, "good", known ? json_object_new_boolean(good) : NULL);
	json_object_object_add(row, "text", text);
	json_object_array_add(list, row);
}

/* The first slot with a card; NULL: none. Of another program's module it may be anything. */
static struct json_object *first_token(struct json_object *info, size_t *readers)
{
	struct json_object *slots = json_bytes_member(info, "slots");

	*readers = json_object_is_type(slots, json_type_array) ? json_object_array_length(slots) : 0;
	for (size_t i = 0; i < *readers; i++) {
		struct json_object *token = json_bytes_member(json_object_array_get_idx(slots, i), "token");

		if (json_object_is_type(token, json_type_object))
			return token;
	}
	return NULL;
}

static struct json_object *selftest_json(struct agent *a)
{
	static const struct step steps[] = {
		{"module", "the card library answers", "卡片程式庫有回應"},
		{"reader", "there is a reader; if not: plug one in, and see that pcscd runs (twcard doctor)",
		 "有讀卡機；若沒有：請接上讀卡機，並確認 pcscd 正在執行（twcard doctor）"},
		{"card", "there is a card that is known; if not: put it in, chip first (twcard status)",
		 "有認得的卡片；若沒有：請插入卡片，晶片朝前（twcard status）"},
		{"certificate", "the card has a certificate", "卡片裡有憑證"},
		{"access", "only your own programs reach this agent", "只有您自己的程式能使用這個服務"},
	};
	struct json_object *info = manage_cards(a), *all = json_object_new_object(), *list = json_object_new_array(), *certs;
	size_t readers = 0;
	struct json_object *token = first_token(info, &readers);
	bool module = info && json_object_get_int64(json_bytes_member(info, "ret_code")) == WORK_OK;

	certs = token ? json_bytes_member(token, "certs") : NULL;
	add_step(list, &steps[0], true, module);
	add_step(list, &steps[1], module, readers > 0);
	add_step(list, &steps[2], readers > 0, token != NULL);
	add_step(list, &steps[3], token != NULL,
		 json_object_is_type(certs, json_type_array) && json_object_array_length(certs) > 0);
	add_step(list, &steps[4], true, access("/proc/net/tcp", R_OK) == 0);
	json_object_put(info);
	json_object_object_add(all, "steps", list);
	return all;
}

void manage_selftest(struct call *c)
{
	if (is_page(c))
		answer_json(c->out, selftest_json(c->a));
}

/* What a user sends with a question: no names, no numbers of cards, no certificates. */
void manage_report(struct call *c)
{
	struct json_object *answer, *steps, *lines;
	char *text = NULL;

	if (!is_page(c))
		return;
	steps = selftest_json(c->a);
	lines = journal_json(c->a->journal);
	if (asprintf(&text, "twcard-agent %s\nport %u\n%s\n%s\n", PACKAGE_VERSION, c->a->port,
		     json_object_to_json_string_ext(steps, JSON_C_TO_STRING_PRETTY),
		     json_object_to_json_string_ext(lines, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)) < 0)
		text = NULL;
	answer = json_object_new_object();
	json_object_object_add(answer, "text", text ? json_object_new_string(text) : NULL);
	answer_json(c->out, answer);
	free(text);
	json_object_put(lines);
	json_object_put(steps);
}

/* ---- twcard agent ---- */

static bool is_control(struct call *c)
{
	struct secret pin = SECRET_INIT;
	struct json_object *request = NULL;
	bool good = c->q->len && request_parse(c->q->body, c->q->len, &request, &pin) == WORK_OK &&
		    token_equal(json_bytes_text(request, "secret"), keys_secret(c->a->keys));

	request_free(request);
	secret_clear(&pin);
	if (!good)
		call_refuse(c, REFUSAL_TOKEN);
	return good;
}

void control_status(struct call *c)
{
	struct json_object *answer;

	if (!is_control(c))
		return;
	answer = manage_state_json(c->a);
	json_object_object_add(answer, "pid", json_object_new_int64((int64_t)getpid()));
	json_object_object_add(answer, "peer_check", json_object_new_boolean(access("/proc/net/tcp", R_OK) == 0));
	json_object_object_add(answer, "sites", sites_json(c->a->sites));
	answer_json(c->out, answer);
}

void control_open(struct call *c)
{
	char key[TOKEN_LEN + 1], url[ADDRESS_MAX];
	struct json_object *answer;

	if (!is_control(c))
		return;
	if (!keys_open(c->a->keys, c->now, key)) {
		call_refuse(c, REFUSAL_INTERNAL);
		return;
	}
	snprintf(url, sizeof url, "http://localhost:%u/#key=%s", c->a->port, key);
	answer = json_object_new_object();
	json_object_object_add(answer, "url", json_object_new_string(url));
	answer_json(c->out, answer);
}

void control_stop(struct call *c)
{
	if (!is_control(c))
		return;
	atomic_store(&c->a->stop, true);
	answer_json(c->out, json_object_new_object());
}

void control_log(struct call *c)
{
	if (is_control(c))
		answer_log(c);
}
