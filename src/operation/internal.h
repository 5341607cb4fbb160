/* What the files of the operations share. */
#ifndef TWCARD_SRC_OPERATION_INTERNAL_H
#define TWCARD_SRC_OPERATION_INTERNAL_H

#include "src/object/template.h"
#include "src/operation/mechanism.h"
#include "src/operation/operation.h"
#include "src/session/session.h"
#include "src/token/object.h"

/* What a key is wanted for; the first ones are the operations themselves. */
enum key_use { USE_WRAP = OPERATION_KINDS, USE_UNWRAP, KEY_USES };

/* digest.c, hmac.c, cipher.c, gcm.c, rsa.c */
extern const struct family digest_family, hmac_family;
extern const struct family cipher_encrypts, cipher_decrypts, cipher_unwraps;
extern const struct family gcm_encrypts, gcm_decrypts;
extern const struct family rsa_signs, rsa_verifies, rsa_encrypts, rsa_decrypts, rsa_recovers,
	rsa_unwraps;

/* ---- keys (keys.c) ---- */

/*
 * What is taken of a key when an operation begins: no operation looks at a
 * session object later, so it may go while the operation lasts.
 */
struct operation_key {
	bool is_private;       /* wants a login */
	bool of_card;
	struct buffer value;   /* a secret key's bytes */
	struct buffer modulus, exponent; /* a session's public key */
};

/* A key that may be used like that with the mechanism, or why not. Empty on any error. */
CK_RV key_take(struct session *s, const struct mechanism *row, CK_OBJECT_HANDLE handle,
	       unsigned use, struct operation_key *out);

/* Copies the bytes of a secret key; `may` says whether it may be used for that. */
CK_RV key_take_value(struct session *s, CK_OBJECT_HANDLE handle,
		     CK_RV (*may)(const struct object *key), struct buffer *out);

void key_clear(struct operation_key *key);

/* False: mechanisms with these flags are not for that use. */
bool key_use_fits(unsigned use, CK_FLAGS flags);

/* ---- beginning (begin.c) ---- */

/* Fills a fresh operation for the use; leaves it empty on any error. Touches no card. */
CK_RV operation_begin(struct session *s, struct operation *op, unsigned use, const CK_MECHANISM *m,
		      CK_OBJECT_HANDLE key);

/* ---- output (operation.c) ---- */

/*
 * PKCS#11 5.2 on output to the caller's buffer. True if there is room for
 * `need`; otherwise *out_len is set and *rv is what the call answers.
 */
bool output_has_room(const CK_BYTE *out, CK_ULONG *out_len, size_t need, CK_RV *rv);

/* Copies the whole result out, or says as above how long it is. */
CK_RV output_deliver(const struct buffer *result, CK_BYTE *out, CK_ULONG *out_len);

/* ---- shared by the ciphers (cipher.c) ---- */

/* Starts op->cipher with the key's bytes and the parameters. */
CK_RV cipher_begin_encrypting(struct operation *op, const struct operation_key *key,
			      const struct mechanism_params *params);
CK_RV cipher_begin_decrypting(struct operation *op, const struct operation_key *key,
			      const struct mechanism_params *params);
size_t cipher_stream_len(const struct operation *op, CK_ULONG len);
CK_RV cipher_stream(struct operation *op, const CK_BYTE *in, CK_ULONG len, CK_BYTE *out);
/* The last bytes into the cipher and all that is left out of it. */
CK_RV cipher_finish(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		    CK_BYTE *out, size_t *out_len);
void cipher_end(struct operation *op);

/* Puts bytes into op->data, for families that need all at once. */
CK_RV operation_collect(struct operation *op, const CK_BYTE *in, CK_ULONG len);

/* ---- unwrapping (key.c) ---- */

#define UNWRAPPED_MAX (TEMPLATE_SECRET_MAX + 16) /* bytes: the longest key and a block of padding */

/*
 * What a wrapping gave. `bad` is a mask, not a truth: all ones if the padding
 * was wrong. Nobody branches on it before the end, and `value` holds something
 * in any case.
 */
struct unwrapped {
	uint8_t value[UNWRAPPED_MAX];
	size_t len;
	size_t bad;
};

#endif
