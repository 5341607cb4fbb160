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

/*
 * Reads the data, then asks the card. EXIT_INTERNAL: OpenSSL, the file or the
 * card failed (job->key->code says), the user may not have been told. EXIT_FILE: reading.
 */
enum exit_code sign_cms(const struct sign_job *job);

/* The same for the bare signature of the key's length. */
enum exit_code sign_raw(const struct sign_job *job);

#endif
