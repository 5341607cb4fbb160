/*
 * Mechanisms are rows: what they can be used for, their limits, and what they
 * are made of. Adding one is adding a row.
 */
#ifndef TWCARD_SRC_MECHANISM_H
#define TWCARD_SRC_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>

#include "src/cryptoki.h"
#include "src/operation.h"
#include "src/rsa.h"

enum mechanism_family {
	MECHANISM_DIGEST,
	MECHANISM_RSA /* the private half is done by the card */
};

struct mechanism {
	CK_MECHANISM_TYPE type;
	const char *name;     /* "SHA256-RSA-PKCS" */
	enum mechanism_family family;
	CK_FLAGS flags;       /* CKF_SIGN …, CKF_HW where the card does the private half */
	CK_ULONG min, max;    /* key sizes in bits; 0 where there is no key */
	enum rsa_padding padding;
	const char *hash;     /* OpenSSL's name; NULL: the data are taken as they are */
	CK_MECHANISM_TYPE hash_type;
	bool has_params;      /* PSS or OAEP parameters are required, otherwise none allowed */
};

/* NULL: not offered. */
const struct mechanism *mechanism_find(CK_MECHANISM_TYPE type);

/* All rows, in the order of C_GetMechanismList. */
const struct mechanism *mechanism_rows(size_t *count);

/*
 * Checks the parameters and sets op->hash, mgf, label and scheme from row and
 * parameters. CKR_MECHANISM_PARAM_INVALID, CKR_HOST_MEMORY, CKR_FUNCTION_FAILED.
 */
CK_RV mechanism_prepare(const struct mechanism *row, const CK_MECHANISM *m, OSSL_LIB_CTX *libctx,
			struct operation *op);

#endif
