/* Puts an answer's status and body together. What was there before is replaced. */
#ifndef TWCARD_AUTHORITY_REPLY_H
#define TWCARD_AUTHORITY_REPLY_H

#include "tools/authority/authority.h"

/* Out of memory: the body is NULL. */
void reply_error(struct authority_answer *out, enum error_code error, enum authz_reason reason);

/* 200, with a value that stays the caller's. */
void reply_json(struct authority_answer *out, struct json_object *value);

/* 200, with a text that is taken over. */
void reply_text(struct authority_answer *out, char *text);

#endif
