/* Puts an answer's parts together. What was there before is replaced. */
#ifndef TWCARD_AGENT_ANSWER_H
#define TWCARD_AGENT_ANSWER_H

#include "tools/agent/agent.h"

struct json_object;

#define ANSWER_JSON "application/json; charset=utf-8"

/* 200 and a value, which is taken over. Out of memory: no body. */
void answer_json(struct agent_answer *out, struct json_object *value);

/* 200 and {"state":"done","answer":"…"}: what a window passes on. The value is taken over. */
void answer_done(struct agent_answer *out, struct json_object *value);

/* 200 and a file of the pages; false: there is none. */
bool answer_file(struct agent_answer *out, const struct page *list, const char *name);

/* The same with the @MARKS@ of a page replaced; names and values in pairs, NULL at the end. */
bool answer_page(struct agent_answer *out, const struct page *list, const char *name, enum agent_kind kind,
		 const char *const *marks);

/* A value as the bitmap that pages read: three bytes a pixel. The value is taken over. */
void answer_bitmap(struct agent_answer *out, struct json_object *value);

#endif
