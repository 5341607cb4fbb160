/*
 * The Cryptoki calls on operations by the shape of their arguments. What
 * arguments may be, and that wrong ones end the operation, is said here once.
 */
#ifndef TWCARD_SRC_ABI_OPERATE_H
#define TWCARD_SRC_ABI_OPERATE_H

#include "src/operation/operation.h"

/* C_…Init. A NULL mechanism ends the operation. */
CK_RV operate_init(const char *function, CK_SESSION_HANDLE session, enum operation_kind kind,
		   CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);

/* Bytes in: C_DigestUpdate, C_SignUpdate, C_VerifyUpdate. */
CK_RV operate_update(const char *function, CK_SESSION_HANDLE session, enum operation_kind kind,
		     const CK_BYTE *in, CK_ULONG len);

/* Bytes in, bytes out, NULL asks for the length: C_Digest, C_Sign … */
CK_RV operate_single(const char *function, CK_SESSION_HANDLE session, enum operation_kind kind,
		     const CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len);

/* The same: C_EncryptUpdate, C_DecryptUpdate. */
CK_RV operate_transform(const char *function, CK_SESSION_HANDLE session, enum operation_kind kind,
			const CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len);

/* The same with two operations: C_DigestEncryptUpdate … */
CK_RV operate_dual(const char *function, CK_SESSION_HANDLE session, enum operation_kind kind,
		   enum operation_kind other, const CK_BYTE *in, CK_ULONG len, CK_BYTE *out,
		   CK_ULONG *out_len);

/* Bytes out: C_DigestFinal, C_SignFinal, C_EncryptFinal, C_DecryptFinal. */
CK_RV operate_final(const char *function, CK_SESSION_HANDLE session, enum operation_kind kind,
		    CK_BYTE *out, CK_ULONG *out_len);

#endif
