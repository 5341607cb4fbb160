/*
 * vcard_client.h - the client's side of the cards' protocol, written out by
 * hand for the virtual card's own tests. It shares nothing with the card
 * library. One test program includes it once.
 */
#ifndef VCARD_CLIENT_H
#define VCARD_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/cmac.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "vcard.h"

#ifndef TESTDATA
#define TESTDATA "tests/data"
#endif

#define TRANSPORT_KEY "CHTTL8f0HiCardV2"
#define SELECT_PKI "00A4040C10A000000283000006220169640001010100"

/* The last answer's data, without its status word. */
static uint8_t answer[VCARD_RESPONSE_MAX];
static size_t answer_len;

static inline size_t
unhex(const char *hex, uint8_t *out, size_t cap)
{
	size_t n = 0;
	unsigned byte;

	for (; *hex != '\0'; hex++) {
		if (*hex == ' ')
			continue;
		assert_true(n < cap);
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		out[n++] = (uint8_t)byte;
		hex++;
	}
	return n;
}

/* Sends bytes and returns the status word; the data stays in `answer`. */
static inline unsigned
send_bytes(struct vcard *card, const uint8_t *cmd, size_t len)
{
	assert_int_equal(vcard_transmit(card, cmd, len, answer, sizeof(answer), &answer_len),
	    VCARD_ANSWERED);
	assert_true(answer_len >= 2);
	answer_len -= 2;
	return (unsigned)(answer[answer_len] << 8 | answer[answer_len + 1]);
}

static inline unsigned
send_hex(struct vcard *card, const char *hex)
{
	uint8_t cmd[512];

	return send_bytes(card, cmd, unhex(hex, cmd, sizeof(cmd)));
}

/* ---- gen 1, client side ----------------------------------------------------- */

static inline void
des_cbc(const uint8_t *iv, const uint8_t *in, int len, uint8_t *out, int *out_len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, rest;

	assert_non_null(ctx);
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_des_ede_cbc(), NULL,
	    (const uint8_t *)TRANSPORT_KEY, iv), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, in, len), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, out + n, &rest), 1);
	EVP_CIPHER_CTX_free(ctx);
	*out_len = n + rest;
}

static inline void
protect_pin(const char *pin, const uint8_t iv[8], uint8_t data[32])
{
	uint8_t block[18], mac[16];
	int len;

	memset(block, 0xFF, sizeof(block));
	memcpy(block, pin, strlen(pin));
	des_cbc(iv, block, 10, mac, &len);
	assert_int_equal(len, 16);
	memcpy(block + 10, mac + 8, 8);
	memcpy(data, iv, 8);
	des_cbc(iv, block, 18, data + 8, &len);
	assert_int_equal(len, 24);
}

static inline unsigned
verify1(struct vcard *card, const char *pin)
{
	uint8_t cmd[37] = { 0x8C, 0x20, 0x00, 0x01, 0x20 }, iv[8];

	assert_int_equal(RAND_bytes(iv, sizeof(iv)), 1);
	protect_pin(pin, iv, cmd + 5);
	return send_bytes(card, cmd, sizeof(cmd));
}

static inline void
to_key_df(struct vcard *card)
{
	assert_int_equal(send_hex(card, "80A40000023F00"), 0x9000);
	assert_int_equal(send_hex(card, "80A40000025030"), 0x9000);
	assert_int_equal(send_hex(card, "80A40000020810"), 0x9000);
}

static inline unsigned
half(struct vcard *card, uint8_t cla, uint8_t p1, uint8_t ref, const uint8_t data[128])
{
	uint8_t cmd[133] = { cla, 0xEA, p1, ref, 0x80 };

	memcpy(cmd + 5, data, 128);
	return send_bytes(card, cmd, sizeof(cmd));
}

/* A block that the public operation turns into `expected`. */
static inline void
check_private(struct vcard *card, unsigned ref, const uint8_t block[256], const uint8_t result[256])
{
	EVP_PKEY *pkey = vcard_public_key(card, ref);
	EVP_PKEY_CTX *ctx;
	uint8_t back[256];
	size_t len = sizeof(back);

	assert_non_null(pkey);
	ctx = EVP_PKEY_CTX_new(pkey, NULL);
	assert_non_null(ctx);
	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
	assert_int_equal(EVP_PKEY_encrypt(ctx, back, &len, result, 256), 1);
	assert_memory_equal(back, block, 256);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
}

static inline void
make_block(uint8_t block[256])
{
	assert_int_equal(RAND_bytes(block, 256), 1);
	block[0] = 0;
}

/* A card as it comes from the shelf, in its reader. */
static inline bool
freshen(struct vcard *card)
{
	const struct vcard_behaviour none = { 0 };

	vcard_behaviour_set(card, &none);
	vcard_fault(card, 0, VCARD_FAULT_NONE, 0);
	vcard_set_trace(card, NULL, NULL);
	vcard_set_card_challenge(card, NULL);
	if (!vcard_set_pin_tries(card, 3))
		return false;
	vcard_power_on(card);
	vcard_stats_reset(card);
	return true;
}

#endif
