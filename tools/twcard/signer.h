/* Who signed, and what was found out about the signature. */
#ifndef TWCARD_TOOLS_SIGNER_H
#define TWCARD_TOOLS_SIGNER_H

#include <openssl/cms.h>
#include <openssl/x509.h>

#include "tools/twcard/trust.h"

#define SIGNER_PROBLEMS 6

enum signer_ess { SIGNER_ESS_MISSING, SIGNER_ESS_MATCHES, SIGNER_ESS_DIFFERS };

struct signer {
	X509 *x509;           /* owned; NULL: it is not there */
	const char *digest;   /* OpenSSL's name */
	ASN1_TIME *time;      /* when it was signed, as the signer says; owned; NULL: it does not say */
	enum signer_ess ess;  /* signing-certificate: is it this one? */
	bool intact;          /* the data are what was signed with this key */
	enum trust_answer chain;
	const char *problems[SIGNER_PROBLEMS]; /* translated; none: all is good */
	size_t problem_count;
};

/*
 * Looks at one signature of a message; `data`: the chain of BIOs that the
 * content has gone through. To be cleared.
 */
void signer_check(CMS_ContentInfo *cms, CMS_SignerInfo *info, BIO *data, const struct trust *trust,
		  struct signer *out);
void signer_clear(struct signer *signer);

/* Also NULL is said. Texts are translated ones that stay. */
void signer_add_problem(struct signer *signer, const char *problem);

/* Sets signer->chain, and what is wrong with it. */
void signer_check_chain(struct signer *signer, const struct trust *trust, STACK_OF(X509) *extra);

#endif
