#include "config.h"

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

struct json_object *perform(struct agent *a, const struct perform *p, const struct work_preview *card)
{
	bool has_pin = p->pin && p->pin->len;
	const struct work_consent consent = {
		.pin = has_pin ? p->pin->data : NULL,
		.pin_len = has_pin ? p->pin->len : 0,
		.serial = *p->serial ? p->serial : NULL,
	};
	struct work_answer answer = {.json = NULL, .ret_code = WORK_FAILED};

	work_call(a->work, p->function, p->request, &consent, &answer);
	pin_rule_note(a->pins, card->serial, answer.pin);
	note(a, p, answer.ret_code, answer.pin);
	return answer.json ? answer.json : work_error(p->function, p->func, WORK_FAILED, 0);
}
