/*
 * broken_module - a PKCS#11 module that goes wrong in C_Initialize: what does `make bench` say of it?
 * It ends its process, or with TWCARD_BROKEN=hang never answers.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

static CK_RV go_wrong(void *args)
{
	const char *how = getenv("TWCARD_BROKEN");

	(void)args;
	while (how != NULL && strcmp(how, "hang") == 0)
		pause();
	abort();
}

static CK_FUNCTION_LIST functions = {.version = {2, 40}, .C_Initialize = go_wrong};

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	*list = &functions;
	return CKR_OK;
}
