#include "config.h"

#include <openssl/crypto.h>

#include "src/session/operation.h"

void operation_end(struct operation *op)
{
	if (op->family)
		op->family->end(op);
	buffer_clear(&op->data);
	buffer_clear(&op->result);
	OPENSSL_cleanse(op, sizeof *op);
}

void operations_end(struct operation ops[OPERATION_KINDS])
{
	for (size_t i = 0; i < OPERATION_KINDS; i++)
		operation_end(&ops[i]);
}
