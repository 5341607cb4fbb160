/*
 * Calls of every kind, for programs that refuse the module something in the
 * middle of them: each is right, or says that it is not.
 */
#ifndef TESTS_EVERY_CALL_H
#define TESTS_EVERY_CALL_H

#include "testcard.h"

/* Makes a call as often as it wants: prepare() before each, undo() after each that answers CKR_OK. */
typedef void repeat_call(const char *name, void (*prepare)(void), CK_RV (*call)(void),
			 void (*undo)(void));

/* From C_Initialize to C_Finalize, with a card of that generation in the reader. */
void every_call(int generation, repeat_call *repeat);

#endif
