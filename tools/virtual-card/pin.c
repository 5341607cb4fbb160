/* pin.c - the user PIN: comparison, try counter, and the gen-1 protection. */
#include "internal.h"

#include <string.h>

#include <openssl/crypto.h>

/* Transport constant of the gen-1 command format, the same for every card
 * (facts: PIN protection, observed). */
static const char transport_key[] = "CHTTL8f0HiCardV2";

enum { DES_BLOCK = 8, IV_LEN = 8, CRYPTOGRAM_LEN = 24, MAC_LEN = 8 };

bool
vc_pin_valid(const char *pin)
{
	size_t len = strlen(pin), i;

	if (len < VC_PIN_MIN || len > VC_PIN_MAX)
		return false;
	for (i = 0; i < len; i++)
		if (!((pin[i] >= '0' && pin[i] <= '9') || (pin[i] >= 'A' && pin[i] <= 'Z') ||
		    (pin[i] >= 'a' && pin[i] <= 'z')))
			return false;
	return true;
}

/* The counter is in the image before the answer goes out: pulling the card
 * never gives a try back. */
static bool
set_tries(struct vcard *card, unsigned tries)
{
	if (card->tries == tries)
		return true;
	card->tries = tries;
	return vc_image_update(card);
}

uint16_t
vc_pin_refuse(struct vcard *card, uint16_t sw)
{
	card->session.verified = false;
	if (card->tries == 0)
		return SW_BLOCKED;
	if (!set_tries(card, card->tries - 1))
		return SW_MEMORY_FAILURE;
	return sw;
}

uint16_t
vc_pin_check(struct vcard *card, const uint8_t block[VC_PIN_BLOCK])
{
	uint8_t expected[VC_PIN_BLOCK];
	uint16_t sw;
	bool same;

	card->session.verified = false;
	if (card->tries == 0)
		return SW_BLOCKED;
	memset(expected, 0xFF, sizeof(expected));
	memcpy(expected, card->pin, strnlen(card->pin, VC_PIN_MAX));
	same = CRYPTO_memcmp(expected, block, sizeof(expected)) == 0;
	OPENSSL_cleanse(expected, sizeof(expected));
	if (!same) {
		sw = vc_pin_refuse(card, SW_PIN_WRONG);
		return sw == SW_PIN_WRONG ? (uint16_t)(SW_PIN_WRONG | card->tries) : sw;
	}
	if (!set_tries(card, VCARD_PIN_TRIES))
		return SW_MEMORY_FAILURE;
	card->session.verified = true;
	return SW_OK;
}

/* 3DES-CBC with the transport key; whole blocks, no padding here. */
static bool
des_cbc(bool encrypt, const uint8_t iv[IV_LEN], const uint8_t *in, size_t len, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok = false;
	int n = 0, rest = 0;

	if (ctx == NULL)
		return false;
	if (EVP_CipherInit_ex(ctx, EVP_des_ede_cbc(), NULL, (const uint8_t *)transport_key, iv,
	    encrypt) != 1 || EVP_CIPHER_CTX_set_padding(ctx, 0) != 1)
		goto out;
	if (EVP_CipherUpdate(ctx, out, &n, in, (int)len) != 1 ||
	    EVP_CipherFinal_ex(ctx, out + n, &rest) != 1 || (size_t)(n + rest) != len)
		goto out;
	ok = true;
out:
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* Last block of 3DES-CBC over the PKCS#7-padded PIN block. */
static bool
pin_mac(const uint8_t iv[IV_LEN], const uint8_t pin[VC_PIN_BLOCK], uint8_t mac[MAC_LEN])
{
	uint8_t padded[2 * DES_BLOCK], out[2 * DES_BLOCK];
	bool ok;

	memset(padded, (int)(sizeof(padded) - VC_PIN_BLOCK), sizeof(padded));
	memcpy(padded, pin, VC_PIN_BLOCK);
	ok = des_cbc(true, iv, padded, sizeof(padded), out);
	memcpy(mac, out + DES_BLOCK, MAC_LEN);
	OPENSSL_cleanse(padded, sizeof(padded));
	return ok;
}

bool
vc_pin_unprotect(const uint8_t *data, size_t len, uint8_t block[VC_PIN_BLOCK])
{
	const uint8_t pad = CRYPTOGRAM_LEN - VC_PIN_BLOCK - MAC_LEN;
	uint8_t plain[CRYPTOGRAM_LEN] = { 0 }, mac[MAC_LEN];
	bool ok = false;
	size_t i;

	if (len != IV_LEN + CRYPTOGRAM_LEN)
		return false;
	if (!des_cbc(false, data, data + IV_LEN, CRYPTOGRAM_LEN, plain))
		goto out;
	for (i = VC_PIN_BLOCK + MAC_LEN; i < CRYPTOGRAM_LEN; i++)
		if (plain[i] != pad)
			goto out;
	if (!pin_mac(data, plain, mac) || CRYPTO_memcmp(mac, plain + VC_PIN_BLOCK, MAC_LEN) != 0)
		goto out;
	memcpy(block, plain, VC_PIN_BLOCK);
	ok = true;
out:
	OPENSSL_cleanse(plain, sizeof(plain));
	return ok;
}
