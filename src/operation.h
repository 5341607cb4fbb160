/*
 * An operation in a session: initialised with a mechanism and a key, fed, and
 * finished. One table row a mechanism (mechanism.h) says what happens.
 */
#ifndef TWCARD_SRC_OPERATION_H
#define TWCARD_SRC_OPERATION_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include "apdu/buffer.h"
#include "src/cryptoki.h"
#include "src/rsa.h"

struct session;
struct mechanism;

enum operation_kind {
	OPERATION_DIGEST,
	OPERATION_SIGN,
	OPERATION_VERIFY,
	OPERATION_DECRYPT,
	OPERATION_KINDS
};

struct operation {
	const struct mechanism *mechanism; /* NULL: not active */
	CK_OBJECT_HANDLE key;
	EVP_MD *hash, *mgf;     /* fetched; owned */
	EVP_MD_CTX *digest;     /* of mechanisms that hash; owned */
	struct buffer data;     /* what mechanisms that do not hash were fed */
	struct buffer label;    /* OAEP */
	struct rsa_scheme scheme;
	bool fed;               /* an …Update was called: a single-part call comes too late */
};

/* Wipes and frees; not active then. */
void operation_end(struct operation *op);

CK_RV digest_init(struct session *s, const CK_MECHANISM *m);
CK_RV digest_update(struct session *s, const CK_BYTE *data, CK_ULONG len);
CK_RV digest_final(struct session *s, CK_BYTE *out, CK_ULONG *out_len);
CK_RV digest_single(struct session *s, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
		    CK_ULONG *out_len);

CK_RV sign_init(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE key);
CK_RV sign_update(struct session *s, const CK_BYTE *data, CK_ULONG len);
CK_RV sign_final(struct session *s, CK_BYTE *out, CK_ULONG *out_len);
CK_RV sign_single(struct session *s, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
		  CK_ULONG *out_len);

CK_RV verify_init(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE key);
CK_RV verify_update(struct session *s, const CK_BYTE *data, CK_ULONG len);
CK_RV verify_final(struct session *s, const CK_BYTE *signature, CK_ULONG len);
CK_RV verify_single(struct session *s, const CK_BYTE *data, CK_ULONG len,
		    const CK_BYTE *signature, CK_ULONG signature_len);

CK_RV decrypt_init(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE key);
CK_RV decrypt_update(struct session *s, const CK_BYTE *data, CK_ULONG len, CK_ULONG *out_len);
CK_RV decrypt_final(struct session *s, CK_BYTE *out, CK_ULONG *out_len);
CK_RV decrypt_single(struct session *s, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
		     CK_ULONG *out_len);

#endif
