/* What the files of src/token share. */
#ifndef TWCARD_SRC_TOKEN_INTERNAL_H
#define TWCARD_SRC_TOKEN_INTERNAL_H

#include "src/token/token.h"

/* Errors after which nothing more can be asked of the card in this call. */
#define SENDS_CARD_AWAY(r)                                                                         \
	((r) == RESULT_CARD_REMOVED || (r) == RESULT_CARD_MUTE || (r) == RESULT_NO_READER ||       \
	 (r) == RESULT_NO_SERVICE || (r) == RESULT_CARD_RESET || (r) == RESULT_NO_MEMORY)

/* The RSA-2048 key in a certificate. RESULT_BAD_DATA: it is none, or has another key. */
MUST_USE enum result token_certificate_key(const struct buffer *der, struct rsa_public *out);

/* True if the result undoes with the key's public half, which is known (token_public_key). */
bool token_result_undoes(struct token *t, const struct object *key,
			 const uint8_t in[CARD_MODULUS_SIZE], const uint8_t out[CARD_MODULUS_SIZE]);

/* Frees what was computed from the keys. */
void token_forget_checks(struct token *t);

#endif
