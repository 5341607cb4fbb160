#include "config.h"

#include <stddef.h>

#include <openssl/crypto.h>

#include "src/crypto/context.h"

/* Set and cleared by C_Initialize and C_Finalize only, while no call is inside. */
static OSSL_LIB_CTX *context;

bool crypto_start(void)
{
	context = OSSL_LIB_CTX_new();
	return context != NULL;
}

void crypto_stop(void)
{
	OSSL_LIB_CTX_free(context);
	context = NULL;
}

void crypto_abandon(void)
{
	context = NULL;
}

bool crypto_is_gone(void)
{
	return !OPENSSL_init_crypto(0, NULL);
}

OSSL_LIB_CTX *crypto_context(void)
{
	return context;
}
