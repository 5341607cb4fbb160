#include "config.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "src/crypto/certificate.h"
#include "src/crypto/context.h"

enum result certificate_parse(const uint8_t *der, size_t len, X509 **out, size_t *used)
{
	const unsigned char *p = der;
	X509 *x = X509_new_ex(crypto_context(), NULL);

	*out = NULL;
	if (!x)
		return RESULT_NO_MEMORY;
	ERR_set_mark();
	*out = d2i_X509(&x, &p, len > LONG_MAX ? LONG_MAX : (long)len); /* frees it if it is none */
	ERR_pop_to_mark();
	if (*out && used)
		*used = (size_t)(p - der);
	return *out ? RESULT_OK : RESULT_BAD_DATA;
}
