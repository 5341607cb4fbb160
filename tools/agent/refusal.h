/* What the agent itself refuses with, before anything reaches a card: codes, HTTP statuses and texts in both languages. */
#ifndef TWCARD_AGENT_REFUSAL_H
#define TWCARD_AGENT_REFUSAL_H

struct agent_answer;

enum refusal {
	REFUSAL_PEER,
	REFUSAL_HOST,
	REFUSAL_ORIGIN,
	REFUSAL_FRAME,
	REFUSAL_TOKEN,
	REFUSAL_EXPIRED,
	REFUSAL_NOT_FOUND,
	REFUSAL_METHOD,
	REFUSAL_SIZE,
	REFUSAL_JSON,
	REFUSAL_FILE,
	REFUSAL_ROOM,
	REFUSAL_UPLOAD,
	REFUSAL_NO_SIGNATURE,
	REFUSAL_INTERNAL,
	REFUSAL_COUNT
};

/* One word: "host". */
const char *refusal_word(enum refusal r);

/* {"error":"host","text":{"en","zh_TW"}} and its status. */
void refusal_answer(enum refusal r, struct agent_answer *out);

#endif
