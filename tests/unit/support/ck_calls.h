/*
 * Every function of PKCS#11 3.0 called once, with arguments that are in order
 * as far as that goes without a token: for what all of them have in common.
 */
#ifndef TESTS_CK_CALLS_H
#define TESTS_CK_CALLS_H

#include "testcard.h"

enum ck_call_kind {
	CK_CALL_FREE,    /* works before C_Initialize */
	CK_CALL_LIBRARY, /* neither slot nor session */
	CK_CALL_SLOT,    /* the handle is a slot id */
	CK_CALL_SESSION, /* the handle is a session's */
	CK_CALL_MESSAGE  /* a session's, but no such function is supported */
};

struct ck_call {
	const char *name;
	enum ck_call_kind kind;
	CK_RV (*call)(CK_ULONG handle);
};

extern const struct ck_call ck_calls[];
extern const size_t ck_call_count;

#endif
