/* Checks that the Cryptoki entry points share. */
#ifndef TWCARD_SRC_ABI_H
#define TWCARD_SRC_ABI_H

#include <stdbool.h>
#include <stddef.h>

#include "src/session/session.h"

/* A pointer, unless there is nothing to point to, and a length that is one. */
bool abi_is_bytes(const void *data, CK_ULONG len);

/*
 * No -1, which a question that failed leaves for a length, nor another negative number;
 * where a CK_ULONG is as wide as a pointer, memory can hold that many.
 */
bool abi_is_count(CK_ULONG count, size_t size);

/* The same for a template and for each value in it. */
bool abi_is_template(const CK_ATTRIBUTE *template, CK_ULONG count);

/*
 * Wrong arguments to a call that would have ended the operation end it
 * (PKCS#11 5.2). CKR_ARGUMENTS_BAD, or CKR_OPERATION_NOT_INITIALIZED.
 */
CK_RV abi_refuse(struct session *s, enum operation_kind kind);

/* C_Login, for whichever function was called to log in. */
CK_RV abi_login(const char *function, CK_SESSION_HANDLE handle, CK_USER_TYPE user,
		const unsigned char *pin, CK_ULONG len);

#endif
