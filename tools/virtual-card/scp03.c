/*
 * scp03.c - the card's side of SCP03 (GlobalPlatform Amendment D), security
 * level 3 without R-MAC: keys, cryptograms, MAC check and decryption.
 */
#include "internal.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

enum {
	KEY_LEN = 16,
	AES_BLOCK = 16,
	MAC_LEN = 8,
	CRYPTOGRAM_LEN = 8,
	/* derivation constants of Amendment D */
	DERIVE_CARD_CRYPTOGRAM = 0x00,
	DERIVE_HOST_CRYPTOGRAM = 0x01,
	DERIVE_ENC = 0x04,
	DERIVE_MAC = 0x06,
	/* context types of the issuer's diversification (facts: key
	 * diversification, observed) */
	TYPE_ENC = 0x01,
	TYPE_MAC = 0x02,
	KEY_VERSION = 0x01,
	LEVEL_MAC_AND_DECRYPTION = 0x03,
	CONTEXT_MAX = 32
};

/* Last five bytes of the diversification application's AID. */
static const uint8_t diversifier[5] = { 0x53, 0x89, 0xC0, 0x00, 0x14 };

/* ---- primitives ------------------------------------------------------------------- */

/* AES-CMAC over two pieces; `second` may be empty. */
static bool
cmac(const uint8_t key[KEY_LEN], const uint8_t *first, size_t first_len, const uint8_t *second,
    size_t second_len, uint8_t mac[AES_BLOCK])
{
	OSSL_PARAM params[2];
	EVP_MAC *type = EVP_MAC_fetch(NULL, "CMAC", NULL);
	EVP_MAC_CTX *ctx = type != NULL ? EVP_MAC_CTX_new(type) : NULL;
	char cipher[] = "AES-128-CBC";
	size_t len = 0;
	bool ok;

	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0);
	params[1] = OSSL_PARAM_construct_end();
	ok = ctx != NULL && EVP_MAC_init(ctx, key, KEY_LEN, params) == 1 &&
	    EVP_MAC_update(ctx, first, first_len) == 1 &&
	    (second_len == 0 || EVP_MAC_update(ctx, second, second_len) == 1) &&
	    EVP_MAC_final(ctx, mac, &len, AES_BLOCK) == 1 && len == AES_BLOCK;
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(type);
	return ok;
}

/* SP 800-108 in counter mode, one block: at most 16 bytes. */
static bool
derive(const uint8_t key[KEY_LEN], uint8_t constant, const uint8_t *context, size_t context_len,
    uint8_t *out, size_t out_len)
{
	uint8_t prefix[16] = { 0 }, block[AES_BLOCK];
	bool ok;

	prefix[11] = constant;
	prefix[13] = (uint8_t)(out_len * 8 >> 8);
	prefix[14] = (uint8_t)(out_len * 8 & 0xFF);
	prefix[15] = 0x01;
	ok = out_len <= sizeof(block) &&
	    cmac(key, prefix, sizeof(prefix), context, context_len, block);
	if (ok)
		memcpy(out, block, out_len);
	OPENSSL_cleanse(block, sizeof(block));
	return ok;
}

static bool
static_key(const struct vcard *card, uint8_t constant, uint8_t type, uint8_t key[KEY_LEN])
{
	uint8_t context[1 + VCARD_CIN_LEN + sizeof(diversifier)];

	context[0] = type;
	memcpy(context + 1, card->cin, VCARD_CIN_LEN);
	memcpy(context + 1 + VCARD_CIN_LEN, diversifier, sizeof(diversifier));
	return derive(card->master_key, constant, context, sizeof(context), key, KEY_LEN);
}

