/* What comes from sites and cards, as the user's pages get it: UTF-8 that turns nothing around, and not too much. */
#ifndef TWCARD_AGENT_SHOWN_H
#define TWCARD_AGENT_SHOWN_H

#include "tools/agent/work.h"

struct json_object;

/* Out of memory: NULL. Owned by the caller. */
struct json_object *shown_text(const char *text);

/* {"text","size","sha256"} of what is to be signed; NULL: nothing is, or not of its form. Owned by the caller. */
struct json_object *shown_request(enum work_function function, struct json_object *request);

#endif
