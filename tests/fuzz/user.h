/*
 * What a program does with the module, for fuzz targets: it lists a token and
 * reads all of it, logs in, signs and decrypts. Whatever the card answers, each
 * call keeps to its buffers, and lengths and values fit each other.
 */
#ifndef TESTS_FUZZ_USER_H
#define TESTS_FUZZ_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/cryptoki.h"

#define USER_OBJECTS_MAX 2000
#define USER_DIGEST 32

/* What a program has seen of a token. */
struct listing {
	bool whole; /* no call failed */
	size_t count;
	uint8_t digest[USER_DIGEST]; /* of all values of all objects, in their order */
};

/* C_Initialize, and a session with the first token; 0: there is none that can be used. */
CK_SESSION_HANDLE user_start(void);
/* Another session, while the module goes on. */
CK_SESSION_HANDLE user_begin_session(void);
/* C_Finalize, which must work. */
void user_stop(void);

/* Reads token, mechanisms, objects and all their attributes. */
void user_list(CK_SESSION_HANDLE session, struct listing *out);
/* The same with what matters most of each object: a tenth of the time. */
void user_glance(CK_SESSION_HANDLE session, struct listing *out);

/*
 * C_Login with the right PIN. At most one VERIFY comes of it; a login that
 * failed leaves nothing verified on the card.
 */
CK_RV user_login(CK_SESSION_HANDLE session);
/* C_Logout, after which nothing is verified on the card. */
void user_logout(CK_SESSION_HANDLE session);

/*
 * Signs with each private key that says it can, and decrypts. True: all of it
 * worked. A result that is given is right, if what was read of the card was true.
 */
bool user_sign(CK_SESSION_HANDLE session);
bool user_decrypt(CK_SESSION_HANDLE session);

#endif
