/* What the files of src/token share. */
#ifndef TWCARD_SRC_TOKEN_INTERNAL_H
#define TWCARD_SRC_TOKEN_INTERNAL_H

#include "src/token/token.h"

#define KEY_BYTES (CARD_MODULUS_SIZE + 4) /* of a public key on the disk */

void key_to_bytes(const struct rsa_public *key, uint8_t out[KEY_BYTES]);
/* False: not such bytes, or a key with another exponent than all seen ones have. */
bool key_from_bytes(const struct buffer *bytes, struct rsa_public *out);

/* What is known of a key's public half, whatever its origin; NULL: nothing. */
struct public_key *token_known_key(const struct token *t, unsigned key_ref);

/* In the place of what was known; a copy. NULL: too many. Under the lock, with the turn. */
struct public_key *token_put_key(struct token *t, const struct public_key *key);

/* Errors after which nothing more can be asked of the card in this call. */
#define SENDS_CARD_AWAY(r)                                                                         \
	((r) == RESULT_CARD_REMOVED || (r) == RESULT_CARD_MUTE || (r) == RESULT_NO_READER ||       \
	 (r) == RESULT_NO_SERVICE || (r) == RESULT_CARD_RESET || (r) == RESULT_NO_MEMORY)

/* The RSA-2048 key in a certificate. RESULT_BAD_DATA: it is none, or has another key. */
MUST_USE enum result token_certificate_key(const struct buffer *der, struct rsa_public *out);

/* True if the result undoes with the key's public half, which is known (token_public_key). */
bool token_result_undoes(struct token *t, const struct object *key,
			 const uint8_t in[CARD_MODULUS_SIZE], const uint8_t out[CARD_MODULUS_SIZE]);

#endif
