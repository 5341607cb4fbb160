/* Codes as the pages know them, with their texts. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tools/agent/work_internal.h"
#include "tools/twcard/explain.h"
#include "tools/twcard/message.h"

#define VENDOR_RV 0x80000000UL /* from here on pages know the numbers as negative ones */

/* What twcard explain says of it, in the user's language; NULL: nothing. */
static const char *text_of(const char *source, uint64_t code)
{
	struct explain_match matches[EXPLAIN_MATCHES_MAX];
	char number[24];

	snprintf(number, sizeof number, "0x%08llX", (unsigned long long)code);
	if (!explain_find(number, explain_source_named(source), matches))
		return NULL;
	return _(matches[0].meaning);
}

static struct json_object *minor_of(uint64_t last_error)
{
	return json_object_new_int64(last_error >= VENDOR_RV ? (int64_t)(int32_t)(uint32_t)last_error
							     : (int64_t)last_error);
}

static void add_text(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, json_object_new_string(text ? text : ""));
}

struct json_object *work_error(enum work_function function, const char *func, uint32_t code,
			       uint64_t last_error)
{
	struct json_object *to = json_object_new_object();

	if (!to)
		return NULL;
	if (func)
		json_object_object_add(to, "func", message_json_text(func));
	json_object_object_add(to, "ret_code", json_object_new_int64(code));
	json_object_object_add(to, "last_error", minor_of(last_error));
	add_text(to, "message", text_of("hipki", code));
	add_text(to, "message2", last_error ? text_of("pkcs11", last_error & UINT32_MAX) : NULL);
	add_text(to, "serverVersion", WORK_SERVER_VERSION);
	if (function == WORK_SIGN || function == WORK_UMAKESIG)
		add_text(to, "version", WORK_SERVER_VERSION);
	if (function == WORK_MAKE_CSR)
		add_text(to, "messagedata", code ? text_of("hipki", code) : NULL);
	return to;
}

const char *work_response_func(const char *func)
{
	static const struct {
		const char *request, *response;
	} names[] = {
		{"CheckEnvir", "pkcs11info"}, {"GetUserCert", "pkcs11info"}, {"MakeSignature", "sign"},
		{"DecryptData", "decrypt"},   {"writecert", "writeCert"},    {"makeCsr", "csr"},
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i].request, func) == 0)
			return names[i].response;
	return func;
}
