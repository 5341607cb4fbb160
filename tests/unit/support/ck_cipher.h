/*
 * Ciphers of session keys: one row for each, its parameter for a key of the
 * test, the same done by OpenSSL in one call, and by the module in parts.
 */
#ifndef TESTS_CK_CIPHER_H
#define TESTS_CK_CIPHER_H

#include "ck_objects.h"

#define CK_TEXT_MAX 320 /* bytes; ciphertexts are up to CK_CIPHER_MAX */
#define CK_CIPHER_MAX (CK_TEXT_MAX + 32)

struct ck_cipher {
	const char *name;
	CK_MECHANISM_TYPE mechanism;
	CK_KEY_TYPE key_type;
	size_t key_len;
	const char *openssl; /* its name for it */
	size_t block;        /* whole blocks only, unless it pads; 1: any length */
	bool pads;
	size_t tag;          /* GCM: bytes */
};

extern const struct ck_cipher ck_ciphers[];
extern const size_t ck_cipher_count;

/* With its parameter, which stays the row's. Valid until the next call. */
CK_MECHANISM *ck_mechanism(const struct ck_cipher *c);

/* The row's key as a session object. */
CK_OBJECT_HANDLE ck_cipher_key(CK_SESSION_HANDLE session, const struct ck_cipher *c);

/* What is encrypted in the tests: bytes that all differ from their neighbours. */
const unsigned char *ck_text(void);

/* OpenSSL's ciphertext of the first len bytes of ck_text(), its tag behind it; the length. */
size_t ck_reference(const struct ck_cipher *c, size_t len, unsigned char out[CK_CIPHER_MAX]);

/* True if the cipher takes that many bytes. */
bool ck_takes(const struct ck_cipher *c, size_t len);

enum ck_way { CK_ENCRYPT, CK_DECRYPT };

CK_RV ck_init(enum ck_way way, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
	      CK_OBJECT_HANDLE key);
CK_RV ck_single(enum ck_way way, CK_SESSION_HANDLE session, const unsigned char *in, size_t len,
		unsigned char *out, CK_ULONG *out_len);
CK_RV ck_update(enum ck_way way, CK_SESSION_HANDLE session, const unsigned char *in, size_t len,
		unsigned char *out, CK_ULONG *out_len);
CK_RV ck_final(enum ck_way way, CK_SESSION_HANDLE session, unsigned char *out, CK_ULONG *out_len);

/*
 * Updates of `part` bytes and a final, each into a buffer of exactly the
 * length that was told before. The first error, or CKR_OK.
 */
CK_RV ck_in_parts(enum ck_way way, CK_SESSION_HANDLE session, const unsigned char *in, size_t len,
		  size_t part, unsigned char *out, size_t *out_len);

#endif
