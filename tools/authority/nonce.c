#include "config.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "tools/authority/hex.h"
#include "tools/authority/nonce.h"

#define TIME_LEN 8
#define RANDOM_LEN 16
#define MAC_LEN 16
#define MAC_AT (TIME_LEN + RANDOM_LEN)
#define ALL_LEN (MAC_AT + MAC_LEN)

static const char label[] = "nonce"; /* the secret may get other uses */

static bool make_mac(const uint8_t secret[NONCE_SECRET_LEN], const uint8_t bytes[MAC_AT], uint8_t out[MAC_LEN])
{
	uint8_t in[sizeof label + MAC_AT], all[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	memcpy(in, label, sizeof label);
	memcpy(in + sizeof label, bytes, MAC_AT);
	if (!HMAC(EVP_sha256(), secret, NONCE_SECRET_LEN, in, sizeof in, all, &len) || len < MAC_LEN)
		return false;
	memcpy(out, all, MAC_LEN);
	return true;
}

bool nonce_make(const uint8_t secret[NONCE_SECRET_LEN], time_t now, char out[NONCE_LEN + 1], time_t *expires)
{
	uint8_t bytes[ALL_LEN];
	uint64_t end = (uint64_t)now + NONCE_SECONDS;

	*expires = now + NONCE_SECONDS;
	for (int i = TIME_LEN - 1; i >= 0; i--, end >>= 8)
		bytes[i] = (uint8_t)end;
	if (RAND_bytes(bytes + TIME_LEN, RANDOM_LEN) != 1 || !make_mac(secret, bytes, bytes + MAC_AT))
		return false;
	hex_write(bytes, sizeof bytes, out);
	return true;
}

bool nonce_good(const uint8_t secret[NONCE_SECRET_LEN], time_t now, const char *text)
{
	uint8_t bytes[ALL_LEN], mac[MAC_LEN];
	uint64_t end = 0;

	if (!hex_read(text, bytes, sizeof bytes) || !make_mac(secret, bytes, mac) ||
	    CRYPTO_memcmp(mac, bytes + MAC_AT, MAC_LEN) != 0)
		return false;
	for (int i = 0; i < TIME_LEN; i++)
		end = end << 8 | bytes[i];
	return now >= 0 && (uint64_t)now < end;
}
