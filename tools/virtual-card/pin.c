/*
 * pin.c - the user PIN and the unblocking code: comparison, try counters,
 * replacement, and the gen-1 protection.
 */
#include "internal.h"

#include <string.h>

#include <openssl/crypto.h>

/* Transport constant of the gen-1 command format, the same for every card
 * (facts: PIN protection, observed). */
static const char transport_key[] = "CHTTL8f0HiCardV2";

enum { DES_BLOCK = 8, IV_LEN = 8, BLOCKS_MAX = 2, CRYPTOGRAM_MAX = 32, MAC_LEN = 8 };

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
set_counter(struct vcard *card, unsigned *counter, unsigned tries)
{
	if (*counter == tries)
		return true;
	*counter = tries;
	return vc_image_update(card);
}

static uint16_t
refuse(struct vcard *card, unsigned *counter, uint16_t sw)
{
	card->session.verified = false;
	if (*counter == 0)
		return SW_BLOCKED;
	if (!set_counter(card, counter, *counter - 1))
		return SW_MEMORY_FAILURE;
	return sw;
}

uint16_t
vc_pin_refuse(struct vcard *card, uint16_t sw)
{
	return refuse(card, &card->tries, sw);
}

uint16_t
vc_code_refuse(struct vcard *card, uint16_t sw)
{
	return refuse(card, &card->unblock_tries, sw);
}

/* Is this the padded text? 9000, or 63Cx and 6983 with a try less. */
static uint16_t
compare(struct vcard *card, const char *text, unsigned *counter, const uint8_t block[VC_PIN_BLOCK])
{
	uint8_t expected[VC_PIN_BLOCK];
	uint16_t sw;
	bool same;

	card->session.verified = false;
	if (*counter == 0)
		return SW_BLOCKED;
	memset(expected, 0xFF, sizeof(expected));
	memcpy(expected, text, strnlen(text, VC_PIN_MAX));
	same = CRYPTO_memcmp(expected, block, sizeof(expected)) == 0;
	OPENSSL_cleanse(expected, sizeof(expected));
	if (same)
		return SW_OK;
	sw = refuse(card, counter, SW_PIN_WRONG);
	return sw == SW_PIN_WRONG ? (uint16_t)(SW_PIN_WRONG | *counter) : sw;
}

uint16_t
vc_pin_check(struct vcard *card, const uint8_t block[VC_PIN_BLOCK])
{
	uint16_t sw = compare(card, card->pin, &card->tries, block);

	if (sw != SW_OK)
		return sw;
	if (!set_counter(card, &card->tries, VCARD_PIN_TRIES))
		return SW_MEMORY_FAILURE;
	card->session.verified = true;
	return SW_OK;
}

/* The PIN in a padded block; false when it cannot be one. */
static bool
unpad_pin(const uint8_t block[VC_PIN_BLOCK], char pin[VC_PIN_MAX + 1])
{
	size_t len = 0, i;

	while (len < VC_PIN_BLOCK && block[len] != 0xFF && block[len] != 0x00)
		len++;
	for (i = len; i < VC_PIN_BLOCK; i++)
		if (block[i] != 0xFF)
			return false;
	if (len > VC_PIN_MAX)
		return false;
	memcpy(pin, block, len);
	pin[len] = '\0';
	return vc_pin_valid(pin);
}

/*
 * PIN and counters change together, in one image, before the answer goes out:
 * a card that is pulled has either the old PIN or the new one.
 */
static uint16_t
replace_pin(struct vcard *card, const uint8_t block[VC_PIN_BLOCK], unsigned unblock_tries)
{
	char pin[VC_PIN_MAX + 1] = "", before[VC_PIN_MAX + 1];
	unsigned tries = card->tries, code_tries = card->unblock_tries;
	uint16_t sw = SW_OK;

	memcpy(before, card->pin, sizeof(before));
	if (!unpad_pin(block, pin))
		sw = SW_WRONG_DATA;
	else {
		memcpy(card->pin, pin, sizeof(pin));
		card->tries = VCARD_PIN_TRIES;
		card->unblock_tries = unblock_tries;
		if (!vc_image_update(card)) {
			memcpy(card->pin, before, sizeof(before));
			card->tries = tries;
			card->unblock_tries = code_tries;
			sw = SW_MEMORY_FAILURE;
		}
	}
	OPENSSL_cleanse(pin, sizeof(pin));
	OPENSSL_cleanse(before, sizeof(before));
	return sw;
}

