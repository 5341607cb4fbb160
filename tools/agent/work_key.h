/*
 * A private key behind the module, as OpenSSL takes it. Signatures go to it
 * with CKM_RSA_PKCS, which every module has; keys of any size.
 */
#ifndef TWCARD_AGENT_WORK_KEY_H
#define TWCARD_AGENT_WORK_KEY_H

#include "tools/agent/work_internal.h"

/* Stays where it is as long as the EVP_PKEY is used. */
struct work_key {
	struct work *w;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE object;
	CK_RV rv; /* of the last operation */
};

/* Of the certificate's key. NULL: out of memory. Owned by the caller. */
EVP_PKEY *work_key_new(const X509 *x509, struct work_key *key);

/* `out` has *out_len bytes, which becomes what is there. The data become a block as PKCS#1 v1.5 has it. */
CK_RV work_key_sign(struct work_key *key, const unsigned char *data, size_t len, unsigned char *out,
		    size_t *out_len);

/* mechanism: CKM_RSA_PKCS or CKM_RSA_X_509. */
CK_RV work_key_decrypt(struct work_key *key, CK_MECHANISM_TYPE mechanism, const unsigned char *data,
		       size_t len, unsigned char *out, size_t *out_len);

#endif
