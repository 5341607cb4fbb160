/*
 * Mechanisms are rows: what they can be used for, their limits, and what they
 * are made of. Adding one is adding a row.
 */
#ifndef TWCARD_SRC_MECHANISM_H
#define TWCARD_SRC_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>

#include "src/cryptoki.h"
#include "src/crypto/rsa.h"

enum mechanism_family {
	MECHANISM_DIGEST,
	MECHANISM_RSA,    /* the private half is done by the card */
	MECHANISM_HMAC,   /* session secret keys: OpenSSL does the rest */
	MECHANISM_CIPHER,
	MECHANISM_GCM,
	MECHANISM_KEY_GEN,
	MECHANISM_FAMILIES
};

enum param_form {
	PARAMS_NONE,
	PARAMS_PSS,
	PARAMS_OAEP,
	PARAMS_MAC_LENGTH, /* CK_MAC_GENERAL_PARAMS */
	PARAMS_IV,         /* one block */
	PARAMS_CTR,
	PARAMS_GCM
};

struct mechanism {
	CK_MECHANISM_TYPE type;
	const char *name;     /* "SHA256-RSA-PKCS" */
	enum mechanism_family family;
	CK_FLAGS flags;       /* CKF_SIGN …, CKF_HW where the card does the private half */
	CK_ULONG min, max;    /* key sizes: bits for RSA and generic keys, bytes for others */
	enum param_form params;
	const char *hash;     /* OpenSSL's name; NULL: the data are taken as they are */
	CK_MECHANISM_TYPE hash_type;
	enum rsa_padding padding;
	CK_KEY_TYPE key_type; /* ciphers and key generation */
	const char *mode;     /* ciphers: OpenSSL's "ECB", "CBC", "CTR", "GCM" */
	bool pads;            /* ciphers: PKCS#7 */
};

/* NULL: not offered. */
const struct mechanism *mechanism_find(CK_MECHANISM_TYPE type);

/* All rows, in the order of C_GetMechanismList. */
const struct mechanism *mechanism_rows(size_t *count);

#define IV_MAX 128 /* bytes */

/*
 * What row and parameters say. Hashes are the crypto context's; `extra` points
 * to the caller's memory, which is his again when the Init returns.
 */
struct mechanism_params {
	const EVP_MD *hash, *mgf;
	size_t salt_len;      /* PSS */
	const CK_BYTE *extra; /* OAEP's label, GCM's additional data */
	CK_ULONG extra_len;
	uint8_t iv[IV_MAX];
	size_t iv_len;
	size_t mac_len;
	size_t tag_len;       /* GCM, bytes */
	uint64_t most_bytes;  /* that the mechanism may take: CTR's counter must not wrap */
};

/* CKR_MECHANISM_PARAM_INVALID, CKR_FUNCTION_FAILED. */
CK_RV mechanism_parse(const struct mechanism *row, const CK_MECHANISM *m,
		      struct mechanism_params *out);

#endif
