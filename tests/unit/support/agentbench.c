#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "agentbench.h"
#include "tools/agent/work_internal.h"

#define REQUEST_MAX 40000

struct work *agentbench;
struct work_answer agent_answer;

void agentbench_begin(void)
{
	char problem[200] = "";
	CK_FUNCTION_LIST *list;

	assert_int_equal(C_GetFunctionList(&list), CKR_OK);
	agentbench = work_start(list, NULL, problem, sizeof problem);
	if (!agentbench)
		fail_msg("%s", problem);
}

void agentbench_end(void)
{
	work_close(agentbench);
	agentbench = NULL;
}

static int begin(int status)
{
	module_stop(); /* the agent does that itself */
	agentbench_begin();
	return status;
}

int agentbench_first(void **state)
{
	return begin(bench_setup(state));
}

int agentbench_second(void **state)
{
	return begin(gen2_setup(state));
}

int agentbench_teardown(void **state)
{
	json_object_put(agent_answer.json);
	agent_answer.json = NULL;
	agentbench_end();
	return bench_teardown(state);
}

/* ---- questions ---- */

uint32_t agent_ask_consent(enum work_function function, const struct work_consent *consent, const char *text)
{
	struct json_object *request = text ? json_tokener_parse(text) : NULL;

	assert_true(!text || request);
	json_object_put(agent_answer.json);
	work_call(agentbench, function, request, consent, &agent_answer);
	json_object_put(request);
	assert_non_null(agent_answer.json);
	assert_int_equal(agent_number("ret_code"), agent_answer.ret_code);
	return agent_answer.ret_code;
}

uint32_t agent_ask(enum work_function function, const char *pin, const char *format, ...)
{
	const struct work_consent consent = {.pin = (const uint8_t *)pin, .pin_len = pin ? strlen(pin) : 0};
	static char text[REQUEST_MAX];
	va_list args;

	va_start(args, format);
	assert_in_range(vsnprintf(text, sizeof text, format, args), 0, sizeof text - 1);
	va_end(args);
	return agent_ask_consent(function, &consent, text);
}

/* ---- answers ---- */

static struct json_object *member(const char *key, enum json_type type)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(agent_answer.json, key, &value) || !json_object_is_type(value, type))
		fail_msg("no %s in %s", key, json_object_to_json_string(agent_answer.json));
	return value;
}

const char *agent_text(const char *key)
{
	return json_object_get_string(member(key, json_type_string));
}

int64_t agent_number(const char *key)
{
	return json_object_get_int64(member(key, json_type_int));
}

bool agent_has(const char *key)
{
	return json_object_object_get(agent_answer.json, key) != NULL;
}

const unsigned char *agent_bytes(const char *key, size_t *len)
{
	static unsigned char bytes[REQUEST_MAX];
	const char *text = agent_text(key);
	size_t size = strlen(text);
	int n;

	assert_in_range(size, 4, sizeof bytes);
	n = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)size);
	assert_true(n > 0);
	*len = (size_t)n - (text[size - 1] == '=') - (text[size - 2] == '=');
	return bytes;
}

struct json_object *agent_slot(size_t n)
{
	struct json_object *slot = json_object_array_get_idx(member("slots", json_type_array), n);

	assert_non_null(slot);
	return slot;
}

void agent_assert_idle(unsigned verifies_sent)
{
	assert_int_equal(verifies(bench.card), verifies_sent);
	assert_false(vcard_verified(bench.card));
}

const char *agent_card_number(void)
{
	return vcard_card_number(bench.card);
}

const char *agent_base64(const void *bytes, size_t len)
{
	static char text[REQUEST_MAX];

	assert_true(len / 3 * 4 + 5 < sizeof text);
	EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
	return text;
}
