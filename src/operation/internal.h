/* What the files of the operations share: operation.c, op_sign.c, op_crypt.c, op_key.c. */
#ifndef TWCARD_SRC_OPERATION_INTERNAL_H
#define TWCARD_SRC_OPERATION_INTERNAL_H

#include "src/operation/mechanism.h"
#include "src/token/object.h"
#include "src/operation/operation.h"
#include "src/session/session.h"

#define RSA_DATA_MAX 1024 /* bytes: the longest modulus of a session public key */

/* What a key is wanted for; the first ones are the operations themselves. */
enum key_use { USE_WRAP = OPERATION_KINDS, USE_UNWRAP, KEY_USES };

/* The operation of the kind, if it is active. */
struct operation *operation_active(struct session *s, enum operation_kind kind);

/*
 * Fills a fresh operation for the use (an operation_kind or key_use); leaves
 * it empty on any error.
 */
CK_RV operation_begin(struct session *s, struct operation *op, unsigned use, const CK_MECHANISM *m,
		      CK_OBJECT_HANDLE key);

/* Feeds digest, HMAC, or the buffer of what needs all at once. */
CK_RV operation_feed(struct operation *op, const CK_BYTE *data, CK_ULONG len);

/* Ends the operation if its session still lives (a card may have left with it); answers rv. */
CK_RV operation_finish(struct session *s, enum operation_kind kind, CK_RV rv);

enum room { ROOM_ENOUGH, ROOM_ASKED, ROOM_TOO_SMALL };

/* PKCS#11 5.2 on output to the caller's buffer; sets *out_len unless there is room. */
enum room operation_room(const CK_BYTE *out, CK_ULONG *out_len, size_t need);

/* CKR_OK for ROOM_ASKED, CKR_BUFFER_TOO_SMALL for ROOM_TOO_SMALL. */
CK_RV operation_room_rv(enum room room);

/* The card's part, with op->key. The key may have gone with the login since the Init. */
CK_RV operation_private(struct session *s, const struct operation *op, const uint8_t in[RSA_BLOCK],
			uint8_t out[RSA_BLOCK]);

/* The public half of op->key for OpenSSL; the caller frees it. */
CK_RV operation_public(struct session *s, const struct operation *op, EVP_PKEY **out);

/*
 * Encrypts or decrypts what the operation was fed and what the cipher still
 * holds; appends to out. op->encrypts says which way.
 */
CK_RV crypt_finish(struct session *s, struct operation *op, struct buffer *out);

/* Feeds a cipher or the buffer of an RSA operation; appends what comes out. */
CK_RV crypt_feed(struct operation *op, const CK_BYTE *data, CK_ULONG len, struct buffer *out);

/* Starts op->cipher with the key's bytes. */
CK_RV crypt_begin_cipher(struct operation *op, const struct buffer *key, bool encrypts);

#endif
