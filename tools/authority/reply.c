#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/authority/reply.h"

void reply_text(struct authority_answer *out, char *text)
{
	free(out->body);
	out->body = text;
	out->status = error_status(ERROR_NONE);
	out->retry_after = 0;
	out->error = ERROR_NONE;
}

void reply_json(struct authority_answer *out, struct json_object *value)
{
	const char *text = value ? json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
									 JSON_C_TO_STRING_NOSLASHESCAPE)
				 : NULL;

	reply_text(out, text ? strdup(text) : NULL);
}

void reply_error(struct authority_answer *out, enum error_code error, enum authz_reason reason)
{
	struct json_object *value = error_json(error, reason);

	reply_json(out, value);
	json_object_put(value);
	out->status = error_status(error);
	out->retry_after = error_retry_after(error);
	out->error = error;
}
