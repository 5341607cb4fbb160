/*
 * Requests of web pages to the agent: whatever the bytes, there is an answer
 * of the right shape, the PIN is given once at most, and nothing stays logged
 * in or open. The first byte says which function, and whether the PIN is right.
 */
#include <string.h>

#include "fuzz.h"
#include "script.h"
#include "stub_token.h"
#include "tools/agent/work_internal.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/subcommand.h"

/* No command line is read here: without them all commands would be linked. */
const struct option_row common_options[] = {{.name = NULL}};

#define FUNCTION_BITS 0x0F
#define NO_PIN 0x20
#define WRONG_PIN 0x40

static struct work *begin(void)
{
	static struct work *w;
	char problem[100];

	if (!w)
		w = work_start(stub_token_module(), NULL, problem, sizeof problem);
	MUST(w);
	return w;
}

static void check_answer(const struct work_answer *answer, enum work_function function)
{
	struct json_object *json = answer->json;
	struct json_object *code = json_bytes_member(json, "ret_code");

	MUST(json_object_is_type(json, json_type_object) && json_object_is_type(code, json_type_int));
	MUST(json_object_get_int64(code) == answer->ret_code);
	MUST(json_object_is_type(json_bytes_member(json, "last_error"), json_type_int));
	MUST(json_bytes_text(json, "message") && json_bytes_text(json, "message2") && json_bytes_text(json, "serverVersion"));
	MUST(json_object_to_json_string(json));
	if (function == WORK_SIGN)
		MUST((answer->ret_code == WORK_OK) == (json_bytes_text(json, "signature") != NULL));
	if (function == WORK_DECRYPT)
		MUST((answer->ret_code == WORK_OK) == (json_bytes_text(json, "plain") != NULL));
	MUST(answer->ret_code != WORK_OK || function == WORK_INFO || function == WORK_INFO_CERTS ||
	     answer->pin == WORK_PIN_RIGHT);
}

static void check_idle(unsigned logins_max)
{
	MUST(stub_token.logins <= logins_max && !stub_token.logged_in && stub_token.sessions == 0);
}

static void preview(struct work *w, enum work_function function, struct json_object *request)
{
	struct work_preview shown;

	work_preview(w, function, request, &shown);
	MUST(!shown.needs_pin || strcmp(shown.reader, STUB_READER) == 0);
	json_object_put(shown.certificate);
	check_idle(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct work *w = begin();
	const char *pin = size && data[0] & WRONG_PIN ? "654321" : STUB_PIN;
	struct work_consent consent = {.pin = (const uint8_t *)pin, .pin_len = strlen(pin)};
	enum work_function function;
	struct json_object *request;
	struct work_answer answer;

	if (!size)
		return 0;
	if (data[0] & NO_PIN)
		consent.pin = NULL;
	function = (enum work_function)((data[0] & FUNCTION_BITS) % WORK_FUNCTION_COUNT);
	request = json_bytes_parse(data + 1, size - 1);
	stub_token.logins = 0;
	preview(w, function, request);
	work_call(w, function, request, &consent, &answer);
	check_answer(&answer, function);
	check_idle(consent.pin ? 1 : 0);
	json_object_put(answer.json);
	json_object_put(request);
	return 0;
}
