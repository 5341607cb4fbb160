#include "config.h"

#include <string.h>

#include <json-c/json.h>

#include "tools/agent/call.h"
#include "tools/agent/request.h"

static const char *const pin_words[] = {
	[WORK_PIN_NOT_TRIED] = "-",
	[WORK_PIN_RIGHT] = "right",
	[WORK_PIN_WRONG] = "wrong",
	[WORK_PIN_LOCKED] = "locked",
};

bool perform_takes_turns(enum work_function function)
{
	return function != WORK_INFO && function != WORK_INFO_CERTS && function != WORK_NOT_OFFERED;
}

static void note(struct agent *a, const struct perform *p, uint32_t code, enum work_pin_end pin)
{
	journal_line(a->journal, "%s %s 0x%08x pin=%s", p->who, request_kind(p->function), (unsigned)code,
		     pin_words[pin]);
}

struct json_object *perform_error(struct agent *a, const struct perform *p, uint32_t code, uint64_t last_error)
{
	note(a, p, code, WORK_PIN_NOT_TRIED);
	return work_error(p->function, p->func, code, last_error);
}

struct json_object *perform_refused(struct agent *a, const struct perform *p, enum pin_why why)
{
	return why == PIN_WHY_LOCKED ? perform_error(a, p, WORK_LOGIN, PERFORM_PIN_LOCKED)
				     : perform_error(a, p, WORK_NO_PIN, 0);
}

static struct json_object *do_it(struct agent *a, const struct perform *p, const struct work_preview *card)
{
	bool has_pin = p->pin && p->pin->len;
	const struct work_consent consent = {
		.pin = has_pin ? p->pin->data : NULL,
		.pin_len = has_pin ? p->pin->len : 0,
		.serial = *card->serial ? card->serial : NULL,
	};
	struct work_answer answer = {.json = NULL, .ret_code = WORK_FAILED};

	work_call(a->work, p->function, p->request, &consent, &answer);
	pin_rule_note(a->pins, card->serial, answer.pin);
	note(a, p, answer.ret_code, answer.pin);
	return answer.json ? answer.json : work_error(p->function, p->func, WORK_FAILED, 0);
}

static struct json_object *judge(struct agent *a, const struct perform *p, const struct perform_rule *rule,
				 const struct work_preview *card)
{
	enum pin_why why = pin_rule_ask(a->pins, card, rule->given);
	struct json_object *answer = NULL;

	if (card->code != WORK_OK && !rule->hidden)
		return perform_error(a, p, card->code, 0);
	if (*p->serial && strcmp(p->serial, card->serial) != 0)
		return perform_error(a, p, WORK_NO_CARD, 0);
	if (why == PIN_WHY_LOCKED && !rule->hidden)
		return perform_refused(a, p, why);
	return rule->may(rule->context, card, why, &answer) ? do_it(a, p, card) : answer;
}

struct json_object *perform(struct agent *a, const struct perform *p, const struct perform_rule *rule)
{
	bool turns = perform_takes_turns(p->function);
	struct work_preview card = {.code = WORK_OK};
	struct json_object *answer;

	if (turns) {
		/* between a look at the card and its VERIFY there is no other VERIFY */
		turns_begin(a->turns, p->who);
		work_preview(a->work, p->function, p->request, &card);
	}
	answer = judge(a, p, rule, &card);
	if (turns)
		turns_end(a->turns);
	json_object_put(card.certificate);
	return answer;
}
