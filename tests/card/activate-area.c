/*
 * activate-area PIN - makes the data area of the only card there is, as the
 * issuer's authority would, with twcard-virtual's usual key.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "src/token/data_area.h"
#include "tools/twcard/card.h"

static enum result authority(void *context, const uint8_t challenge[CARD_CHALLENGE_SIZE],
			     uint8_t cryptogram[CARD_CRYPTOGRAM_SIZE])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t key[16];
	const uint8_t iv[8] = {0};
	int n = 0, rest = 0;
	bool ok;

	(void)context;
	for (unsigned i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)(0x40 + i);
	ok = ctx && EVP_EncryptInit_ex(ctx, EVP_des_ede_cbc(), NULL, key, iv) == 1 &&
	     EVP_EncryptUpdate(ctx, cryptogram, &n, challenge, CARD_CHALLENGE_SIZE) == 1 &&
	     EVP_EncryptFinal_ex(ctx, cryptogram + n, &rest) == 1 && n + rest == CARD_CRYPTOGRAM_SIZE;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? RESULT_OK : RESULT_CRYPTO;
}

int main(int argc, char **argv)
{
	enum result r = argc == 2 ? cards_begin() : RESULT_ARGUMENT;
	struct slot *slot;
	int tries;

	if (r == RESULT_OK)
		r = cards_count() ? RESULT_OK : RESULT_NO_READER;
	if (r == RESULT_OK) {
		slot = cards_slot(0);
		r = slot_touch(slot);
		if (r == RESULT_OK) {
			struct slot_token info;

			r = slot_token_info(slot, &info);
		}
		if (r == RESULT_OK)
			r = token_login(&slot->token, (const uint8_t *)argv[1], strlen(argv[1]), &tries);
		if (r == RESULT_OK)
			r = data_area_activate(slot, authority, NULL);
		card_logout(slot);
		card_leave(slot);
	}
	fprintf(stderr, "activate-area: %s\n", result_text(r));
	cards_end();
	return r == RESULT_OK ? 0 : 1;
}
