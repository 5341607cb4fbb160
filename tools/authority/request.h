/* A signed request, from its bytes to its answer; exactly one effect, however often it comes. */
#ifndef TWCARD_AUTHORITY_REQUEST_H
#define TWCARD_AUTHORITY_REQUEST_H

#include "tools/authority/authority.h"

/* Fills in the answer: status, body, and what the log says of it. */
void request_answer(struct authority *a, const uint8_t *der, size_t len, struct authority_answer *out);

#endif
