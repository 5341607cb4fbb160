/* PKCS#7 (CMS) as pages ask for it: the data inside, and attributes if any are asked for. */
#ifndef TWCARD_AGENT_WORK_CMS_H
#define TWCARD_AGENT_WORK_CMS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

struct work_cms {
	EVP_PKEY *pkey; /* the card's */
	X509 *x509;
	const EVP_MD *digest;
	bool with_cert;         /* the signer's certificate is inside */
	bool with_time;
	const char *card_number;/* NULL: not inside */
	const char *nonce;      /* NULL: none */
};

/*
 * Signs, and verifies what came out. *out is owned by the caller:
 * OPENSSL_free(). WORK_OK, WORK_SIGN_CARD (the key, or OpenSSL before it),
 * WORK_SIGN_ENCODE, WORK_SIGN_VERIFY.
 */
unsigned work_cms_sign(const struct work_cms *how, const void *data, size_t len, unsigned char **out,
		       size_t *out_len);

#endif
