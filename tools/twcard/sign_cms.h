/* A CMS signature with the attributes of CAdES-BES (ETSI EN 319 122-1), made by the card's key. */
#ifndef TWCARD_TOOLS_SIGN_CMS_H
#define TWCARD_TOOLS_SIGN_CMS_H

#include <stdio.h>

#include "tools/twcard/card_key.h"
#include "tools/twcard/cms_file.h"

struct sign_job {
	const EVP_MD *digest;
	bool pss;      /* instead of PKCS#1 v1.5 */
	bool attached; /* the data are inside */
	enum cms_encoding encoding;
	struct card_key *key;
	struct stream_in *in;
	const char *name; /* of the data, for S/MIME */
	FILE *file;       /* gets the signature */
};

/* Who signs; nothing is owned. */
struct sign_cms_signer {
	EVP_PKEY *pkey;
	X509 *x509;
	STACK_OF(X509) *others; /* for the chain; NULL: none */
	const EVP_MD *digest;
	bool pss;
};

/*
 * A message with its signer and the chain, that waits for its content. flags:
 * CMS_DETACHED, CMS_NOSMIMECAP. NULL: OpenSSL failed. Owned by the caller.
 */
CMS_ContentInfo *sign_cms_new(const struct sign_cms_signer *by, unsigned flags);

/*
 * Reads the data, then asks the card. EXIT_INTERNAL: OpenSSL, the file or the
 * card failed (job->key->code says), the user may not have been told. EXIT_FILE: reading.
 */
enum exit_code sign_cms(const struct sign_job *job);

/* The same for the bare signature of the key's length. */
enum exit_code sign_raw(const struct sign_job *job);

#endif
