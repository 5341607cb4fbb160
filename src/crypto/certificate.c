#include "config.h"

#include <limits.h>

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "src/crypto/certificate.h"
#include "src/crypto/context.h"

/* Want of memory says nothing of the bytes; neither does a refusal without a word. */
static enum result refusal(bool alone)
{
	const unsigned long cause = crypto_cause(alone);

	if (ERR_GET_REASON(cause) == ERR_R_MALLOC_FAILURE)
		return RESULT_NO_MEMORY;
	return cause ? RESULT_BAD_DATA : RESULT_CRYPTO;
}

enum result certificate_parse(const uint8_t *der, size_t len, X509 **out, size_t *used)
{
	const unsigned char *p = der;
	const bool alone = ERR_peek_error() == 0;
	enum result r;
	X509 *x;

	*out = NULL;
	ERR_set_mark();
	x = X509_new_ex(crypto_context(), NULL);
	/* not d2i_X509(), which goes on to judge extensions */
	if (x && ASN1_item_d2i_ex((ASN1_VALUE **)&x, &p, len > LONG_MAX ? LONG_MAX : (long)len,
				  ASN1_ITEM_rptr(X509), crypto_context(), NULL))
		*out = x;
	else
		X509_free(x);
	r = *out ? RESULT_OK : refusal(alone);
	ERR_pop_to_mark();
	if (*out && used)
		*used = (size_t)(p - der);
	return r;
}
