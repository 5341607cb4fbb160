/*
 * What an operation does: the calls of PKCS#11 on operations, without the
 * checks that all entry points share (src/abi).
 */
#ifndef TWCARD_SRC_OPERATION_OPERATION_H
#define TWCARD_SRC_OPERATION_OPERATION_H

#include "src/session/session.h"

/*
 * The calls of PKCS#11 by their names. Arguments are not NULL except where
 * NULL asks for a length; operations end as PKCS#11 5.2 says.
 */
CK_RV operation_init(struct session *s, enum operation_kind kind, const CK_MECHANISM *m,
		     CK_OBJECT_HANDLE key);

CK_RV digest_update(struct session *s, const CK_BYTE *data, CK_ULONG len);
CK_RV digest_key(struct session *s, CK_OBJECT_HANDLE key);
CK_RV digest_final(struct session *s, CK_BYTE *out, CK_ULONG *out_len);
CK_RV digest_single(struct session *s, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
		    CK_ULONG *out_len);

CK_RV sign_update(struct session *s, const CK_BYTE *data, CK_ULONG len);
CK_RV sign_final(struct session *s, CK_BYTE *out, CK_ULONG *out_len);
/* kind: OPERATION_SIGN or OPERATION_SIGN_RECOVER */
CK_RV sign_single(struct session *s, enum operation_kind kind, const CK_BYTE *data, CK_ULONG len,
		  CK_BYTE *out, CK_ULONG *out_len);

CK_RV verify_update(struct session *s, const CK_BYTE *data, CK_ULONG len);
CK_RV verify_final(struct session *s, const CK_BYTE *signature, CK_ULONG len);
CK_RV verify_single(struct session *s, const CK_BYTE *data, CK_ULONG len,
		    const CK_BYTE *signature, CK_ULONG signature_len);
CK_RV verify_recover(struct session *s, const CK_BYTE *signature, CK_ULONG len, CK_BYTE *out,
		     CK_ULONG *out_len);

/* kind: OPERATION_ENCRYPT or OPERATION_DECRYPT */
CK_RV crypt_update(struct session *s, enum operation_kind kind, const CK_BYTE *data, CK_ULONG len,
		   CK_BYTE *out, CK_ULONG *out_len);
CK_RV crypt_final(struct session *s, enum operation_kind kind, CK_BYTE *out, CK_ULONG *out_len);
CK_RV crypt_single(struct session *s, enum operation_kind kind, const CK_BYTE *data, CK_ULONG len,
		   CK_BYTE *out, CK_ULONG *out_len);

#endif
