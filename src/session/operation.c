#include "config.h"

#include <string.h>

#include <openssl/evp.h>

#include "src/session/operation.h"

void operation_end(struct operation *op)
{
	EVP_MD_CTX_free(op->digest);
	EVP_MAC_CTX_free(op->mac);
	EVP_CIPHER_CTX_free(op->cipher);
	EVP_MD_free(op->hash);
	EVP_MD_free(op->mgf);
	buffer_clear(&op->iv);
	buffer_clear(&op->label);
	buffer_clear(&op->data);
	buffer_clear(&op->result);
	memset(op, 0, sizeof *op);
}

void operations_end(struct operation ops[OPERATION_KINDS])
{
	for (size_t i = 0; i < OPERATION_KINDS; i++)
		operation_end(&ops[i]);
}
