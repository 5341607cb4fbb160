/* Making secret keys: generated here, or wrapped and unwrapped by other keys. */
#ifndef TWCARD_SRC_OP_KEY_H
#define TWCARD_SRC_OP_KEY_H

#include "src/session/session.h"

CK_RV key_generate(struct session *s, const CK_MECHANISM *m, const CK_ATTRIBUTE *template,
		   CK_ULONG count, CK_OBJECT_HANDLE *key);

/* out NULL asks for the length. CKR_KEY_UNEXTRACTABLE, CKR_KEY_NOT_WRAPPABLE. */
CK_RV key_wrap(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE wrapping,
	       CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *out_len);

CK_RV key_unwrap(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE unwrapping,
		 const CK_BYTE *wrapped, CK_ULONG len, const CK_ATTRIBUTE *template,
		 CK_ULONG count, CK_OBJECT_HANDLE *key);

#endif