/* One direction of AES-128 without padding; CBC, or ECB when iv is NULL. */
static bool
aes(bool encrypt, const uint8_t key[KEY_LEN], const uint8_t *iv, const uint8_t *in, size_t len,
    uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const EVP_CIPHER *cipher = iv != NULL ? EVP_aes_128_cbc() : EVP_aes_128_ecb();
	int n = 0, rest = 0;
	bool ok;

	ok = ctx != NULL && EVP_CipherInit_ex(ctx, cipher, NULL, key, iv, encrypt) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	    EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 &&
	    EVP_CipherFinal_ex(ctx, out + n, &rest) == 1 && (size_t)n + (size_t)rest == len;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* ---- opening ------------------------------------------------------------------------ */

void
vc_scp_close(struct vcard *card)
{
	OPENSSL_cleanse(&card->session.scp, sizeof(card->session.scp));
	vc_keyop_clear(&card->session.keyop);
	card->session.verified = false;
	card->session.df_in_channel = false;
	card->session.issuer = false;
	card->session.challenge_age = 0;
}

/* Session keys and cryptograms from the two challenges. */
static bool
session_keys(struct vcard *card, const uint8_t challenges[2 * VCARD_CHALLENGE_LEN],
    uint8_t card_cryptogram[CRYPTOGRAM_LEN])
{
	struct vc_scp *scp = &card->session.scp;
	const size_t len = 2 * VCARD_CHALLENGE_LEN;
	uint8_t enc[KEY_LEN], mac[KEY_LEN];
	bool ok;

	ok = static_key(card, DERIVE_ENC, TYPE_ENC, enc) &&
	    static_key(card, DERIVE_MAC, TYPE_MAC, mac) &&
	    derive(enc, DERIVE_ENC, challenges, len, scp->s_enc, KEY_LEN) &&
	    derive(mac, DERIVE_MAC, challenges, len, scp->s_mac, KEY_LEN) &&
	    derive(scp->s_mac, DERIVE_CARD_CRYPTOGRAM, challenges, len, card_cryptogram,
	    CRYPTOGRAM_LEN) &&
	    derive(scp->s_mac, DERIVE_HOST_CRYPTOGRAM, challenges, len, scp->host_cryptogram,
	    CRYPTOGRAM_LEN);
	OPENSSL_cleanse(enc, sizeof(enc));
	OPENSSL_cleanse(mac, sizeof(mac));
	return ok;
}

void
vc_scp_initialize(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	uint8_t challenges[2 * VCARD_CHALLENGE_LEN], answer[29], *at = answer;

	vc_scp_close(card);
	if (apdu->p2 != 0x00) {
		reply->sw = SW_WRONG_P1P2;
		return;
	}
	if (apdu->p1 != 0x00 && apdu->p1 != KEY_VERSION) {
		reply->sw = SW_NO_REFERENCE;
		return;
	}
	if (apdu->lc != VCARD_CHALLENGE_LEN || !apdu->has_le) {
		reply->sw = SW_WRONG_LENGTH;
		return;
	}
	reply->sw = SW_MEMORY_FAILURE;
	memcpy(challenges, apdu->data, VCARD_CHALLENGE_LEN);
	if (card->fixed_challenge)
		memcpy(challenges + VCARD_CHALLENGE_LEN, card->challenge, VCARD_CHALLENGE_LEN);
	else if (RAND_bytes(challenges + VCARD_CHALLENGE_LEN, VCARD_CHALLENGE_LEN) != 1)
		return;
	memcpy(at, card->cin, VCARD_CIN_LEN);
	at += VCARD_CIN_LEN;
	*at++ = KEY_VERSION;
	*at++ = 0x03; /* SCP03 */
	*at++ = 0x00; /* i: random challenge, no R-MAC */
	memcpy(at, challenges + VCARD_CHALLENGE_LEN, VCARD_CHALLENGE_LEN);
	at += VCARD_CHALLENGE_LEN;
	if (!session_keys(card, challenges, at))
		return;
	card->session.scp.initialised = true;
	vc_reply_data(reply, answer, sizeof(answer));
}

/* The MAC covers chaining value, header with the new Lc, and data; on success
 * it becomes the chaining value. */
static bool
check_mac(struct vc_scp *scp, const struct vc_apdu *apdu)
{
	uint8_t head[AES_BLOCK + 5], mac[AES_BLOCK];
	size_t len = apdu->lc - MAC_LEN;
	bool ok;

	memcpy(head, scp->chaining, AES_BLOCK);
	head[AES_BLOCK] = apdu->cla;
	head[AES_BLOCK + 1] = apdu->ins;
	head[AES_BLOCK + 2] = apdu->p1;
	head[AES_BLOCK + 3] = apdu->p2;
	head[AES_BLOCK + 4] = (uint8_t)apdu->lc;
	ok = cmac(scp->s_mac, head, sizeof(head), apdu->data, len, mac) &&
	    CRYPTO_memcmp(mac, apdu->data + len, MAC_LEN) == 0;
	if (ok)
		memcpy(scp->chaining, mac, AES_BLOCK);
	OPENSSL_cleanse(mac, sizeof(mac));
	return ok;
}

void
vc_scp_authenticate(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	struct vc_scp *scp = &card->session.scp;

	if (!scp->initialised)
		reply->sw = SW_CONDITIONS;
	else if (apdu->p1 != LEVEL_MAC_AND_DECRYPTION || apdu->p2 != 0)
		reply->sw = SW_WRONG_P1P2;
	else if (apdu->lc != CRYPTOGRAM_LEN + MAC_LEN)
		reply->sw = SW_WRONG_LENGTH;
	else if (!check_mac(scp, apdu))
		reply->sw = SW_SM_DATA;
	else if (CRYPTO_memcmp(scp->host_cryptogram, apdu->data, CRYPTOGRAM_LEN) != 0)
		reply->sw = SW_AUTH_FAILED;
	else {
		scp->initialised = false;
		scp->open = true;
		scp->counter = 0;
		reply->sw = SW_OK;
		return;
	}
	vc_scp_close(card);
}

/* ---- commands inside --------------------------------------------------------------- */

/* Padding is 80 and zeros; false when it is not there. */
static bool
unpad(const uint8_t *data, size_t *len)
{
	size_t n = *len;

	while (n > 0 && data[n - 1] == 0x00)
		n--;
	if (n == 0 || data[n - 1] != 0x80 || *len - n >= AES_BLOCK)
		return false;
	*len = n - 1;
	return true;
}

static bool
decrypt(struct vc_scp *scp, const uint8_t *in, size_t len, uint8_t *out, size_t *out_len)
{
	uint8_t counter[AES_BLOCK] = { 0 }, iv[AES_BLOCK];

	if (len % AES_BLOCK != 0)
		return false;
	/* Only encrypted commands count (facts: SCP03, observed). */
	scp->counter++;
	counter[12] = (uint8_t)(scp->counter >> 24);
	counter[13] = (uint8_t)(scp->counter >> 16 & 0xFF);
	counter[14] = (uint8_t)(scp->counter >> 8 & 0xFF);
	counter[15] = (uint8_t)(scp->counter & 0xFF);
	*out_len = len;
	return aes(true, scp->s_enc, NULL, counter, sizeof(counter), iv) &&
	    aes(false, scp->s_enc, iv, in, len, out) && unpad(out, out_len);
}

bool
vc_scp_unwrap(struct vcard *card, const struct vc_apdu *apdu, struct vc_apdu *plain,
    uint8_t buffer[255])
{
	struct vc_scp *scp = &card->session.scp;

	*plain = *apdu;
	plain->cla = (uint8_t)(apdu->cla & ~0x04);
	plain->data = buffer;
	plain->lc = 0;
	if (apdu->lc < MAC_LEN || !check_mac(scp, apdu) ||
	    (apdu->lc > MAC_LEN &&
	    !decrypt(scp, apdu->data, apdu->lc - MAC_LEN, buffer, &plain->lc))) {
		vc_scp_close(card);
		return false;
	}
	return true;
}
