#include "config.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "apdu/pin_block.h"

#define MAC_SIZE 8
#define CRYPTOGRAM_MAX 32

/*
 * Not a secret: a constant of the command format, the same for every card
 * (facts: gen 1, PIN protection, observed).
 */
static const uint8_t transport_key[16] = {'C', 'H', 'T', 'T', 'L', '8', 'f', '0',
					  'H', 'i', 'C', 'a', 'r', 'd', 'V', '2'};

enum result pin_block(const uint8_t *pin, size_t len, uint8_t out[PIN_BLOCK_SIZE])
{
	if (len == 0 || len > PIN_BLOCK_SIZE)
		return RESULT_PIN_LENGTH;
	memset(out, 0xFF, PIN_BLOCK_SIZE);
	memcpy(out, pin, len);
	return RESULT_OK;
}

/* 3DES-CBC with PKCS#7 padding; out has room for CRYPTOGRAM_MAX bytes. */
static enum result encrypt(OSSL_LIB_CTX *libctx, const uint8_t iv[PIN_IV_SIZE], const uint8_t *in,
			   size_t len, uint8_t *out, size_t *out_len)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(libctx, "DES-EDE-CBC", NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	enum result r = RESULT_CRYPTO;
	int n = 0, rest = 0;

	if (!cipher || !ctx)
		goto out;
	if (!EVP_EncryptInit_ex2(ctx, cipher, transport_key, iv, NULL) ||
	    !EVP_EncryptUpdate(ctx, out, &n, in, (int)len) ||
	    !EVP_EncryptFinal_ex(ctx, out + n, &rest))
		goto out;
	*out_len = (size_t)n + (size_t)rest;
	r = RESULT_OK;
out:
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return r;
}

/*
 * The whole data field: the IV, and from it 3DES-CBC over the blocks and their
 * MAC, which is the last block of 3DES-CBC over them alone. `plain` has room
 * for the MAC behind the blocks.
 */
static enum result protect(OSSL_LIB_CTX *libctx, uint8_t *plain, size_t len,
			   const uint8_t iv[PIN_IV_SIZE], uint8_t *out, size_t out_len)
{
	uint8_t work[CRYPTOGRAM_MAX];
	size_t n = 0;
	enum result r = encrypt(libctx, iv, plain, len, work, &n);

	if (r == RESULT_OK) {
		memcpy(plain + len, work + n - MAC_SIZE, MAC_SIZE);
		r = encrypt(libctx, iv, plain, len + MAC_SIZE, work, &n);
	}
	if (r == RESULT_OK && n != out_len - PIN_IV_SIZE)
		r = RESULT_CRYPTO;
	if (r == RESULT_OK) {
		memcpy(out, iv, PIN_IV_SIZE);
		memcpy(out + PIN_IV_SIZE, work, n);
	}
	OPENSSL_cleanse(work, sizeof work);
	return r;
}

enum result pin_protect(OSSL_LIB_CTX *libctx, const uint8_t *pin, size_t len,
			const uint8_t iv[PIN_IV_SIZE], uint8_t out[PIN_PROTECTED_SIZE])
{
	uint8_t plain[PIN_BLOCK_SIZE + MAC_SIZE];
	enum result r = pin_block(pin, len, plain);

	if (r == RESULT_OK)
		r = protect(libctx, plain, PIN_BLOCK_SIZE, iv, out, PIN_PROTECTED_SIZE);
	OPENSSL_cleanse(plain, sizeof plain);
	return r;
}

enum result pin_protect_pair(OSSL_LIB_CTX *libctx, const uint8_t *first, size_t first_len,
			     const uint8_t *second, size_t second_len,
			     const uint8_t iv[PIN_IV_SIZE], uint8_t out[PIN_PAIR_PROTECTED_SIZE])
{
	uint8_t plain[2 * PIN_BLOCK_SIZE + MAC_SIZE];
	enum result r = pin_block(first, first_len, plain);

	if (r == RESULT_OK)
		r = pin_block(second, second_len, plain + PIN_BLOCK_SIZE);
	if (r == RESULT_OK)
		r = protect(libctx, plain, 2 * PIN_BLOCK_SIZE, iv, out, PIN_PAIR_PROTECTED_SIZE);
	OPENSSL_cleanse(plain, sizeof plain);
	return r;
}
