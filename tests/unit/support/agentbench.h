/*
 * The agent's work with cards, on the module in this process and a virtual
 * card of either generation in its reader (testcard.h).
 */
#ifndef TESTS_AGENTBENCH_H
#define TESTS_AGENTBENCH_H

#include <json-c/json.h>
#include <openssl/types.h>

#include "gen2card.h"
#include "tools/agent/work.h"

extern struct work *agentbench;

int agentbench_first(void **state);
int agentbench_second(void **state);
int agentbench_teardown(void **state);
#define AGENT_TESTS(f)                                                                             \
	{#f ", generation 1", f, agentbench_first, agentbench_teardown, NULL},                     \
	{#f ", generation 2", f, agentbench_second, agentbench_teardown, NULL}

/* Ends the agent's work and begins it anew: another program's turn in between. */
void agentbench_end(void);
void agentbench_begin(void);

/* One that is valid until the next call. The request: a format and its arguments. */
extern struct work_answer agent_answer;
/* pin NULL: the user gave none. Answers ret_code. */
uint32_t agent_ask(enum work_function function, const char *pin, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for the card with this number; bytes as PIN. */
uint32_t agent_ask_consent(enum work_function function, const struct work_consent *consent, const char *request);

/* What the answer says: fail the test if it is not there or of another type. */
const char *agent_text(const char *key);
int64_t agent_number(const char *key);
bool agent_has(const char *key);
/* Base64's bytes; valid until the next call. */
const unsigned char *agent_bytes(const char *key, size_t *len);

/* The nth of slots. */
struct json_object *agent_slot(size_t n);

/* Nothing is left verified, nobody logged in; so many VERIFY since the card was put in. */
void agent_assert_idle(unsigned verifies_sent);

/* That of the bench's card. */
const char *agent_card_number(void);

/* Valid until the next call. */
const char *agent_base64(const void *bytes, size_t len);

#endif
