/*
 * What an operation does: the calls of PKCS#11 on operations, without the
 * checks that all entry points share (src/abi).
 */
#ifndef TWCARD_SRC_OPERATION_OPERATION_H
#define TWCARD_SRC_OPERATION_OPERATION_H

#include "src/session/session.h"

/*
 * Arguments are not NULL except where NULL asks for a length. Operations end
 * as PKCS#11 5.2 says: with their result and with every error, but not with a
 * question for a length or CKR_BUFFER_TOO_SMALL.
 */

bool operation_active(const struct session *s, enum operation_kind kind);

/* m NULL ends an active operation of the kind (3.0, 5.8.1 and others). */
CK_RV operation_init(struct session *s, enum operation_kind kind, const CK_MECHANISM *m,
		     CK_OBJECT_HANDLE key);

/* C_Digest, C_Sign, C_Encrypt …, the recovering ones: all in one call, and not after an update. */
CK_RV operation_single(struct session *s, enum operation_kind kind, const CK_BYTE *in,
		       CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len);

/* C_DigestUpdate, C_SignUpdate, C_VerifyUpdate: nothing comes out. */
CK_RV operation_update(struct session *s, enum operation_kind kind, const CK_BYTE *in,
		       CK_ULONG len);

/* C_EncryptUpdate, C_DecryptUpdate. */
CK_RV operation_transform(struct session *s, enum operation_kind kind, const CK_BYTE *in,
			  CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len);

/* C_DigestEncryptUpdate and the like: `kind` transforms, `other` is fed with the plaintext. */
CK_RV operation_dual(struct session *s, enum operation_kind kind, enum operation_kind other,
		     const CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len);

/* C_DigestFinal, C_SignFinal, C_EncryptFinal, C_DecryptFinal. */
CK_RV operation_final(struct session *s, enum operation_kind kind, CK_BYTE *out,
		      CK_ULONG *out_len);

CK_RV verify_final(struct session *s, const CK_BYTE *signature, CK_ULONG len);
CK_RV verify_single(struct session *s, const CK_BYTE *data, CK_ULONG len,
		    const CK_BYTE *signature, CK_ULONG signature_len);

CK_RV digest_key(struct session *s, CK_OBJECT_HANDLE key);

#endif
