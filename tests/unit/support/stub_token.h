/*
 * A PKCS#11 module in memory, with one reader and one token that has a
 * certificate for everything, its key, and an authorization. It is strict: a
 * call in the wrong state ends the program.
 */
#ifndef TESTS_STUB_TOKEN_H
#define TESTS_STUB_TOKEN_H

#include <stdbool.h>

#include "src/cryptoki.h"

#define STUB_PIN "123456"
#define STUB_READER "Stub Reader"
#define STUB_SERIAL "TP00000000000001"

struct stub_token {
	unsigned logins;   /* C_Login and C_SetPIN, since it was set to 0 */
	bool logged_in;
	unsigned sessions; /* open ones */
};
extern struct stub_token stub_token;

/* Makes the key the first time, which is costly. Aborts if anything fails. */
CK_FUNCTION_LIST *stub_token_module(void);

#endif