/* The old PIN verifies, as VERIFY does (ISO 7816-4 lets it; ours: a client
 * must not rely on the contrary). */
uint16_t
vc_pin_change(struct vcard *card, const uint8_t blocks[2 * VC_PIN_BLOCK])
{
	uint16_t sw = compare(card, card->pin, &card->tries, blocks);

	if (sw == SW_OK && CRYPTO_memcmp(blocks, blocks + VC_PIN_BLOCK, VC_PIN_BLOCK) == 0)
		sw = SW_WRONG_DATA;
	if (sw == SW_OK)
		sw = replace_pin(card, blocks + VC_PIN_BLOCK, card->unblock_tries);
	card->session.verified = sw == SW_OK;
	return sw;
}

uint16_t
vc_pin_unblock(struct vcard *card, const uint8_t blocks[2 * VC_PIN_BLOCK])
{
	uint16_t sw = compare(card, card->unblock_code, &card->unblock_tries, blocks);

	if (sw == SW_OK)
		sw = replace_pin(card, blocks + VC_PIN_BLOCK, VCARD_UNBLOCK_TRIES);
	return sw;
}

bool
vc_des_cbc(const uint8_t *key, bool encrypt, const uint8_t *iv, const uint8_t *in, size_t len,
    uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok = false;
	int n = 0, rest = 0;

	if (ctx == NULL)
		return false;
	if (EVP_CipherInit_ex(ctx, EVP_des_ede_cbc(), NULL, key, iv, encrypt) != 1 ||
	    EVP_CIPHER_CTX_set_padding(ctx, 0) != 1)
		goto out;
	if (EVP_CipherUpdate(ctx, out, &n, in, (int)len) != 1 ||
	    EVP_CipherFinal_ex(ctx, out + n, &rest) != 1 || (size_t)n + (size_t)rest != len)
		goto out;
	ok = true;
out:
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* With the transport key. */
static bool
des_cbc(bool encrypt, const uint8_t iv[IV_LEN], const uint8_t *in, size_t len, uint8_t *out)
{
	return vc_des_cbc((const uint8_t *)transport_key, encrypt, iv, in, len, out);
}

/* Fills up with PKCS#7 padding, at least one byte; answers the whole length. */
static size_t
pad_blocks(uint8_t *data, size_t len)
{
	size_t pad = DES_BLOCK - len % DES_BLOCK;

	memset(data + len, (int)pad, pad);
	return len + pad;
}

/* Last block of 3DES-CBC over the padded PIN blocks. */
static bool
pin_mac(const uint8_t iv[IV_LEN], const uint8_t *pins, size_t len, uint8_t mac[MAC_LEN])
{
	uint8_t padded[CRYPTOGRAM_MAX], out[CRYPTOGRAM_MAX];
	size_t whole;
	bool ok;

	memcpy(padded, pins, len);
	whole = pad_blocks(padded, len);
	ok = des_cbc(true, iv, padded, whole, out);
	memcpy(mac, out + whole - MAC_LEN, MAC_LEN);
	OPENSSL_cleanse(padded, sizeof(padded));
	return ok;
}

bool
vc_pin_unprotect(const uint8_t *data, size_t len, uint8_t *blocks, size_t count)
{
	const size_t pins = count * VC_PIN_BLOCK, clear = pins + MAC_LEN;
	uint8_t plain[CRYPTOGRAM_MAX] = { 0 }, padded[CRYPTOGRAM_MAX], mac[MAC_LEN];
	bool ok = false;
	size_t whole;

	if (count == 0 || count > BLOCKS_MAX)
		return false;
	whole = pad_blocks(padded, clear);
	if (len != IV_LEN + whole)
		return false;
	if (!des_cbc(false, data, data + IV_LEN, whole, plain))
		goto out;
	if (memcmp(plain + clear, padded + clear, whole - clear) != 0)
		goto out;
	if (!pin_mac(data, plain, pins, mac) || CRYPTO_memcmp(mac, plain + pins, MAC_LEN) != 0)
		goto out;
	memcpy(blocks, plain, pins);
	ok = true;
out:
	OPENSSL_cleanse(plain, sizeof(plain));
	return ok;
}
